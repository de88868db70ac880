// SIGKILL at random instants, --resume after each: in the end the table holds what an unbroken run
// would have put there, row for row, and so do the dead letters, the figures and the exit status.
//
// MAYFLY_KILL_SEED repeats a run's delays (not its instants: the machine has a say in those).
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <algorithm>
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

constexpr std::uint64_t kRecords = 40'000;
constexpr int kKillsWanted = 104;
constexpr int kKillsAPass = 15;

// Every 97th record can't be read, every 101st has a key that is there already.
bool is_broken(std::uint64_t i) { return i % 97 == 13; }
bool is_duplicate(std::uint64_t i) { return i % 101 == 100 && !is_broken(i); }
std::string name_of(std::uint64_t i) { return "name " + std::to_string(i * 7919 % 1000); }

struct Expected {
  std::vector<std::string> rows;     // id|name, in order
  std::vector<std::string> letters;  // ordinal|code, by source and ordinal
};

enum class Kind { kCsv, kNdjson, kGzip, kTwoFiles };

std::string record(Kind kind, std::uint64_t i) {
  const std::string id = std::to_string(is_duplicate(i) ? 0 : i);
  if (kind == Kind::kNdjson) {
    if (is_broken(i)) return "{\"id\":" + id + ",\"name\":\n";
    return "{\"id\":" + id + ",\"name\":\"" + name_of(i) + "\"}\n";
  }
  return is_broken(i) ? id + "\n" : id + "," + name_of(i) + "\n";
}

// Writes the input; what mayfly must make of it goes to `expected`.
std::vector<std::string> write_input(Kind kind, const std::string& folder, Expected& expected) {
  const std::uint64_t files = kind == Kind::kTwoFiles ? 2 : 1;
  std::vector<std::string> paths;
  for (std::uint64_t f = 0; f < files; ++f) {
    std::string text = kind == Kind::kNdjson ? "" : "id,name\n";
    const std::uint64_t begin = f * kRecords / files;
    for (std::uint64_t i = begin; i < (f + 1) * kRecords / files; ++i) {
      text += record(kind, i);
      if (is_broken(i)) {
        expected.letters.push_back(std::to_string(i - begin) +
                                   (kind == Kind::kNdjson ? "|json" : "|fields"));
      } else if (is_duplicate(i)) {
        expected.letters.push_back(std::to_string(i - begin) + "|primary_key");
      } else {
        expected.rows.push_back(std::to_string(i) + "|" + name_of(i));
      }
    }
    const char* ending = kind == Kind::kNdjson ? ".ndjson"
                         : kind == Kind::kGzip ? ".csv.gz"
                                               : ".csv";
    paths.push_back(folder + "/in" + std::to_string(f) + ending);
    write_file(paths.back(), kind == Kind::kGzip ? gzip(text) : text);
  }
  return paths;
}

// Kills and resumes until the input is done; returns how many times.
class Torment {
 public:
  explicit Torment(std::uint64_t seed) : rng_(seed) {}

  int kills() const { return kills_; }
  bool toss() { return rng_.unit() < 0.5; }

  // large: transactions of whole files, whose pages are written before their COMMIT.
  void pass(Kind kind, bool wal, bool large) {
    const Database database("kill" + std::to_string(passes_++));
    // A new database keeps a rollback journal, one with a write-ahead log keeps that.
    if (wal) database.run("PRAGMA journal_mode = WAL; CREATE TABLE other(x)");
    const std::string folder = make_folder();
    Expected expected;
    std::vector<std::string> line = write_input(kind, folder, expected);
    line.insert(line.begin(), "ingest");
    // Small transactions have many instants between them, large ones many within.
    line.insert(line.end(), {"--into", database.path(), "--table", "t", "--pk", "id", "--resume",
                             "--output", "json"});
    if (!large) line.insert(line.end(), {"--batch-rows", "100", "--batches", "8"});
    const Clock::duration whole = time_of_whole_run(line, folder);

    int status = -SIGKILL;
    std::string out;
    for (int kills = 0; status == -SIGKILL; ++kills) {
      RunProgram program(mayfly_path(), line);
      if (kills < kKillsAPass) {
        std::this_thread::sleep_for(whole * (0.7 * rng_.unit()));
        program.signal(SIGKILL);
      }
      status = program.wait();
      if (status == -SIGKILL) ++kills_;
      if (status == -SIGKILL) continue;
      REQUIRE_MESSAGE(status == 65, program.err());
      out = program.out();
    }
    check(database, expected, parse_summary(out));
  }

 private:
  // By another database, so that delays fit the machine and the build.
  static Clock::duration time_of_whole_run(std::vector<std::string> line,
                                           const std::string& folder) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i) {
      if (line[i] == "--into") line[i + 1] = folder + "/whole.db";
    }
    const auto began = Clock::now();
    const Outcome outcome = run_mayfly(line);
    REQUIRE_MESSAGE(outcome.status == 65, outcome.err);
    return Clock::now() - began;
  }

  static void check(const Database& database, const Expected& expected,
                    const JsonSummary& summary) {
    CHECK(database.text("PRAGMA integrity_check") == "ok");
    // As one comparison: a message of 40,000 rows helps nobody.
    const auto rows = database.rows("SELECT id, name FROM t ORDER BY rowid");
    const auto letters =
        database.rows("SELECT ordinal, code FROM mayfly_dead_letters ORDER BY source, ordinal");
    CHECK(rows.size() == expected.rows.size());
    const auto [row, wanted_row] =
        std::mismatch(rows.begin(), rows.end(), expected.rows.begin(), expected.rows.end());
    CHECK_MESSAGE(row == rows.end(), "expected ", *wanted_row, ", found ", *row);
    CHECK(letters.size() == expected.letters.size());
    const auto [found, wanted] = std::mismatch(letters.begin(), letters.end(),
                                               expected.letters.begin(), expected.letters.end());
    CHECK_MESSAGE(found == letters.end(), "expected ", *wanted, ", found ", *found);
    CHECK(summary.read == static_cast<std::int64_t>(kRecords));
    CHECK(summary.inserted == static_cast<std::int64_t>(expected.rows.size()));
    CHECK(summary.rejected == static_cast<std::int64_t>(expected.letters.size()));
    CHECK(summary.exit_status == 65);
    CHECK_FALSE(summary.interrupted);
  }

  mayfly::Rng rng_;
  int kills_ = 0;
  int passes_ = 0;
};

}  // namespace

TEST_CASE("kill: at any instant, nothing is lost and nothing doubled") {
  const char* given = std::getenv("MAYFLY_KILL_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  MESSAGE("MAYFLY_KILL_SEED=", seed);
  Torment torment(seed);

  const Kind kinds[] = {Kind::kCsv, Kind::kNdjson, Kind::kGzip, Kind::kTwoFiles};
  for (int i = 0; torment.kills() < kKillsWanted; ++i) {
    torment.pass(kinds[i % 4], i / 4 % 2 == 1, torment.toss());
  }

  MESSAGE(torment.kills(), " kills");
  CHECK(torment.kills() >= 100);
}
