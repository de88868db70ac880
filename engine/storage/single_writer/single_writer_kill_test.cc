// A process that writes is killed, more than a hundred times: what was acknowledged is there, once.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

constexpr int kThreads = 4;

// The child: writes until it is killed, and tells each value once its write is acknowledged, half
// of them by callers that wait, half by callbacks.
[[noreturn]] void write_for_ever(const std::string& path, std::int64_t first, int acknowledged) {
  const auto writer = SqliteSingleWriter::get_or_create(
      path, {.synchronous = first % 2 == 0 ? Synchronous::kNormal : Synchronous::kFull,
             .checkpoint_pages = 20});
  if (!writer.ok()) ::_exit(1);
  SqliteSingleWriter& db = **writer;
  const auto tell = [acknowledged](std::int64_t value) {
    // Less than PIPE_BUF: whole or not at all.
    if (::write(acknowledged, &value, sizeof value) != sizeof value) ::_exit(2);
  };
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      for (std::int64_t i = thread;; i += kThreads) {
        const std::int64_t value = first + i;
        const char* const sql = "INSERT INTO items(value) VALUES (?)";
        if (thread % 2 == 0) {
          if (db.write(sql, {value}).ok()) tell(value);
          continue;
        }
        const Status posted = db.write_async(sql, {value}, [&tell, value](const auto& done) {
          if (done.ok()) tell(value);
        });
        if (!posted.ok()) ::_exit(3);
      }
    });
  }
  for (;;) ::pause();
}

TEST_CASE(
    "single writer: what was acknowledged survives SIGKILL at any moment, and is there once") {
  testing::Database database("sw_kill");
  database.run("CREATE TABLE items(value INTEGER UNIQUE)");
  constexpr int kKills = 110;
  Rng rng(11);
  std::set<std::int64_t> told;
  for (int round = 0; round < kKills; ++round) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      write_for_ever(database.path(), round * std::int64_t{10'000'001}, ends[1]);
    }
    ::close(ends[1]);
    // After a random number of acknowledgements, a moment later than the last.
    std::int64_t value = 0;
    for (std::uint64_t left = rng.below(100); left > 0; --left) {
      REQUIRE(::read(ends[0], &value, sizeof value) == sizeof value);
      told.insert(value);
    }
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    while (::read(ends[0], &value, sizeof value) == sizeof value) told.insert(value);
    ::close(ends[0]);
  }
  CHECK(told.size() > kKills);
  std::set<std::int64_t> kept;
  for (const std::string& row : database.rows("SELECT value FROM items"))
    kept.insert(std::stoll(row));
  CHECK(kept.size() == static_cast<std::size_t>(database.integer("SELECT count(*) FROM items")));
  std::vector<std::int64_t> lost;
  for (const std::int64_t value : told) {
    if (kept.count(value) == 0) lost.push_back(value);
  }
  CHECK(lost.empty());
  CHECK(database.text("PRAGMA integrity_check") == "ok");
}

}  // namespace
}  // namespace mayfly
