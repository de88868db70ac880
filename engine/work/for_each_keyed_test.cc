#include "mayfly/work/for_each_keyed.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <latch>
#include <map>
#include <mutex>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

using Names = std::vector<std::string>;

std::string first_letter(const std::string& item) { return item.substr(0, 1); }

// Items by key, in the order in which they ran.
class Order {
 public:
  void add(const std::string& item) {
    const std::lock_guard lock(mutex_);
    by_key_[first_letter(item)].push_back(item);
  }
  const Names& of(const std::string& key) { return by_key_[key]; }

 private:
  std::mutex mutex_;
  std::map<std::string, Names> by_key_;
};

TEST_CASE("for_each_keyed: items of a key run in their order") {  // C003
  Order order;
  const Names items = {"a1", "b1", "a2", "b2"};
  const ForEachResult result = for_each_keyed(items, {.max_concurrency = 4}, first_letter,
                                              [&](const std::string& item) { order.add(item); });
  CHECK(result.processed == 4);
  CHECK(order.of("a") == Names{"a1", "a2"});
  CHECK(order.of("b") == Names{"b1", "b2"});
}

// a1 ends only after b1 has run, which stands behind a2 and a3. Were b1 to wait for them, nobody
// would ever go on.
TEST_CASE("P7: a key that is busy holds up only itself") {
  Order order;
  std::latch b_ran(1);
  const Names items = {"a1", "a2", "a3", "b1"};
  const ForEachResult result =
      for_each_keyed(items, {.max_concurrency = 2}, first_letter, [&](const std::string& item) {
        if (item == "a1") b_ran.wait();
        order.add(item);
        if (item == "b1") b_ran.count_down();
      });
  CHECK(result.processed == 4);
  CHECK(order.of("a") == Names{"a1", "a2", "a3"});
}

// Two of a key meet at a barrier, so two have to be inside; a third would be counted.
TEST_CASE("for_each_keyed: max_concurrency_per_key is reached and never exceeded") {
  std::array<std::atomic<int>, 2> running{};
  std::atomic<int> most{0};
  std::array<std::barrier<>, 2> meetings{std::barrier<>(2), std::barrier<>(2)};
  const ForEachResult result = for_each_keyed(
      std::views::iota(0, 40), {.max_concurrency = 4, .max_concurrency_per_key = 2},
      [](int item) { return item % 2; },
      [&](int item) {
        const int now = ++running[item % 2];
        if (now > most) most = now;
        meetings[item % 2].arrive_and_wait();
        --running[item % 2];
      });
  CHECK(result.processed == 40);
  CHECK(most == 2);
}

// Aims at items that come free, are read and are set aside at the same moments, by several workers.
TEST_CASE("for_each_keyed: with any number of keys and workers each key keeps its order") {
  constexpr std::uint64_t kSeed = 7;
  CAPTURE(kSeed);
  Rng rng(kSeed);
  std::vector<int> keys(20'000);
  for (int& key : keys) key = static_cast<int>(rng.below(10) * rng.below(10));
  std::array<std::atomic<std::size_t>, 100> last{};
  std::atomic<int> out_of_order{0};
  const ForEachResult result = for_each_keyed(
      std::views::iota(std::size_t{0}, keys.size()),
      {.max_concurrency = 4, .max_tracked_operations = 64},
      [&](std::size_t item) { return keys[item]; },
      [&](std::size_t item) {
        if (last[keys[item]].exchange(item + 1) > item) ++out_of_order;
      });
  CHECK(result.processed == keys.size());
  CHECK(out_of_order == 0);
  CHECK(result.window.size() == 64);
}

// a0 doesn't end before the other worker has set aside as many as it may and has stopped reading,
// or has read on, which would show.
TEST_CASE("for_each_keyed: no more than queue_capacity items are set aside") {
  std::atomic<int> read{0};
  std::atomic<int> ended{0};
  std::atomic<int> ahead_most{0};
  auto items = std::views::iota(0, 100) | std::views::filter([&](int) {
                 const int ahead = ++read - ended;
                 if (ahead > ahead_most) ahead_most = ahead;
                 read.notify_all();
                 return true;
               });
  const ForEachResult result = for_each_keyed(
      items, {.max_concurrency = 2, .queue_capacity = 5}, [](int item) { return item < 90; },
      [&](int item) {
        for (int seen = read; item == 0 && seen < 6; seen = read) read.wait(seen);
        ++ended;
      });
  CHECK(result.processed == 100);
  CHECK(ahead_most <= 5 + 2);
}

// Counts how many of it there are.
struct CountedKey {
  explicit CountedKey(int of, std::atomic<int>& keys) : value(of), count(&keys) { ++keys; }
  CountedKey(const CountedKey& other) : value(other.value), count(other.count) { ++*count; }
  ~CountedKey() { --*count; }
  CountedKey& operator=(const CountedKey&) = delete;
  bool operator==(const CountedKey& other) const { return value == other.value; }
  int value;
  std::atomic<int>* count;
};

}  // namespace
}  // namespace mayfly

template <>
struct std::hash<mayfly::CountedKey> {
  std::size_t operator()(const mayfly::CountedKey& key) const {
    return static_cast<std::size_t>(key.value);
  }
};

namespace mayfly {
namespace {

TEST_CASE("for_each_keyed: a key is forgotten when none of its items runs or waits") {  // C047
  std::atomic<int> keys{0};
  std::atomic<int> keys_most{0};
  const ForEachResult result = for_each_keyed(
      std::views::iota(0, 100'000), {.max_concurrency = 2},
      [&](int item) { return CountedKey(item, keys); },
      [&](int) {
        if (keys > keys_most) keys_most = keys.load();
      });
  CHECK(result.processed == 100'000);
  CHECK(keys_most <= 8);
  CHECK(keys == 0);
}

TEST_CASE("for_each_keyed: an item whose key can't be had fails alone") {
  Order order;
  const Names items = {"a1", "", "a2"};
  const ForEachResult result = for_each_keyed(
      items, {.max_concurrency = 2}, [](const std::string& item) { return item.at(0); },
      [&](const std::string& item) { order.add(item); });
  CHECK(order.of("a") == Names{"a1", "a2"});
  CHECK(result.processed == 3);
  REQUIRE(result.failures.size() == 1);
  CHECK(result.failures[0].index == 1);
}

TEST_CASE(
    "for_each_keyed: the operation and its snapshot have the key's text, cut where it is long") {
  const Names items = {"short", std::string(100, 'x')};
  const ForEachResult result = for_each_keyed(
      items, {.max_concurrency = 1}, [](const std::string& item) { return std::string_view(item); },
      [](const std::string& item, Operation& operation) { CHECK(operation.key() == item); });
  REQUIRE(result.window.size() == 2);
  CHECK(result.window[0].key == "short");
  CHECK(result.window[1].key == std::string(kKeyTextBytes, 'x'));
  const ForEachResult numbers = for_each_keyed(
      std::views::iota(7, 8), {}, [](int item) { return item; },
      [](int, Operation& operation) { CHECK(operation.key() == "7"); });
  CHECK(numbers.window[0].key == "7");
}

TEST_CASE("for_each_keyed: an item's wait counts from when it was read") {
  ManualClock clock;
  const ForEachResult result = for_each_keyed(
      std::views::iota(0, 3), {.max_concurrency = 1, .clock = &clock}, [](int) { return 0; },
      [&](int) { clock.advance(kSecond); });
  REQUIRE(result.window.size() == 3);
  for (const OperationSnapshot& operation : result.window) CHECK(operation.waited_ns() == 0);
}

// The other worker sleeps, since all that is left waits for the key: the stop has to wake it.
TEST_CASE("for_each_keyed: a stop wakes workers that wait for a key") {
  std::stop_source stop;
  std::atomic<int> read{0};
  auto items = std::views::iota(0, 4) | std::views::filter([&](int) {
                 ++read;
                 read.notify_all();
                 return true;
               });
  const ForEachResult result = for_each_keyed(
      items, {.max_concurrency = 2}, {.stop = stop.get_token()}, [](int) { return 0; },
      [&](int) {
        for (int seen = read; seen < 4; seen = read) read.wait(seen);
        stop.request_stop();
      });
  CHECK(result.processed == 1);
  CHECK(result.skipped == 3);
  CHECK(result.cancelled);
}

TEST_CASE("for_each_keyed: a single-pass range is read item by item") {
  std::stringstream words("a1 b1 a2 c1 b2");
  Order order;
  const ForEachResult result =
      for_each_keyed(std::views::istream<std::string>(words), {.max_concurrency = 3}, first_letter,
                     [&](const std::string& item) { order.add(item); });
  CHECK(result.processed == 5);
  CHECK(order.of("a") == Names{"a1", "a2"});
  CHECK(order.of("b") == Names{"b1", "b2"});
}

TEST_CASE("for_each_keyed: threads of oneTBB are refused, since bodies wait for keys") {
  const auto call = [] {
    for_each_keyed(
        std::views::iota(0, 3), {}, {.blocking = false}, [](int item) { return item; }, [](int) {});
  };
  CHECK_THROWS_WITH_AS(
      call(), "blocking: expected true in for_each_keyed, whose workers wait for keys, found false",
      std::invalid_argument);
}

}  // namespace
}  // namespace mayfly
