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

namespace mayfly::cli {
namespace {

struct TableColumn {
  std::string name;
  ColumnAffinity affinity = ColumnAffinity::kNone;
  bool wanted = false;  // NOT NULL without a default
  bool generated = false;
};
struct Table {
  std::string name;  // as the database spells it
  std::vector<TableColumn> columns;
};

Status reading(const SqliteError& error, const std::string& table) {
  return to_status(error, "reading the columns of table " + table);
}

// None: there is no such table.
Result<std::optional<Table>> find_table(SqliteConnection& connection, const std::string& name) {
  SqliteStatement statement;
  SqliteError error = connection.prepare(
      "SELECT l.name, l.strict, x.name, x.type, x.\"notnull\" AND x.dflt_value IS NULL AND NOT "
      "(x.pk > 0 AND upper(x.type) = 'INTEGER'), x.hidden >= 2 "
      "FROM pragma_table_list l, pragma_table_xinfo(l.name) x "
      "WHERE l.schema = 'main' AND l.type = 'table' AND l.name = ?1 COLLATE NOCASE ORDER BY x.cid",
      statement, false);
  if (!error.ok()) return reading(error, name);
  statement.bind(1, name);
  Table table;
  while (statement.step(error)) {
    table.name = statement.text(0);
    const bool strict = statement.int64(1) != 0;
    table.columns.push_back({.name = std::string(statement.text(2)),
                             .affinity = affinity_of(statement.text(3), strict),
                             .wanted = statement.int64(4) != 0,
                             .generated = statement.int64(5) != 0});
  }
  if (!error.ok()) return reading(error, name);
  if (table.columns.empty()) return std::optional<Table>();
  return std::optional<Table>(std::move(table));
}

std::string type_of(ColumnAffinity affinity) {
  switch (affinity) {
    case ColumnAffinity::kInteger:
      return "int64";
    case ColumnAffinity::kReal:
      return "float64";
    case ColumnAffinity::kText:
      return "text";
    case ColumnAffinity::kNumeric:
    case ColumnAffinity::kNone:
      break;
  }
  return "any";
}

std::vector<std::string> all_columns(const Table& table) {
  std::vector<std::string> names;
  for (const TableColumn& column : table.columns) {
    if (!column.generated) names.push_back(column.name);
  }
  return names;
}

// In the table's order, spelled as the letters do.
std::vector<std::string> columns_for(const Table& table, const std::vector<std::string>& keys) {
  std::vector<std::string> names;
  for (const TableColumn& column : table.columns) {
    if (column.generated) continue;
    const auto key = std::ranges::find_if(
        keys, [&](const std::string& name) { return is_same_column(name, column.name); });
    if (key != keys.end()) {
      names.push_back(*key);
    } else if (column.wanted) {
      names.push_back(column.name);
    }
  }
  return names.empty() ? all_columns(table) : names;
}

Result<std::vector<std::string>> csv_columns_for(const Table& table,
                                                 const std::vector<std::string>& given) {
  if (given.empty()) return all_columns(table);
  for (const std::string& name : given) {
    const bool known = std::ranges::any_of(table.columns, [&](const TableColumn& column) {
      return is_same_column(column.name, name);
    });
    if (known) continue;
    return Status(Code::kUsage,
                  fmt::format("--columns: expected columns of table {} ({}), found \"{}\"",
                              table.name, fmt::join(all_columns(table), ", "), name));
  }
  return given;
}

// What is looked at of each letter, without taking its bytes along.
constexpr const char* kLook = R"(
SELECT coalesce(target, ''), coalesce(source, ''), columns IS NOT NULL,
  CASE WHEN columns IS NOT NULL THEN
    CASE WHEN json_valid(columns) THEN json_type(columns) = 'object' ELSE 0 END
  END,
  CASE WHEN columns IS NULL THEN length(CAST(raw AS BLOB)) END,
  substr(CAST(raw AS TEXT), 1, 1) = '{',
  columns IS NULL AND json_valid(CAST(raw AS TEXT))
FROM mayfly_dead_letters WHERE id = ?1)";

// The keys of its object, and whether its value is the beginning of a longer one.
constexpr const char* kKeys = R"(
SELECT DISTINCT e.key, CASE WHEN e.type = 'object' THEN
  json_type(e.value, '$.bytes') = 'integer' AND
  coalesce(json_type(e.value, '$.head'), json_type(e.value, '$.head_hex'), '') = 'text' END
FROM mayfly_dead_letters l, json_each(coalesce(l.columns, CAST(l.raw AS TEXT))) e
WHERE l.id = ?1)";

constexpr const char* kHowToCorrect =
    "correct it (mayfly dlq show, then mayfly dlq replay --from), or delete it (mayfly dlq purge)";

class Chooser {
 public:
  explicit Chooser(SqliteConnection& connection) : connection_(connection) {}

  Status prepare() {
    SqliteError error = connection_.prepare(kLook, look_, false);
    if (error.ok()) error = connection_.prepare(kKeys, keys_, false);
    return to_status(error, "reading the dead letters");
  }

  Status add(std::int64_t id, ReplayChoice& choice);
  Result<std::vector<ReplayPart>> parts(const std::vector<std::string>& csv_columns,
                                        const std::string& run) const;

 private:
  enum class Form : std::uint8_t { kColumns, kJson, kCsv };
  struct Group {
    std::vector<std::string> keys;
    std::vector<std::int64_t> letters;
  };
  struct Look {
    std::string target;
    std::string source;
    Form form = Form::kColumns;
    bool has_keys = false;
    std::string unreadable;
  };

  Result<Look> look(std::int64_t id);
  Status add_keys(std::int64_t id, std::vector<std::string>& keys, std::string& unreadable);
  Status choose_table(const std::string& target, std::int64_t id);

  SqliteConnection& connection_;
  SqliteStatement look_;
  SqliteStatement keys_;
  std::map<std::string, Table> tables_;  // by target, as letters spell it
  std::map<std::tuple<std::string, Form, std::string>, Group> groups_;
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
  found.source = look_.text(1);
  const bool has_columns = look_.int64(2) != 0;
  if (has_columns) {
    found.has_keys = look_.int64(3) != 0;
    if (!found.has_keys) {
      found.unreadable = fmt::format("its columns aren't a JSON object; {}", kHowToCorrect);
    }
  } else if (look_.is_null(4)) {
    found.unreadable = fmt::format("it has neither values nor bytes; {}", kHowToCorrect);
  } else {
    found.form = look_.int64(5) != 0 ? Form::kJson : Form::kCsv;
    found.has_keys = found.form == Form::kJson && look_.int64(6) != 0;
    if (static_cast<std::size_t>(look_.int64(4)) == kRawKept) {
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
    const auto same = [&](const std::string& known) { return is_same_column(known, key); };
    if (std::ranges::none_of(keys, same)) keys.push_back(key);
  }
  keys_.reset();
  return to_status(error, "reading the dead letters");
}

Status Chooser::choose_table(const std::string& target, std::int64_t id) {
  if (tables_.contains(target)) return {};
  MAYFLY_ASSIGN_OR_RETURN(std::optional<Table> table, find_table(connection_, target));
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
  const std::string source = found.form == Form::kCsv ? std::string() : found.source;
  Group& group = groups_[{tables_.at(found.target).name, found.form, source}];
  group.letters.push_back(id);
  for (std::string& key : keys) {
    const auto same = [&](const std::string& known) { return is_same_column(known, key); };
    if (std::ranges::none_of(group.keys, same)) group.keys.push_back(std::move(key));
  }
  return {};
}

Result<std::vector<ReplayPart>> Chooser::parts(const std::vector<std::string>& csv_columns,
                                               const std::string& run) const {
  std::map<std::string, const Table*> by_name;
  for (const auto& [target, table] : tables_) by_name[table.name] = &table;
  std::map<std::pair<std::string, std::vector<std::string>>, std::vector<std::int64_t>> merged;
  for (const auto& [what, group] : groups_) {
    const auto& [name, form, source] = what;
    const Table& table = *by_name.at(name);
    std::vector<std::string> columns = columns_for(table, group.keys);
    if (form == Form::kCsv) {
      MAYFLY_ASSIGN_OR_RETURN(columns, csv_columns_for(table, csv_columns));
    }
    auto& letters = merged[{name, std::move(columns)}];
    letters.insert(letters.end(), group.letters.begin(), group.letters.end());
  }
  std::vector<ReplayPart> parts;
  for (auto& [what, letters] : merged) {
    std::ranges::sort(letters);
    parts.push_back({.key = fmt::format("mayfly_replay/{}/{:06}", run, parts.size() + 1),
                     .target = what.first,
                     .columns = what.second,
                     .letters = std::move(letters)});
  }
  return parts;
}

}  // namespace

Result<ReplayChoice> choose_parts(SqliteConnection& connection,
                                  const std::vector<std::int64_t>& letters,
                                  const std::vector<std::string>& csv_columns,
                                  const std::string& run) {
  ReplayChoice choice;
  Chooser chooser(connection);
  MAYFLY_RETURN_IF_ERROR(chooser.prepare());
  for (const std::int64_t id : letters) MAYFLY_RETURN_IF_ERROR(chooser.add(id, choice));
  MAYFLY_ASSIGN_OR_RETURN(choice.parts, chooser.parts(csv_columns, run));
  return choice;
}

Result<std::vector<std::string>> declared_types(SqliteConnection& connection,
                                                const std::string& table,
                                                const std::vector<std::string>& columns) {
  MAYFLY_ASSIGN_OR_RETURN(const std::optional<Table> found, find_table(connection, table));
  if (!found) {
    return Status(Code::kConfig,
                  fmt::format("the letters are for table \"{}\", and the database has no such "
                              "table; bring it back, or let the letters be (--abandon)",
                              table));
  }
  std::vector<std::string> types;
  for (const std::string& name : columns) {
    const auto column = std::ranges::find_if(
        found->columns, [&](const TableColumn& each) { return is_same_column(each.name, name); });
    // One that is gone is told of by the writer.
    if (column == found->columns.end()) continue;
    types.push_back(fmt::format("{}={}", name, type_of(column->affinity)));
  }
  return types;
}

}  // namespace mayfly::cli
