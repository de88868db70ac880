#include "tools/mayfly/record_format.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "mayfly/base/json_text.h"

namespace mayfly::cli {
namespace {

// Each member, and each element of a list by itself.
constexpr const char* kMembers =
    "SELECT m.key, m.type = 'array', e.value FROM json_each(?1) m, json_each(CASE m.type WHEN "
    "'array' THEN m.value ELSE json_array(m.value) END) e ORDER BY m.id, e.id";

constexpr const char* kReading = "reading mayfly_record_formats";

}  // namespace

Result<RecordFormat> RecordFormat::parse(SqliteConnection& connection, std::string_view json) {
  RecordFormat format;
  if (json.empty()) return format;
  if (!is_json(json) || !json.starts_with('{')) {
    return Status(Code::kConfig, "mayfly_record_formats: expected a JSON object, found " +
                                     std::string(json.substr(0, 100)));
  }
  SqliteStatement statement;
  SqliteError error = connection.prepare(kMembers, statement, false);
  if (error.ok()) statement.bind(1, json);
  while (error.ok() && statement.step(error)) {
    const std::string name(statement.text(0));
    if (statement.int64(1) == 0) {
      format.options_.push_back({name, std::string(statement.text(2))});
      continue;
    }
    std::vector<std::string> list = format.list(name);
    list.emplace_back(statement.text(2));
    format.set(name, std::move(list));
  }
  if (!error.ok()) return to_status(error, kReading);
  return format;
}

std::vector<std::string> RecordFormat::list(std::string_view option) const {
  const auto found = std::ranges::find(options_, option, &RawOption::name);
  if (found == options_.end()) return {};
  const auto* list = std::get_if<std::vector<std::string>>(&found->value);
  return list != nullptr ? *list : std::vector<std::string>();
}

std::string RecordFormat::text(std::string_view option) const {
  const auto found = std::ranges::find(options_, option, &RawOption::name);
  if (found == options_.end()) return {};
  const auto* text = std::get_if<std::string>(&found->value);
  return text != nullptr ? *text : std::string();
}

void RecordFormat::set(std::string_view option, RawValue value) {
  remove(option);
  options_.push_back({std::string(option), std::move(value)});
}

void RecordFormat::remove(std::string_view option) {
  std::erase_if(options_, [option](const RawOption& each) { return each.name == option; });
}

std::string RecordFormat::json() const {
  if (options_.empty()) return {};
  JsonText json = JsonText::object();
  for (const RawOption& option : options_) {
    if (const auto* list = std::get_if<std::vector<std::string>>(&option.value)) {
      JsonText elements = JsonText::array();
      for (const std::string& element : *list) elements.add(element);
      json.add(option.name, elements);
    } else if (const auto* text = std::get_if<std::string>(&option.value)) {
      json.add(option.name, *text);
    }
  }
  return json.text();
}

Result<std::string> format_sql(SqliteConnection& connection) {
  std::string there;
  const SqliteError error = connection.query_text(
      "SELECT (SELECT count(*) FROM pragma_table_info('mayfly_dead_letters') WHERE name = 'format' "
      "COLLATE NOCASE) + (SELECT count(*) FROM pragma_table_info('mayfly_record_formats') WHERE "
      "name IN ('id', 'format'))",
      there);
  if (!error.ok()) return to_status(error, kReading);
  if (there != "3") return std::string("NULL");
  return std::string("(SELECT f.format FROM mayfly_record_formats f WHERE f.id = l.format)");
}

Status forget_unused_formats(SqliteConnection& connection) {
  MAYFLY_ASSIGN_OR_RETURN(const std::string format, format_sql(connection));
  if (format == "NULL") return {};
  return to_status(connection.run("DELETE FROM mayfly_record_formats WHERE id NOT IN (SELECT "
                                  "format FROM mayfly_dead_letters WHERE format IS NOT NULL)"),
                   "deleting from mayfly_record_formats");
}

}  // namespace mayfly::cli
