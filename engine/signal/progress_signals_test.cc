#include "mayfly/signal/progress_signals.h"

#include <doctest/doctest.h>

#include <latch>
#include <stdexcept>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

// C104
TEST_CASE("progress signals: one in n is raised, and the last one always") {
  ManualClock clock;
  SignalSink sink(clock);
  ProgressSignals progress(sink, "job.progress", 5, 2, 7);
  std::vector<bool> raised;
  for (int done = 1; done <= 5; ++done) raised.push_back(progress.report(done));

  CHECK(raised == std::vector<bool>{false, true, false, true, true});
  const std::vector<Signal> signals = sink.sense("job.progress:*");
  REQUIRE(signals.size() == 3);
  CHECK(signals[0].name == "job.progress:2:5");
  CHECK(signals[1].name == "job.progress:4:5");
  CHECK(signals[2].name == "job.progress:5:5");
  CHECK(signals[2].operation == 7);
}

TEST_CASE("progress signals: a last report that is sampled anyway is raised once") {
  ManualClock clock;
  SignalSink sink(clock);
  ProgressSignals progress(sink, "job.progress", 4, 2);
  for (int done = 1; done <= 4; ++done) progress.report(done);
  CHECK(sink.count("job.progress:4:4") == 1);
  CHECK(sink.count() == 2);
}

TEST_CASE("progress signals: what can't be is refused") {
  ManualClock clock;
  SignalSink sink(clock);
  CHECK_THROWS_AS(ProgressSignals(sink, "  ", 5, 2), std::invalid_argument);
  CHECK_THROWS_AS(ProgressSignals(sink, "job:1", 5, 2), std::invalid_argument);
  CHECK_THROWS_AS(ProgressSignals(sink, "job", -1, 2), std::invalid_argument);
  CHECK_THROWS_AS(ProgressSignals(sink, "job", 5, 0), std::invalid_argument);
}

// Aims at two reports that count at the same moment: of n reports exactly n / every are sampled.
TEST_CASE("progress signals: reports of several threads are counted together") {
  constexpr int kThreads = 4;
  constexpr int kReports = 1'000;
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 10'000});
  ProgressSignals progress(sink, "job.progress", 1'000'000, 10);
  {
    std::latch start(kThreads);
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        start.arrive_and_wait();
        for (int i = 0; i < kReports; ++i) progress.report(i);
      });
    }
  }
  CHECK(progress.reports() == kThreads * kReports);
  CHECK(sink.count("job.progress:*") == kThreads * kReports / 10);
}

}  // namespace
}  // namespace mayfly
