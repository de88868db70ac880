#include "mayfly/dead_letters/letter_options.h"

#include <algorithm>
#include <charconv>
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
  options.dialect.backslash = values.choice(kEscape) == 1;
  if (options.dialect.backslash && options.dialect.quote) {
    add_mistake(mistakes, "escape", "none, or quote = none beside it", "backslash");
  }
}

void parse_fields(const sdk::Options& values, LetterOptions& options, Mistakes& mistakes) {
  options.field_count = static_cast<std::uint32_t>(values.integer(kFieldCount));
  for (std::uint64_t i = 0; values.is_set(kFields) && i < values.list_size(kFields); ++i) {
    const std::string_view text = values.list_at(kFields, i);
    const std::uint32_t last = options.field_count;
    std::uint32_t field = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), field);
    if (error != std::errc() || end != text.data() + text.size() || field == 0 || field > last) {
      add_mistake(mistakes, "fields", "numbers from 1 to field_count", text);
      continue;
    }
    options.fields.push_back(field - 1);
  }
  const std::size_t columns = options.columns.size();
  if (values.is_set(kFields) && values.list_size(kFields) != columns) {
    add_mistake(mistakes, "fields", "one for each column",
                std::to_string(values.list_size(kFields)));
  }
  if (!values.is_set(kFields) && options.field_count != 0 && options.field_count != columns) {
    add_mistake(mistakes, "field_count", "the number of columns, or fields beside it",
                std::to_string(options.field_count));
  }
}

std::vector<std::string> list_of(const sdk::Options& values, Option option) {
  std::vector<std::string> list;
  for (std::uint64_t i = 0; values.is_set(option) && i < values.list_size(option); ++i) {
    list.emplace_back(values.list_at(option, i));
  }
  return list;
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
  if (!type) {
    return add_mistake(mistakes, "types",
                       "column=int64, float64, text, blob, bool, timestamp, json or any", entry);
  }
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
  options.typed = values.flag(kTyped);
  constexpr LetterOptions::Records kRecords[] = {
      LetterOptions::Records::kAuto, LetterOptions::Records::kCsv, LetterOptions::Records::kJson};
  options.records = kRecords[values.choice(kFormat)];
  parse_dialect(values, options, mistakes);
  parse_fields(values, options, mistakes);
  constexpr EmptyField kEmptyFields[] = {EmptyField::kAuto, EmptyField::kNull, EmptyField::kText};
  options.empty = kEmptyFields[values.choice(kEmpty)];
  options.nulls = list_of(values, kNull);
  options.keys = list_of(values, kKeys);
  if (!options.keys.empty() && options.keys.size() != options.columns.size()) {
    add_mistake(mistakes, "keys", "one for each column", std::to_string(options.keys.size()));
  }
  options.ignore_extra = values.choice(kOnExtra) == 1;
  options.keep_changes = values.choice(kOnChange) == 1;
  return mistakes;
}

}  // namespace mayfly::dead_letters
