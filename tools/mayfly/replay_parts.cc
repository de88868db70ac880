#include "tools/mayfly/replay_parts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

#include "mayfly/data/readers/reader.h"
#include "mayfly/data/schema.h"
#include "tools/mayfly/letter_table.h"
#include "tools/mayfly/record_format.h"
#include "tools/mayfly/replay_table.h"

namespace mayfly::cli {
namespace {

// What is looked at of each letter, without taking its bytes along.
std::string look_sql(const std::string& format) {
  return R"(
SELECT coalesce(target, ''), columns IS NOT NULL,
  CASE WHEN columns IS NOT NULL THEN
    CASE WHEN json_valid(columns) THEN json_type(columns) = 'object' ELSE 0 END
  END,
  CASE WHEN columns IS NULL THEN length(CAST(raw AS BLOB)) END,
  substr(CAST(raw AS TEXT), 1, 1) = '{',
  CASE WHEN columns IS NULL AND json_valid(CAST(raw AS TEXT)) THEN
    json_type(CAST(raw AS TEXT)) = 'object' ELSE 0 END, coalesce()" +
         format + R"(, '')
FROM mayfly_dead_letters l WHERE id = ?1)";
}

// The keys of its object, and whether its value is the beginning of a longer one.
constexpr const char* kKeys = R"(
SELECT DISTINCT e.key, CASE WHEN e.type = 'object' THEN
  json_type(e.value, '$.bytes') = 'integer' AND
  coalesce(json_type(e.value, '$.head'), json_type(e.value, '$.head_hex'), '') = 'text' END
FROM mayfly_dead_letters l, json_each(coalesce(l.columns, CAST(l.raw AS TEXT))) e
WHERE l.id = ?1)";

constexpr const char* kHowToCorrect =
    "correct it (mayfly dlq show, then mayfly dlq replay --from), or delete it (mayfly dlq purge)";

bool contains(const std::vector<std::string>& columns, std::string_view name) {
  return std::ranges::any_of(
      columns, [name](const std::string& column) { return is_same_column(column, name); });
}

std::vector<std::string> columns_of(const std::vector<std::string>& types) {
  std::vector<std::string> columns;
  for (const std::string& type : types) columns.push_back(type.substr(0, type.rfind('=')));
  return columns;
}

// The types that a source read its records with, so that a replay reads them with the same: `any`
// where it said none.
void declare_types(const std::vector<std::string>& columns, RecordFormat& format) {
  std::vector<std::string> types = format.list("types");
  const auto named = [](std::string_view entry) { return entry.substr(0, entry.rfind('=')); };
  for (const std::string& column : columns) {
    if (std::ranges::find(types, column, named) == types.end()) types.push_back(column + "=any");
  }
  format.set("types", std::move(types));
  format.set("typed", "true");
}

class Chooser {
 public:
  Chooser(SqliteConnection& connection, const GivenRecords& given)
      : connection_(connection), given_(given), formats_{{std::string(), RecordFormat()}} {}

  Status prepare() {
    MAYFLY_ASSIGN_OR_RETURN(const std::string format, format_sql(connection_));
    SqliteError error = connection_.prepare(look_sql(format), look_, false);
    if (error.ok()) error = connection_.prepare(kKeys, keys_, false);
    return to_status(error, "reading the dead letters");
  }

  Status add(std::int64_t id, ReplayChoice& choice);
  Result<std::vector<ReplayPart>> parts(const std::string& run) const;

 private:
  enum class Form : std::uint8_t { kColumns, kJson, kCsv };
  // What is read in the same way.
  struct Kind {
    std::string table;
    Form form = Form::kColumns;
    std::string format;
    // A letter's own columns, or a record's in JSON; of the latter, where its source says its
    // file's, those besides. In the order of their names.
    std::vector<std::string> keys = {};
    auto operator<=>(const Kind&) const = default;
  };
  // Its row, and how it is read.
  struct Reading {
    std::vector<std::string> columns;
    RecordFormat format;
  };
  struct Look {
    std::string target;
    Form form = Form::kColumns;
    bool has_keys = false;
    std::string format;
    std::string unreadable;
  };

  Result<Look> look(std::int64_t id);
  Status add_keys(std::int64_t id, std::vector<std::string>& keys, std::string& unreadable);
  Status choose_table(const std::string& target, std::int64_t id);
  Result<const RecordFormat*> find_format(const std::string& json);
  // What the table has no column for, of the columns that the format alone says; empty: nothing.
  std::string column_missing(const ReplayTable& table, Form form, const RecordFormat& format) const;
  // Of the letter's keys those that its kind says.
  static std::vector<std::string> keys_of_kind(Form form, const RecordFormat& format,
                                               const ReplayTable& table,
                                               std::vector<std::string> keys);
  // Why no row can be made of a letter by these columns; empty: one can.
  static std::string lack_of_columns(const std::vector<std::string>& keys,
                                     const RecordFormat& format, const ReplayTable& table);
  Result<Reading> reading_of(const Kind& kind, const ReplayTable& table) const;
  static Reading columns_reading_of(const RecordFormat& format, const Kind& kind,
                                    const ReplayTable& table);
  Result<Reading> csv_reading_of(Reading reading, const std::vector<std::string>& said,
                                 const ReplayTable& table) const;
  static Reading json_reading_of(Reading reading, const std::vector<std::string>& said,
                                 const Kind& kind, const ReplayTable& table);

  SqliteConnection& connection_;
  const GivenRecords& given_;
  SqliteStatement look_;
  SqliteStatement keys_;
  std::map<std::string, ReplayTable> tables_;    // by target, as letters spell it
  std::map<std::string, RecordFormat> formats_;  // by their JSON
  std::map<Kind, std::vector<std::int64_t>> groups_;
};

Result<Chooser::Look> Chooser::look(std::int64_t id) {
  Look found;
  look_.reset();
  look_.bind(1, id);
  SqliteError error;
  if (!look_.step(error)) {
    if (error.ok()) error.message = fmt::format("letter {} is gone", id), error.code = 1;
    return to_status(error, "reading the dead letters");
  }
  found.target = look_.text(0);
  const bool has_columns = look_.int64(1) != 0;
  if (has_columns) {
    found.format = look_.text(6);
    found.has_keys = look_.int64(2) != 0;
    if (!found.has_keys) {
      found.unreadable = fmt::format("its columns aren't a JSON object; {}", kHowToCorrect);
    }
  } else if (look_.is_null(3)) {
    found.unreadable = fmt::format("it has neither values nor bytes; {}", kHowToCorrect);
  } else {
    found.format = look_.text(6);
    MAYFLY_ASSIGN_OR_RETURN(const RecordFormat* format, find_format(found.format));
    const std::string said = format->text("format");
    const bool is_json = said.empty() ? look_.int64(4) != 0 : said == "json";
    found.form = is_json ? Form::kJson : Form::kCsv;
    found.has_keys = is_json && look_.int64(5) != 0;
    if (static_cast<std::size_t>(look_.int64(3)) == kRawKept) {
      found.unreadable =
          fmt::format("only the first 64 KiB of its record were kept; {}", kHowToCorrect);
    }
  }
  look_.reset();
  return found;
}

Status Chooser::add_keys(std::int64_t id, std::vector<std::string>& keys, std::string& unreadable) {
  keys_.reset();
  keys_.bind(1, id);
  SqliteError error;
  while (keys_.step(error)) {
    const std::string key(keys_.text(0));
    if (keys_.int64(1) != 0) {
      unreadable = fmt::format("only the beginning of its value for \"{}\" was kept; {}", key,
                               kHowToCorrect);
    }
    if (!contains(keys, key)) keys.push_back(key);
  }
  keys_.reset();
  return to_status(error, "reading the dead letters");
}

Status Chooser::choose_table(const std::string& target, std::int64_t id) {
  if (tables_.contains(target)) return {};
  MAYFLY_ASSIGN_OR_RETURN(std::optional<ReplayTable> table, ReplayTable::find(connection_, target));
  if (!table) {
    return {Code::kConfig,
            fmt::format("letter {} is for table \"{}\", and the database has no such table; bring "
                        "it back, or choose others (--target, --code, --source, or numbers)",
                        id, target)};
  }
  tables_.emplace(target, std::move(*table));
  return {};
}

Status Chooser::add(std::int64_t id, ReplayChoice& choice) {
  MAYFLY_ASSIGN_OR_RETURN(Look found, look(id));
  std::vector<std::string> keys;
  if (found.has_keys && found.unreadable.empty()) {
    // In a record of JSON an object is a value, whatever is in it.
    std::string cut;
    MAYFLY_RETURN_IF_ERROR(add_keys(id, keys, cut));
    if (found.form == Form::kColumns) found.unreadable = cut;
  }
  if (!found.unreadable.empty()) {
    choice.unreadable.push_back({id, std::move(found.unreadable)});
    return {};
  }
  MAYFLY_RETURN_IF_ERROR(choose_table(found.target, id));
  const ReplayTable& table = tables_.at(found.target);
  MAYFLY_ASSIGN_OR_RETURN(const RecordFormat* format, find_format(found.format));
  if (const std::string missing = column_missing(table, found.form, *format); !missing.empty()) {
    choice.unreadable.push_back(
        {id,
         fmt::format("its record is of the columns {}, and table {} has no column \"{}\"; say "
                     "which columns the fields of such records are (--columns), or give its "
                     "values by the table's columns (mayfly dlq replay --from)",
                     fmt::join(format->list("columns"), ", "), table.name(), missing),
         true});
    return {};
  }
  if (found.form == Form::kColumns) {
    if (const std::string lack = lack_of_columns(keys, *format, table); !lack.empty()) {
      choice.unreadable.push_back({id, fmt::format("{}; {}", lack, kHowToCorrect)});
      return {};
    }
  }
  if (found.form == Form::kCsv) choice.csv_records.push_back(id);
  if (std::vector<std::string> nodes = format->list("nodes"); !nodes.empty()) {
    const auto same = std::ranges::find(choice.past_nodes, nodes, &PastNodes::nodes);
    const bool is_new = same == choice.past_nodes.end();
    PastNodes& past = is_new ? choice.past_nodes.emplace_back() : *same;
    if (is_new) past.nodes = std::move(nodes);
    past.letters.push_back(id);
  }
  std::vector<std::string> wanted = keys_of_kind(found.form, *format, table, std::move(keys));
  if (found.form == Form::kColumns && format->text("select").empty()) found.format.clear();
  groups_[{table.name(), found.form, found.format, std::move(wanted)}].push_back(id);
  return {};
}

Result<const RecordFormat*> Chooser::find_format(const std::string& json) {
  auto found = formats_.find(json);
  if (found == formats_.end()) {
    MAYFLY_ASSIGN_OR_RETURN(RecordFormat format, RecordFormat::parse(connection_, json));
    found = formats_.emplace(json, std::move(format)).first;
  }
  return &found->second;
}

std::string Chooser::column_missing(const ReplayTable& table, Form form,
                                    const RecordFormat& format) const {
  const bool says =
      form == Form::kCsv ? given_.columns.empty() : form == Form::kJson && format.ignores_extra();
  if (!says || !format.text("select").empty()) return {};
  for (const std::string& name : format.list("columns")) {
    if (!table.has(name)) return name;
  }
  return {};
}

std::vector<std::string> Chooser::keys_of_kind(Form form, const RecordFormat& format,
                                               const ReplayTable& table,
                                               std::vector<std::string> keys) {
  if (form == Form::kCsv) return {};
  const bool selects = !format.text("select").empty();
  if (form == Form::kJson && (selects || !format.list("columns").empty())) {
    if (selects || format.ignores_extra()) return {};
    const std::vector<std::string> known = format.list("keys");
    std::erase_if(keys, [&](const std::string& key) {
      return contains(known, key) || !table.can_write(key);
    });
  }
  std::ranges::sort(keys);
  return keys;
}

std::string Chooser::lack_of_columns(const std::vector<std::string>& keys,
                                     const RecordFormat& format, const ReplayTable& table) {
  if (keys.empty()) return "its columns have no value";
  if (format.text("select").empty()) {
    const auto writes = [&table](const std::string& key) { return table.can_write(key); };
    if (std::ranges::any_of(keys, writes)) return {};
    return fmt::format("none of its columns ({}) is one of table {} ({})", fmt::join(keys, ", "),
                       table.name(), fmt::join(table.all_columns(), ", "));
  }
  for (const std::string& column : columns_of(format.list("select_types"))) {
    if (contains(keys, column)) continue;
    return fmt::format(
        "it has no column \"{}\", which the SELECT of its writer reads; give it "
        "one, or null",
        column);
  }
  return {};
}

Result<Chooser::Reading> Chooser::reading_of(const Kind& kind, const ReplayTable& table) const {
  Reading reading{{}, formats_.at(kind.format)};
  if (kind.form == Form::kColumns) return columns_reading_of(reading.format, kind, table);
  std::vector<std::string> said = reading.format.list("columns");
  if (said.empty() && !reading.format.text("select").empty()) {
    const std::vector<std::string> types = reading.format.list("select_types");
    said = columns_of(types);
    reading.format.set("types", types);
  }
  reading.format.remove("columns");
  reading.format.remove("select_types");
  reading.format.remove("nodes");
  // What it is has been looked at.
  reading.format.set("format", kind.form == Form::kJson ? "json" : "csv");
  if (kind.form == Form::kJson) return json_reading_of(std::move(reading), said, kind, table);
  return csv_reading_of(std::move(reading), said, table);
}

// What said how its bytes were read isn't about its values.
Chooser::Reading Chooser::columns_reading_of(const RecordFormat& format, const Kind& kind,
                                             const ReplayTable& table) {
  const std::string select = format.text("select");
  if (select.empty()) return Reading{table.columns_for(kind.keys), {}};
  Reading reading;
  reading.format.set("select", select);
  if (std::string text = format.text("per_batch"); !text.empty()) {
    reading.format.set("per_batch", std::move(text));
  }
  const std::vector<std::string> types = format.list("select_types");
  // As its letter spells them, or its values wouldn't be found.
  for (const std::string& column : columns_of(types)) {
    const auto same = [&column](const std::string& key) { return is_same_column(key, column); };
    reading.columns.push_back(*std::ranges::find_if(kind.keys, same));
  }
  reading.format.set("types", types);
  return reading;
}

Result<Chooser::Reading> Chooser::csv_reading_of(Reading reading,
                                                 const std::vector<std::string>& said,
                                                 const ReplayTable& table) const {
  reading.columns = said;
  if (!given_.columns.empty() || said.empty()) {  // then they are those of the fields, in order
    MAYFLY_ASSIGN_OR_RETURN(reading.columns, table.csv_columns_for(given_.columns));
    reading.format.remove("fields");
    reading.format.remove("field_count");
  } else {
    declare_types(said, reading.format);
  }
  // With it, so that a replay that is gone on with reads as it began.
  if (!given_.delimiter.empty()) reading.format.set("delimiter", given_.delimiter);
  if (!given_.quote.empty()) {
    reading.format.set("quote", given_.quote);
    if (given_.quote != "none") reading.format.remove("escape");  // fields have one or the other
  }
  return reading;
}

// A file's columns are those of each of its records: a key that one hasn't is NULL, as ingest has
// it. Beside them are those that the file didn't know, of records that have them.
Chooser::Reading Chooser::json_reading_of(Reading reading, const std::vector<std::string>& said,
                                          const Kind& kind, const ReplayTable& table) {
  const bool selects = !reading.format.text("select").empty();
  const std::vector<std::string> known = reading.format.list("keys");
  reading.format.remove("fields");
  reading.format.remove("field_count");
  if (said.empty()) {
    reading.format.remove("keys");
    reading.columns = table.columns_for(kind.keys);
    return reading;
  }
  declare_types(said, reading.format);
  if (selects || reading.format.ignores_extra()) {
    reading.columns = said;
    return reading;
  }
  std::vector<std::string> keys;  // of reading.columns
  const auto add = [&](const std::string& column, const std::string& key) {
    if (contains(reading.columns, column)) return;
    reading.columns.push_back(column);
    keys.push_back(key);
  };
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (table.can_write(said[i])) add(said[i], i < known.size() ? known[i] : said[i]);
  }
  for (const std::string& key : kind.keys) add(key, key);
  for (const std::string& column : table.wanted_columns()) add(column, column);
  if (reading.columns.empty()) reading.columns = keys = table.all_columns();
  reading.format.set("keys", std::move(keys));
  return reading;
}

Result<std::vector<ReplayPart>> Chooser::parts(const std::string& run) const {
  std::map<std::string, const ReplayTable*> by_name;
  for (const auto& [target, table] : tables_) by_name[table.name()] = &table;
  std::map<std::tuple<std::string, std::vector<std::string>, std::string>,
           std::vector<std::int64_t>>
      merged;
  for (const auto& [kind, of_kind] : groups_) {
    MAYFLY_ASSIGN_OR_RETURN(Reading reading, reading_of(kind, *by_name.at(kind.table)));
    auto& letters = merged[{kind.table, std::move(reading.columns), reading.format.json()}];
    letters.insert(letters.end(), of_kind.begin(), of_kind.end());
  }
  std::vector<ReplayPart> parts;
  for (auto& [what, letters] : merged) {
    std::ranges::sort(letters);
    parts.push_back({.key = {},
                     .target = std::get<0>(what),
                     .columns = std::get<1>(what),
                     .format = std::get<2>(what),
                     .letters = std::move(letters)});
  }
  // That with the oldest letter first, so that a newer one of its key counts.
  std::ranges::sort(parts, {}, [](const ReplayPart& part) { return part.letters.front(); });
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].key = fmt::format("mayfly_replay/{}/{:06}", run, i + 1);
  }
  return parts;
}

}  // namespace

Result<ReplayChoice> choose_parts(SqliteConnection& connection,
                                  const std::vector<std::int64_t>& letters,
                                  const GivenRecords& given, const std::string& run) {
  ReplayChoice choice;
  Chooser chooser(connection, given);
  MAYFLY_RETURN_IF_ERROR(chooser.prepare());
  for (const std::int64_t id : letters) MAYFLY_RETURN_IF_ERROR(chooser.add(id, choice));
  MAYFLY_ASSIGN_OR_RETURN(choice.parts, chooser.parts(run));
  return choice;
}

}  // namespace mayfly::cli
