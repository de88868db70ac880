#include "mayfly/dead_letters/letter_options.h"

#include <algorithm>
#include <optional>
#include <string_view>

namespace mayfly::dead_letters {
namespace {

using Mistakes = std::vector<std::string>;

void add(Mistakes& mistakes, std::string_view option, std::string_view expected,
         std::string_view found) {
  mistakes.push_back(std::string(option) + ": expected " + std::string(expected) + ", found \"" +
                     std::string(found) + "\"");
}

bool is_separator(std::string_view text) {
  return text.size() == 1 && text[0] != '\n' && text[0] != '\r' && text[0] != '\0';
}

void parse_dialect(const sdk::Options& values, LetterOptions& options, Mistakes& mistakes) {
  std::string_view delimiter = values.text(kDelimiter);
  if (delimiter == "tab" || delimiter == "\\t") delimiter = "\t";
  if (is_separator(delimiter)) {
    options.dialect.delimiter = delimiter[0];
  } else {
    add(mistakes, "delimiter", "one byte that isn't a newline, or tab", delimiter);
  }
  const std::string_view quote = values.text(kQuote);
  if (quote == "none" || quote.empty()) {
    options.dialect.quote = std::nullopt;
  } else if (is_separator(quote)) {
    options.dialect.quote = quote[0];
  } else {
    add(mistakes, "quote", "one byte that isn't a newline, or none", quote);
  }
  if (options.dialect.quote == options.dialect.delimiter) {
    add(mistakes, "quote", "another character than the delimiter", quote);
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
  if (!known) return add(mistakes, "types", "column=int64, float64, text or any", entry);
  Column* column = find(options.columns, entry.substr(0, equals));
  if (column == nullptr) return add(mistakes, "types", "one of the columns before the =", entry);
  column->type = *type;
}

}  // namespace

std::vector<std::string> parse_options(const sdk::Options& values, LetterOptions& options) {
  Mistakes mistakes;
  options.path = values.text(kPath);
  if (options.path.empty() || options.path == "-") {
    add(mistakes, "path", "a file, which can be read again", options.path);
  }
  if (values.is_set(kKey)) options.key = values.text(kKey);
  for (std::uint64_t i = 0; i < values.list_size(kColumns); ++i) {
    const std::string_view name = values.list_at(kColumns, i);
    if (find(options.columns, name) != nullptr) {
      add(mistakes, "columns", "each name once (upper and lower case are the same)", name);
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
