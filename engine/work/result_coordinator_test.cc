#include "mayfly/work/result_coordinator.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

// C050
TEST_CASE("results: one item gives one result") {
  ResultCoordinator<int, std::string> work({}, [](int n) { return "Result:" + std::to_string(n); });
  CHECK(work.enqueue(42).ok());
  finish(work);
  CHECK(work.results() == std::vector<std::string>{"Result:42"});
}

// C051
TEST_CASE("results: each item gives its own") {
  ResultCoordinator<int, int> work({.max_concurrency = 2}, [](int n) { return 2 * n; });
  std::vector<int> items{1, 2, 3, 4, 5};
  CHECK(work.enqueue_many(items).count == 5);
  finish(work);
  auto results = work.results();
  std::ranges::sort(results);
  CHECK(results == std::vector<int>{2, 4, 6, 8, 10});
}

// C052
TEST_CASE("results: a body that throws gives none, and says why") {
  ResultCoordinator<int, int> work({}, [](int n) {
    if (n == 2) throw std::runtime_error("two");
    return n;
  });
  OperationId second = 0;
  for (int i = 1; i <= 3; ++i) {
    const auto id = work.enqueue(i);
    if (i == 2) second = *id;
  }
  finish(work);

  CHECK(work.successful().size() == 2);
  CHECK(work.counts().failed == 1);
  const auto failed = work.wait_for_result(second);
  REQUIRE(failed.ok());
  CHECK_FALSE(failed->has_result());
  CHECK(failed->error == "two");
}

TEST_CASE("P6: enqueue gives an id, and the result of that id is waited for") {
  Gate gate;
  ResultCoordinator<int, int> work({.max_concurrency = 1}, [&](int n, Operation&) -> Result<int> {
    gate.enter();
    if (n < 0) return Status(Code::kUsage, "negative");
    return n + 1;
  });
  const auto good = work.enqueue(1);
  const auto bad = work.enqueue(-1);
  std::jthread opener([&] {
    gate.wait_for_inside(1);
    gate.open();
  });

  const auto answer = work.wait_for_result(*good);
  const auto refusal = work.wait_for_result(*bad);

  REQUIRE(answer.ok());
  REQUIRE(answer->has_result());
  CHECK(answer->result() == 2);
  CHECK(refusal->error == "negative");
  CHECK(*work.try_result(*good) == 2);
  CHECK(work.wait_for_result(*bad + 1000).status().code() == Code::kUsage);
}

// Intended interleaving: an operation is waited for, and more than are kept end between its end and
// the waiter's look at its result.
TEST_CASE("P6: what is waited for isn't pushed out before the waiter has seen it") {
  std::atomic<int> told{0};
  int resumed = 0;
  Gate gate;
  {
    ResultCoordinator<int, int> held(
        {.max_concurrency = 1, .max_tracked_operations = 1},
        [&](int n) {
          gate.enter();
          return 10 * n;
        },
        1);
    const auto first = held.enqueue(1);
    auto awaiter = std::make_unique<ResultAwaiter<int>>(held.result(*first));
    REQUIRE(held.on_done(*first,
                         [&](const OperationSnapshot& ended) { told = *held.try_result(ended.id); })
                .ok());
    gate.open();
    for (int i = 2; i <= 4; ++i) CHECK(held.enqueue(i).ok());
    CHECK(held.wait_until_idle().ok());
    CHECK(told == 10);
    CHECK_FALSE(awaiter->await_suspend({}));  // it has left the window
    const auto answer = awaiter->await_resume();
    REQUIRE(answer.ok());
    REQUIRE(answer->has_result());
    resumed = answer->result();
    CHECK(held.results_dropped() == 2);
    awaiter.reset();  // newer ones have ended since
    CHECK(held.try_result(*first) == nullptr);
    CHECK(held.results_dropped() == 3);
  }
  CHECK(resumed == 10);
}

TEST_CASE("results: what is awaited takes nobody's place, however long") {
  ResultCoordinator<int, int> work(
      {.max_concurrency = 1, .max_tracked_operations = 1}, [](int n) { return n; }, 1);
  const auto first = work.enqueue(1);
  CHECK(work.wait_until_idle().ok());
  const auto awaiter = std::make_unique<ResultAwaiter<int>>(work.result(*first));
  for (int i = 2; i <= 4; ++i) {
    const auto id = work.enqueue(i);
    CHECK(work.wait_until_idle().ok());
    CHECK(work.wait_for_result(*id)->has_result());
    CHECK(*work.try_result(*first) == 1);
  }
}

TEST_CASE("results: an end stays among the newest, or while it is awaited") {
  ResultStore<int> store(2);
  const auto put = [&](int id) {
    store.put(static_cast<OperationId>(id), OperationState::kSucceeded, {},
              std::make_shared<const int>(id));
    return store.place(static_cast<OperationId>(id), true);
  };
  for (const OperationId id : {1, 2, 3}) store.await(id);
  for (const int id : {1, 2, 3, 4, 5}) CHECK(put(id) == nullptr);
  CHECK(*put(6) == 4);
  for (const OperationId id : {1, 2, 3, 5, 6}) CHECK(store.value(id) != nullptr);
  store.await(1);
  CHECK(store.leave(1) == nullptr);  // awaited twice
  store.await(5);                    // that has ended
  CHECK(put(7) == nullptr);
  for (const OperationId id : {1, 2, 3, 5}) CHECK(*store.leave(id) == static_cast<int>(id));
  store.await(7);
  CHECK(store.leave(7) == nullptr);  // among the newest
  CHECK(store.value(7) != nullptr);
  CHECK(store.dropped() == 5);
}

TEST_CASE("results: an end that isn't placed yet can be found, and pushes nothing out") {
  ResultStore<int> store(1);
  const auto put = [&](OperationId id) {
    store.put(id, OperationState::kSucceeded, {}, std::make_shared<const int>(id));
  };
  put(1);
  CHECK(store.place(1, true) == nullptr);
  put(2);
  put(3);
  for (const OperationId id : {1, 2, 3}) CHECK(*store.value(id) == static_cast<int>(id));
  CHECK(*store.place(3, true) == 1);
  CHECK(*store.place(2, true) == 3);  // the newest is the one placed last
  CHECK(store.place(2, true) == nullptr);
  put(4);
  CHECK(store.place(4, false) == nullptr);  // no place for what it would push out
  CHECK(store.value(2) != nullptr);
  CHECK(store.place(5, true) == nullptr);  // never put
}

// Interleaving: two bodies have answered, and their items' destructors hold them up: they are
// running for everybody, and the window still has the one before.
TEST_CASE("P6: what is in the window has its result, also while others answer and haven't ended") {
  struct Item {
    explicit Item(int number, Gate* until) : n(number), gate(until) {}
    Item(Item&& other) noexcept : n(other.n), gate(std::exchange(other.gate, nullptr)) {}
    ~Item() {
      if (gate != nullptr) gate->enter();
    }
    int n;
    Gate* gate;
  };
  Gate gate;
  ResultCoordinator<Item, int> work(
      {.max_concurrency = 2, .max_tracked_operations = 2},
      [](const Item& item) { return item.n * 7; }, 2);
  const auto first = work.enqueue(Item(1, nullptr));
  CHECK(work.wait_until_idle().ok());
  const auto second = work.enqueue(Item(2, &gate));
  const auto third = work.enqueue(Item(3, &gate));
  gate.wait_for_inside(2);

  CHECK(work.wait_for_result(*first)->has_result());
  CHECK(*work.try_result(*second) == 14);
  CHECK(work.results_dropped() == 0);
  gate.open();
  finish(work);
  CHECK(work.results_dropped() == 1);
  CHECK(work.wait_for_result(*second)->has_result());
  CHECK(work.wait_for_result(*third)->has_result());
}

TEST_CASE("P6: a pinned operation keeps its result, however many end after it") {
  ResultCoordinator<int, int> work(
      {.max_concurrency = 2, .max_tracked_operations = 4}, [](int n) { return n; }, 4);
  const auto more = [&](int count) {
    for (int i = 0; i < count; ++i) CHECK(work.enqueue(1000 + i).ok());
    CHECK(work.wait_until_idle().ok());
  };
  const auto ended = work.enqueue(1);
  CHECK(work.wait_until_idle().ok());
  CHECK(work.pin(*ended));
  CHECK(work.pin(*ended));  // once more changes nothing
  more(50);
  CHECK(work.wait_for_result(*ended)->has_result());
  CHECK(*work.try_result(*ended) == 1);
  CHECK(work.unpin(*ended));
  CHECK(work.unpin(*ended) == work.find(*ended).has_value());
  more(10);
  CHECK(work.try_result(*ended) == nullptr);

  const auto taken = work.enqueue(2);
  CHECK(work.pin(*taken));
  CHECK(work.wait_until_idle().ok());
  more(50);
  CHECK(*work.try_result(*taken) == 2);
  CHECK(work.evict(*taken));
  CHECK(work.try_result(*taken) == nullptr);

  const auto killed = work.enqueue(3);
  CHECK(work.pin(*killed));
  CHECK(work.wait_until_idle().ok());
  more(50);
  CHECK(work.try_kill(*killed));
  CHECK(work.try_result(*killed) == nullptr);
}

TEST_CASE(
    "P6: one that is pinned while it runs, or waits, keeps its result; a killed one keeps no pin") {
  Gate gate;
  Gate later;
  ResultCoordinator<int, int> work(
      {.max_concurrency = 1, .max_tracked_operations = 2, .queue_capacity = 16},
      [&](int n) {
        if (n == 1) gate.enter();
        if (n == 4) later.enter();
        return n;
      },
      2);
  const auto running = work.enqueue(1);
  gate.wait_for_entered(1);
  const auto waiting = work.enqueue(2);
  const auto killed = work.enqueue(3);
  for (const auto& id : {running, waiting, killed}) CHECK(work.pin(*id));
  CHECK(work.try_kill(*killed));
  gate.open();
  CHECK(work.wait_until_idle().ok());
  for (int i = 0; i < 20; ++i) CHECK(work.enqueue(100 + i).ok());
  CHECK(work.wait_until_idle().ok());
  CHECK(*work.try_result(*running) == 1);
  CHECK(*work.try_result(*waiting) == 2);
  CHECK(work.wait_for_result(*killed)->state == OperationState::kCancelled);
  CHECK(work.unpin(*running));
  CHECK(work.try_result(*running) == nullptr);
  // Its end counts as others' that have no result: two more push it out.
  CHECK(work.enqueue(4).ok());
  later.wait_for_entered(1);
  for (int i = 0; i < 3; ++i) CHECK(work.try_kill(*work.enqueue(200 + i)));
  later.open();
  CHECK(work.wait_until_idle().ok());
  CHECK_FALSE(work.wait_for_result(*killed).ok());
}

// The lock of the scheduler isn't held when the result dies: its destructor asks the coordinator.
TEST_CASE("P6: a result that leaves with its pin may use the coordinator when it is destroyed") {
  struct Asking {
    ResultCoordinator<int, Asking>** work;
    ~Asking() {
      if (*work != nullptr) (*work)->pin(0);
    }
  };
  ResultCoordinator<int, Asking>* asked = nullptr;
  ResultCoordinator<int, Asking> work(
      {.max_concurrency = 1, .max_tracked_operations = 4},
      [&](int) -> Result<Asking> { return Asking{&asked}; }, 2);
  std::vector<OperationId> pinned;
  for (int i = 0; i < 3; ++i) {
    pinned.push_back(*work.enqueue(i));
    CHECK(work.pin(pinned.back()));
  }
  for (int i = 0; i < 10; ++i) CHECK(work.enqueue(i).ok());
  CHECK(work.wait_until_idle().ok());
  asked = &work;
  CHECK(work.unpin(pinned[0]));
  CHECK(work.evict(pinned[1]));
  CHECK(work.try_kill(pinned[2]));
  asked = nullptr;
}

TEST_CASE("results: who waits for a cancelled operation is told why, before and after its end") {
  Gate gate;
  ResultCoordinator<int, int> work({.max_concurrency = 1}, [&](int n) {
    if (n == 1) gate.enter();
    return n;
  });
  const auto first = work.enqueue(1);
  gate.wait_for_entered(1);
  const auto second = work.enqueue(2);
  std::string told;
  CHECK(work.on_done(*second, [&](const OperationSnapshot& ended) { told = ended.error; }).ok());
  work.cancel();
  gate.open();
  CHECK(work.wait_for_result(*first).ok());
  const auto asked = work.wait_for_result(*second);
  REQUIRE(asked.ok());
  CHECK(asked->state == OperationState::kCancelled);
  CHECK(asked->error == "it was cancelled while it waited");
  CHECK(told == asked->error);
}

// C053
TEST_CASE("results: those beyond the window can be asked for by id, up to a limit") {
  ResultCoordinator<int, int> work(
      {.max_concurrency = 2, .max_tracked_operations = 64}, [](int n) { return 2 * n; }, 500);
  std::vector<OperationId> ids;
  for (int i = 0; i < 1'000; ++i) ids.push_back(*work.enqueue(i));
  finish(work);

  CHECK(work.counts().succeeded == 1'000);
  CHECK(work.snapshot().size() == 64);
  CHECK(work.results().size() == 64);
  for (const int result : work.results()) CHECK(result % 2 == 0);
  CHECK(work.results_dropped() == 500);
  int known = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto answer = work.wait_for_result(ids[i]);
    if (!answer.ok()) continue;
    ++known;
    CHECK(answer->result() == 2 * static_cast<int>(i));
  }
  CHECK(known == 500);
}

Detached add_results(ResultCoordinator<int, int>& work, std::atomic<int>& sum) {
  for (int i = 1; i <= 10; ++i) {
    const auto answer = co_await work.result(*work.enqueue(i));
    if (answer.ok() && answer->has_result()) sum += answer->result();
  }
  work.complete();
}

TEST_CASE("results: co_await gives the result") {
  std::atomic<int> sum{0};
  ResultCoordinator<int, int> work({.max_concurrency = 2}, [](int n) { return n; });
  add_results(work, sum);
  testing::until([&] { return work.completed(); });
  CHECK(work.drain().ok());
  CHECK(sum == 55);
}

TEST_CASE("results: how an operation failed can be asked for when it has left the window") {
  ResultCoordinator<int, int> work({.max_concurrency = 1, .max_tracked_operations = 1}, [](int n) {
    if (n == 1) throw std::runtime_error("one");
    return n;
  });
  const auto failed = work.enqueue(1);
  CHECK(work.wait_until_idle().ok());
  work.pause();
  const auto killed = work.enqueue(2);
  CHECK(work.try_kill(*killed));
  work.resume();
  for (int i = 3; i < 6; ++i) CHECK(work.enqueue(i).ok());
  CHECK(work.wait_until_idle().ok());
  CHECK_FALSE(work.find(*failed));
  CHECK_FALSE(work.find(*killed));

  const auto first = work.wait_for_result(*failed);
  const auto second = work.wait_for_result(*killed);

  REQUIRE(first.ok());
  CHECK(first->failed());
  CHECK(first->error == "one");
  REQUIRE(second.ok());
  CHECK(second->state == OperationState::kCancelled);
  CHECK_FALSE(second->has_result());
}

// An item whose end waits at a gate.
struct Lingering {
  explicit Lingering(Gate* gate) : gate_(gate) {}
  Lingering(Lingering&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
  ~Lingering() {
    if (gate_ != nullptr) gate_->enter();
  }

 private:
  Gate* gate_;
};

// Of three, the first of which waits at the gate.
std::vector<OperationId> enqueue_three(ResultCoordinator<Lingering, int>& work, Gate& gate) {
  std::vector<OperationId> ids;
  for (Gate* at : {&gate, static_cast<Gate*>(nullptr), static_cast<Gate*>(nullptr)}) {
    const auto id = work.enqueue(Lingering(at));
    REQUIRE(id.ok());
    ids.push_back(*id);
  }
  return ids;
}

// Intended interleaving: operations have left the table, and the thread that ended them is still
// about to do what is done without the lock: it destroys an item, which waits. Meanwhile the ends
// of all of them are asked for.
TEST_CASE("results: the end of what was cancelled is known from the moment it can't be found") {
  Gate gate;
  ResultCoordinator<Lingering, int> work({.max_concurrency = 1},
                                         [](const Lingering&) { return 1; });
  work.pause();
  const std::vector<OperationId> ids = enqueue_three(work, gate);

  std::thread cancels([&] { work.cancel(); });
  gate.wait_for_inside(1);
  for (const OperationId id : ids) {
    CHECK_FALSE(work.find(id));
    const auto end = work.wait_for_result(id);
    REQUIRE(end.ok());
    CHECK(end->state == OperationState::kCancelled);
  }
  gate.open();
  cancels.join();
}

// The same of operations that a signal skips, on the worker's thread.
TEST_CASE("results: the end of what was skipped is known from the moment it can't be found") {
  Gate gate;
  SystemClock clock;
  SignalSink sink(clock);
  ResultCoordinator<Lingering, int> work({.max_concurrency = 1,
                                          .max_tracked_operations = 1,
                                          .queue_capacity = 3,
                                          .signals = &sink,
                                          .cancel_on_signals = {"stop"}},
                                         [](const Lingering&) { return 1; });
  work.pause();
  const std::vector<OperationId> ids = enqueue_three(work, gate);
  sink.raise("stop");

  work.resume();
  gate.wait_for_inside(1);
  const auto end = work.wait_for_result(ids[0]);
  REQUIRE(end.ok());
  CHECK(end->state == OperationState::kSkipped);
  gate.open();
  finish(work);
}

TEST_CASE("results: ends without a result push none out") {
  ResultCoordinator<int, int> work(
      {.max_concurrency = 1, .max_tracked_operations = 10, .queue_capacity = 30},
      [](int n) { return n; }, 10);
  std::vector<OperationId> ids;
  for (int i = 0; i < 10; ++i) ids.push_back(*work.enqueue(i));
  REQUIRE(work.wait_until_idle().ok());
  work.pause();
  std::vector<OperationId> cancelled;
  for (int i = 0; i < 30; ++i) cancelled.push_back(*work.enqueue(i));
  work.cancel();

  CHECK(work.results().size() == 10);
  CHECK(work.results_dropped() == 0);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto answer = work.wait_for_result(ids[i]);
    REQUIRE(answer.ok());
    REQUIRE(answer->has_result());
    CHECK(answer->result() == static_cast<int>(i));
  }
  // Of those the newest are known.
  CHECK_FALSE(work.wait_for_result(cancelled[19]).ok());
  CHECK(work.wait_for_result(cancelled[20])->state == OperationState::kCancelled);
}

}  // namespace
}  // namespace mayfly
