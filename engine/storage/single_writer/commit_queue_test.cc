#include "mayfly/storage/single_writer/commit_queue.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <latch>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/database.h"

namespace mayfly {
namespace {

struct Write final : CommitQueue::Request {
  explicit Write(int n, bool alone = false, bool by_owner = false)
      : Request(alone, by_owner), number(n) {}
  void on_done() noexcept override {
    if (done != nullptr) done->fetch_add(1);
  }

  const int number;
  bool executed = false;  // the executor's; read behind run() or on_done()
  std::atomic<int>* done = nullptr;
  std::thread::id owner;  // none: whoever
};

// Keeps what it was given; a gate holds it where a test wants it.
struct Recorder final : CommitQueue::Executor {
  void execute(std::span<CommitQueue::Request* const> group) noexcept override {
    CHECK_FALSE(inside.exchange(true));
    if (gate != nullptr) {
      entered->count_down();
      std::exchange(gate, nullptr)->wait();
    }
    sizes.push_back(group.size());
    threads.push_back(std::this_thread::get_id());
    for (CommitQueue::Request* request : group) {
      auto& write = static_cast<Write&>(*request);
      CHECK_FALSE(std::exchange(write.executed, true));
      order.push_back(write.number);
    }
    inside.store(false);
  }

  bool is_quick() const noexcept override { return quick; }

  bool quick = false;
  std::atomic<bool> inside{false};
  std::latch* entered = nullptr;
  std::latch* gate = nullptr;
  std::vector<std::size_t> sizes;
  std::vector<std::thread::id> threads;
  std::vector<int> order;
};

TEST_CASE("commit queue: a lone write is executed by its own thread") {
  Recorder recorder;
  CommitQueue queue;
  queue.take_turn([&] { queue.accept(64); });
  Write write(1);
  queue.run(write, recorder);
  CHECK(write.executed);
  CHECK(recorder.threads == std::vector{std::this_thread::get_id()});
}

// Interleaving: the first group is held in the executor until five more are queued behind it.
TEST_CASE("commit queue: what is queued during one group is the next, up to the largest size") {
  Recorder recorder;
  std::latch entered(1);
  std::latch gate(1);
  recorder.entered = &entered;
  recorder.gate = &gate;
  std::atomic<int> done{0};
  std::vector<std::unique_ptr<Write>> writes;
  for (int i = 0; i < 6; ++i) {
    writes.push_back(std::make_unique<Write>(i));
    writes.back()->done = &done;
  }
  {
    CommitQueue queue;
    queue.take_turn([&] { queue.accept(3); });
    queue.post(*writes[0], recorder);
    entered.wait();
    for (int i = 1; i < 6; ++i) queue.post(*writes[static_cast<std::size_t>(i)], recorder);
    gate.count_down();
  }
  CHECK(done == 6);
  CHECK(recorder.sizes == std::vector<std::size_t>{1, 3, 2});
  CHECK(recorder.order == std::vector{0, 1, 2, 3, 4, 5});
}

TEST_CASE("commit queue: what wants to be alone is, and the order stays") {
  Recorder recorder;
  std::latch entered(1);
  std::latch gate(1);
  recorder.entered = &entered;
  recorder.gate = &gate;
  Write first(0);
  Write a(1);
  Write b(2);
  Write vacuum(3, true);
  Write c(4);
  {
    CommitQueue queue;
    queue.take_turn([&] { queue.accept(64); });
    queue.post(first, recorder);
    entered.wait();
    for (Write* write : {&a, &b, &vacuum, &c}) queue.post(*write, recorder);
    gate.count_down();
  }
  CHECK(recorder.sizes == std::vector<std::size_t>{1, 2, 1, 1});
  CHECK(recorder.order == std::vector{0, 1, 2, 3, 4});
}

// Interleaving: a caller leads; while it is in the executor, many are posted. It returns once its
// own is done, and the queue's thread does the rest.
TEST_CASE("commit queue: a caller doesn't stay to work for others") {
  Recorder recorder;
  std::latch entered(1);
  std::latch gate(1);
  recorder.entered = &entered;
  recorder.gate = &gate;
  std::vector<std::unique_ptr<Write>> posted;
  for (int i = 0; i < 10; ++i) posted.push_back(std::make_unique<Write>(i + 1));
  Write own(0);
  std::thread::id caller;
  {
    CommitQueue queue;
    queue.take_turn([&] { queue.accept(2); });
    std::thread thread([&] {
      caller = std::this_thread::get_id();
      queue.run(own, recorder);
    });
    entered.wait();
    for (const auto& write : posted) queue.post(*write, recorder);
    gate.count_down();
    thread.join();
  }
  CHECK(recorder.sizes == std::vector<std::size_t>{1, 2, 2, 2, 2, 2});
  CHECK(std::ranges::count(recorder.threads, caller) == 1);
}

// Interleaving: the queue's thread has given up leadership and not yet looked whether it is to
// stop; a caller leads, passes on what was posted meanwhile, and the queue ends.
TEST_CASE("commit queue: what was passed on to its thread at the end is executed") {
  for (int round = 0; round < 300; ++round) {
    Recorder recorder;
    std::latch entered(1);
    std::latch gate(1);
    std::atomic<int> done{0};
    Write first(0);
    Write last(2);
    Write own(1);
    first.done = last.done = &done;
    {
      CommitQueue queue;
      queue.take_turn([&] { queue.accept(4); });
      std::thread caller([&] {
        while (done.load() == 0) std::this_thread::yield();
        recorder.entered = &entered;
        recorder.gate = &gate;
        queue.run(own, recorder);
      });
      queue.post(first, recorder);
      entered.wait();
      queue.post(last, recorder);
      gate.count_down();
      caller.join();
    }
    REQUIRE(done.load() == 2);
    REQUIRE(last.executed);
  }
}

// The same; where groups are quick it goes on for a while.
TEST_CASE("commit queue: a caller of a quick executor works for others, but not without end") {
  Recorder recorder;
  recorder.quick = true;
  std::latch entered(1);
  std::latch gate(1);
  recorder.entered = &entered;
  recorder.gate = &gate;
  std::vector<std::unique_ptr<Write>> posted;
  for (int i = 0; i < CommitQueue::kGroupsForOthers + 10; ++i) {
    posted.push_back(std::make_unique<Write>(i + 1));
  }
  Write own(0);
  std::thread::id caller;
  {
    CommitQueue queue;
    queue.take_turn([&] { queue.accept(1); });
    std::thread thread([&] {
      caller = std::this_thread::get_id();
      queue.run(own, recorder);
    });
    entered.wait();
    for (const auto& write : posted) queue.post(*write, recorder);
    gate.count_down();
    thread.join();
  }
  CHECK(std::ranges::count(recorder.threads, caller) == 1 + CommitQueue::kGroupsForOthers);
  CHECK(recorder.order.size() == 1 + posted.size());
}

// Interleavings: leaders leave while others push (the Dekker pair of head and leading), leadership
// passes between callers and to the queue's thread, posts come while nobody leads.
TEST_CASE(
    "commit queue: eight threads' runs and posts are each executed once, in each one's order") {
  constexpr int kThreads = 8;
  constexpr int kWrites = 2000;
  Recorder recorder;
  SUBCASE("slow") { recorder.quick = false; }
  SUBCASE("quick") { recorder.quick = true; }
  std::atomic<int> done{0};
  std::vector<std::vector<std::unique_ptr<Write>>> posted(kThreads);
  {
    CommitQueue queue;
    queue.take_turn([&] { queue.accept(16); });
    std::latch start(kThreads);
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        start.arrive_and_wait();
        for (int i = 0; i < kWrites; ++i) {
          const int number = t * kWrites + i;
          const bool alone = i % 97 == 0;
          if (i % 3 == 0) {
            auto& write = posted[static_cast<std::size_t>(t)].emplace_back(
                std::make_unique<Write>(number, alone));
            write->done = &done;
            queue.post(*write, recorder);
          } else {
            Write write(number, alone);
            queue.run(write, recorder);
            REQUIRE(write.executed);
          }
        }
      });
    }
  }
  std::size_t total_posted = 0;
  for (const auto& list : posted) total_posted += list.size();
  CHECK(static_cast<std::size_t>(done) == total_posted);
  REQUIRE(recorder.order.size() == kThreads * kWrites);
  std::vector<int> next(kThreads, 0);
  for (const int number : recorder.order) {
    REQUIRE(number % kWrites == next[static_cast<std::size_t>(number / kWrites)]++);
  }
}

// Interleaving: the first group is held in the executor until a write by its owner, and one behind
// it, are queued.
TEST_CASE("commit queue: one that is to be executed by its owner is passed leadership") {
  Recorder recorder;
  std::latch entered(1);
  std::latch gate(1);
  recorder.entered = &entered;
  recorder.gate = &gate;
  CommitQueue queue;
  queue.take_turn([&] { queue.accept(64); });
  Write first(1);
  Write owned(2, true, true);
  Write behind(3);
  std::atomic<int> done{0};
  first.done = behind.done = &done;
  queue.post(first, recorder);
  entered.wait();
  std::thread owner([&] {
    queue.run(owned, recorder);
    CHECK(recorder.threads.at(1) == std::this_thread::get_id());
  });
  gate.count_down();
  owner.join();
  queue.post(behind, recorder);
  while (done.load() != 2) std::this_thread::yield();
  CHECK(recorder.order == std::vector{1, 2, 3});
}

// Interleaving: writes of four threads, every third by its owner, so that leadership passes among
// threads whose own writes aren't done yet.
TEST_CASE("commit queue: with owners among them every write is executed once, by whom it must") {
  struct Counting final : CommitQueue::Executor {
    void execute(std::span<CommitQueue::Request* const> group) noexcept override {
      for (CommitQueue::Request* request : group) {
        auto& write = static_cast<Write&>(*request);
        CHECK_FALSE(std::exchange(write.executed, true));
        if (write.owner != std::thread::id()) CHECK(write.owner == std::this_thread::get_id());
      }
    }
  };
  Counting counting;
  CommitQueue queue;
  queue.take_turn([&] { queue.accept(8); });
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        const bool owned = i % 3 == 0;
        Write write(i, owned, owned);
        if (owned) write.owner = std::this_thread::get_id();
        queue.run(write, counting);
        CHECK(write.executed);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Interleaving: the first group is held in its executor until two executors' writes wait behind it.
TEST_CASE("commit queue: a group is of one executor, and those of two take turns in their order") {
  Recorder one;
  Recorder other;
  std::latch entered(1);
  std::latch gate(1);
  one.entered = &entered;
  one.gate = &gate;
  Write first(0), a(1), b(2), c(3), d(4);
  {
    CommitQueue queue;
    queue.take_turn([&] { queue.accept(64); });
    queue.post(first, one);
    entered.wait();
    queue.post(a, one);
    queue.post(b, other);
    queue.post(c, other);
    queue.post(d, one);
    gate.count_down();
  }
  CHECK(one.sizes == std::vector<std::size_t>{1, 1, 1});
  CHECK(one.order == std::vector{0, 1, 4});
  CHECK(other.sizes == std::vector<std::size_t>{2});
  CHECK(other.order == std::vector{2, 3});
}

TEST_CASE("commit queue: a turn is its caller's thread's, and gives what its function gives") {
  CommitQueue queue;
  CHECK_FALSE(queue.is_within());
  const auto thread = queue.take_turn([&] {
    CHECK(queue.is_within());
    return std::this_thread::get_id();
  });
  CHECK(thread == std::this_thread::get_id());
  CHECK_FALSE(queue.is_within());
}

TEST_CASE(
    "commit queue: what a turn's function throws reaches its caller, and the next has a turn") {
  CommitQueue queue;
  const auto throwing = [&] { queue.take_turn([] { throw std::runtime_error("broken"); }); };
  CHECK_THROWS_WITH_AS(throwing(), "broken", std::runtime_error);
  CHECK(queue.take_turn([] { return 7; }) == 7);
}

// Interleaving: turns and posted writes of two threads each, so that leadership passes between
// callers and the queue's thread; a turn that ran beside anything else would see `inside`.
TEST_CASE("commit queue: a turn is alone") {
  Recorder recorder;
  std::atomic<int> done{0};
  std::vector<std::unique_ptr<Write>> writes;
  for (int i = 0; i < 400; ++i) {
    writes.push_back(std::make_unique<Write>(i));
    writes.back()->done = &done;
  }
  int turns = 0;  // of those who have the turn
  {
    CommitQueue queue;
    queue.take_turn([&] { queue.accept(8); });
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < 2; ++thread) {
      threads.emplace_back([&, thread] {
        for (std::size_t i = 0; i < 200; ++i) queue.post(*writes[200 * thread + i], recorder);
      });
      threads.emplace_back([&] {
        for (int i = 0; i < 200; ++i) {
          queue.take_turn([&] {
            CHECK_FALSE(recorder.inside.exchange(true));
            ++turns;
            recorder.inside.store(false);
          });
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  CHECK(turns == 400);
  CHECK(done.load() == 400);
}

}  // namespace
}  // namespace mayfly
