#include "mayfly/file/record_format.h"

#include <cstdint>
#include <string_view>
#include <vector>

#include "mayfly/base/json_text.h"

namespace mayfly::file {
namespace {

JsonText list_of(const std::vector<std::string>& texts) {
  JsonText json = JsonText::array();
  for (const std::string& text : texts) json.add(text);
  return json;
}

JsonText types_of(const std::vector<Column>& columns) {
  JsonText json = JsonText::array();
  for (const Column& column : columns) {
    if (column.type != ColumnType::kAny)
      json.add(column.name + "=" + std::string(name_of(column.type)));
  }
  return json;
}

JsonText names_of(const std::vector<Column>& columns) {
  JsonText json = JsonText::array();
  for (const Column& column : columns) json.add(column.name);
  return json;
}

std::string of_csv(const FileOptions& options, const Inspection& found) {
  const CsvDialect& dialect = found.dialect;
  JsonText json = JsonText::object();
  json.add("format", "csv");
  json.add("columns", names_of(found.shape.columns)).add("types", types_of(found.shape.columns));
  if (!found.shape.fields.empty()) {
    JsonText fields = JsonText::array();
    for (const std::uint32_t field : found.shape.fields) fields.add(std::to_string(field + 1));
    json.add("fields", fields).add("field_count", found.shape.field_count);
  }
  json.add("delimiter", std::string_view(&dialect.delimiter, 1));
  json.add("quote", dialect.quote ? std::string_view(&*dialect.quote, 1) : "none");
  if (dialect.backslash) json.add("escape", "backslash");
  if (options.empty != EmptyField::kAuto) {
    json.add("empty", options.empty == EmptyField::kNull ? "null" : "text");
  }
  if (!options.nulls.empty()) json.add("null", list_of(options.nulls));
  if (options.ignore_extra.value_or(false)) json.add("on_extra", "ignore");
  return json.text();
}

}  // namespace

std::string record_format_of(const FileOptions& options, const Inspection& found) {
  if (found.format == Format::kCsv || found.format == Format::kTsv) return of_csv(options, found);
  const bool named = !options.columns.empty();
  JsonText json = JsonText::object();
  json.add("format", "json");
  json.add("columns", names_of(found.shape.columns)).add("keys", list_of(found.shape.keys));
  json.add("types", types_of(found.shape.columns));
  if (options.ignore_extra.value_or(named)) json.add("on_extra", "ignore");
  return json.text();
}

}  // namespace mayfly::file
