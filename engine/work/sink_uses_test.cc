// What is waited for when an operation's signals end: the sink's own code, and not its listeners.
#include "mayfly/work/sink_uses.h"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

// Holds whoever reads it, as the system may hold a thread anywhere in the sink's own code.
class HoldingClock final : public Clock {
 public:
  std::int64_t now_ns() const override {
    if (holds) gate.enter();
    return 1;
  }
  std::int64_t wall_us() const override { return clock_.wall_us(); }
  void wait_until(std::unique_lock<std::mutex>& lock, std::condition_variable& wake,
                  std::int64_t deadline_ns) const override {
    clock_.wait_until(lock, wake, deadline_ns);
  }
  std::atomic<bool> holds{false};
  mutable Gate gate;

 private:
  ManualClock clock_;
};

struct Fixture {
  HoldingClock clock;
  SignalSink sink{clock};
  SinkUses uses{this};
  std::atomic<bool> closed{false};

  int raise(const std::string& name) {
    return uses.use([&] {
      sink.raise(name);
      return 1;
    });
  }
  void close() {
    uses.close();
    closed = true;
  }
  // Of a use that the clock holds: the end of it is waited for.
  void close_while_held() {
    clock.gate.wait_for_inside(1);
    std::jthread closer([&] { close(); });
    until([&] { return uses.closed(); });
    for (int i = 0; i < 3 * SinkUses::kPatience; ++i) std::this_thread::yield();
    CHECK_FALSE(closed);
    clock.holds = false;
    clock.gate.open();
  }
};

TEST_CASE("sink uses: once it is closed, nobody uses it") {
  Fixture f;
  CHECK(f.raise("before") == 1);
  f.close();
  CHECK(f.raise("after") == 0);
  CHECK(f.sink.count("after") == 0);
}

// Intended interleaving: a raise is held in the sink's own code, past all looks at listeners, while
// it is closed.
TEST_CASE("sink uses: a raise in the sink's own code is waited for as long as it takes") {
  Fixture f;
  f.clock.holds = true;
  std::jthread raiser([&] { f.raise("slow"); });
  f.close_while_held();
  CHECK(f.sink.count("slow") == 1);
}

// Intended interleaving: the raise's listener returns only after the sink is closed.
TEST_CASE("sink uses: a raise whose listener doesn't return keeps nobody waiting") {
  Fixture f;
  Gate gate;
  const auto hang = [&](const SignalEvent&) { gate.enter(); };
  for (const bool nested : {false, true}) {
    SinkUses uses(&f);
    SignalSubscription outer = f.sink.subscribe("outer", [&](const SignalEvent&) {
      // In its own use, as an operation does, and in the sink alone.
      if (nested) {
        uses.use([&] { return f.sink.raise("hang"), 1; });
      } else {
        f.sink.raise("hang");
      }
    });
    SignalSubscription inner = f.sink.subscribe("hang", hang);
    std::jthread raiser([&] { uses.use([&] { return f.sink.raise("outer"), 1; }); });
    gate.wait_for_inside(1);
    uses.close();
    gate.let_pass(1);
    raiser.join();
    // All counts are as before: nothing is waited for.
    uses.close();
  }
}

// Intended interleaving: the raise is in a listener first, then held in the sink's own code.
TEST_CASE("sink uses: a raise that comes back from its listener is waited for again") {
  Fixture f;
  Gate gate;
  SignalSubscription first = f.sink.subscribe("twice", [&](const SignalEvent&) { gate.enter(); });
  std::jthread raiser([&] {
    f.uses.use([&] {
      f.sink.raise("twice");
      f.clock.holds = true;
      f.sink.raise("held");
      return 1;
    });
  });
  gate.wait_for_inside(1);
  gate.open();
  f.close_while_held();
}

TEST_CASE("sink uses: it is closed from within, in a listener or beside it") {
  Fixture f;
  SignalSubscription listener =
      f.sink.subscribe("close", [&](const SignalEvent&) { f.uses.close(); });
  CHECK(f.raise("close") == 1);
  SinkUses other(&f);
  other.use([&] { return other.close(), 1; });
  CHECK(other.closed());
}

}  // namespace
}  // namespace mayfly
