// Rows that a table's own rules refuse, and names that look like SQL: each bad row is alone,
// whatever its refusal does to the transaction around it.
#include <doctest/doctest.h>

#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

using Rows = std::vector<std::string>;

struct Fixture : DatabaseAndFiles {
  using DatabaseAndFiles::DatabaseAndFiles;

  // Into a table t that is there.
  Outcome ingest(const std::string& text, std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"ingest", file("t.csv", text), "--table", "t", "--into",
                               database.path(), "--output", "json"});
    return run_mayfly(std::move(more));
  }
};

constexpr int kRows = 5000;

// Rows of which each thousandth is bad: those whose name is "bad", or a known id, or no parent's.
std::string with_bad_rows(const std::string& bad) {
  std::string text = "id,name\n";
  for (int i = 1; i <= kRows; ++i) text += i % 1000 == 0 ? bad + "\n" : std::to_string(i) + ",n\n";
  return text;
}

// All but the bad rows are there, and of these each with its line and why.
void check_only_bad_rows_are_letters(const Fixture& f, const Outcome& outcome,
                                     const std::string& code, const std::string& reason) {
  CHECK(outcome.status == 65);
  CHECK_MESSAGE(contains(outcome.err, code + ": " + reason), outcome.err);
  const JsonSummary summary = parse_summary(outcome.out);
  CHECK(summary.rejected == 5);
  CHECK(summary.inserted == kRows - 5);
  CHECK(f.database.text("SELECT count(*), count(DISTINCT id), sum(name = 'n') FROM t "
                        "WHERE id BETWEEN 1 AND 4999") == "4995|4995|4995");
  CHECK(f.database.rows("SELECT line, code FROM mayfly_dead_letters ORDER BY line") ==
        Rows{"1001|" + code, "2001|" + code, "3001|" + code, "4001|" + code, "5001|" + code});
}

}  // namespace

TEST_CASE("refused rows: a trigger that raises costs its row, whatever it does to the others") {
  for (const std::string how : {"ABORT", "FAIL", "ROLLBACK"}) {
    CAPTURE(how);
    const Fixture f("trigger_" + how);
    f.database.run(
        "CREATE TABLE t(id INTEGER, name TEXT); CREATE TABLE log(id INTEGER); "
        "CREATE TRIGGER watch AFTER INSERT ON t BEGIN INSERT INTO log VALUES (new.id); "
        "SELECT RAISE(" +
        how + ", 'not this one') WHERE new.name = 'bad'; END");
    const Outcome outcome = f.ingest(with_bad_rows("7,bad"));
    check_only_bad_rows_are_letters(f, outcome, "trigger", "not this one");
    // What the trigger did besides it did for the rows that are there, and for no others.
    CHECK(f.database.text("SELECT count(*), count(DISTINCT id) FROM log") == "4995|4995");
  }
  const Fixture f("trigger_ignore");
  f.database.run(
      "CREATE TABLE t(id INTEGER, name TEXT); CREATE TRIGGER watch BEFORE INSERT ON t "
      "WHEN new.name = 'bad' BEGIN SELECT RAISE(IGNORE); END");
  const Outcome outcome = f.ingest(with_bad_rows("7,bad"));
  CHECK(outcome.status == 0);
  CHECK(parse_summary(outcome.out).ignored == 5);
  CHECK(f.database.integer("SELECT count(DISTINCT id) FROM t") == 4995);
}

TEST_CASE("refused rows: a trigger that can't run at all ends with 78 and changes nothing") {
  const Fixture f("trigger_broken");
  f.database.run(
      "CREATE TABLE t(id INTEGER, name TEXT); CREATE TRIGGER watch AFTER INSERT ON t "
      "BEGIN INSERT INTO missing VALUES (1); END");
  const Outcome outcome = f.ingest("id,name\n1,a\n");
  CHECK(outcome.status == 78);
  CHECK(contains(outcome.err, "writing to table t: no such table: main.missing"));
  CHECK(f.database.integer("SELECT count(*) FROM t") == 0);
}

TEST_CASE("refused rows: a constraint's ON CONFLICT clause costs no other row") {
  for (const std::string how : {"ROLLBACK", "ABORT", "FAIL"}) {
    for (const std::string& column :
         {"id INTEGER UNIQUE ON CONFLICT " + how + ", name TEXT",
          "id INTEGER PRIMARY KEY ON CONFLICT " + how + ", name TEXT"}) {
      CAPTURE(column);
      const Fixture f("conflict_" + how + (contains(column, "PRIMARY") ? "_key" : ""));
      f.database.run("CREATE TABLE t(" + column + ")");
      check_only_bad_rows_are_letters(f, f.ingest(with_bad_rows("7,bad")),
                                      contains(column, "PRIMARY") ? "primary_key" : "unique",
                                      "UNIQUE constraint failed: t.id");
    }
    const Fixture f("null_" + how);
    f.database.run("CREATE TABLE t(id INTEGER NOT NULL ON CONFLICT " + how + ", name TEXT)");
    check_only_bad_rows_are_letters(f, f.ingest(with_bad_rows(",bad")), "not_null",
                                    "NOT NULL constraint failed: t.id");
  }
}

TEST_CASE("refused rows: a foreign key costs its row, at once or at COMMIT") {
  for (const std::string when : {"", " DEFERRABLE INITIALLY DEFERRED"}) {
    CAPTURE(when);
    const Fixture f("parent" + std::to_string(when.size()));
    f.database.run(
        "CREATE TABLE parent(id INTEGER PRIMARY KEY); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
        "SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO parent SELECT i FROM n; "
        "CREATE TABLE t(id INTEGER REFERENCES parent(id)" +
        when + ", name TEXT)");
    check_only_bad_rows_are_letters(f, f.ingest(with_bad_rows("9999,bad")), "foreign_key",
                                    "FOREIGN KEY constraint failed");
    CHECK(f.database.rows("PRAGMA foreign_key_check").empty());
  }
  // A child may come before its parent, if the constraint is only looked at in the end.
  const Fixture f("tree");
  f.database.run(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, up INTEGER REFERENCES t(id) DEFERRABLE "
      "INITIALLY DEFERRED)");
  CHECK(f.ingest("id,up\n1,2\n2,3\n3,\n").status == 0);
  CHECK(f.database.rows("SELECT id, up FROM t") == Rows{"1|2", "2|3", "3|NULL"});
}

TEST_CASE("hostile names: of a table, each is a name and nothing else") {
  const Fixture f("tables");
  f.database.run("CREATE TABLE precious(a); INSERT INTO precious VALUES (1)");
  const std::string csv = f.file("t.csv", "id,name\n1,a\n\n2\n");
  for (const std::string table :
       {"x\"; DROP TABLE precious; --", "it's", "[a]", "`", "\"", "select", "a b", "main.precious",
        "%s{}\\", "a\nb", "--", "Z\u00fcrich", "rowid"}) {
    CAPTURE(table);
    const Outcome outcome = run_mayfly(
        {"ingest", csv, "--table", table, "--into", f.database.path(), "--output", "json"});
    CHECK(outcome.status == 65);  // the last record is short
    CHECK(parse_summary(outcome.out).table == table);
    std::string quoted;
    for (const char c : table) quoted.append(c == '"' ? 2 : 1, c);
    CHECK(f.database.rows("SELECT * FROM main.\"" + quoted + "\"") == Rows{"1|a"});
    // The letter knows its table, and a replay finds it.
    CHECK(run_mayfly({"dlq", "replay", f.database.path(), "--target", table}).status == 65);
  }
  CHECK(f.database.text("SELECT a FROM precious") == "1");
  const auto refused = [&](const std::string& table, const char* why) {
    const Outcome outcome =
        run_mayfly({"ingest", csv, "--table", table, "--into", f.database.path()});
    CHECK(outcome.status == 64);
    CHECK_MESSAGE(contains(outcome.err, why), outcome.err);
  };
  refused("sqlite_x", "--table: names that begin with sqlite_ are reserved");
  refused("MAYFLY_x", "--table: names that begin with mayfly_ are reserved");
  refused("", "--table: expected a value, found an empty one");
  refused("Z\xfcrich", "--table: expected a name in UTF-8");
}

TEST_CASE("hostile names: of columns, each is a name and nothing else") {
  const Fixture f("columns");
  const std::vector<std::string> names = {
      "a\"b",  "it's",    "x;y", "DROP TABLE t", "select",     "[z]", "`q`",
      "rowid", "_rowid_", "oid", "a\nb",         "mayfly_row", "%s",  "{}",
      "a.b",   "\"",      " ",   "Z\u00fcrich",  "ref",        "--"};
  std::string header, first, second;
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::string quoted;
    for (const char c : names[i]) quoted.append(c == '"' ? 2 : 1, c);
    header += (i == 0 ? "\"" : ",\"") + quoted + "\"";
    first += (i == 0 ? "" : ",") + std::to_string(i);
    second += i == 0 ? "x" : ",x";
  }
  const std::string text = header + "\n" + first + "\n" + second + "\n1\n";

  const Outcome outcome = f.ingest(text);
  const Outcome upsert = f.ingest(text, {"--upsert", "--pk", "it's", "--table", "t"});

  CHECK(outcome.status == 65);
  CHECK(f.database.rows("SELECT name FROM pragma_table_info('t') ORDER BY cid") == names);
  CHECK(f.database.integer("SELECT count(*) FROM t") == 2);
  CHECK(f.database.integer("SELECT line FROM mayfly_dead_letters") == 5);
  CHECK(upsert.status != 0);
}

TEST_CASE("hostile names: double and empty ones get others, which is said") {
  const Fixture f("double");
  const Outcome outcome = f.ingest("a,a,,A,a_2,column_3\n1,2,3,4,5,6\n");
  CHECK(outcome.status == 0);
  CHECK(contains(outcome.err,
                 "names that are taken or empty got others: \"a\" (column 2) is \"a_3\""));
  CHECK(f.database.rows("SELECT name FROM pragma_table_info('t') ORDER BY cid") ==
        Rows{"a", "a_3", "column_4", "A_4", "a_2", "column_3"});
}
