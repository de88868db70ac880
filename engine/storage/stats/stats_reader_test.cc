// What `mayfly stats` shows is what was stored.
#include "mayfly/storage/stats/stats_reader.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "mayfly/storage/stats/stats_table.h"
#include "mayfly/storage/timestamp.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using testing::Database;

constexpr std::int64_t kNowUs = 1'700'000'000'123'456;

void store(const Database& database, const std::string& writer, std::int64_t at_us,
           std::int64_t pid, const std::string& json) {
  database.run(std::string(kStatsTableSql) + "; INSERT INTO mayfly_stats VALUES('" + writer +
               "', '" + iso8601(at_us) + "', " + std::to_string(pid) + ", '" + json + "')");
}

TEST_CASE("stats: each writer's are read with their age, in the order of their names") {
  const Database database("stats_read");
  store(
      database, "orders", kNowUs - 1'500'000, ::getpid(),
      R"({"rows":12,"of_rows":{"per_second":0.5},"rate":0.5,"on":true,"none":null,"sources":[{"name":"a \"b\""}]})");
  store(database, "events", kNowUs - 1, 0, "{}");
  const auto stats = read_stats(database.path(), kNowUs);
  REQUIRE_MESSAGE(stats.ok(), stats.status().message());
  REQUIRE(stats->size() == 2);
  CHECK((*stats)[0].writer == "events");
  CHECK((*stats)[0].age_us == 1);
  CHECK_FALSE((*stats)[0].is_running);
  CHECK((*stats)[0].values.empty());
  const StoredStats& orders = (*stats)[1];
  CHECK(orders.age_us == 1'500'000);
  CHECK(orders.pid == ::getpid());
  CHECK(orders.is_running);
  using Values = std::vector<std::pair<std::string, std::string>>;
  CHECK(orders.values == Values{{"rows", "12"},
                                {"of_rows.per_second", "0.5"},
                                {"rate", "0.5"},
                                {"on", "true"},
                                {"none", "null"},
                                {"sources[0].name", "a \"b\""}});
}

TEST_CASE("stats: those of a clock that was ahead have no age") {
  const Database database("stats_ahead");
  store(database, "w", kNowUs + 5'000'000, 1, "{}");
  CHECK(read_stats(database.path(), kNowUs)->front().age_us == 0);
}

TEST_CASE("stats: what isn't JSON is shown as a text, and is valid JSON by that") {
  const Database database("stats_text");
  store(database, "w", kNowUs, 1, "broken {");
  const auto stats = read_stats(database.path(), kNowUs);
  CHECK(stats->front().json == "\"broken {\"");
  CHECK(stats->front().values.front().second == "broken {");
}

TEST_CASE("stats: they are read while a writer has its transaction open") {
  const Database database("stats_beside");
  database.run("PRAGMA journal_mode = WAL");
  store(database, "w", kNowUs, 1, "{}");
  const testing::WriteLock lock(database.path());
  CHECK(read_stats(database.path(), kNowUs).ok());
}

TEST_CASE("stats: a database without any, a missing one and another's table are told apart") {
  const Database empty("stats_empty");
  empty.run("CREATE TABLE t(x)");
  CHECK(read_stats(empty.path(), kNowUs).status().code() == Code::kNoInput);
  CHECK(read_stats(empty.path() + ".none", kNowUs).status().code() == Code::kNoInput);
  CHECK_FALSE(std::filesystem::exists(empty.path() + ".none"));
  const Database other("stats_other");
  other.run("CREATE TABLE mayfly_stats(x)");
  const Status foreign = read_stats(other.path(), kNowUs).status();
  CHECK(foreign.code() == Code::kConfig);
  CHECK(foreign.message().find("found one without the column writer") != std::string::npos);
  const Database text("stats_not_a_database");
  std::ofstream(text.path()) << "id,name\n1,one\n" << std::string(2000, 'x');
  CHECK(read_stats(text.path(), kNowUs).status().code() == Code::kIo);
  const auto folder = std::filesystem::path(text.path()).parent_path().string();
  CHECK(read_stats(folder, kNowUs).status().code() == Code::kNoInput);
}

// A view may be anything, without an end too.
TEST_CASE("stats: a view of the table's name isn't read") {
  const Database database("stats_view");
  database.run(
      "CREATE VIEW mayfly_stats AS SELECT 'w' AS writer, '2023-11-14T22:13:20.000000Z' AS at, "
      "1 AS pid, '{}' AS json");
  const auto stats = read_stats(database.path(), kNowUs);
  CHECK(stats.status().code() == Code::kNoInput);
  CHECK(stats.status().message().find("expected stats of a process") != std::string::npos);
}

}  // namespace
}  // namespace mayfly
