// SIGKILL at random instants of `mayfly dlq replay`, the same command after each: in the end each
// row is there once, and no letter is left but those that are refused again. At every moment each
// letter is either a letter or answered.
//
// MAYFLY_KILL_SEED repeats a run's delays (not its instants: the machine has a say in those).
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include "mayfly/base/rng.h"
#include "tests/cli/cli_fixture.h"

using namespace mayfly::testing;

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t kLetters = 6'000;
constexpr int kKillsWanted = 34;
constexpr int kKillsAPass = 12;

// Letters of two tables: values, records of CSV and of JSON; every 50th is still bad.
constexpr const char* kMakeLetters = R"(
CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE u(id INTEGER PRIMARY KEY, name TEXT);
CREATE TABLE mayfly_dead_letters(id INTEGER PRIMARY KEY, at TEXT, source TEXT, ordinal INTEGER,
  line INTEGER, node TEXT, code TEXT, reason TEXT, columns TEXT, raw BLOB, target TEXT,
  attempts INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
INSERT INTO mayfly_dead_letters SELECT i, '', 'in', i, i, '', '', '',
  CASE WHEN i % 3 = 0 THEN json_object('id', CASE WHEN i % 50 = 0 THEN 'x' ELSE i END, 'name', 'n')
  END,
  CASE WHEN i % 3 = 1 THEN CASE WHEN i % 50 = 0 THEN 'x' ELSE i END || ',n'
       WHEN i % 3 = 2 THEN json_object('id', CASE WHEN i % 50 = 0 THEN 'x' ELSE i END, 'name', 'n')
  END, CASE WHEN i % 2 = 0 THEN 't' ELSE 'u' END, 0 FROM n;
)";

class Torment {
 public:
  explicit Torment(std::uint64_t seed) : rng_(seed) {}
  int kills() const { return kills_; }

  void pass(bool wal) {
    const Database database("dlq_kill" + std::to_string(passes_++));
    if (wal) database.run("PRAGMA journal_mode = WAL");
    database.run(kMakeLetters);
    const std::vector<std::string> line = {"dlq", "replay", database.path(), "--output", "json"};
    const Clock::duration whole = time_of_whole_run();
    int status = -SIGKILL;
    std::string out;
    for (int kills = 0; status == -SIGKILL; ++kills) {
      RunProgram program(mayfly_path(), line);
      if (kills < kKillsAPass) {
        std::this_thread::sleep_for(whole * (0.9 * rng_.unit()));
        program.signal(SIGKILL);
      }
      status = program.wait();
      check_midway(database);
      if (status != -SIGKILL) {
        REQUIRE_MESSAGE(status == 65, program.err());
        out = program.out();
        break;
      }
      ++kills_;
    }
    check(database, out);
  }

 private:
  Clock::duration time_of_whole_run() const {
    const Database database("dlq_whole" + std::to_string(passes_));
    database.run(kMakeLetters);
    const auto began = Clock::now();
    const Outcome outcome = run_mayfly({"dlq", "replay", database.path()});
    REQUIRE_MESSAGE(outcome.status == 65, outcome.err);
    return Clock::now() - began;
  }
  // Each is a row or a letter, and none is both.
  static void check_midway(const Database& database) {
    CHECK(database.integer("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM u) + "
                           "(SELECT count(*) FROM mayfly_dead_letters)") == kLetters);
    CHECK(database.integer("SELECT count(*) FROM mayfly_dead_letters WHERE id IN (SELECT id FROM t "
                           "UNION ALL SELECT id FROM u)") == 0);
  }
  static void check(const Database& database, const std::string& out) {
    constexpr std::int64_t kBad = kLetters / 50;
    CHECK(database.text("PRAGMA integrity_check") == "ok");
    CHECK(database.integer("SELECT count(*) FROM (SELECT id FROM t UNION SELECT id FROM u)") ==
          kLetters - kBad);
    CHECK(
        database.integer("SELECT count(*) FROM mayfly_dead_letters WHERE attempts > 0 AND id % 50 "
                         "= 0 AND source = 'in'") == kBad);
    CHECK(database.integer("SELECT count(*) FROM mayfly_dead_letters") == kBad);
    CHECK(database.integer("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'mayfly_replay%'") ==
          0);
    CHECK(database.integer("SELECT count(*) FROM mayfly_offsets") == 0);
    // Of all runs together.
    std::int64_t read = 0, inserted = 0, rejected = 0;
    for (std::size_t begin = 0; begin < out.size();) {
      const std::size_t end = out.find('\n', begin) + 1;
      const JsonSummary summary = parse_summary(out.substr(begin, end - begin));
      read += summary.read, inserted += summary.inserted, rejected += summary.rejected;
      begin = end;
    }
    // One that was killed when all was done found the bad ones alone.
    CHECK((read == kLetters || read == kBad));
    CHECK(inserted == read - kBad);
    CHECK(rejected == kBad);
  }

  mayfly::Rng rng_;
  int kills_ = 0;
  int passes_ = 0;
};

}  // namespace

TEST_CASE("dlq kill: at any instant, each letter is written once or still a letter") {
  const char* given = std::getenv("MAYFLY_KILL_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  MESSAGE("MAYFLY_KILL_SEED=", seed);
  Torment torment(seed);
  for (int i = 0; torment.kills() < kKillsWanted; ++i) torment.pass(i % 2 == 1);
  MESSAGE(torment.kills(), " kills");
}
