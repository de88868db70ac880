#include "mayfly/signal/signal_cursor.h"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"

namespace mayfly {
namespace {

std::vector<std::string> new_names(const SignalSink& sink, SignalCursor& cursor) {
  std::vector<Signal> signals = sink.sense();
  cursor.keep_new(signals);
  std::vector<std::string> names;
  for (const Signal& signal : signals) names.push_back(signal.name);
  return names;
}

using Names = std::vector<std::string>;

TEST_CASE("cursor: each signal is new once, also when its name is raised again") {
  ManualClock clock;
  SignalSink sink(clock);
  SignalCursor cursor;
  sink.raise("a");
  CHECK(new_names(sink, cursor) == Names{"a"});
  CHECK(new_names(sink, cursor).empty());
  sink.raise("a");
  sink.raise("b");
  CHECK(new_names(sink, cursor) == Names{"a", "b"});
}

// Interleaving: none; the other thread has ended before the cursor looks.
TEST_CASE("cursor: a thread's first signals are new although another thread's were seen") {
  ManualClock clock;
  SignalSink sink(clock);
  SignalCursor cursor;
  for (int i = 0; i < 10; ++i) sink.raise("here");
  CHECK(new_names(sink, cursor).size() == 10);

  std::jthread([&] { sink.raise("there"); }).join();

  CHECK(new_names(sink, cursor) == Names{"there"});
}

// Interleaving: none; one thread after the other.
TEST_CASE("cursor: threads that share a shard are told apart from those that don't") {
  ManualClock clock;
  SignalSink sink(clock, {.shards_max = 1});
  SignalCursor cursor;
  sink.raise("own");
  std::jthread([&] { sink.raise("shared:1"); }).join();
  CHECK(new_names(sink, cursor).size() == 2);

  std::jthread([&] { sink.raise("shared:2"); }).join();

  CHECK(new_names(sink, cursor) == Names{"shared:2"});
}

}  // namespace
}  // namespace mayfly
