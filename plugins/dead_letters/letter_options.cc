#include "mayfly/dead_letters/letter_options.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "mayfly/data/readers/csv_dialect.h"
#include "mayfly/sdk/mistakes.h"

namespace mayfly::dead_letters {
namespace {

using Mistakes = std::vector<std::string>;

using sdk::add_mistake;

void parse_dialect(const sdk::Options& values, LetterOptions& options, Mistakes& mistakes) {
  const std::string_view delimiter = values.text(kDelimiter);
  if (const std::optional<char> one = separator_of(delimiter)) {
    options.dialect.delimiter = *one;
  } else {
    add_mistake(mistakes, "delimiter", "one byte that isn't a newline, or tab", delimiter);
  }
  const std::string_view quote = values.text(kQuote);
  if (!parse_quote(quote, options.dialect.quote)) {
    add_mistake(mistakes, "quote", "one byte that isn't a newline, or none", quote);
  }
  if (options.dialect.quote == options.dialect.delimiter) {
    add_mistake(mistakes, "quote", "another character than the delimiter", quote);
  }
}

Column* find(std::vector<Column>& columns, std::string_view name) {
  const auto found = std::ranges::find_if(
      columns, [name](const Column& column) { return is_same_column(column.name, name); });
  return found == columns.end() ? nullptr : &*found;
}

void parse_type(std::string_view entry, LetterOptions& options, Mistakes& mistakes) {
  const std::size_t equals = entry.rfind('=');  // a column's name may hold one
  const auto type = equals == std::string_view::npos ? std::optional<ColumnType>()
                                                     : column_type_from(entry.substr(equals + 1));
  const bool known = type == ColumnType::kInt64 || type == ColumnType::kFloat64 ||
                     type == ColumnType::kText || type == ColumnType::kAny;
  if (!known) return add_mistake(mistakes, "types", "column=int64, float64, text or any", entry);
  Column* column = find(options.columns, entry.substr(0, equals));
  if (column == nullptr)
    return add_mistake(mistakes, "types", "one of the columns before the =", entry);
  column->type = *type;
}

}  // namespace

std::vector<std::string> parse_options(const sdk::Options& values, LetterOptions& options) {
  Mistakes mistakes;
  options.path = values.text(kPath);
  if (options.path.empty() || options.path == "-") {
    add_mistake(mistakes, "path", "a file, which can be read again", options.path);
  }
  if (values.is_set(kKey)) options.key = values.text(kKey);
  for (std::uint64_t i = 0; i < values.list_size(kColumns); ++i) {
    const std::string_view name = values.list_at(kColumns, i);
    if (find(options.columns, name) != nullptr) {
      add_mistake(mistakes, "columns", "each name once (upper and lower case are the same)", name);
      continue;
    }
    options.columns.push_back({std::string(name), ColumnType::kAny});
  }
  for (std::uint64_t i = 0; values.is_set(kTypes) && i < values.list_size(kTypes); ++i) {
    parse_type(values.list_at(kTypes, i), options, mistakes);
  }
  parse_dialect(values, options, mistakes);
  options.ignore_extra = values.choice(kOnExtra) == 1;
  return mistakes;
}

}  // namespace mayfly::dead_letters
