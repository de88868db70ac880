// KeyedOrder: at most `per_key` operations of a key run at once, in order of arrival within the key
// (and lane); a key at its limit blocks only itself.
//
// An operation that reaches the front of its lane while its key is at the limit moves to the key's
// own queue; when the key has room again, the key goes on its lane's list of ready keys, which come
// before the lane's other arrivals, since those are younger. Each operation moves once at most, and
// keys without operations have no state.
//
// FAIR  With fair scheduling every arrival goes to its key's queue, and ready keys take turns. Keys
//       with `hot` or more waiting operations are on a list of their own, which gets every fourth
//       turn while others wait: so a cold key's operation waits for at most one operation of every
//       other ready key, and one more for each three of them.
//
// THREADS  Under the scheduler's lock.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "mayfly/work/dispatch_order.h"
#include "mayfly/work/key_index.h"
#include "mayfly/work/lanes.h"

namespace mayfly {

// How many of a key run at once, and when keys take turns.
struct KeyLimits {
  std::uint32_t per_key = 1;
  bool fair = false;
  std::uint32_t hot = 10;
};

template <class Key, class Equal = std::equal_to<Key>>
class KeyedOrder final : public DispatchOrder {
 public:
  using KeyOf = const Key& (*)(const void* item);

  KeyedOrder(OperationTable& table, Intake& intake, Lanes& lanes, KeyLimits limits, KeyOf key_of)
      : table_(table),
        intake_(intake),
        lanes_(lanes),
        limits_(limits),
        key_of_(key_of),
        ready_(lanes.size()) {}

  Turn next(std::int64_t now_ns) override {
    sort_arrivals(table_, intake_, lanes_);
    std::int64_t look_again = kNever;
    for (std::uint16_t i = 0; i < lanes_.size(); ++i) {
      const OperationSlot slot = front(i);
      if (slot == kNoOperationSlot) continue;
      const Turn turn = ask_gate(*lanes_[i], table_, slot, now_ns);
      if (turn.slot != kNoOperationSlot) return turn;
      look_again = std::min(look_again, turn.look_again);
    }
    return {.look_again = look_again};
  }

  void take(OperationSlot slot, bool runs) override {
    const std::uint16_t lane = table_[slot].lane;
    Group& group = groups_[table_[slot].group];
    if (group.queues[lane].head() == slot) {
      group.queues[lane].pop_front(table_);
      --group.waiting;
    } else {
      lanes_[lane]->arrived.remove(table_, slot);
    }
    lanes_[lane]->leave();
    turn_ = (turn_ + 1) % kTurns;
    unready(table_[slot].group);
    if (runs) ++group.running;
    settle(table_[slot].group);
  }

  void finished(OperationSlot slot) override {
    --groups_[table_[slot].group].running;
    settle(table_[slot].group);
  }

  OperationSlot oldest() override {
    sort_arrivals(table_, intake_, lanes_);
    OperationSlot found = kNoOperationSlot;
    for (const auto& lane : lanes_) {
      if (!lane->arrived.empty()) group_of(lane->arrived.head());
      found = older(table_, found, lane->arrived.head());
    }
    for (const Group& group : groups_) {
      if (!group.used) continue;
      for (const SlotList& queue : group.queues) found = older(table_, found, queue.head());
    }
    return found;
  }

  void take_all(const std::function<void(OperationSlot)>& take) override {
    sort_arrivals(table_, intake_, lanes_);
    const auto drop = [&](OperationSlot slot) {
      lanes_[table_[slot].lane]->leave();
      take(slot);
    };
    for (const auto& lane : lanes_) {
      while (!lane->arrived.empty()) drop(lane->arrived.pop_front(table_));
    }
    for (std::uint32_t g = 0; g < groups_.size(); ++g) {
      Group& group = groups_[g];
      if (!group.used) continue;
      unready(g);
      for (SlotList& queue : group.queues) {
        while (!queue.empty()) drop(queue.pop_front(table_));
      }
      group.waiting = 0;
      settle(g);
    }
  }

  // Keys with state; for tests.
  std::size_t keys() const { return index_.size(); }

 private:
  static constexpr std::uint32_t kTurns = 4;
  static constexpr std::uint32_t kHot = 1;

  // A list of groups, linked by Group::next and previous.
  struct GroupList {
    std::uint32_t head = kNoGroup;
    std::uint32_t tail = kNoGroup;
  };
  struct Group {
    std::vector<SlotList> queues;  // by lane
    std::uint32_t waiting = 0;     // in the queues
    std::uint32_t running = 0;
    bool used = false;
    GroupList* list = nullptr;  // of ready keys that it is on
    std::uint16_t ready_lane = 0;
    std::uint32_t next = kNoGroup;
    std::uint32_t previous = kNoGroup;
  };

  std::uint32_t group_of(OperationSlot slot) {
    OperationRecord& record = table_[slot];
    record.group = index_.find_or_add(record.key_hash.load(std::memory_order_relaxed),
                                      key_of_(table_.item(slot)));
    if (record.group >= groups_.size()) groups_.resize(record.group + 1);
    Group& group = groups_[record.group];
    if (!group.used) {
      group.queues.resize(lanes_.size());
      group.used = true;
    }
    return record.group;
  }

  // The lane's operation that is next by keys and turns.
  OperationSlot front(std::uint16_t lane) {
    SlotList& arrived = lanes_[lane]->arrived;
    if (limits_.fair) {
      while (!arrived.empty()) enqueue(lane, arrived.head());
      return front_of_ready(lane);
    }
    if (const OperationSlot slot = front_of_ready(lane); slot != kNoOperationSlot) return slot;
    while (!arrived.empty()) {
      const OperationSlot slot = arrived.head();
      const Group& group = groups_[group_of(slot)];
      if (group.running < limits_.per_key && group.queues[lane].empty()) return slot;
      enqueue(lane, slot);
    }
    return kNoOperationSlot;
  }

  OperationSlot front_of_ready(std::uint16_t lane) {
    auto& [cold, hot] = ready_[lane];
    // Keys may have become hot, or cold, since they were put here.
    while (cold.head != kNoGroup && is_hot(cold.head)) move_back(cold.head, hot);
    while (hot.head != kNoGroup && !is_hot(hot.head)) move_back(hot.head, cold);
    const bool hot_turn = turn_ == kTurns - 1 || cold.head == kNoGroup;
    const std::uint32_t g = hot_turn && hot.head != kNoGroup ? hot.head : cold.head;
    return g == kNoGroup ? kNoOperationSlot : groups_[g].queues[lane].head();
  }

  bool is_hot(std::uint32_t g) const { return limits_.fair && groups_[g].waiting >= limits_.hot; }

  // From the lane's arrivals to its key's queue.
  void enqueue(std::uint16_t lane, OperationSlot slot) {
    const std::uint32_t g = group_of(slot);
    lanes_[lane]->arrived.remove(table_, slot);
    groups_[g].queues[lane].push_back(table_, slot);
    ++groups_[g].waiting;
    // It may now be ready by a higher lane than before; else it keeps its place.
    if (groups_[g].list != nullptr && lane < groups_[g].ready_lane) unready(g);
    settle(g);
  }

  // Puts a key on the ready list where it belongs, or forgets it.
  void settle(std::uint32_t g) {
    Group& group = groups_[g];
    if (group.waiting == 0 && group.running == 0) {
      group.used = false;
      index_.remove(g);
      return;
    }
    if (group.list != nullptr || group.waiting == 0 || group.running >= limits_.per_key) return;
    std::uint16_t lane = 0;
    while (group.queues[lane].empty()) ++lane;
    group.ready_lane = lane;
    append(g, is_hot(g) ? ready_[lane][kHot] : ready_[lane][0]);
  }

  void append(std::uint32_t g, GroupList& list) {
    Group& group = groups_[g];
    group.list = &list;
    group.next = kNoGroup;
    group.previous = list.tail;
    (list.tail == kNoGroup ? list.head : groups_[list.tail].next) = g;
    list.tail = g;
  }

  void unready(std::uint32_t g) {
    Group& group = groups_[g];
    if (group.list == nullptr) return;
    (group.previous == kNoGroup ? group.list->head : groups_[group.previous].next) = group.next;
    (group.next == kNoGroup ? group.list->tail : groups_[group.next].previous) = group.previous;
    group.list = nullptr;
  }

  void move_back(std::uint32_t g, GroupList& list) {
    unready(g);
    append(g, list);
  }

  OperationTable& table_;
  Intake& intake_;
  Lanes& lanes_;
  const KeyLimits limits_;
  const KeyOf key_of_;
  KeyIndex<Key, Equal> index_;
  std::vector<Group> groups_;
  std::vector<std::array<GroupList, 2>> ready_;  // by lane: cold keys, hot keys
  std::uint32_t turn_ = 0;
};

}  // namespace mayfly
