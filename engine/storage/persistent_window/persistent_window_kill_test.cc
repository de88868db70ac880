// A process with a window is killed, more than a hundred times: what a flush returned for is there,
// once and in order.
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/storage/persistent_window/persistent_signal_window.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

constexpr int kThreads = 3;

struct Told {
  std::int64_t thread;
  std::int64_t raised;  // so many of the thread's signals are flushed
};

// The child: raises in several threads, each of which flushes now and then and tells how far it is.
// The chunks are small, so that many kills fall between two of one flush.
[[noreturn]] void raise_for_ever(const std::string& path, int round, int told) {
  PersistentWindowOptions options{.flush_interval_ns = kMillisecond, .max_signals_per_flush = 5};
  options.writer.synchronous = round % 2 == 0 ? Synchronous::kNormal : Synchronous::kFull;
  options.writer.checkpoint_pages = 20;
  const auto window = PersistentSignalWindow::open(path, options);
  if (!window.ok()) ::_exit(1);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      const std::string key = std::to_string(round * kThreads + thread);
      for (std::int64_t i = 1;; ++i) {
        (*window)->raise(WindowSignal("step", key, static_cast<OperationId>(i)));
        if (i % (7 + thread) != 0) continue;
        if (!(*window)->flush().ok()) ::_exit(2);
        const Told now{round * kThreads + thread, i};
        // Less than PIPE_BUF: whole or not at all.
        if (::write(told, &now, sizeof now) != sizeof now) ::_exit(3);
      }
    });
  }
  for (;;) ::pause();
}

TEST_CASE("persistent window: what was flushed survives SIGKILL at any moment, once, in order") {
  testing::Database database("pw_kill");
  constexpr int kKills = 110;
  Rng rng(17);
  std::vector<std::int64_t> flushed(kKills * kThreads, 0);
  for (int round = 0; round < kKills; ++round) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      ::close(ends[0]);
      raise_for_ever(database.path(), round, ends[1]);
    }
    ::close(ends[1]);
    // After a random number of flushes, a moment later than the last.
    Told told;
    const auto take = [&] { flushed[static_cast<std::size_t>(told.thread)] = told.raised; };
    for (std::uint64_t left = rng.below(40); left > 0; --left) {
      REQUIRE(::read(ends[0], &told, sizeof told) == sizeof told);
      take();
    }
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    while (::read(ends[0], &told, sizeof told) == sizeof told) take();
    ::close(ends[0]);
  }
  CHECK(std::ranges::count_if(flushed, [](std::int64_t raised) { return raised > 0; }) > kKills);
  // Of each thread: how many are there, and that they are 1, 2, 3, ... in the order of their ids.
  for (const std::string& row : database.rows(
           "SELECT key, count(*), max(operation_id), sum(operation_id <> before + 1) FROM "
           "(SELECT key, operation_id, lag(operation_id, 1, 0) OVER (PARTITION BY key ORDER BY id) "
           "AS before FROM signals) GROUP BY key")) {
    CAPTURE(row);
    const std::size_t first = row.find('|');
    const std::size_t second = row.find('|', first + 1);
    const std::size_t third = row.find('|', second + 1);
    const auto thread = static_cast<std::size_t>(std::stoll(row));
    const std::int64_t count = std::stoll(row.substr(first + 1));
    CHECK(count == std::stoll(row.substr(second + 1)));
    CHECK(row.substr(third + 1) == "0");
    CHECK(count >= flushed[thread]);
    flushed[thread] = 0;
  }
  CHECK(std::ranges::count_if(flushed, [](std::int64_t raised) { return raised > 0; }) == 0);
  CHECK(database.integer("SELECT count(*) FROM signals") ==
        database.integer("SELECT max(id) FROM signals"));
  CHECK(database.text("PRAGMA integrity_check") == "ok");
}

}  // namespace
}  // namespace mayfly
