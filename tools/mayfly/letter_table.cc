#include "tools/mayfly/letter_table.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "mayfly/storage/database_file.h"
#include "mayfly/storage/timestamp.h"
#include "tools/mayfly/advice.h"
#include "tools/mayfly/human_text.h"
#include "tools/mayfly/record_format.h"
#include "tools/mayfly/since.h"
#include "tools/mayfly/target_table.h"

namespace mayfly::cli {
namespace {

// The parameters are those of prepare().
constexpr std::string_view kMeant =
    " FROM mayfly_dead_letters AS l WHERE (?1 IS NULL OR id IN (SELECT value FROM json_each(?1))) "
    "AND (?2 IS NULL OR target = ?2 COLLATE NOCASE) AND (?3 IS NULL OR code = ?3) "
    "AND (?4 IS NULL OR source = ?4 OR substr(source, -length(?4) - 1) = '/' || ?4) "
    "AND (?5 IS NULL OR at >= ?5)";

// The first of its columns that a table of somebody else's hasn't.
constexpr const char* kMissing =
    "SELECT column1 FROM (VALUES('id'), ('at'), ('source'), ('ordinal'), ('line'), ('node'), "
    "('code'), ('reason'), ('columns'), ('raw'), ('target'), ('attempts')) WHERE column1 NOT IN "
    "(SELECT name FROM pragma_table_info('mayfly_dead_letters')) LIMIT 1";

std::optional<std::int64_t> number(const SqliteStatement& statement, int column) {
  if (statement.is_null(column)) return std::nullopt;
  return statement.int64(column);
}

std::optional<std::string> bytes(const SqliteStatement& statement, int column) {
  if (statement.is_null(column)) return std::nullopt;
  return std::string(statement.text(column));
}

}  // namespace

std::string json_of(const std::vector<std::int64_t>& ids) {
  return fmt::format("[{}]", fmt::join(ids, ","));
}

std::string letters_text(const std::vector<std::int64_t>& ids) {
  constexpr std::size_t kNamed = 10;
  const auto named = static_cast<std::ptrdiff_t>(std::min(ids.size(), kNamed));
  std::string text = fmt::format("letter{} {}", ids.size() == 1 ? "" : "s",
                                 fmt::join(ids.begin(), ids.begin() + named, ", "));
  if (ids.size() > kNamed) text += fmt::format(" and {} more", with_commas(ids.size() - kNamed));
  return text;
}

Status LetterTable::failed(const SqliteError& error) const {
  return to_status(error, "reading the dead letters of " + database_);
}

Result<LetterTable> LetterTable::open(const std::string& database, std::int64_t wait_ns) {
  std::error_code code;
  if (!std::filesystem::exists(database, code)) {
    return Status(Code::kNoInput, database + ": expected a database, found no such file");
  }
  if (const Status status = check_database_file(database); !status.ok()) {
    return Status(Code::kNoInput, status.message());
  }
  MAYFLY_RETURN_IF_ERROR(check_is_database(database));
  LetterTable table(database);
  // Not for reading only: what a killed program left of a transaction must be rolled back first.
  SqliteError error = SqliteConnection::open(database, {.create = false}, table.connection_);
  if (error.ok()) {
    error =
        table.connection_.run(fmt::format("PRAGMA busy_timeout = {}", busy_timeout_ms(wait_ns)));
  }
  std::string found;
  if (error.ok()) {
    error = table.connection_.query_text(
        "SELECT type FROM sqlite_schema WHERE name = 'mayfly_dead_letters' COLLATE NOCASE", found);
  }
  if (!error.ok()) return table.failed(error);
  if (found.empty()) return table;
  std::string missing = "an ordinary table";
  if (found == "table") {
    error = table.connection_.query_text(kMissing, missing);
    if (!error.ok()) return table.failed(error);
    if (!missing.empty()) missing = "a column " + missing;
  }
  if (!missing.empty()) {
    return Status(Code::kConfig,
                  fmt::format("mayfly_dead_letters in {} isn't the table that Mayfly makes: "
                              "expected {}, found none. Rename it or drop it",
                              database, missing));
  }
  table.exists_ = true;
  return table;
}

Status LetterTable::prepare(const std::string& sql, const LetterFilter& filter, const Clock& clock,
                            SqliteStatement& out) {
  if (!filter.since.empty()) {
    MAYFLY_ASSIGN_OR_RETURN(const std::int64_t since_us, since_of(filter.since, clock));
    since_ = iso8601(since_us);
  }
  if (SqliteError error = connection_.prepare(sql, out, false); !error.ok()) return failed(error);
  ids_ = json_of(filter.ids);
  const auto bind = [&out](int parameter, const std::string& text, bool given) {
    given ? out.bind(parameter, text) : out.bind_null(parameter);
  };
  bind(1, ids_, !filter.ids.empty());
  bind(2, filter.target, !filter.target.empty());
  bind(3, filter.code, !filter.code.empty());
  bind(4, filter.source, !filter.source.empty());
  bind(5, since_, !filter.since.empty());
  return {};
}

Status LetterTable::read(const LetterFilter& filter, std::size_t limit, const Clock& clock,
                         const std::function<bool(const StoredLetter&)>& visit) {
  MAYFLY_ASSIGN_OR_RETURN(const std::string format, format_sql(connection_));
  std::string sql =
      "SELECT id, at, source, ordinal, line, node, code, reason, target, attempts, columns, raw, " +
      format;
  sql += kMeant;
  // The newest, and among them the oldest first.
  if (limit > 0) {
    sql += fmt::format(" AND id IN (SELECT id{} ORDER BY id DESC LIMIT {})", kMeant, limit);
  }
  sql += " ORDER BY id";
  SqliteStatement statement;
  MAYFLY_RETURN_IF_ERROR(prepare(sql, filter, clock, statement));
  SqliteError error;
  while (statement.step(error)) {
    StoredLetter letter;
    letter.id = statement.int64(0);
    letter.at = statement.text(1);
    letter.source = statement.text(2);
    letter.ordinal = number(statement, 3);
    letter.line = number(statement, 4);
    letter.node = statement.text(5);
    letter.code = statement.text(6);
    letter.reason = statement.text(7);
    letter.target = statement.text(8);
    letter.attempts = statement.int64(9);
    letter.columns = bytes(statement, 10);
    letter.raw = bytes(statement, 11);
    letter.format = bytes(statement, 12);
    if (!visit(letter)) return {};
  }
  return error.ok() ? Status() : failed(error);
}

Result<std::vector<LetterCount>> LetterTable::count(const LetterFilter& filter,
                                                    const Clock& clock) {
  SqliteStatement statement;
  MAYFLY_RETURN_IF_ERROR(prepare(fmt::format("SELECT coalesce(target, ''), coalesce(code, ''), "
                                             "count(*){} GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2",
                                             kMeant),
                                 filter, clock, statement));
  std::vector<LetterCount> counts;
  SqliteError error;
  while (statement.step(error)) {
    counts.push_back({std::string(statement.text(0)), std::string(statement.text(1)),
                      static_cast<std::uint64_t>(statement.int64(2))});
  }
  if (!error.ok()) return failed(error);
  return counts;
}

Result<std::vector<std::int64_t>> LetterTable::ids(const LetterFilter& filter, const Clock& clock) {
  SqliteStatement statement;
  MAYFLY_RETURN_IF_ERROR(
      prepare(fmt::format("SELECT id{} ORDER BY id", kMeant), filter, clock, statement));
  std::vector<std::int64_t> found;
  SqliteError error;
  while (statement.step(error)) found.push_back(statement.int64(0));
  if (!error.ok()) return failed(error);
  return found;
}

Status LetterTable::check_known(const std::vector<std::int64_t>& ids) {
  std::vector<std::int64_t> unknown = ids;
  if (exists_) {
    SqliteStatement statement;
    SqliteError error = connection_.prepare(
        "SELECT DISTINCT value FROM json_each(?1) WHERE value NOT IN "
        "(SELECT id FROM mayfly_dead_letters) ORDER BY 1",
        statement, false);
    if (!error.ok()) return failed(error);
    const std::string list = json_of(ids);
    statement.bind(1, list);
    unknown.clear();
    while (statement.step(error)) unknown.push_back(statement.int64(0));
    if (!error.ok()) return failed(error);
  }
  if (unknown.empty()) return {};
  return {
      Code::kNoInput,
      fmt::format("expected {} in {}, found none of {}; see which there are with: "
                  "mayfly dlq list {}",
                  letters_text(unknown), database_,
                  unknown.size() == 1 ? "that number" : "those numbers", shell_quoted(database_))};
}

Result<std::uint64_t> LetterTable::remove(const LetterFilter& filter, const Clock& clock) {
  std::string frozen;
  SqliteError error = connection_.query_text(
      "SELECT name FROM sqlite_schema WHERE name = 'mayfly_replays' AND type = 'table'", frozen);
  if (!error.ok()) return failed(error);
  if (!frozen.empty()) {
    SqliteStatement statement;
    MAYFLY_RETURN_IF_ERROR(
        prepare(fmt::format("SELECT id{} AND id IN (SELECT letter FROM mayfly_replays WHERE "
                            "pending) ORDER BY id",
                            kMeant),
                filter, clock, statement));
    std::vector<std::int64_t> pending;
    while (statement.step(error)) pending.push_back(statement.int64(0));
    if (!error.ok()) return failed(error);
    if (!pending.empty()) {
      return Status(Code::kTryAgain,
                    fmt::format("{} {} of a replay that runs, or was cut off; go on with it "
                                "(mayfly dlq replay {}), or let it go (with --abandon), first",
                                letters_text(pending), pending.size() == 1 ? "is" : "are",
                                shell_quoted(database_)));
    }
  }
  MAYFLY_ASSIGN_OR_RETURN(const std::vector<std::int64_t> meant, ids(filter, clock));
  SqliteStatement statement;
  error = connection_.prepare(
      "DELETE FROM mayfly_dead_letters WHERE id IN (SELECT value FROM json_each(?1))", statement,
      false);
  if (!error.ok()) return failed(error);
  const std::string list = json_of(meant);
  statement.bind(1, list);
  if (error = statement.run(); !error.ok()) return failed(error);
  MAYFLY_RETURN_IF_ERROR(forget_unused_formats(connection_));
  return std::uint64_t{meant.size()};
}

}  // namespace mayfly::cli
