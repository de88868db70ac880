// SignalDrivenBackpressure, SignalAnomalyDetector, SignalCoordinatedReads, SignalLogWatcher.
#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>

#include "mayfly/patterns/anomaly_detector.h"
#include "mayfly/patterns/backpressure.h"
#include "mayfly/patterns/signal_coordinated_reads.h"
#include "mayfly/patterns/signal_log_watcher.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

using namespace std::chrono_literals;

TEST_CASE(
    "backpressure: new work waits while it is raised, and goes on when it is retracted (P5)") {
  ManualClock clock;
  SignalSink sink(clock);
  std::atomic<int> ran{0};
  const auto work = SignalDrivenBackpressure::create<int>([&](int) { ran.fetch_add(1); }, sink,
                                                          {.clock = &clock});
  sink.raise("backpressure.downstream");
  for (int i = 0; i < 10; ++i) REQUIRE(work->enqueue(i).ok());
  until([&] { return work->pending_count() == 10; });
  CHECK(ran.load() == 0);
  SUBCASE("retracted") { sink.retract("backpressure.downstream"); }
  SUBCASE("on a quiet sink it ages") {
    until([&] {
      clock.advance(kSecond);
      return ran.load() > 0;
    });
  }
  finish(*work);
  CHECK(ran.load() == 10);
}

TEST_CASE("anomaly: so many errors within the window, and not those from before it (C144)") {
  ManualClock clock;
  SignalSink sink(clock);
  const SignalAnomalyDetector errors(sink, {.pattern = "error.*", .threshold = 2, .window = 5s});
  sink.raise("error.timeout");
  sink.raise("warning.low");
  CHECK_FALSE(errors.is_anomalous());
  sink.raise("error.disk");
  CHECK(errors.is_anomalous());
  CHECK(errors.match_count() == 2);
  clock.advance(5 * kSecond);
  CHECK_FALSE(errors.is_anomalous());
  CHECK(errors.match_count() == 0);
  CHECK(refusal([&] { SignalAnomalyDetector(sink, {.threshold = 0}); }) != "");
  CHECK(refusal([&] { SignalAnomalyDetector(sink, {.pattern = ""}); }) != "");
}

TEST_CASE("coordinated reads: what comes during an update waits for it, and what ran ends first") {
  SystemClock clock;
  SignalSink sink(clock);
  SignalCoordinatedReads reads({.max_readers = 4, .signals = &sink});
  Gate reading;
  std::atomic<int> inside{0};
  std::atomic<bool> together{false};
  for (int i = 0; i < 2; ++i) {
    REQUIRE(reads
                .read([&] {
                  inside.fetch_add(1);
                  reading.enter();
                  inside.fetch_sub(1);
                })
                .ok());
  }
  reading.wait_for_inside(2);
  std::atomic<bool> updated{false};
  std::jthread updater([&] {
    CHECK(reads
              .update([&] {
                if (inside.load() != 0) together.store(true);
                updated.store(true);
              })
              .ok());
  });
  until([&] { return sink.detect("update.in-progress"); });
  std::atomic<int> before{0};
  for (int i = 0; i < 8; ++i) {
    REQUIRE(reads
                .read([&] {
                  if (!updated.load()) before.fetch_add(1);
                })
                .ok());
  }
  CHECK(sink.count_exact("read.waiting") == 8);
  CHECK_FALSE(updated.load());
  reading.open();
  updater.join();
  // At once: nothing is left that would keep them.
  CHECK_FALSE(sink.detect("update.in-progress"));
  REQUIRE(reads.drain().ok());
  CHECK(before.load() == 0);
  CHECK_FALSE(together.load());
  CHECK(reads.reads() == 10);
  CHECK(reads.updates() == 1);
  CHECK(sink.detect("update.done"));
}

TEST_CASE("coordinated reads: an update that throws lets the readers go on") {
  SignalCoordinatedReads reads;
  const Status failed = reads.update([] { throw std::runtime_error("half done"); });
  CHECK(failed.message() == "half done");
  const auto id = reads.read([] {});
  REQUIRE(id.ok());
  CHECK(reads.wait(*id).ok());
}

TEST_CASE("log watcher: calls back once for what matches, also when it throws (C145)") {
  ManualClock clock;
  SignalSink sink(clock);
  Seen<std::string> hits;
  SignalLogWatcher watcher(sink,
                           [&](const Signal& signal) {
                             hits.add(signal.name);
                             if (signal.argument() == "bad") throw std::runtime_error("callback");
                           },
                           {.pattern = "*.*"});
  sink.raise("info.ready:bad");
  sink.raise("error.timeout");
  sink.raise("error.timeout");  // the same again is another one
  sink.raise("plain");
  REQUIRE(watcher.flush().ok());
  CHECK(hits.all() == std::vector<std::string>{"info.ready:bad", "error.timeout", "error.timeout"});
  CHECK(watcher.failed() == 1);
  // Told, and not watched itself.
  CHECK(sink.detect("watcher.error:*.*"));
  CHECK(watcher.called() == 2);
}

TEST_CASE("log watcher: the raiser doesn't wait, and what is dropped is counted") {
  ManualClock clock;
  SignalSink sink(clock);
  Gate gate;
  SignalLogWatcher watcher(sink, [&](const Signal&) { gate.enter(); }, {.max_queued = 2});
  sink.raise("error.0");
  gate.wait_for_inside(1);
  for (int i = 1; i <= 5; ++i) sink.raise("error." + std::to_string(i));
  gate.open();
  REQUIRE(watcher.flush().ok());
  CHECK(watcher.called() == 3);
  CHECK(watcher.dropped() == 3);
  CHECK(refusal([&] { SignalLogWatcher(sink, {}); }) == "log watcher: expected a callback");
}

}  // namespace
}  // namespace mayfly
