#include "tools/mayfly/letter_table.h"

#include <doctest/doctest.h>

#include "tests/support/database.h"
#include "tests/support/run_program.h"

using namespace mayfly;
using namespace mayfly::cli;
using mayfly::testing::Database;

namespace {

using Ids = std::vector<std::int64_t>;

constexpr const char* kLetters =
    "CREATE TABLE mayfly_dead_letters(id INTEGER PRIMARY KEY, at TEXT, source TEXT, ordinal "
    "INTEGER,"
    " line INTEGER, node TEXT, code TEXT, reason TEXT, columns TEXT, raw BLOB, target TEXT, "
    "attempts INTEGER);"
    "INSERT INTO mayfly_dead_letters VALUES"
    "(1, '2026-01-01T00:00:00.000000Z', '/data/a.csv', 0, 2, 'file', 'fields', 'r', NULL, 'x', "
    "'t', 0),"
    "(2, '2026-01-02T00:00:00.000000Z', '/data/b.csv', 1, 3, 'writer', 'unique', 'r', '{}', NULL, "
    "'T', 1),"
    "(3, '2026-01-03T00:00:00.000000Z', NULL, NULL, NULL, 'writer', 'unique', 'r', '{}', NULL, "
    "'u''; --', 0)";

LetterTable open(const Database& database) {
  auto table = LetterTable::open(database.path(), 0);
  REQUIRE_MESSAGE(table.ok(), table.status().message());
  return std::move(*table);
}

Ids ids(LetterTable& table, const LetterFilter& filter) {
  const ManualClock clock;
  const auto found = table.ids(filter, clock);
  REQUIRE_MESSAGE(found.ok(), found.status().message());
  return *found;
}

Status refusal(const std::string& path) {
  const auto table = LetterTable::open(path, 0);
  REQUIRE_FALSE(table.ok());
  return table.status();
}

}  // namespace

TEST_CASE("letter table: a filter means the letters that all of it says of") {
  const Database database("filter");
  database.run(kLetters);
  LetterTable table = open(database);
  CHECK(ids(table, {}) == Ids{1, 2, 3});
  CHECK(ids(table, {.ids = {3, 1, 9}}) == Ids{1, 3});
  CHECK(ids(table, {.target = "t"}) == Ids{1, 2});
  CHECK(ids(table, {.target = "u'; --"}) == Ids{3});
  CHECK(ids(table, {.target = "t", .code = "unique"}) == Ids{2});
  CHECK(ids(table, {.source = "b.csv"}) == Ids{2});
  CHECK(ids(table, {.source = "/data/b.csv"}) == Ids{2});
  CHECK(ids(table, {.source = ".csv"}).empty());
  CHECK(ids(table, {.since = "2026-01-02"}) == Ids{2, 3});
  const ManualClock clock;
  const auto bad = table.ids({.since = "soon"}, clock);
  REQUIRE_FALSE(bad.ok());
  CHECK(bad.status().code() == Code::kUsage);
}

TEST_CASE("letter table: of many the newest are read, oldest first, and all are counted") {
  const Database database("read");
  database.run(kLetters);
  LetterTable table = open(database);
  const ManualClock clock;
  Ids read;
  REQUIRE(table
              .read({}, 2, clock,
                    [&](const StoredLetter& letter) {
                      read.push_back(letter.id);
                      return true;
                    })
              .ok());
  CHECK(read == Ids{2, 3});
  const auto counts = table.count({.code = "unique"}, clock);
  REQUIRE(counts.ok());
  REQUIRE(counts->size() == 2);
  CHECK((*counts)[0].target == "T");
  CHECK((*counts)[0].letters == 1);
}

TEST_CASE("letter table: numbers of no letter are told") {
  const Database database("known");
  database.run(kLetters);
  LetterTable table = open(database);
  CHECK(table.check_known({1, 3}).ok());
  const Status status = table.check_known({1, 7, 8});
  CHECK(status.code() == Code::kNoInput);
  CHECK(status.message().starts_with("expected letters 7, 8 in "));
  CHECK(status.message().find("found none of those numbers; see which there are with: mayfly dlq "
                              "list ") != std::string::npos);
}

TEST_CASE("letter table: a database without the table has no letters") {
  const Database database("none");
  database.run("CREATE TABLE other(x)");
  LetterTable table = open(database);
  CHECK_FALSE(table.exists());
  CHECK_FALSE(table.check_known({1}).ok());
  CHECK(table.check_known({}).ok());
}

TEST_CASE("letter table: no file, another kind of file, another table of that name") {
  CHECK(refusal("/nowhere/a.db").code() == Code::kNoInput);
  const std::string text = mayfly::testing::make_folder() + "/text";
  mayfly::testing::write_file(text, "this is a text, and no database, whatever it is called");
  CHECK(refusal(text).code() == Code::kIo);
  const Database other("other");
  other.run("CREATE TABLE mayfly_dead_letters(id, at)");
  CHECK(refusal(other.path()).code() == Code::kConfig);
  CHECK(refusal(other.path()).message().find("expected a column source, found none") !=
        std::string::npos);
  const Database view("view");
  view.run("CREATE VIEW mayfly_dead_letters AS SELECT 1 AS id");
  CHECK(refusal(view.path()).message().find("expected an ordinary table, found none") !=
        std::string::npos);
}

TEST_CASE("letter table: letters of a replay that was cut off aren't removed") {
  const Database database("remove");
  database.run(kLetters);
  database.run(
      "CREATE TABLE mayfly_replays(key, rank, letter, pending);"
      "INSERT INTO mayfly_replays VALUES('k', 0, 2, 1), ('k', 1, 3, 0)");
  LetterTable table = open(database);
  const ManualClock clock;
  const auto refused = table.remove({.code = "unique"}, clock);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.status().code() == Code::kTryAgain);
  CHECK(refused.status().message().starts_with("letter 2 is of a replay that runs"));
  const auto removed = table.remove({.ids = {1, 3}}, clock);
  REQUIRE(removed.ok());
  CHECK(*removed == 2);
  CHECK(database.rows("SELECT id FROM mayfly_dead_letters") == std::vector<std::string>{"2"});
}
