#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

TEST_CASE("operations: each form of raise carries its operation into the window") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 10, .stems_max = 2});
  const StemId stem = sink.intern("write.done");

  sink.raise("job.started");
  sink.raise("job.started", 7);
  sink.raise(stem, "a", 8);
  sink.raise_at(clock.now_ns(), stem, {}, 9);
  sink.raise_at(clock.now_ns(), stem, 3, "rows", 12, "ms", 10);
  sink.raise("kept.as.text:x", 11);

  const std::vector<Signal> signals = sink.sense();
  REQUIRE(signals.size() == 6);
  const OperationId expected[] = {0, 7, 8, 9, 10, 11};
  for (std::size_t i = 0; i < signals.size(); ++i) CHECK(signals[i].operation == expected[i]);
}

TEST_CASE("operations: a slot that is used again without an operation has none") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 2});
  for (int i = 0; i < 1'000; ++i) sink.raise("job.started", 7);
  for (int i = 0; i < 1'000; ++i) sink.raise("job.started");
  for (const Signal& signal : sink.sense()) CHECK(signal.operation == 0);
}

TEST_CASE("P5: retract takes a name out of the window and tells how many raises it took") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("backpressure.downstream");
  sink.raise("backpressure.downstream");
  sink.raise("backpressure.upstream");

  CHECK(sink.retract("backpressure.downstream") == 2);
  CHECK_FALSE(sink.detect("backpressure.downstream"));
  CHECK(sink.detect("backpressure.upstream"));
  CHECK(sink.retract("backpressure.downstream") == 0);
  CHECK(sink.retract("never.raised") == 0);
}

TEST_CASE("operations: retract with an operation leaves the other operations' signals") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("job.late", 1);
  sink.raise("job.late:x", 1);
  sink.raise("job.late", 2);
  sink.raise("job.late");

  CHECK(sink.retract("job.late", 1) == 1);
  CHECK(sink.count("job.late*") == 3);
  CHECK(sink.retract("job.late", 3) == 0);
  CHECK(sink.retract_matching("job.*", 1) == 1);
  CHECK(sink.retract_matching("job.*") == 2);
  CHECK(sink.count() == 0);
}

TEST_CASE("operations: a signal tells its stem, its argument and how it begins") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("write.done:3rows:12ms");
  sink.raise("write.start");

  const std::vector<Signal> signals = sink.sense();
  REQUIRE(signals.size() == 2);
  CHECK(signals[0].stem() == "write.done");
  CHECK(signals[0].argument() == "3rows:12ms");
  CHECK(signals[0].starts_with("write."));
  CHECK_FALSE(signals[0].is("write.done"));
  CHECK(signals[1].stem() == "write.start");
  CHECK(signals[1].argument().empty());
  CHECK(signals[1].is("write.start"));
}

// Aims at a reader that takes the operation of the record that replaces the one it reads.
TEST_CASE("operations: a record is never read with the operation of another") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 8});
  std::atomic<bool> done{false};
  std::jthread raiser([&] {
    for (OperationId i = 1; i <= 20'000; ++i) sink.raise(std::to_string(i), i % 3 == 0 ? 0 : i);
    done.store(true);
  });
  while (!done.load()) {
    for (const Signal& signal : sink.sense()) {
      const OperationId number = std::stoull(signal.name);
      REQUIRE(signal.operation == (number % 3 == 0 ? 0 : number));
    }
  }
}

}  // namespace
}  // namespace mayfly
