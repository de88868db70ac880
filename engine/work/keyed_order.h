// KeyedOrder: at most `per_key` operations of a key run at once, in order of arrival within the key
// (and lane); a key at its limit blocks only itself.
//
// An operation that reaches the front of its lane while its key is at the limit moves to the key's
// own queue for that lane; when the key has room again, it goes on the list of ready keys of each
// lane that it has operations in, which come before the lane's other arrivals, since those are
// younger. So a lane that is deferred holds up nothing of its keys in other lanes. Each operation
// moves once at most, and keys without operations have no state.
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
    const OperationRecord& record = table_[slot];
    Group& group = groups_[record.group];
    Line& line = group.lines[record.lane];
    if (line.waiting.head() == slot) {
      line.waiting.pop_front(table_);
      --group.waiting;
    } else {
      lanes_[record.lane]->arrived.remove(table_, slot);
    }
    lanes_[record.lane]->leave(record.killed);
    turn_ = (turn_ + 1) % kTurns;
    unready(record.group, record.lane);
    if (runs) ++group.running;
    settle(record.group);
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
      for (const Line& line : group.lines) found = older(table_, found, line.waiting.head());
    }
    return found;
  }

  void take_all(FunctionRef<void(OperationSlot)> take) override {
    sort_arrivals(table_, intake_, lanes_);
    const auto drop = [&](OperationSlot slot) {
      lanes_[table_[slot].lane]->leave(table_[slot].killed);
      take(slot);
    };
    for (const auto& lane : lanes_) {
      while (!lane->arrived.empty()) drop(lane->arrived.pop_front(table_));
    }
    for (std::uint32_t g = 0; g < groups_.size(); ++g) {
      Group& group = groups_[g];
      if (!group.used) continue;
      for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
        unready(g, lane);
        SlotList& waiting = group.lines[lane].waiting;
        while (!waiting.empty()) drop(waiting.pop_front(table_));
      }
      group.waiting = 0;
      settle(g);
    }
  }

  std::uint64_t waiting_with_key(std::uint64_t hash, const void* given) override {
    sort_arrivals(table_, intake_, lanes_);
    const Key& key = *static_cast<const Key*>(given);
    std::uint64_t count = 0;
    const auto add = [&](OperationSlot slot) { count += !table_[slot].killed; };
    for (const auto& lane : lanes_) {
      lane->arrived.visit(table_, [&](OperationSlot slot) {
        if (table_[slot].key_hash.load(std::memory_order_relaxed) != hash) return;
        if (Equal()(key_of_(table_.item(slot)), key)) add(slot);
      });
    }
    if (const std::uint32_t g = index_.find(hash, key); g != kNoGroup) {
      for (const Line& line : groups_[g].lines) line.waiting.visit(table_, add);
    }
    return count;
  }

  // Keys with state; for tests.
  std::size_t keys() const { return index_.size(); }

 private:
  static constexpr std::uint32_t kTurns = 4;
  static constexpr std::uint32_t kHot = 1;

  // A list of groups that are ready in one lane, linked by their lines in it.
  struct GroupList {
    std::uint32_t head = kNoGroup;
    std::uint32_t tail = kNoGroup;
  };
  // A group's operations in one lane.
  struct Line {
    SlotList waiting;
    GroupList* ready = nullptr;  // the list that the group is on
    std::uint32_t next = kNoGroup;
    std::uint32_t previous = kNoGroup;
  };
  struct Group {
    std::vector<Line> lines;    // by lane
    std::uint32_t waiting = 0;  // in all lines
    std::uint32_t running = 0;
    bool used = false;
  };

  std::uint32_t group_of(OperationSlot slot) {
    OperationRecord& record = table_[slot];
    record.group = index_.find_or_add(record.key_hash.load(std::memory_order_relaxed),
                                      key_of_(table_.item(slot)));
    if (record.group >= groups_.size()) groups_.resize(record.group + 1);
    Group& group = groups_[record.group];
    if (!group.used) {
      group.lines.resize(lanes_.size());
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
      if (group.running < limits_.per_key && group.lines[lane].waiting.empty()) {
        return slot;
      }
      enqueue(lane, slot);
    }
    return kNoOperationSlot;
  }

  OperationSlot front_of_ready(std::uint16_t lane) {
    auto& [cold, hot] = ready_[lane];
    // Keys may have become hot, or cold, since they were put here.
    while (cold.head != kNoGroup && is_hot(cold.head)) move_back(cold.head, lane, hot);
    while (hot.head != kNoGroup && !is_hot(hot.head)) move_back(hot.head, lane, cold);
    const bool hot_turn = turn_ == kTurns - 1 || cold.head == kNoGroup;
    const std::uint32_t g = hot_turn && hot.head != kNoGroup ? hot.head : cold.head;
    return g == kNoGroup ? kNoOperationSlot : groups_[g].lines[lane].waiting.head();
  }

  bool is_hot(std::uint32_t g) const { return limits_.fair && groups_[g].waiting >= limits_.hot; }

  // From the lane's arrivals to its key's line.
  void enqueue(std::uint16_t lane, OperationSlot slot) {
    const std::uint32_t g = group_of(slot);
    lanes_[lane]->arrived.remove(table_, slot);
    groups_[g].lines[lane].waiting.push_back(table_, slot);
    ++groups_[g].waiting;
    settle(g);
  }

  // Puts a key on the lists of ready keys where it belongs, or forgets it.
  void settle(std::uint32_t g) {
    Group& group = groups_[g];
    if (group.waiting == 0 && group.running == 0) {
      group.used = false;
      index_.remove(g);
      return;
    }
    const bool has_room = group.running < limits_.per_key;
    for (std::uint16_t lane = 0; lane < lanes_.size(); ++lane) {
      const Line& line = group.lines[lane];
      if (!has_room) {
        unready(g, lane);
      } else if (line.ready == nullptr && !line.waiting.empty()) {
        append(g, lane, is_hot(g) ? ready_[lane][kHot] : ready_[lane][0]);
      }
    }
  }

  void append(std::uint32_t g, std::uint16_t lane, GroupList& list) {
    Line& line = groups_[g].lines[lane];
    line.ready = &list;
    line.next = kNoGroup;
    line.previous = list.tail;
    (list.tail == kNoGroup ? list.head : groups_[list.tail].lines[lane].next) = g;
    list.tail = g;
  }

  void unready(std::uint32_t g, std::uint16_t lane) {
    Line& line = groups_[g].lines[lane];
    if (line.ready == nullptr) return;
    GroupList& list = *line.ready;
    (line.previous == kNoGroup ? list.head : groups_[line.previous].lines[lane].next) = line.next;
    (line.next == kNoGroup ? list.tail : groups_[line.next].lines[lane].previous) = line.previous;
    line.ready = nullptr;
  }

  void move_back(std::uint32_t g, std::uint16_t lane, GroupList& list) {
    unready(g, lane);
    append(g, lane, list);
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
