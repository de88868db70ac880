// What a raise and a query allocate after warm-up: nothing.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "mayfly/signal/pattern_set.h"
#include "mayfly/signal/signal_route.h"
#include "mayfly/signal/signal_sink.h"
#include "tests/support/allocation_count.h"

namespace mayfly {
namespace {

void raise_every_form(SignalSink& sink, StemId stem, std::string_view long_name) {
  sink.raise(stem);
  sink.raise(stem, "argument");
  sink.raise(stem, 3, "rows", 12, "ms");
  sink.raise("write.done:7rows");
  sink.raise(long_name);
}

TEST_CASE("P21: after warm-up a raise of any form allocates nothing") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 100});
  const StemId stem = sink.intern("write.done");
  const std::string long_name = "cache.hit:" + std::string(150, 'k');
  for (int i = 0; i < 1'000; ++i) raise_every_form(sink, stem, long_name);

  const std::size_t before = testing::allocation_count();
  for (int i = 0; i < 10'000; ++i) raise_every_form(sink, stem, long_name);

  CHECK(testing::allocation_count() == before);
}

// P21
TEST_CASE(
    "P21: after warm-up a query into the caller's buffer, or by a visitor, allocates nothing") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 1'000});
  const StemId stem = sink.intern("write.done");
  const std::string long_name = "cache.hit:" + std::string(150, 'k');
  const PatternSet set(sink, "write.*,*:7rows");
  const auto ask = [&](std::vector<Signal>& out) {
    std::size_t seen = 0;
    for (const char* glob : {"*", "write.done:*ms", "*k"}) {
      seen += sink.sense_into(out, glob).size() + sink.count(glob);
      sink.visit(glob,
                 [&](const SignalView& signal) { return seen += signal.name.size() > 3, true; });
      seen += sink.detect_matching(glob);
    }
    seen += sink.detect("write.done:7rows") + sink.count_prefix("cache.") + set.count();
    seen += set.any_present() + sink.detect_if([](const SignalView&) { return false; });
    seen += sink.operation_summary(7).has_value();
    return seen;
  };
  std::vector<Signal> out;
  for (int i = 0; i < 300; ++i) {
    raise_every_form(sink, stem, long_name);
    if (i % 50 == 0) ask(out);
  }
  ask(out);

  const std::size_t before = testing::allocation_count();
  for (int i = 0; i < 20; ++i) {
    raise_every_form(sink, stem, long_name);
    CHECK(ask(out) > 0);
  }
  CHECK(testing::allocation_count() == before);
}

TEST_CASE("P21: after warm-up a raise that is heard, routed or blocked allocates nothing") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 100});
  SignalSink target(clock, {.capacity = 100});
  const StemId stem = sink.intern("write.done");
  const std::string long_name = "cache.hit:" + std::string(100, 'k');
  std::size_t heard = 0;
  const auto by_stem = sink.subscribe("write.*", [&](const SignalEvent& event) {
    heard += event.name().size();
    sink.raise("nested");
  });
  const auto by_argument = sink.subscribe("*k,*7rows", [&](const SignalEvent&) { ++heard; });
  const auto cycle =
      sink.subscribe("nested", [&](const SignalEvent&) { sink.raise("write.done"); });
  const auto routed = route(sink, "*", target);
  for (int i = 0; i < 1'000; ++i) raise_every_form(sink, stem, long_name);
  REQUIRE(heard > 0);
  REQUIRE(sink.blocked_total() > 0);

  const std::size_t before = testing::allocation_count();
  for (int i = 0; i < 10'000; ++i) raise_every_form(sink, stem, long_name);

  CHECK(testing::allocation_count() == before);
}

TEST_CASE("sink: without memory for a larger window a raise goes on in the earlier one") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 10});
  for (int i = 0; i < 10; ++i) sink.raise("early");
  testing::fail_allocations_over(100'000);
  sink.set_capacity(100'000);
  for (int i = 0; i < 1'000; ++i) sink.raise("late:" + std::to_string(i));
  testing::fail_allocations_over(SIZE_MAX);

  CHECK(sink.raised_total() == 1'010);
  CHECK(sink.detect("late:999"));
  CHECK(sink.detect("late:990"));
  const std::size_t kept = sink.count("late:*");
  CHECK(kept >= 10);
  CHECK(kept < 1'000);
  CHECK(sink.sense("late:*").size() == kept);
  // Asked for more again, it grows.
  sink.set_capacity(100'001);
  for (int i = 0; i < 5'000; ++i) sink.raise("later");
  CHECK(sink.count("later") == 5'000);
}

TEST_CASE("signal: without memory for a longer ring of texts a raise doesn't fail") {
  ManualClock clock;
  const std::string text(1'000, 't');
  const std::string longer(20'000, 'u');
  bool failed = true;
  // The first text makes a ring, the fourth has it grow, the longer one too: each allocation of
  // them fails once.
  for (std::int64_t n = 1; failed; ++n) {
    SignalSink sink(clock, {.capacity = 100});
    const StemId stem = sink.intern("write.done");
    sink.raise(stem);  // this thread's shard
    std::size_t kept = 0;
    testing::fail_allocation(n);
    for (int i = 0; i < 12; ++i) sink.raise(stem, text);
    sink.raise(stem, longer);
    failed = testing::fail_allocation(0);
    sink.raise(stem, text);
    for (const Signal& signal : sink.sense("write.done:*")) {
      CHECK((signal.argument() == text || signal.argument() == longer));
      ++kept;
    }
    CHECK(kept + sink.text_overwritten_total() == 14);
    CHECK(sink.text_overwritten_total() <= (failed ? 4 : 0));
    CHECK(sink.detect("write.done:" + text));
  }
}

TEST_CASE("signal: a stem for which there is no memory can be interned later") {
  std::vector<std::string> stems;
  for (int i = 0; i < 300; ++i) stems.push_back("a.stem.that.is.allocated." + std::to_string(i));
  bool failed = true;
  for (std::int64_t n = 1; failed; ++n) {
    StemTable table(1'000);
    StemId id;
    testing::fail_allocation(n);
    std::size_t refused = 0;
    for (const std::string& stem : stems) {  // the index grows twice, and chunks are added
      try {
        (void)table.intern(stem, id);
      } catch (const std::bad_alloc&) {
        ++refused;
      }
    }
    failed = testing::fail_allocation(0);
    CHECK(table.size() == 300 - refused);
    for (const std::string& stem : stems) {
      REQUIRE(table.intern(stem, id));
      CHECK(table.text(id) == stem);
    }
    CHECK(table.size() == 300);
  }
}

TEST_CASE("signal: a subscription ends without memory") {
  ManualClock clock;
  SignalSink sink(clock);
  int heard = 0;
  auto first = sink.subscribe("a", [&](const SignalEvent&) { ++heard; });
  sink.raise("a");  // this thread keeps the table of one
  auto second = sink.subscribe("a", [&](const SignalEvent&) { ++heard; });
  sink.raise("a");  // it keeps the table of both: the other can be freed
  CHECK(heard == 3);
  testing::fail_allocations_over(0);
  second.reset();
  testing::fail_allocations_over(SIZE_MAX);
  sink.raise("a");
  CHECK(heard == 4);
  first.reset();
  sink.raise("a");
  CHECK(heard == 4);
}

TEST_CASE("signal: a raise whose listeners can't be looked up without memory is counted") {
  ManualClock clock;
  bool failed = true;
  for (std::int64_t n = 1; failed; ++n) {
    SignalSink sink(clock);
    std::uint64_t heard = 0;
    const auto listens = sink.subscribe("new.*", [&](const SignalEvent&) { ++heard; });
    sink.raise("old");
    std::vector<StemId> stems;
    for (int i = 0; i < 100; ++i) stems.push_back(sink.intern("new." + std::to_string(i)));
    testing::fail_allocation(n);
    for (const StemId stem : stems) sink.raise(stem);
    failed = testing::fail_allocation(0);
    CHECK(heard + sink.listener_failures() == 100);
    CHECK(sink.count("new.*") == 100);
  }
}

}  // namespace
}  // namespace mayfly
