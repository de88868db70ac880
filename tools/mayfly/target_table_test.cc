#include "tools/mayfly/target_table.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "mayfly/storage/sqlite.h"
#include "tests/support/database.h"

using namespace mayfly;
using namespace mayfly::cli;
using mayfly::testing::Database;

namespace {

using Names = std::vector<std::string>;

Names text_columns(const std::string& database, const std::string& table) {
  const auto names = text_columns_of(database, table, 0);
  REQUIRE(names.ok());
  return *names;
}

}  // namespace

TEST_CASE("target table: columns with TEXT affinity are found, whatever the table's case") {
  const Database database("affinity");
  database.run("CREATE TABLE t(a TEXT, b VARCHAR(9), c clob, d CHARINT, e REAL, f)");

  CHECK(text_columns(database.path(), "T") == Names{"a", "b", "c"});
  CHECK(text_columns(database.path(), "u").empty());
  CHECK(text_columns(database.path() + ".none", "t").empty());
  CHECK_FALSE(std::filesystem::exists(database.path() + ".none"));
}

TEST_CASE("target table: what a killed program left in a rollback journal hides no column") {
  const Database database("hot");
  const std::string copy = database.path() + ".copy";
  database.run("PRAGMA journal_mode = DELETE; CREATE TABLE t(a TEXT); CREATE TABLE u(x)");
  {
    SqliteConnection killed;
    REQUIRE(SqliteConnection::open(database.path(), {}, killed).ok());
    // More than fits the cache, so that the journal is synced and pages are written before COMMIT.
    REQUIRE(killed
                .run("PRAGMA cache_size = 2; BEGIN; DROP TABLE t; WITH RECURSIVE n(i) AS (SELECT 1 "
                     "UNION ALL SELECT i + 1 FROM n WHERE i < 999) INSERT INTO u "
                     "SELECT hex(zeroblob(500)) FROM n")
                .ok());
    std::filesystem::copy_file(database.path(), copy);
    std::filesystem::copy_file(database.path() + "-journal", copy + "-journal");
  }

  CHECK(text_columns(copy, "t") == Names{"a"});
  CHECK_FALSE(std::filesystem::exists(copy + "-journal"));
}

TEST_CASE("target table: a locked one is told, not taken for one without columns that keep text") {
  const Database database("locked");
  database.run("PRAGMA journal_mode = DELETE; CREATE TABLE t(a TEXT)");
  SqliteConnection other;
  REQUIRE(SqliteConnection::open(database.path(), {}, other).ok());
  REQUIRE(other.run("BEGIN EXCLUSIVE").ok());

  CHECK(text_columns_of(database.path(), "t", 0).status().code() == Code::kTryAgain);
}
