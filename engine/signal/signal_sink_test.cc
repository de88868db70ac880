#include "mayfly/signal/signal_sink.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/glob.h"
#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

std::vector<std::string> names_of(const std::vector<Signal>& signals) {
  std::vector<std::string> names;
  for (const Signal& signal : signals) names.push_back(signal.name);
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE("sink: a raised name is present, exactly as it was composed") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("write.start");
  sink.raise("cache.hit:key");

  CHECK(sink.detect("write.start"));
  CHECK(sink.detect("cache.hit:key"));
  CHECK_FALSE(sink.detect("cache.hit"));
  CHECK_FALSE(sink.detect("cache.hit:ke"));
  CHECK_FALSE(sink.detect("cache.hit:"));
  CHECK_FALSE(sink.detect("write.start:"));
  CHECK_FALSE(sink.detect("Write.start"));
  CHECK(sink.raised_total() == 2);
}

TEST_CASE("sink: an empty argument behind a colon is not the stem alone") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("job:");
  CHECK(sink.detect("job:"));
  CHECK_FALSE(sink.detect("job"));
  CHECK(names_of(sink.sense("*")) == Names{"job:"});
}

TEST_CASE("sink: sense gives what matches, oldest first, with times and rising sequences") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("error.timeout");
  clock.advance(kMillisecond);
  sink.raise("cache.hit:a");
  sink.raise("error.disk:full");

  const std::vector<Signal> errors = sink.sense("error.*");

  REQUIRE(names_of(errors) == Names{"error.timeout", "error.disk:full"});
  CHECK(errors[0].at_ns == kSecond);
  CHECK(errors[1].at_ns == kSecond + kMillisecond);
  CHECK(errors[0].sequence < errors[1].sequence);
  CHECK(sink.sense().size() == 3);
  CHECK(sink.count("*:?") == 1);
  CHECK(sink.count("cache.hit:?") == 1);
  CHECK(sink.count("warning.*") == 0);
}

TEST_CASE("sink: integers and units are rendered when they are read") {
  ManualClock clock;
  SignalSink sink(clock);
  const StemId done = sink.intern("write.done");
  sink.raise(done, 3, "rows", 12, "ms");
  sink.raise(done, INT64_MIN, "", INT64_MAX, "ns");
  sink.raise(done, -7, "rows");

  CHECK(names_of(sink.sense("write.done:*")) ==
        Names{"write.done:3rows:12ms", "write.done:-9223372036854775808:9223372036854775807ns",
              "write.done:-7rows"});
  CHECK(sink.detect("write.done:3rows:12ms"));
  CHECK(sink.count("*:3rows:*") == 1);
  CHECK_FALSE(sink.detect("write.done:3rows"));
}

TEST_CASE("sink: arguments of every length come back whole") {
  ManualClock clock;
  SignalSink sink(clock);
  const StemId hit = sink.intern("cache.hit");
  Names expected;
  for (std::size_t size = 1; size <= 200; ++size) {
    const std::string argument(size, static_cast<char>('a' + size % 26));
    sink.raise(hit, argument);
    expected.push_back("cache.hit:" + argument);
  }
  CHECK(names_of(sink.sense("cache.hit:*")) == expected);
  for (const std::string& name : expected) REQUIRE(sink.detect(name));
}

TEST_CASE("sink: a text longer than the text ring is still kept whole") {
  ManualClock clock;
  SignalSink sink(clock, {.text_bytes = 4096});
  const std::string name = "cache.hit:" + std::string(100'000, 'k');
  sink.raise(name);
  CHECK(sink.detect(name));
  CHECK(sink.text_overwritten_total() == 0);
}

TEST_CASE("sink: the text ring grows to its limit before a long text has to leave") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 1000, .text_bytes = 128 * 1024});
  for (int i = 0; i < 3000; ++i) sink.raise("k:" + std::to_string(i) + std::string(100, 'x'));
  CHECK(sink.text_overwritten_total() == 0);
  CHECK(sink.count("k:*") == 1000);
  CHECK(sink.sense("k:*").size() == 1000);
}

TEST_CASE("sink: past the text limit the oldest long texts leave, counted, never cut") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 1000, .text_bytes = 4096});
  for (int i = 0; i < 100; ++i) sink.raise("k:" + std::to_string(i) + std::string(99, 'x'));

  const std::vector<Signal> left = sink.sense("k:*");

  CHECK(left.size() + sink.text_overwritten_total() == 100);
  CHECK(sink.text_overwritten_total() > 0);
  CHECK(sink.count("k:*") == left.size());
  CHECK(left.back().name == "k:99" + std::string(99, 'x'));
  CHECK_FALSE(sink.detect("k:0" + std::string(99, 'x')));
}

TEST_CASE("sink: a signal ages out without anything happening") {
  ManualClock clock;
  SignalSink sink(clock, {.max_age_ns = 100});
  sink.raise("busy");
  clock.advance(100);
  CHECK(sink.detect("busy"));
  clock.advance(1);
  CHECK_FALSE(sink.detect("busy"));
  CHECK(sink.count() == 0);
  CHECK(sink.sense().empty());
}

TEST_CASE("sink: ageing out takes exactly those that are too old") {
  ManualClock clock;
  SignalSink sink(clock, {.max_age_ns = 10});
  for (int i = 0; i < 50; ++i) {
    sink.raise("tick:" + std::to_string(i));
    clock.advance(1);
  }
  const std::vector<Signal> left = sink.sense();
  REQUIRE(left.size() == 10);
  CHECK(left.front().name == "tick:40");
}

TEST_CASE("sink: without a maximum age signals leave by capacity alone") {
  ManualClock clock;
  SignalSink sink(clock, {.max_age_ns = kNever});
  sink.raise("busy");
  clock.advance(1'000'000 * kSecond);
  CHECK(sink.detect("busy"));
}

TEST_CASE("sink: the window holds exactly the newest, up to its capacity") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 10});
  for (int i = 0; i < 1'000; ++i) {
    sink.raise("tick:" + std::to_string(i));
    REQUIRE(sink.count() == static_cast<std::size_t>(std::min(i + 1, 10)));
  }
  CHECK(sink.sense().front().name == "tick:990");
  CHECK_FALSE(sink.detect("tick:989"));
  CHECK(sink.overwritten_total() == 990);
}

TEST_CASE("sink: limits that aren't positive are refused; a capacity of one keeps one") {
  ManualClock clock;
  CHECK_THROWS_WITH_AS(SignalSink(clock, {.capacity = 0}),
                       "SignalSink: capacity: expected at least 1, found 0", std::invalid_argument);
  CHECK_THROWS_WITH_AS(SignalSink(clock, {.max_age_ns = 0}),
                       "SignalSink: max_age_ns: expected a positive time, found 0",
                       std::invalid_argument);
  CHECK_THROWS_AS(SignalSink(clock, {.max_age_ns = -1}), std::invalid_argument);
  SignalSink sink(clock, {.capacity = 1});
  sink.raise("a");
  sink.raise("b");
  CHECK(names_of(sink.sense()) == Names{"b"});
}

TEST_CASE("sink: retracting takes every earlier raise of that exact name and no other") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("job:1");
  sink.raise("job:2");
  sink.raise("job");
  sink.raise("job:1");

  sink.retract("job:1");

  CHECK_FALSE(sink.detect("job:1"));
  CHECK(names_of(sink.sense()) == Names{"job:2", "job"});
  CHECK(sink.count("job*") == 2);
  sink.raise("job:1");
  CHECK(sink.detect("job:1"));
}

TEST_CASE("sink: retracting an unknown name or a pattern changes nothing") {
  ManualClock clock;
  SignalSink sink(clock);
  sink.raise("job:1");
  sink.retract("job");
  sink.retract("other");
  sink.retract("job:*");
  CHECK(sink.count() == 1);
}

TEST_CASE("sink: what was retracted doesn't make room for what had left") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 2});
  sink.raise("old");
  sink.raise("a");
  sink.raise("b");
  sink.retract("b");
  CHECK(names_of(sink.sense()) == Names{"a"});
}

TEST_CASE("sink: signals retract by every form of argument") {
  ManualClock clock;
  SignalSink sink(clock, {.stems_max = 1});
  const std::string long_name = "s:" + std::string(300, 'x');
  sink.raise(long_name);
  sink.raise(sink.intern("s"), 4, "rows");
  sink.raise("unknown.stem:7");
  REQUIRE(sink.count() == 3);
  sink.retract(long_name);
  CHECK(sink.count() == 2);
  sink.retract("s:4rows");
  CHECK(sink.count() == 1);
  sink.retract("unknown.stem:7");
  CHECK(sink.count() == 0);
}

TEST_CASE("sink: stems past the limit are matched as text, counted and never lost") {
  ManualClock clock;
  SignalSink sink(clock, {.stems_max = 2});
  sink.raise("a.one");
  sink.raise("a.two");
  sink.raise("a.three");
  sink.raise("a.three:x");
  sink.raise("a.one:x");

  CHECK(sink.stem_count() == 2);
  CHECK(sink.uninterned_total() == 2);
  CHECK(names_of(sink.sense("a.*")) == Names{"a.one", "a.two", "a.three", "a.three:x", "a.one:x"});
  CHECK(sink.count("*:x") == 2);
  CHECK(sink.count("a.three") == 1);
  CHECK(sink.detect("a.three:x"));
  CHECK_FALSE(sink.detect("a.three:y"));
}

TEST_CASE("sink: interning a stem past the limit gives the reserved stem, which shows") {
  ManualClock clock;
  SignalSink sink(clock, {.stems_max = 1});
  CHECK(sink.intern("first") != StemId{});
  const StemId refused = sink.intern("second");
  CHECK(refused == StemId{});
  sink.raise(refused, "argument");
  CHECK(sink.count("sink.stems.full:*") == 1);
}

TEST_CASE("sink: a stem with a colon of its own is found by its composed name") {
  ManualClock clock;
  SignalSink sink(clock);
  const StemId stem = sink.intern("a:b");
  sink.raise(stem);
  sink.raise(stem, "c");
  CHECK(sink.detect("a:b"));
  CHECK(sink.detect("a:b:c"));
  CHECK_FALSE(sink.detect("a"));
  sink.retract("a:b:c");
  CHECK(names_of(sink.sense()) == Names{"a:b"});
}

TEST_CASE("sink: a pattern that was compiled before a stem existed matches it afterwards") {
  ManualClock clock;
  SignalSink sink(clock);
  CHECK(sink.count("late.*") == 0);
  for (int i = 0; i < 300; ++i) sink.raise("late." + std::to_string(i));
  CHECK(sink.count("late.*") == 300);
}

TEST_CASE("sink: more patterns than are cached still count right") {
  ManualClock clock;
  SignalSink sink(clock);
  for (int i = 0; i < 100; ++i) sink.raise("s" + std::to_string(i));
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 100; ++i) REQUIRE(sink.count("s" + std::to_string(i)) == 1);
  }
}

TEST_CASE("sink: a time before the thread's last one doesn't reorder") {
  ManualClock clock;
  SignalSink sink(clock);
  const StemId a = sink.intern("a");
  const StemId b = sink.intern("b");
  sink.raise_at(kSecond, a);
  sink.raise_at(kSecond - 5, b);
  const std::vector<Signal> signals = sink.sense();
  REQUIRE(names_of(signals) == Names{"a", "b"});
  CHECK(signals[1].at_ns == kSecond);
}

// Interleaving: none; one thread after the other.
TEST_CASE("sink: signals of several threads merge by time and keep the newest") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 5});
  const StemId even = sink.intern("even");
  const StemId odd = sink.intern("odd");
  std::thread([&] {
    for (int i = 0; i < 10; i += 2) sink.raise_at(kSecond + i, even);
  }).join();
  // Its control block may be that of the first: then they share a shard, and times rise anyway.
  std::thread([&] {
    for (int i = 11; i < 14; i += 2) sink.raise_at(kSecond + i, odd);
  }).join();
  sink.raise_at(kSecond + 3, odd);

  const std::vector<Signal> signals = sink.sense();

  // Of 5 + 2 + 1 records the times 0, 2 and 3 are the oldest.
  REQUIRE(names_of(signals) == Names{"even", "even", "even", "odd", "odd"});
  CHECK(signals[0].at_ns == kSecond + 4);
  CHECK(sink.count() == 5);
}

TEST_CASE("sink: a blank name is a name like any other") {
  ManualClock clock;
  SignalSink sink(clock);
  for (const char* name : {"", " ", "\t", ":", ":argument"}) {
    sink.raise(name);
    CHECK(sink.detect(name));
    CHECK(sink.retract(name) == 1);
  }
  CHECK(sink.count() == 0);
  CHECK(sink.raised_total() == 5);
}

// Interleaving: two threads raise at one and the same instant.
TEST_CASE("sink: ties of one instant over several threads still stop at capacity") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 7});
  const StemId stem = sink.intern("tick");
  {
    std::jthread other([&] {
      for (int i = 0; i < 6; ++i) sink.raise_at(kSecond, stem);
    });
    for (int i = 0; i < 6; ++i) sink.raise_at(kSecond, stem);
  }
  CHECK(sink.count() == 7);
  CHECK(sink.sense().size() == 7);
}

TEST_CASE("sink: random raises, retracts and ageing agree with a plain list") {
  constexpr std::uint64_t kSeed = 77;
  Rng rng(kSeed);
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 40, .max_age_ns = 60, .stems_max = 5});
  struct Kept {
    std::string name;
    std::int64_t at_ns;
    bool retracted;
  };
  std::vector<Kept> model;
  const Names globs = {"*", "s*", "s1", "s1:*", "*:a*", "s?:b", "*x", "s7*"};
  for (int step = 0; step < 5'000; ++step) {
    std::string name = "s" + std::to_string(rng.below(9));
    if (rng.below(2) == 0) name += ":" + std::string(rng.below(70), "abx"[rng.below(3)]);
    if (rng.below(8) == 0) {
      sink.retract(name);
      for (Kept& kept : model) kept.retracted = kept.retracted || kept.name == name;
    } else {
      sink.raise(name);
      model.push_back({name, clock.now_ns(), false});
    }
    clock.advance(static_cast<std::int64_t>(rng.below(4)));
    const Glob glob(globs[rng.below(globs.size())]);
    Names expected;
    for (std::size_t i = model.size() > 40 ? model.size() - 40 : 0; i < model.size(); ++i) {
      const bool fresh = clock.now_ns() - model[i].at_ns <= 60;
      if (fresh && !model[i].retracted && glob.matches(model[i].name)) {
        expected.push_back(model[i].name);
      }
    }
    CAPTURE(kSeed);
    CAPTURE(step);
    CAPTURE(glob.pattern());
    REQUIRE(names_of(sink.sense(glob.pattern())) == expected);
    REQUIRE(sink.count(glob.pattern()) == expected.size());
    REQUIRE(sink.detect(name) == [&] {
      const Names all = names_of(sink.sense());
      return std::find(all.begin(), all.end(), name) != all.end();
    }());
  }
}

}  // namespace
}  // namespace mayfly
