// FixedWork, KeyedSequential, SignalAware.
#include <doctest/doctest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/patterns/fixed_work.h"
#include "mayfly/patterns/keyed_sequential.h"
#include "mayfly/patterns/signal_aware.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

TEST_CASE("fixed work: runs every item, each under an id of its own (C120)") {
  Seen<int> seen;
  FixedWork<int> work([&](int item) { seen.add(item); }, {.max_concurrency = 2, .max_tracked = 10});
  std::set<OperationId> ids;
  for (int i = 0; i < 5; ++i) {
    const auto id = work.enqueue(i);
    REQUIRE(id.ok());
    ids.insert(*id);
  }
  REQUIRE(work.drain().ok());
  CHECK(ids.size() == 5);
  CHECK(*ids.begin() > 0);
  CHECK(seen.sorted() == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(work.stats().completed == 5);
  CHECK(work.snapshot().size() == 5);
  // A second drain does nothing, and nothing is taken any more.
  CHECK(work.drain().ok());
  CHECK(work.enqueue(9).status().code() == Code::kUsage);
}

TEST_CASE("fixed work: never more than its limit at once, and the sink is shared (C121)") {
  Gate gate;
  SystemClock clock;
  SignalSink sink(clock);
  FixedWork<int> work(
      [&](int, Operation& op) {
        op.raise("job.started");
        gate.enter();
      },
      {.max_concurrency = 3, .signals = &sink});
  for (int i = 0; i < 10; ++i) REQUIRE(work.enqueue(i).ok());
  gate.wait_for_inside(3);
  CHECK(work.stats().active == 3);
  CHECK(work.stats().pending == 7);
  gate.open();
  REQUIRE(work.drain().ok());
  CHECK(gate.most_inside() == 3);
  CHECK(sink.count_exact("job.started") == 10);
}

TEST_CASE("fixed work: options that aren't positive mean the defaults, and failures are counted") {
  FixedWork<int> work(
      [](int item) {
        if (item % 2 == 1) throw std::runtime_error("odd");
      },
      {.max_concurrency = -1, .max_tracked = 0});
  for (int i = 0; i < 6; ++i) REQUIRE(work.enqueue(i).ok());
  REQUIRE(work.drain().ok());
  CHECK(work.stats().completed == 3);
  CHECK(work.stats().failed == 3);
}

using Keyed = std::pair<std::string, int>;

TEST_CASE("keyed sequential: each key in order, and its ids are those of snapshots (C122, C123)") {
  Seen<Keyed> seen;
  KeyedSequential<Keyed, std::string> work([](const Keyed& item) { return item.first; },
                                           [&](const Keyed& item) { seen.add(item); },
                                           {.max_concurrency = 4});
  std::vector<OperationId> ids;
  for (const Keyed& item : {Keyed{"a", 1}, {"b", 1}, {"a", 2}, {"b", 2}, {"a", 3}}) {
    ids.push_back(*work.enqueue(item));
  }
  REQUIRE(work.drain().ok());
  for (const std::string key : {"a", "b"}) {
    int last = 0;
    for (const auto& [of, number] : seen.all()) {
      if (of == key) CHECK(number == std::exchange(last, number) + 1);
    }
  }
  for (const OperationId id : ids) CHECK(work.coordinator().find(id).has_value());
}

TEST_CASE("keyed sequential: a key that takes long holds back only itself (P7)") {
  Gate gate;
  Seen<std::string> done;
  KeyedSequential<Keyed, std::string> work([](const Keyed& item) { return item.first; },
                                           [&](const Keyed& item) {
                                             if (item.first == "slow") gate.enter();
                                             done.add(item.first);
                                           },
                                           {.max_concurrency = 2});
  for (int i = 0; i < 3; ++i) REQUIRE(work.enqueue(Keyed{"slow", i}).ok());
  for (int i = 0; i < 3; ++i) REQUIRE(work.enqueue(Keyed{"quick", i}).ok());
  until([&] { return done.all().size() == 3; });
  CHECK(done.all() == std::vector<std::string>{"quick", "quick", "quick"});
  gate.wait_for_inside(1);  // its thread may come later
  CHECK(gate.most_inside() == 1);
  gate.open();
  REQUIRE(work.drain().ok());
}

TEST_CASE(
    "keyed sequential: with fair turns a cold key doesn't wait for a hot one's backlog (P8)") {
  Gate first;
  Seen<std::string> order;
  KeyedSequential<Keyed, std::string> work([](const Keyed& item) { return item.first; },
                                           [&](const Keyed& item) {
                                             if (item.second == 0) first.enter();
                                             order.add(item.first);
                                           },
                                           {.max_concurrency = 1, .fair_scheduling = true});
  for (int i = 0; i < 40; ++i) REQUIRE(work.enqueue(Keyed{"hot", i}).ok());
  first.wait_for_inside(1);
  REQUIRE(work.enqueue(Keyed{"cold", 1}).ok());
  first.open();
  REQUIRE(work.drain().ok());
  const auto all = order.all();
  const auto cold = std::ranges::find(all, "cold") - all.begin();
  CHECK(cold < 6);
}

TEST_CASE("signal aware: a cancelling signal closes the intake, whoever raised it (C124, P15)") {
  SystemClock clock;
  SignalSink sink(clock);
  std::atomic<int> ran{0};
  SignalAware<int> work([&](int) { ran.fetch_add(1); },
                        {.cancel_on = {"circuit-open"}, .signals = &sink});
  SUBCASE("here") { work.raise("circuit-open"); }
  SUBCASE("on the sink") { sink.raise("circuit-open"); }
  for (int i = 0; i < 5; ++i) CHECK(work.enqueue(i) == SignalAware<int>::kRejected);
  CHECK(work.rejected() == 5);
  sink.raise("circuit-closed");  // another signal changes nothing
  CHECK(work.enqueue(5) == -1);
  CHECK(work.retract("circuit-open") == 1);
  CHECK(work.enqueue(6) > 0);
  REQUIRE(work.drain().ok());
  CHECK(ran.load() == 1);
  CHECK(work.stats().completed == 1);
  CHECK(work.enqueue(7) == -1);
}

TEST_CASE("signal aware: what its own signals defer begins when they are retracted") {
  std::atomic<int> ran{0};
  SignalAware<int> work([&](int) { ran.fetch_add(1); }, {.defer_on = {"backpressure.*"}});
  work.raise(" ");  // blank: no signal
  work.raise("backpressure.downstream");
  CHECK(work.enqueue(1) > 0);
  until([&] { return work.stats().pending == 1; });
  CHECK(ran.load() == 0);
  work.retract("backpressure.downstream");
  REQUIRE(work.drain().ok());
  CHECK(ran.load() == 1);
}

}  // namespace
}  // namespace mayfly
