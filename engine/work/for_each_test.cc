#include "mayfly/work/for_each.h"

#include <doctest/doctest.h>

#include <atomic>
#include <barrier>
#include <forward_list>
#include <functional>
#include <latch>
#include <list>
#include <memory>
#include <mutex>
#include <numeric>
#include <ranges>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/for_each_keyed.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

std::vector<int> one_to(int last) {
  std::vector<int> items(static_cast<std::size_t>(last));
  std::iota(items.begin(), items.end(), 1);
  return items;
}

// What ran, by item.
class SeenItems {
 public:
  void add(int item) {
    const std::lock_guard lock(mutex_);
    items_.insert(item);
  }
  // Each of 1..last exactly once.
  bool is_one_to(int last) const {
    const std::vector<int> expected = one_to(last);
    return std::equal(items_.begin(), items_.end(), expected.begin(), expected.end());
  }
  std::size_t count() const { return items_.size(); }

 private:
  std::mutex mutex_;
  std::multiset<int> items_;
};

// How many bodies run at once, and the most that did.
class Running {
 public:
  void enter() {
    const int now = ++now_;
    int most = most_.load();
    while (most < now && !most_.compare_exchange_weak(most, now)) {
    }
  }
  void leave() { --now_; }
  int now() const { return now_; }
  int most() const { return most_; }

 private:
  std::atomic<int> now_{0};
  std::atomic<int> most_{0};
};

TEST_CASE("for_each: every item is processed exactly once") {  // C001
  SeenItems seen;
  const ForEachResult result =
      for_each(one_to(10), {.max_concurrency = 4}, [&](int item) { seen.add(item); });
  CHECK(seen.is_one_to(10));
  CHECK(result.ok());
  CHECK(result.processed == 10);
  CHECK(result.succeeded() == 10);
  CHECK(result.skipped == 0);
}

// Three bodies wait for each other at a barrier, so all three have to be inside at the same time;
// the others come and go while they do. 21 items: seven meetings of three.
TEST_CASE("for_each: max_concurrency is reached and never exceeded") {  // C002
  Running running;
  std::barrier meeting(3);
  const ForEachResult result = for_each(std::views::iota(0, 21), {.max_concurrency = 3}, [&](int) {
    running.enter();
    meeting.arrive_and_wait();
    running.leave();
  });
  CHECK(result.processed == 21);
  CHECK(running.most() == 3);
}

// The bodies never give up their thread; each looks until it has seen another one inside.
TEST_CASE("for_each: bodies that compute without a pause run at the same time") {  // C004
  Running running;
  std::atomic<bool> met{false};
  const ForEachResult result = for_each(one_to(8), {.max_concurrency = 2}, [&](int) {
    running.enter();
    while (!met) {
      if (running.now() == 2) met = true;
    }
    running.leave();
  });
  CHECK(result.processed == 8);
  CHECK(running.most() == 2);
}

TEST_CASE("for_each: all items are tried, and the caller is told which failed") {  // C005
  SeenItems seen;
  const ForEachResult result = for_each(one_to(5), {.max_concurrency = 2}, [&](int item) {
    seen.add(item);
    if (item == 2) throw std::runtime_error("no two");
    if (item == 4) throw 4;
  });
  CHECK(seen.is_one_to(5));
  CHECK_FALSE(result.ok());
  CHECK(result.status.ok());
  CHECK(result.processed == 5);
  CHECK(result.failed == 2);
  REQUIRE(result.failures.size() == 2);
  CHECK(result.failures[0].index == 1);
  CHECK(result.failures[0].status.message() == "no two");
  CHECK(result.failures[1].index == 3);
  CHECK(result.failures[1].status.message() == "something that isn't a std::exception was thrown");
  CHECK(result.to_status().message() == "2 of 5 bodies failed; item 1: no two");
}

TEST_CASE("for_each: a null body, and a null key selector, are refused") {
  const std::vector<int> items = {1, 2, 3};
  CHECK_THROWS_AS(for_each(items, {}, std::function<void(int)>()), std::invalid_argument);
  CHECK_THROWS_AS(for_each_keyed(items, {}, std::function<int(int)>(), [](int) {}),
                  std::invalid_argument);
}

TEST_CASE("for_each: a body may answer with a Status") {
  const ForEachResult result = for_each(one_to(5), {.max_concurrency = 2}, [](int item) {
    return item == 3 ? Status(Code::kBadData, "not three") : Status();
  });
  REQUIRE(result.failures.size() == 1);
  CHECK(result.failures[0].status.code() == Code::kBadData);
  CHECK(result.to_status().code() == Code::kBadData);
}

TEST_CASE("for_each: of many failures those with the lowest indexes are told") {
  const ForEachResult result =
      for_each(std::views::iota(0, 10'000), {.max_concurrency = 3}, {.failures_max = 5},
               [](int item) { throw std::runtime_error(std::to_string(item)); });
  CHECK(result.failed == 10'000);
  REQUIRE(result.failures.size() == 5);
  for (int i = 0; i < 5; ++i) {
    CHECK(result.failures[i].index == static_cast<std::uint64_t>(i));
    CHECK(result.failures[i].status.message() == std::to_string(i));
  }
}

// The third body asks for the stop while others run: they are the last.
TEST_CASE(
    "for_each: after a stop no item starts, and no body runs when the call returns") {  // C006
  for (const bool blocking : {true, false}) {
    CAPTURE(blocking);
    std::stop_source stop;
    Running running;
    std::atomic<int> started{0};
    std::atomic<bool> stopped{false};
    std::atomic<int> started_after{0};
    const ForEachResult result =
        for_each(one_to(100), {.max_concurrency = 2},
                 {.blocking = blocking, .stop = stop.get_token()}, [&](int) {
                   running.enter();
                   if (stopped) ++started_after;
                   if (++started == 3) {
                     stop.request_stop();
                     stopped = true;
                   }
                   running.leave();
                 });
    CHECK(running.now() == 0);
    CHECK(result.cancelled);
    CHECK_FALSE(result.ok());
    CHECK(started_after <= 1);  // the other worker may have been past its look
    CHECK(result.processed == static_cast<std::uint64_t>(started));
    CHECK(result.skipped == 100 - result.processed);
    CHECK(result.to_status().code() == Code::kTryAgain);
  }
}

TEST_CASE("for_each: a stop that was requested before starts nothing") {
  std::stop_source stop;
  stop.request_stop();
  const ForEachResult result = for_each(one_to(3), {}, {.stop = stop.get_token()}, [](int) {});
  CHECK(result.processed == 0);
  CHECK(result.skipped == 3);
  CHECK(result.cancelled);
}

TEST_CASE("for_each: a stop after the last item cancels nothing") {
  std::stop_source stop;
  const ForEachResult result =
      for_each(one_to(3), {.max_concurrency = 1}, {.stop = stop.get_token()}, [&](int item) {
        if (item == 3) stop.request_stop();
      });
  CHECK(result.processed == 3);
  CHECK_FALSE(result.cancelled);
  CHECK(result.ok());
}

TEST_CASE("for_each: an empty range is done at once") {
  const ForEachResult result = for_each(std::vector<int>(), {}, [](int) { FAIL("no item"); });
  CHECK(result.ok());
  CHECK(result.processed == 0);
  CHECK(result.window.empty());
}

// Were there a third thread, the barrier of two would be left by it alone.
TEST_CASE("for_each: fewer items than threads are processed by as many threads as items") {
  std::mutex mutex;
  std::set<std::thread::id> threads;
  std::barrier both(2);
  const ForEachResult result = for_each(one_to(2), {.max_concurrency = 64}, [&](int) {
    {
      const std::lock_guard lock(mutex);
      threads.insert(std::this_thread::get_id());
    }
    both.arrive_and_wait();
  });
  CHECK(result.processed == 2);
  CHECK(threads.size() == 2);
  CHECK(threads.contains(std::this_thread::get_id()));
}

TEST_CASE("for_each: bodies change the items of the range themselves") {
  std::vector<std::unique_ptr<int>> items(1'000);
  const ForEachResult result =
      for_each(items, {.max_concurrency = 3},
               [](std::unique_ptr<int>& item) { item = std::make_unique<int>(7); });
  CHECK(result.ok());
  CHECK(std::ranges::all_of(items, [](const auto& item) { return *item == 7; }));
}

TEST_CASE("for_each: a single-pass range is read item by item") {
  std::stringstream words("one two three four five");
  std::mutex mutex;
  std::set<std::string> seen;
  const ForEachResult result = for_each(std::views::istream<std::string>(words),
                                        {.max_concurrency = 3}, [&](std::string& word) {
                                          const std::lock_guard lock(mutex);
                                          seen.insert(std::move(word));
                                        });
  CHECK(result.processed == 5);
  CHECK(seen == std::set<std::string>{"one", "two", "three", "four", "five"});
}

TEST_CASE("for_each: a list, a forward list and a view over a vector are ranges, too") {
  SeenItems in_list;
  SeenItems in_forward_list;
  SeenItems in_view;
  const std::vector<int> items = one_to(5'000);
  const std::list<int> list(items.begin(), items.end());
  const std::forward_list<int> forward_list(items.begin(), items.end());
  for_each(list, {.max_concurrency = 3}, [&](const int& item) { in_list.add(item); });
  for_each(forward_list, {.max_concurrency = 3}, [&](int item) { in_forward_list.add(item); });
  for_each(items | std::views::transform([](int item) { return item * 2; }), {.max_concurrency = 3},
           [&](auto& item) { in_view.add(item / 2); });
  CHECK(in_list.is_one_to(5'000));
  CHECK(in_forward_list.is_one_to(5'000));
  CHECK(in_view.is_one_to(5'000));
}

// An endless range: whatever of it was read at once is what a pass needs in memory.
TEST_CASE("for_each: an endless range is read no further than it is processed") {
  std::stop_source stop;
  std::atomic<int> read{0};
  std::atomic<int> processed{0};
  std::atomic<int> ahead_most{0};
  auto endless = std::views::iota(0) | std::views::filter([&](int) {
                   ++read;
                   return true;
                 });
  const ForEachResult result =
      for_each(endless, {.max_concurrency = 2}, {.stop = stop.get_token()}, [&](int) {
        const int ahead = read - ++processed;
        if (ahead > ahead_most) ahead_most = ahead;
        if (processed >= 100'000) stop.request_stop();
      });
  CHECK(result.cancelled);
  CHECK(result.processed >= 100'000);
  CHECK(ahead_most <= 2 * 64 + 4);
}

// Throws when it is advanced onto its fourth item.
struct Failing {
  struct Iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    int operator*() const { return at; }
    Iterator& operator++() {
      if (++at == 4) throw std::runtime_error("the disk is gone");
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return false; }
    int at = 1;
  };
  Iterator begin() const { return {}; }
  std::default_sentinel_t end() const { return {}; }
};

TEST_CASE("for_each: an iterator that throws ends the pass after the items before it") {
  SeenItems seen;
  const ForEachResult result =
      for_each(Failing(), {.max_concurrency = 2}, [&](int item) { seen.add(item); });
  CHECK(seen.is_one_to(3));
  CHECK_FALSE(result.ok());
  CHECK(result.processed == 3);
  CHECK(result.failed == 0);
  CHECK(result.status.message() == "the range threw after 3 items: the disk is gone");
}

TEST_CASE("for_each: an item that can't be looked at fails alone") {
  const std::vector<int> items = one_to(5);
  auto looked = items | std::views::transform([](int item) {
                  if (item == 3) throw std::runtime_error("unreadable");
                  return item;
                });
  SeenItems seen;
  const ForEachResult result =
      for_each(looked, {.max_concurrency = 2}, [&](int item) { seen.add(item); });
  CHECK(seen.count() == 4);
  CHECK(result.processed == 5);
  REQUIRE(result.failures.size() == 1);
  CHECK(result.failures[0].index == 2);
  CHECK(result.failures[0].status.message() == "unreadable");
}

TEST_CASE("P1: bodies raise signals on their operation, which the shared sink has with its id") {
  ManualClock clock;
  SignalSink sink(clock);
  std::vector<OperationId> ids(3);
  const ForEachResult result =
      for_each(std::views::iota(0, 3), {.max_concurrency = 2, .signals = &sink, .clock = &clock},
               [&](int item, Operation& operation) {
                 operation.raise("item.done:" + std::to_string(item));
                 operation.raise("item.note");
                 if (item == 1) CHECK(operation.retract("item.note") == 1);
                 ids[item] = operation.id();
               });
  CHECK(result.ok());
  CHECK(sink.count("item.done:*") == 3);
  CHECK(sink.count("item.note") == 2);
  for (const Signal& signal : sink.sense("item.done:*")) {
    CHECK(signal.operation == ids[std::stoi(std::string(signal.argument()))]);
  }
}

TEST_CASE("for_each: on_signal hears what is raised during the pass, on its own sink too") {
  std::atomic<int> raised{0};
  std::atomic<int> retracted{0};
  const ForEachResult result = for_each(
      one_to(4),
      {.max_concurrency = 2,
       .on_signal = [&](const SignalEvent& event) { raised += event.is("half.way") ? 1 : 0; },
       .on_signal_retracted = [&](const SignalEvent&) { ++retracted; }},
      [](int item, Operation& operation) {
        operation.raise("half.way");
        if (item == 1) operation.retract_matching("half.*");
      });
  CHECK(result.ok());
  CHECK(raised == 4);
  CHECK(retracted == 1);
}

TEST_CASE("for_each: the window has the newest operations, with ids that nobody else has") {
  ManualClock clock;
  const ForEachResult result =
      for_each(one_to(500), {.max_concurrency = 3, .max_tracked_operations = 32, .clock = &clock},
               [&](int item) {
                 clock.advance(kMillisecond);
                 if (item % 2 == 0) throw std::runtime_error("even");
               });
  REQUIRE(result.window.size() == 32);
  std::set<OperationId> ids;
  for (const OperationSnapshot& operation : result.window) {
    ids.insert(operation.id);
    CHECK(operation.finished());
    CHECK(operation.duration_ns() > 0);
    CHECK(operation.error == (operation.failed() ? "even" : ""));
    CHECK(operation.finished_ns > kSecond + 400 * kMillisecond);
  }
  CHECK(ids.size() == 32);
  CHECK(std::ranges::is_sorted(result.window, {}, &OperationSnapshot::finished_ns));
}

TEST_CASE("for_each: operations that ended too long ago aren't in the window") {
  ManualClock clock;
  const ForEachResult result = for_each(
      one_to(10), {.max_concurrency = 1, .max_operation_lifetime_ns = 3 * kSecond, .clock = &clock},
      [&](int) { clock.advance(kSecond); });
  CHECK(result.window.size() == 4);
}

TEST_CASE("for_each: on_sample sees running and ended operations, on_finalized those that leave") {
  std::vector<std::size_t> sampled;
  std::vector<OperationId> left;
  const ForEachResult result = for_each(
      one_to(5),
      {.max_concurrency = 1,
       .max_tracked_operations = 2,
       .on_sample =
           [&](std::span<const OperationSnapshot> window) { sampled.push_back(window.size()); },
       .on_finalized =
           [&](const OperationSnapshot& operation) {
             CHECK(operation.finished());
             left.push_back(operation.id);
           }},
      [](int) {});
  CHECK(sampled == std::vector<std::size_t>{1, 2, 2, 2, 2});
  CHECK(left.size() == 3);
  REQUIRE(result.window.size() == 2);
  CHECK(std::ranges::is_sorted(left));
  CHECK(left.back() < result.window[0].id);
}

TEST_CASE("for_each: observers that throw are counted, and disturb nothing") {
  const ForEachResult result = for_each(
      one_to(100),
      {.max_concurrency = 3,
       .max_tracked_operations = 10,
       .on_sample = [](std::span<const OperationSnapshot>) { throw std::runtime_error("no"); },
       .on_finalized = [](const OperationSnapshot&) { throw std::runtime_error("no"); }},
      [](int) {});
  CHECK(result.processed == 100);
  CHECK(result.failed == 0);
  CHECK(result.observer_failures == 100 + 90);
}

TEST_CASE("for_each: bodies that never block run on oneTBB's threads") {
  SeenItems seen;
  SeenItems in_list;
  const ForEachResult result = for_each(one_to(10'000), {.max_concurrency = 2}, {.blocking = false},
                                        [&](int item) { seen.add(item); });
  CHECK(result.processed == 10'000);
  CHECK(seen.is_one_to(10'000));
  const std::vector<int> items = one_to(1'000);
  const std::list<int> list(items.begin(), items.end());
  for_each(list, {.max_concurrency = 2}, {.blocking = false}, [&](int item) { in_list.add(item); });
  CHECK(in_list.is_one_to(1'000));
}

TEST_CASE("for_each: a body may call for_each") {
  for (const bool blocking : {true, false}) {
    std::atomic<int> inner{0};
    for_each(one_to(8), {.max_concurrency = 2}, {.blocking = blocking}, [&](int) {
      for_each(one_to(8), {.max_concurrency = 2}, {.blocking = blocking}, [&](int) { ++inner; });
    });
    CHECK(inner == 64);
  }
}

TEST_CASE("for_each: what it can't do is refused before anything runs") {
  const auto refused = [](const WorkOptions& options, const ForEachOptions& how = {}) {
    return refusal([&] { for_each(one_to(3), options, how, [](int) { FAIL("ran"); }); });
  };
  CHECK(refused({.max_concurrency = 0}) == "max_concurrency: expected at least 1, found 0");
  CHECK(refused({}, {.failures_max = -1}) == "failures_max: expected at least 0, found -1");
  CHECK(refused({.cancel_on_signals = {"stop"}}).starts_with("cancel_on_signals: expected"));
  CHECK(refused({.defer_on_signals = {"busy"}}).starts_with("defer_on_signals: expected"));
  CHECK(refused({.resume_on_signals = {"on"}}).starts_with("resume_on_signals: expected"));
  CHECK(refused({.coordinator_id = "a"}).starts_with("coordinator_id: expected"));
  CHECK(refused({.dynamic_concurrency = true}).starts_with("dynamic_concurrency: expected"));
  CHECK(refused({.fair_scheduling = true}).starts_with("fair_scheduling: expected"));
  CHECK(refused({.queue_capacity = 5}).starts_with("queue_capacity: expected"));
  CHECK(refused({.max_concurrency_per_key = 2}).starts_with("max_concurrency_per_key: expected"));
  CHECK(
      refused({.on_signal_async = [](const SignalEvent&) {}}).starts_with("on_signal_async: exp"));
  CHECK(refused({.on_signal_retracted_async = [](const SignalEvent&) {
        }}).starts_with("on_signal_retracted_async: expected"));
  CHECK(refused({.body_time_limit_ns = kSecond}, {.blocking = false})
            .starts_with("blocking: expected true with a body_time_limit_ns (1000000000)"));
}

}  // namespace
}  // namespace mayfly
