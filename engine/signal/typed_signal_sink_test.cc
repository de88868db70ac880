#include "mayfly/signal/typed_signal_sink.h"

#include <doctest/doctest.h>

#include <latch>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

struct Order {
  int number = 0;
  std::string customer;
};

// C100
TEST_CASE("typed sink: a raise is one typed event with its payload, and a name for everybody") {
  ManualClock clock;
  SignalSink names(clock);
  TypedSignalSink<Order> orders(names);
  std::vector<TypedSignal<Order>> typed;
  int untyped = 0;
  const auto typed_subscription = orders.subscribe(
      "order.*", [&](const TypedSignal<Order>& signal) { typed.push_back(signal); });
  const auto subscription = names.subscribe("order.*", [&](const SignalEvent&) { ++untyped; });

  orders.raise("order.placed", {17, "ann"}, 5);

  REQUIRE(typed.size() == 1);
  CHECK(typed[0].name == "order.placed");
  CHECK(typed[0].at_ns == clock.now_ns());
  CHECK(typed[0].operation == 5);
  CHECK(typed[0].payload->number == 17);
  CHECK(typed[0].payload->customer == "ann");
  CHECK(untyped == 1);
  CHECK(names.detect("order.placed"));
  CHECK(names.sense().front().operation == 5);
}

TEST_CASE("typed sink: listeners hear what they listen to, and nothing that was raised by name") {
  ManualClock clock;
  SignalSink names(clock);
  TypedSignalSink<Order> orders(names);
  int calls = 0;
  auto subscription = orders.subscribe("order.placed", [&](const TypedSignal<Order>&) { ++calls; });
  orders.raise("order.paid", {1, "a"});
  names.raise("order.placed");
  CHECK(calls == 0);
  orders.raise("order.placed", {2, "b"});
  CHECK(calls == 1);
  subscription.reset();
  orders.raise("order.placed", {3, "c"});
  CHECK(calls == 1);
}

TEST_CASE("typed sink: the window keeps the newest payloads, as long as they are present") {
  ManualClock clock;
  SignalSink names(clock);
  TypedSignalSink<Order> orders(names, {.capacity = 3, .max_age_ns = kSecond});
  for (int i = 0; i < 1'000; ++i) orders.raise("order.placed", {i, "a"});
  const auto present = orders.sense("order.*");
  REQUIRE(present.size() == 3);
  CHECK(present[0].payload->number == 997);
  CHECK(present[2].payload->number == 999);
  CHECK(orders.count() == 3);
  clock.advance(kSecond + 1);
  CHECK(orders.sense().empty());
  CHECK(present[2].payload->number == 999);
}

TEST_CASE("typed sink: a listener that throws hinders nobody and is counted") {
  ManualClock clock;
  SignalSink names(clock);
  TypedSignalSink<int> numbers(names);
  int heard = 0;
  const auto first =
      numbers.subscribe("*", [](const TypedSignal<int>&) { throw std::runtime_error("no"); });
  const auto second =
      numbers.subscribe("*", [&](const TypedSignal<int>& signal) { heard = *signal.payload; });
  numbers.raise("n", 4);
  CHECK(heard == 4);
  CHECK(numbers.listener_failures() == 1);
}

TEST_CASE("typed sink: a missing listener or pattern is refused") {
  ManualClock clock;
  SignalSink names(clock);
  TypedSignalSink<int> numbers(names);
  CHECK_THROWS_AS((void)numbers.subscribe("*", nullptr), std::invalid_argument);
  CHECK_THROWS_AS((void)numbers.subscribe(" ", [](const TypedSignal<int>&) {}),
                  std::invalid_argument);
}

// Aims at a payload that leaves the window of three while its own raise is still being told.
TEST_CASE("typed sink threads: every raise is told with its own payload") {
  constexpr int kThreads = 4;
  constexpr int kRaises = 1'000;
  ManualClock clock;
  SignalSink names(clock);
  TypedSignalSink<int> numbers(names, {.capacity = 3});
  std::atomic<int> calls{0};
  std::atomic<int> wrong{0};
  const auto subscription = numbers.subscribe("n:*", [&](const TypedSignal<int>& signal) {
    calls.fetch_add(1);
    wrong.fetch_add(signal.name != "n:" + std::to_string(*signal.payload));
  });
  {
    std::latch start(kThreads);
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        for (int i = 0; i < kRaises; ++i) {
          const int number = t * kRaises + i;
          numbers.raise("n:" + std::to_string(number), number);
        }
      });
    }
  }
  CHECK(calls.load() == kThreads * kRaises);
  CHECK(wrong.load() == 0);
}

// What a payload's destructor may do anywhere, it may do here: the sink holds no lock then.
TEST_CASE("typed sink: a payload that leaves the window may use the sink as it goes") {
  ManualClock clock;
  SignalSink names(clock);
  struct CountsAtItsEnd {
    ~CountsAtItsEnd() {
      if (sink != nullptr) ends += 1 + static_cast<int>(sink->sense("none").size());
    }
    TypedSignalSink<std::shared_ptr<CountsAtItsEnd>>* sink = nullptr;
    int& ends;
  };
  int ends = 0;
  {
    TypedSignalSink<std::shared_ptr<CountsAtItsEnd>> sink(names, {.capacity = 1});
    for (int i = 0; i < 300; ++i) {
      auto payload = std::shared_ptr<CountsAtItsEnd>(new CountsAtItsEnd{nullptr, ends});
      if (i == 0) payload->sink = &sink;
      sink.raise("one", std::move(payload));
    }
    CHECK(ends == 1);
  }
}

}  // namespace
}  // namespace mayfly
