#include "tools/mayfly/progress_bar.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tools/mayfly/fake_terminal.h"

using namespace mayfly;
using namespace mayfly::cli;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

struct Fixture {
  FakeTerminal out;
  FakeTerminal err;
  ManualClock clock;
  Console console;

  explicit Fixture(unsigned width = 120, bool terminal = true)
      : err(terminal, width), console(out, err, clock, {}) {}
};

}  // namespace

TEST_CASE("progress: bytes, rate and time left are told") {
  Fixture f;
  ProgressBar bar(f.console, 0);

  bar.update(1 * kSecond, {10 * kMiB, 100 * kMiB, 1000});
  for (int s = 2; s <= 40; ++s) {
    bar.update(s * kSecond, {10 * kMiB + (static_cast<std::uint64_t>(s) - 1) * kMiB, 100 * kMiB,
                             1000u * static_cast<std::uint64_t>(s)});
  }

  const std::string line = f.err.last_line();
  CHECK(line.find("49%") != std::string::npos);
  CHECK(line.find("49.0 MiB of 100 MiB") != std::string::npos);
  CHECK(line.find("1.0 MiB/s") != std::string::npos);
  CHECK(line.find("0:51 left") != std::string::npos);
  CHECK(line.find("40.0 k rows, 1.00 k rows/s") != std::string::npos);
}

TEST_CASE("progress: the rate is right from the second look on") {
  Fixture f;
  ProgressBar bar(f.console, 0);
  bar.update(1 * kSecond, {10 * kMiB, 100 * kMiB, 1000});
  bar.update(2 * kSecond, {15 * kMiB, 100 * kMiB, 3000});

  const std::string line = f.err.last_line();
  CHECK(line.find("5.0 MiB/s") != std::string::npos);
  CHECK(line.find("0:17 left") != std::string::npos);
}

TEST_CASE("progress: rejected rows are told once there are some") {
  Fixture f;
  ProgressBar bar(f.console, 0);
  bar.update(1 * kSecond, {.bytes_done = 1, .bytes_total = 2, .rows = 10});
  CHECK(f.err.last_line().find("rejected") == std::string::npos);
  bar.update(2 * kSecond, {.bytes_done = 1, .bytes_total = 2, .rows = 1'500, .rejected = 1'200});
  CHECK(f.err.last_line().find("1.50 k rows, ") != std::string::npos);
  CHECK(f.err.last_line().find(", 1.20 k rejected") != std::string::npos);
}

TEST_CASE("progress: several files are one, and what has ended is done") {
  EngineStats stats;
  stats.rows.answers[MAYFLY_WRITTEN] = 7;
  stats.rows.answers[MAYFLY_IGNORED] = 2;
  stats.rows.answers[MAYFLY_DEAD_LETTERED] = 1;
  stats.sources.resize(3);
  stats.sources[0] = {.bytes_done = 30, .bytes_total = 100, .finished = true};  // --limit
  stats.sources[1] = {.bytes_done = 20, .bytes_total = 50};
  stats.sources[2] = {.finished = true};  // empty

  const Progress progress = progress_of(stats);
  CHECK(progress.bytes_done == 120);
  CHECK(progress.bytes_total == 150);
  CHECK(progress.rows == 10);
  CHECK(progress.rejected == 1);
}

TEST_CASE("progress: with a pipe among the files there is no end to tell") {
  EngineStats stats;
  stats.sources.resize(2);
  stats.sources[0] = {.bytes_done = 30, .bytes_total = 100};
  stats.sources[1] = {.bytes_done = 5};

  CHECK(progress_of(stats).bytes_done == 35);
  CHECK(progress_of(stats).bytes_total == 0);
}

TEST_CASE("progress: it is redrawn ten times a second at most") {
  Fixture f;
  ProgressBar bar(f.console, 0);

  for (int ms = 0; ms <= 1000; ++ms) bar.update(ms * kMillisecond, {1, 2, 3});

  CHECK(std::ranges::count(f.err.written, '\r') == 10);
}

TEST_CASE("progress: a pipe has no end to tell") {
  Fixture f;
  ProgressBar bar(f.console, 0);

  bar.update(kSecond, {3 * kMiB, 0, 10});

  CHECK(f.err.last_line().find("3.0 MiB") == 0);
  CHECK(f.err.last_line().find('%') == std::string::npos);
}

TEST_CASE("progress: a locked database is told in place of the rows") {
  Fixture f;
  ProgressBar bar(f.console, 0);

  bar.update(kSecond, {.bytes_done = 1, .bytes_total = 2, .rows = 3, .waiting = true});

  CHECK(f.err.last_line().find("waiting for the database") != std::string::npos);
}

TEST_CASE("progress: a narrow terminal loses the bar, then the end of the line") {
  Fixture f(50);
  ProgressBar bar(f.console, 0);

  bar.update(kSecond, {kMiB, 2 * kMiB, 3});

  CHECK(f.err.last_line().find('[') == std::string::npos);
  CHECK(f.err.last_line().size() < 50);
}

TEST_CASE("progress: the line is gone in the end") {
  Fixture f;
  {
    ProgressBar bar(f.console, 0);
    bar.update(kSecond, {1, 2, 3});
  }

  CHECK(f.err.last_line().empty());
}

TEST_CASE("progress: nothing is drawn where there is no terminal") {
  Fixture f(80, false);
  {
    ProgressBar bar(f.console, 0);
    bar.update(kSecond, {1, 2, 3});
  }

  CHECK(f.err.written.empty());
}
