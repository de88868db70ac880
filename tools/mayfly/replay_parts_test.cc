#include "tools/mayfly/replay_parts.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/database.h"
#include "tools/mayfly/replay_table.h"

using namespace mayfly;
using namespace mayfly::cli;
using mayfly::testing::Database;

namespace {

using Ids = std::vector<std::int64_t>;
using Names = std::vector<std::string>;

// A database with letters of a table t.
struct Fixture {
  explicit Fixture(const std::string& name, const std::string& table =
                                                "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, "
                                                "made TEXT DEFAULT 'now', score REAL)")
      : database(name) {
    database.run(table);
    database.run(
        "CREATE TABLE mayfly_dead_letters(id INTEGER PRIMARY KEY, source TEXT, columns TEXT, raw "
        "BLOB, target TEXT)");
    REQUIRE(SqliteConnection::open(database.path(), {}, connection).ok());
  }
  void letter(const std::string& source, const std::string& columns, const std::string& raw,
              const std::string& target = "t") {
    SqliteStatement statement;
    REQUIRE(connection
                .prepare("INSERT INTO mayfly_dead_letters(source, columns, raw, target) VALUES(?1, "
                         "?2, ?3, ?4)",
                         statement)
                .ok());
    statement.bind(1, source).bind_null(2).bind_null(3).bind(4, target);
    if (!columns.empty()) statement.bind(2, columns);
    if (columns.empty()) statement.bind_blob(3, raw);
    REQUIRE(statement.run().ok());
    ids.push_back(static_cast<std::int64_t>(ids.size()) + 1);
  }
  ReplayChoice choose(const Names& columns = {}) {
    auto choice =
        choose_parts(connection, ids, {.columns = columns, .delimiter = {}, .quote = {}}, "1");
    REQUIRE_MESSAGE(choice.ok(), choice.status().message());
    return std::move(*choice);
  }
  Status refusal(const Names& columns = {}) {
    const auto choice =
        choose_parts(connection, ids, {.columns = columns, .delimiter = {}, .quote = {}}, "1");
    REQUIRE_FALSE(choice.ok());
    return choice.status();
  }

  Database database;
  SqliteConnection connection;
  Ids ids;
};

}  // namespace

// Else one letter's columns would be NULL in another's row, or what an upsert takes out of it.
TEST_CASE("replay parts: a row has the columns that its letter has, and no others") {
  Fixture f("columns");
  f.letter("a", R"({"NAME":"x","id":1})", "");
  f.letter("a", R"({"score":1})", "");
  f.letter("b", R"({"id":1,"NAME":"x"})", "");
  f.letter("b", "", R"({"name":"x"})");
  f.letter("b", R"({"name":"x","id":2})", "");
  f.letter("c", "", "1,x,y,2");
  f.letter("d", "", "2,x,y,2");
  const ReplayChoice choice = f.choose();
  CHECK(choice.unreadable.empty());
  REQUIRE(choice.parts.size() == 5);
  const auto letters_with = [&choice](const Names& columns) {
    Ids found;
    for (const ReplayPart& part : choice.parts) {
      if (part.columns == columns)
        found.insert(found.end(), part.letters.begin(), part.letters.end());
    }
    return found;
  };
  CHECK(letters_with({"id", "NAME"}) == Ids{1, 3});
  CHECK(letters_with({"score"}) == Ids{2});
  CHECK(letters_with({"name"}) == Ids{4});
  CHECK(letters_with({"id", "name"}) == Ids{5});
  CHECK(letters_with({"id", "name", "made", "score"}) == Ids{6, 7});
  CHECK(choice.parts[0].key == "mayfly_replay/1/000001");
}

TEST_CASE("replay parts: what the table wants is there, what it makes itself isn't") {
  Fixture f(
      "wanted",
      "CREATE TABLE t(id INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, made TEXT NOT NULL "
      "DEFAULT 'now', twice AS (id * 2))");
  f.letter("a", R"({"made":"x","twice":4})", "");
  f.letter("b", R"({"unknown":1})", "");
  f.letter("c", "", "1,a,b");
  f.letter("b", "", R"({"unknown":1})");
  const ReplayChoice choice = f.choose();
  REQUIRE(choice.parts.size() == 3);
  CHECK(choice.parts[0].columns == Names{"name", "made"});
  CHECK(choice.parts[1].columns == Names{"id", "name", "made"});
  CHECK(choice.parts[2].columns == Names{"name"});
  REQUIRE(choice.unreadable.size() == 1);
  CHECK(choice.unreadable[0].why.starts_with(
      "none of its columns (unknown) is one of table t (id, name, made); correct it"));
}

TEST_CASE(
    "replay parts: SQLite fills one INTEGER PRIMARY KEY, and wants each column of another key") {
  const auto wanted = [](const std::string& name, const std::string& table) {
    Fixture f(name, table);
    f.letter("a", R"({"v":1})", "");
    return f.choose().parts.at(0).columns;
  };
  CHECK(wanted("rowid", "CREATE TABLE t(id INTEGER PRIMARY KEY NOT NULL, v)") == Names{"v"});
  CHECK(wanted("two",
               "CREATE TABLE t(a INTEGER NOT NULL, b INTEGER NOT NULL, v, PRIMARY KEY(a, b))") ==
        Names{"a", "b", "v"});
  CHECK(wanted("without", "CREATE TABLE t(id INTEGER PRIMARY KEY, v) WITHOUT ROWID") ==
        Names{"id", "v"});
}

TEST_CASE("replay parts: a CSV record's columns may be given, and must be the table's") {
  Fixture f("given");
  f.letter("a", "", "x,1");
  CHECK(f.choose({"name", "ID"}).parts.at(0).columns == Names{"name", "ID"});
  CHECK(f.refusal({"name", "nmae"}).code() == Code::kUsage);
  CHECK(f.refusal({"nmae"}).message() ==
        "--columns: expected columns of table t (id, name, made, score), found \"nmae\"");
}

TEST_CASE("replay parts: targets that differ in case are one table, and hostile names are names") {
  Fixture f("targets", "CREATE TABLE t(id); CREATE TABLE \"x\"\"; DROP TABLE y; --\"(a)");
  f.letter("a", R"({"id":1})", "", "T");
  f.letter("a", R"({"id":2})", "", "t");
  f.letter("a", R"({"a":2})", "", "x\"; DROP TABLE y; --");
  const ReplayChoice choice = f.choose();
  REQUIRE(choice.parts.size() == 2);
  CHECK(choice.parts[0].target == "t");
  CHECK(choice.parts[0].letters == Ids{1, 2});
  CHECK(choice.parts[1].target == "x\"; DROP TABLE y; --");
}

TEST_CASE("replay parts: a target that is gone is told") {
  Fixture f("gone");
  f.letter("a", R"({"id":1})", "", "u");
  CHECK(f.refusal().code() == Code::kConfig);
  CHECK(f.refusal().message().starts_with(
      "letter 1 is for table \"u\", and the database has no such table; bring it back"));
  Fixture view("gone_view", "CREATE VIEW t AS SELECT 1 AS id");
  view.letter("a", R"({"id":1})", "");
  CHECK(view.refusal().code() == Code::kConfig);
}

TEST_CASE("replay parts: letters that can't be replayed as they are stay, with what to do") {
  Fixture f("unreadable");
  f.letter("a", "", std::string(64 << 10, 'x'));
  f.letter("a", R"({"id":1,"name":{"head":"abc","bytes":70000}})", "");
  f.letter("a", R"({"id":1,"name":{"head_hex":"00","bytes":70000}})", "");
  f.letter("a", "not JSON", "");
  f.letter("a", "[1]", "");
  f.letter("a", "", std::string((64 << 10) + 1, 'x'));
  f.letter("a", "", R"({"name":{"head":"abc","bytes":1}})");
  f.letter("a", "", R"({"name":)");
  const ReplayChoice choice = f.choose();
  REQUIRE(choice.unreadable.size() == 5);
  CHECK(choice.unreadable[0].id == 1);
  CHECK(choice.unreadable[0].why ==
        "only the first 64 KiB of its record were kept; correct it (mayfly dlq show, then mayfly "
        "dlq replay --from), or delete it (mayfly dlq purge)");
  CHECK(choice.unreadable[1].why.starts_with(
      "only the beginning of its value for \"name\" was kept; "));
  CHECK(choice.unreadable[2].id == 3);
  CHECK(choice.unreadable[3].why.starts_with("its columns aren't a JSON object; "));
  CHECK(choice.unreadable[4].id == 5);
  Ids chosen;
  for (const ReplayPart& part : choice.parts) {
    chosen.insert(chosen.end(), part.letters.begin(), part.letters.end());
  }
  std::ranges::sort(chosen);
  CHECK(chosen == Ids{6, 7, 8});
}

TEST_CASE("replay parts: a record's columns and dialect are those that its source said") {
  Fixture f("format");
  f.database.run(
      "ALTER TABLE mayfly_dead_letters ADD COLUMN format INTEGER; CREATE TABLE "
      "mayfly_record_formats(id INTEGER PRIMARY KEY, format TEXT);"
      R"(INSERT INTO mayfly_record_formats VALUES
         (1, '{"columns":["score","id"],"fields":["3","1"],"field_count":3,"delimiter":";"}'),
         (2, '{"columns":["id","name"],"keys":["no","who"]}'),
         (3, '{"columns":["id","name"],"keys":["no","who"],"on_extra":"ignore"}'),
         (4, '{"columns":["id","other"]}'),
         (5, '{"columns":["id","name","made","score"],"delimiter":","}'))");
  for (const char* raw :
       {"1;x;2", R"({"no":1,"made":"x"})", R"({"no":2,"made":"x"})", "1,2", "1,x,y,2", "1,x,y,2"}) {
    f.letter("a", "", raw);
  }
  f.database.run("UPDATE mayfly_dead_letters SET format = nullif(id, 6)");
  const ReplayChoice choice = f.choose();
  REQUIRE(choice.parts.size() == 5);
  const auto part_of = [](const ReplayChoice& of, std::int64_t letter) {
    const auto part = std::ranges::find(of.parts, Ids{letter}, &ReplayPart::letters);
    REQUIRE(part != of.parts.end());
    return *part;
  };
  CHECK(part_of(choice, 1).columns == Names{"score", "id"});
  CHECK(part_of(choice, 1).format ==
        R"({"fields":["3","1"],"field_count":"3","delimiter":";","format":"csv",)"
        R"("types":["score=any","id=any"],"typed":"true"})");
  // The columns of its file, whether it has their keys or not, and what the table has for others.
  CHECK(part_of(choice, 2).columns == Names{"id", "name", "made"});
  CHECK(
      part_of(choice, 2).format ==
      R"({"format":"json","types":["id=any","name=any"],"typed":"true","keys":["no","who","made"]})");
  CHECK(part_of(choice, 3).columns == Names{"id", "name"});
  CHECK(part_of(choice, 3).format == R"({"keys":["no","who"],"on_extra":"ignore","format":"json",)"
                                     R"("types":["id=any","name=any"],"typed":"true"})");
  CHECK(part_of(choice, 5).columns == Names{"id", "name", "made", "score"});
  CHECK(part_of(choice, 6).format == R"({"format":"csv"})");
  REQUIRE(choice.unreadable.size() == 1);
  CHECK(choice.unreadable[0].id == 4);
  CHECK(choice.unreadable[0].of_its_columns);
  CHECK(choice.unreadable[0].why.starts_with(
      "its record is of the columns id, other, and table t has no column \"other\"; say which"));
  // Who says which columns the fields are means all of them.
  const ReplayChoice given = f.choose({"id", "name"});
  CHECK(given.unreadable.empty());
  REQUIRE(given.parts.size() == 5);
  CHECK(part_of(given, 1).columns == Names{"id", "name"});
  CHECK(part_of(given, 1).format == R"({"delimiter":";","format":"csv"})");
}

TEST_CASE(
    "replay parts: letters without a value stay, and those that nodes were ahead of are named") {
  Fixture f("nodes");
  f.database.run(
      "ALTER TABLE mayfly_dead_letters ADD COLUMN format INTEGER; CREATE TABLE "
      "mayfly_record_formats(id INTEGER PRIMARY KEY, format TEXT);"
      R"(INSERT INTO mayfly_record_formats VALUES
         (1, '{"columns":["id","name"],"nodes":["clean","join"]}'), (2, '{"nodes":["join"]}'))");
  f.letter("a", "", "1,x");
  f.letter("a", "", "2,x");
  f.letter("a", R"({"id":3})", "");
  f.letter("a", "{}", "");
  f.letter("a", R"({"id":5})", "");
  f.database.run(
      "UPDATE mayfly_dead_letters SET format = CASE WHEN id < 3 THEN 1 WHEN id = 3 THEN 2 END");
  const ReplayChoice choice = f.choose();
  REQUIRE(choice.unreadable.size() == 1);
  CHECK(choice.unreadable[0].id == 4);
  CHECK(choice.unreadable[0].why.starts_with("its columns have no value; correct it"));
  REQUIRE(choice.past_nodes.size() == 2);
  CHECK(choice.past_nodes[0].nodes == Names{"clean", "join"});
  CHECK(choice.past_nodes[0].letters == Ids{1, 2});
  CHECK(choice.past_nodes[1].nodes == Names{"join"});
  CHECK(choice.past_nodes[1].letters == Ids{3});
  REQUIRE(choice.parts.size() == 2);
  for (const ReplayPart& part : choice.parts) CHECK(part.format.find("nodes") == std::string::npos);
}

TEST_CASE("replay parts: what isn't a format is told, and nothing is replayed by it") {
  Fixture f("no_format");
  f.database.run(
      "ALTER TABLE mayfly_dead_letters ADD COLUMN format INTEGER; CREATE TABLE "
      "mayfly_record_formats(id INTEGER PRIMARY KEY, format TEXT);"
      "INSERT INTO mayfly_record_formats VALUES(1, 'none')");
  f.letter("a", "", "1,x");
  f.database.run("UPDATE mayfly_dead_letters SET format = 1");
  CHECK(f.refusal().message() == "mayfly_record_formats: expected a JSON object, found none");
}

TEST_CASE("replay parts: types are those that the table declares") {
  Fixture f("types", "CREATE TABLE t(a INT, b VARCHAR(9), c DOUBLE, d, e BLOB, f DECIMAL)");
  const auto types = declared_types(f.connection, "T", {"A", "b", "c", "d", "e", "f", "gone"});
  REQUIRE(types.ok());
  CHECK(*types == Names{"A=int64", "b=text", "c=float64", "d=any", "e=any", "f=any"});
  CHECK_FALSE(declared_types(f.connection, "u", {"a"}).ok());
}
