#include "mayfly/storage/replay_set.h"

#include <sqlite3.h>

#include "mayfly/base/json_text.h"
#include "mayfly/storage/machine_clock.h"
#include "mayfly/storage/progress.h"

namespace mayfly {
namespace {

constexpr const char* kTables = R"(
CREATE TABLE mayfly_replay_parts(
  key TEXT PRIMARY KEY, target TEXT NOT NULL, columns TEXT NOT NULL, format TEXT NOT NULL,
  request TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE mayfly_replays(
  key TEXT NOT NULL, rank INTEGER NOT NULL, letter INTEGER NOT NULL, pending INTEGER NOT NULL,
  PRIMARY KEY(key, rank)) WITHOUT ROWID;
)";

// Of a transaction's rows, the writer puts the letters first and their positions then. A letter
// that somebody deleted meanwhile can't stay what it was: then the new one stays as it came.
constexpr const char* kRefusedAgain = R"(
CREATE TRIGGER mayfly_replay_refused AFTER INSERT ON mayfly_dead_letters
WHEN EXISTS(SELECT 1 FROM mayfly_replays r JOIN mayfly_dead_letters l ON l.id = r.letter
            WHERE r.key = new.source AND r.rank = new.ordinal)
BEGIN
  UPDATE mayfly_dead_letters SET
    at = new.at, node = new.node, code = new.code, reason = new.reason,
    raw = CASE WHEN columns IS NULL AND new.columns IS NOT NULL THEN NULL ELSE raw END,
    columns = coalesce(columns, new.columns), attempts = coalesce(attempts, 0) + 1
  WHERE id = (SELECT letter FROM mayfly_replays WHERE key = new.source AND rank = new.ordinal);
  UPDATE mayfly_replays SET pending = 0 WHERE key = new.source AND rank = new.ordinal;
  DELETE FROM mayfly_dead_letters WHERE id = new.id;
END;
)";

// name, event, and which ranks it says are answered.
std::string answered_trigger(const char* name, const char* event, const char* ranks) {
  const std::string those = std::string("key = new.source AND pending AND rank >= ") + ranks;
  return std::string("CREATE TRIGGER ") + name + " AFTER " + event +
         " WHEN EXISTS(SELECT 1 FROM mayfly_replay_parts WHERE key = new.source) BEGIN "
         "DELETE FROM mayfly_dead_letters WHERE id IN (SELECT letter FROM mayfly_replays WHERE " +
         those + "); UPDATE mayfly_replays SET pending = 0 WHERE " + those + "; END;\n";
}

std::string triggers() {
  return kRefusedAgain +
         answered_trigger("mayfly_replay_begun", "INSERT ON mayfly_offsets",
                          "0 AND rank < new.low") +
         answered_trigger("mayfly_replay_answered", "UPDATE ON mayfly_offsets",
                          "old.low AND rank < new.low") +
         answered_trigger("mayfly_replay_overtaken", "INSERT ON mayfly_offset_ranges",
                          "new.first AND rank <= new.last");
}

std::string json_of(const std::vector<std::string>& names) {
  JsonText json = JsonText::array();
  for (const std::string& name : names) json.add(name);
  return json.text();
}

SqliteError columns_of(SqliteConnection& connection, std::string_view json,
                       std::vector<std::string>& out) {
  SqliteStatement statement;
  SqliteError error =
      connection.prepare("SELECT value FROM json_each(?1) ORDER BY key", statement, false);
  if (!error.ok()) return error;
  statement.bind(1, json);
  while (statement.step(error)) out.emplace_back(statement.text(0));
  return error;
}

SqliteError has_table(SqliteConnection& connection, bool& there) {
  std::string found;
  const SqliteError error = connection.query_text(
      "SELECT count(*) FROM sqlite_schema WHERE name IN ('mayfly_replays', 'mayfly_replay_parts') "
      "AND type = 'table'",
      found);
  there = found == "2";
  return error;
}

SqliteError put_part(SqliteConnection& connection, const ReplayPart& part,
                     const std::string& request) {
  SqliteStatement statement;
  SqliteError error = connection.prepare(
      "INSERT INTO mayfly_replay_parts VALUES(?1, ?2, ?3, ?4, ?5)", statement, false);
  if (!error.ok()) return error;
  const std::string columns = json_of(part.columns);
  statement.bind(1, part.key).bind(2, part.target).bind(3, columns).bind(4, part.format);
  statement.bind(5, request);
  if (error = statement.run(); !error.ok()) return error;
  error = connection.prepare("INSERT INTO mayfly_replays VALUES(?1, ?2, ?3, 1)", statement, false);
  for (std::size_t rank = 0; error.ok() && rank < part.letters.size(); ++rank) {
    statement.bind(1, part.key).bind(2, static_cast<std::int64_t>(rank));
    statement.bind(3, part.letters[rank]);
    error = statement.run();
  }
  return error;
}

SqliteError take_away(SqliteConnection& connection) {
  return connection.run(R"(
DELETE FROM mayfly_offsets WHERE source IN (SELECT key FROM mayfly_replay_parts);
DELETE FROM mayfly_offset_ranges WHERE source IN (SELECT key FROM mayfly_replay_parts);
DROP TRIGGER IF EXISTS mayfly_replay_refused;
DROP TRIGGER IF EXISTS mayfly_replay_begun;
DROP TRIGGER IF EXISTS mayfly_replay_answered;
DROP TRIGGER IF EXISTS mayfly_replay_overtaken;
DROP TABLE mayfly_replays;
DROP TABLE mayfly_replay_parts;
)");
}

}  // namespace

std::uint64_t ReplaySet::letters() const {
  std::uint64_t sum = 0;
  for (const Part& part : parts) sum += part.letters;
  return sum;
}

std::uint64_t ReplaySet::pending() const {
  std::uint64_t sum = 0;
  for (const Part& part : parts) sum += part.pending;
  return sum;
}

Status prepare_replay(SqliteConnection& connection) {
  // They are made when the first source is told of; nothing of this one is written.
  Progress progress("", machine_clock());
  return progress.add_source(connection, 0, {.key = "mayfly_replay"}).status();
}

Result<std::optional<ReplaySet>> find_replay(SqliteConnection& connection) {
  constexpr const char* kDoing = "reading mayfly_replays";
  bool there = false;
  SqliteError error = has_table(connection, there);
  if (!error.ok()) return to_status(error, kDoing);
  if (!there) return std::optional<ReplaySet>();
  // A set that an older version has frozen says nothing of formats.
  std::string has_format;
  error = connection.query_text(
      "SELECT count(*) FROM pragma_table_info('mayfly_replay_parts') WHERE name = 'format'",
      has_format);
  if (!error.ok()) return to_status(error, kDoing);
  SqliteStatement statement;
  error = connection.prepare(
      std::string("SELECT p.key, p.target, p.columns, p.request, count(r.rank), "
                  "coalesce(sum(r.pending), 0), ") +
          (has_format == "0" ? "''" : "p.format") +
          " FROM mayfly_replay_parts p LEFT JOIN mayfly_replays r ON r.key = p.key "
          "GROUP BY p.key ORDER BY p.key",
      statement, false);
  ReplaySet set;
  while (error.ok() && statement.step(error)) {
    ReplaySet::Part& part = set.parts.emplace_back();
    part.key = statement.text(0);
    part.target = statement.text(1);
    set.request = statement.text(3);
    part.letters = static_cast<std::uint64_t>(statement.int64(4));
    part.pending = static_cast<std::uint64_t>(statement.int64(5));
    part.format = statement.text(6);
    const SqliteError columns = columns_of(connection, statement.text(2), part.columns);
    if (!columns.ok()) return to_status(columns, kDoing);
  }
  if (!error.ok()) return to_status(error, kDoing);
  return std::optional<ReplaySet>(std::move(set));
}

SqliteError freeze_replay(SqliteConnection& connection, std::span<const ReplayPart> parts,
                          const std::string& request) {
  SqliteError error = connection.run(kTables + triggers());
  for (const ReplayPart& part : parts) {
    if (!error.ok()) break;
    error = put_part(connection, part, request);
  }
  return error;
}

SqliteError end_replay(SqliteConnection& connection) {
  SqliteError error = connection.run("BEGIN IMMEDIATE");
  if (!error.ok()) return error;
  bool there = false;
  error = has_table(connection, there);
  if (error.ok() && there) error = take_away(connection);
  if (error.ok()) error = connection.run("COMMIT");
  if (!error.ok()) connection.run("ROLLBACK");
  return error;
}

}  // namespace mayfly
