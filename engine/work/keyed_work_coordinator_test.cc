#include "mayfly/work/keyed_work_coordinator.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/work/work_fixture.h"

namespace mayfly {
namespace {

struct Order {
  char customer = 'A';
  int number = 0;
};

char customer_of(const Order& order) { return order.customer; }

// C040, C122
TEST_CASE("keyed: items of a key run in their order") {
  Seen<std::string> seen;
  KeyedWorkCoordinator<Order, char> work({.max_concurrency = 4}, customer_of, [&](Order& order) {
    seen.add(std::string(1, order.customer) + std::to_string(order.number));
  });
  for (int i = 1; i <= 3; ++i) {
    CHECK(work.enqueue({'A', i}).ok());
    CHECK(work.enqueue({'B', i}).ok());
  }
  finish(work);

  std::map<char, std::string> by_key;
  for (const std::string& one : seen.all()) by_key[one[0]] += one[1];
  CHECK(by_key['A'] == "123");
  CHECK(by_key['B'] == "123");
}

// C041
TEST_CASE("keyed: different keys run at once") {
  Gate gate;
  KeyedWorkCoordinator<Order, char> work({.max_concurrency = 4}, customer_of,
                                         [&](Order&) { gate.enter(); });
  for (const char customer : {'A', 'B', 'C', 'D'}) CHECK(work.enqueue({customer, 1}).ok());
  gate.wait_for_inside(4);
  gate.open();
  finish(work);
}

TEST_CASE("P7: a hot key blocks only itself: others overtake what waits for it") {
  Gate gate;
  Seen<char> others;
  KeyedWorkCoordinator<Order, char> work({.max_concurrency = 2}, customer_of, [&](Order& order) {
    if (order.customer == 'A') {
      gate.enter();
    } else {
      others.add(order.customer);
    }
  });
  for (int i = 0; i < 50; ++i) CHECK(work.enqueue({'A', i}).ok());
  CHECK(work.enqueue({'B', 0}).ok());
  CHECK(work.enqueue({'C', 0}).ok());

  until([&] { return others.all().size() == 2; });
  CHECK(gate.entered() == 1);
  CHECK(work.pending_count_for_key('A') == 49);
  CHECK(work.pending_count_for_key('B') == 0);
  gate.open();
  finish(work);
  CHECK(gate.most_inside() == 1);
}

// C043
TEST_CASE("keyed: a limit of two a key holds over a thousand items on ten keys") {
  std::array<std::atomic<int>, 10> active{};
  std::atomic<int> most{0};
  KeyedWorkCoordinator<int, int> work(
      {.max_concurrency = 16, .max_concurrency_per_key = 2, .max_tracked_operations = 64},
      [](const int& item) { return item % 10; },
      [&](int item) {
        auto& mine = active[static_cast<std::size_t>(item % 10)];
        const int now = ++mine;
        int seen = most.load();
        while (seen < now && !most.compare_exchange_weak(seen, now)) {
        }
        --mine;
      });
  for (int i = 0; i < 1'000; ++i) CHECK(work.enqueue(i).ok());
  finish(work);

  CHECK(work.counts().succeeded == 1'000);
  CHECK(most <= 2);
  CHECK(work.snapshot().size() == 64);
}

// C044
TEST_CASE("keyed: a pinned operation stays while others leave the window") {
  KeyedWorkCoordinator<Order, char> work({.max_tracked_operations = 2}, customer_of, [](Order&) {});
  const auto first = work.enqueue({'A', 1});
  CHECK(work.wait(*first).ok());
  CHECK(work.pin(*first));
  CHECK(work.wait(*work.enqueue({'B', 1})).ok());
  CHECK(work.wait(*work.enqueue({'C', 1})).ok());
  finish(work);
  CHECK(work.find(*first));
  CHECK(work.snapshot().size() == 2);
}

// C123
TEST_CASE("keyed: an operation is known by its id and by its key") {
  KeyedWorkCoordinator<std::string, std::string> work(
      {}, [](const std::string& item) { return item.substr(0, item.find('/')); },
      [](std::string&, Operation& operation) { operation.raise("seen"); });
  const auto id = work.enqueue("customer-1/a");
  CHECK(work.enqueue("customer-2/b").ok());
  finish(work);

  const auto mine = work.snapshot_for_key("customer-1");
  REQUIRE(mine.size() == 1);
  CHECK(mine[0].id == *id);
  CHECK(mine[0].key == "customer-1");
  CHECK(work.signals_of_key("customer-2").size() == 1);
  CHECK(work.snapshot_for_key("customer-3").empty());
}

TEST_CASE("keyed: keys of any kind have a text") {
  struct Point {
    int x = 0;
    bool operator==(const Point&) const = default;
  };
  std::string text;
  const auto keep = [&](std::string_view given) { text = given; };
  with_operation_key(std::string("as it is"), 1, keep);
  CHECK(text == "as it is");
  with_operation_key(-42, 1, keep);
  CHECK(text == "-42");
  with_operation_key(Point{1}, 0xAB, keep);
  CHECK(text == "#ab");
}

TEST_CASE("keyed: a selector that throws refuses its item, and nothing else") {
  std::atomic<int> ran{0};
  KeyedWorkCoordinator<int, int> work(
      {},
      [](const int& item) {
        if (item == 2) throw std::runtime_error("no key");
        return item;
      },
      [&](int) { ++ran; });
  CHECK(work.enqueue(1).ok());
  const auto refused = work.enqueue(2);
  CHECK(refused.status().code() == Code::kUsage);
  CHECK(refused.status().message().find("no key") != std::string::npos);
  std::vector<int> items{3, 2, 4};
  CHECK(work.enqueue_many(items).count == 1);
  finish(work);
  CHECK(ran == 2);
  CHECK_THROWS_AS((KeyedWorkCoordinator<int, int>({}, nullptr, [](int) {})), std::invalid_argument);
}

// C047
TEST_CASE("keyed: a hundred thousand distinct keys leave no state behind") {
  std::atomic<int> ran{0};
  KeyedWorkCoordinator<int, int> work(
      {.max_concurrency = 2, .queue_capacity = 512}, [](const int& item) { return item; },
      [&](int) { ++ran; });
  for (int i = 0; i < 100'000; ++i) CHECK(work.enqueue(i).ok());
  finish(work);
  CHECK(ran == 100'000);
}

TEST_CASE("keyed: a key that has no operations any more is destroyed") {
  const auto key = std::make_shared<int>(1);
  KeyedWorkCoordinator<int, std::shared_ptr<int>> work(
      {.max_concurrency = 1}, [&](const int&) { return key; }, [](int) {});
  for (int i = 0; i < 3; ++i) CHECK(work.enqueue(i).ok());
  finish(work);
  CHECK(key.use_count() == 1);
}

}  // namespace

struct SameHash {
  int value = 0;
  bool operator==(const SameHash&) const = default;
};

}  // namespace mayfly

template <>
struct std::hash<mayfly::SameHash> {
  std::size_t operator()(const mayfly::SameHash&) const { return 7; }
};

namespace mayfly {
namespace {

TEST_CASE("keyed: what waits is counted by key, not by its hash alone") {
  Gate gate;
  KeyedWorkCoordinator<int, SameHash> work(
      {.max_concurrency = 1}, [](const int& item) { return SameHash{item % 2}; },
      [&](int) { gate.enter(); });
  CHECK(work.enqueue(0).ok());
  gate.wait_for_inside(1);
  for (int i = 1; i <= 5; ++i) CHECK(work.enqueue(i).ok());
  CHECK(work.pending_count_for_key({0}) == 2);
  CHECK(work.pending_count_for_key({1}) == 3);
  CHECK(work.pending_count_for_key({2}) == 0);
  gate.open();
  finish(work);
  CHECK(work.pending_count_for_key({0}) == 0);
}

// A scheduler driven by hand: which slot is next, without threads.
template <class Key>
struct Scheduler {
  explicit Scheduler(KeyLimits limits)
      : table(sizeof(Key), alignof(Key)), intake(table, 10'000, false) {
    lanes.push_back(std::make_unique<Lane>(PriorityLane(), 0));
    order = std::make_unique<KeyedOrder<Key>>(
        table, intake, lanes, limits,
        [](const void* item) -> const Key& { return *static_cast<const Key*>(item); });
  }
  void enqueue(Key key) {
    const OperationSlot slot = intake.claim(1);
    ::new (table.item(slot)) Key(key);
    table[slot].key_hash.store(hash_of(key));
    intake.push(slot);
    intake.flush();
  }
  // The key of what is next, which starts to run; -1 when nothing may.
  int start() {
    const Turn turn = order->next(1);
    if (turn.slot == kNoOperationSlot) return -1;
    order->take(turn.slot, true);
    running.push_back(turn.slot);
    return static_cast<int>(*static_cast<Key*>(table.item(turn.slot)));
  }
  void end(std::size_t which) {
    order->finished(running[which]);
    running.erase(running.begin() + static_cast<std::ptrdiff_t>(which));
  }

  OperationTable table;
  Intake intake;
  Lanes lanes;
  std::unique_ptr<KeyedOrder<Key>> order;
  std::vector<OperationSlot> running;
};

TEST_CASE("keyed order: without fair scheduling it is arrival that counts") {
  Scheduler<int> s({.per_key = 1});
  for (const int key : {1, 1, 2, 1, 3}) s.enqueue(key);
  CHECK(s.start() == 1);
  CHECK(s.start() == 2);
  CHECK(s.start() == 3);
  CHECK(s.start() == -1);
  s.end(0);
  CHECK(s.start() == 1);
  s.end(2);
  CHECK(s.start() == 1);
  while (!s.running.empty()) s.end(0);
  CHECK(s.order->keys() == 0);
}

TEST_CASE("P8: with fair scheduling a cold item waits for at most one hot item of each key") {
  Scheduler<int> s({.per_key = 1'000, .fair = true, .hot = 10});
  for (int i = 0; i < 1'000; ++i) s.enqueue(1);
  for (int i = 0; i < 1'000; ++i) s.enqueue(2);
  CHECK(s.start() > 0);
  s.enqueue(3);
  int before = 0;
  while (s.start() != 3) ++before;
  CHECK(before <= 2);
}

TEST_CASE("P8: hot keys get their turns too while cold items keep coming") {
  Scheduler<int> s({.per_key = 1'000, .fair = true, .hot = 10});
  for (int i = 0; i < 100; ++i) s.enqueue(1);
  int hot = 0;
  for (int i = 0; i < 40; ++i) {
    s.enqueue(100 + i);
    s.enqueue(200 + i);
    hot += s.start() == 1;
  }
  CHECK(hot == 10);
}

// Aims at every order of arrivals and ends.
TEST_CASE(
    "keyed order: whatever happens, order within keys and limits hold, and no state is left") {
  for (const bool fair : {false, true}) {
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
      Rng rng(seed);
      Scheduler<int> s(
          {.per_key = 1 + static_cast<std::uint32_t>(seed % 2), .fair = fair, .hot = 3});
      std::map<int, int> active;
      int enqueued = 0;
      int started = 0;
      for (int step = 0; step < 2'000; ++step) {
        switch (rng.below(3)) {
          case 0:
            s.enqueue(static_cast<int>(rng.below(8)));
            ++enqueued;
            break;
          case 1:
            if (const int key = s.start(); key >= 0) {
              ++started;
              REQUIRE(++active[key] <= 1 + static_cast<int>(seed % 2));
              // Slots are handed out in order, so those of a key start in that order.
              const OperationSlot mine = s.running.back();
              for (const OperationSlot other : s.running) {
                if (*static_cast<int*>(s.table.item(other)) == key) REQUIRE(other <= mine);
              }
            }
            break;
          default:
            if (!s.running.empty()) {
              const std::size_t which = rng.below(s.running.size());
              --active[*static_cast<int*>(s.table.item(s.running[which]))];
              s.end(which);
            }
        }
      }
      for (bool more = true; more;) {
        while (!s.running.empty()) s.end(0);
        more = s.start() >= 0;
        started += more;
      }
      CHECK(started == enqueued);
      CHECK(s.order->keys() == 0);
    }
  }
}

}  // namespace
}  // namespace mayfly
