#include "mayfly/work/lanes.h"

#include <algorithm>

namespace mayfly {

void sort_arrivals(OperationTable& table, Intake& intake, Lanes& lanes) {
  for (SlotIndex slot; (slot = intake.peek()) != kNoSlot; intake.pop()) {
    lanes[table[slot].lane]->arrived.push_back(table, slot);
  }
}

SlotIndex older(const OperationTable& table, SlotIndex a, SlotIndex b) {
  if (a == kNoSlot || b == kNoSlot) return a == kNoSlot ? b : a;
  // Ids of one coordinator increase.
  return table[a].id.load(std::memory_order_relaxed) < table[b].id.load(std::memory_order_relaxed)
             ? a
             : b;
}

Turn ask_gate(Lane& lane, const OperationTable& table, SlotIndex slot, std::int64_t now_ns) {
  if (lane.gate == nullptr) return {.slot = slot};
  const GateVerdict verdict =
      lane.gate->look(now_ns, table[slot].enqueued_ns.load(std::memory_order_relaxed));
  switch (verdict.kind) {
    case GateVerdict::Kind::kSkip:
      return {.slot = slot, .skip = true};
    case GateVerdict::Kind::kWait:
      return {.look_again = verdict.look_again};
    case GateVerdict::Kind::kRunExhausted:
      return {.slot = slot, .exhausted = true};
    case GateVerdict::Kind::kRun:
      break;
  }
  return {.slot = slot};
}

Turn LaneOrder::next(std::int64_t now_ns) {
  sort_arrivals(table_, intake_, lanes_);
  std::int64_t look_again = kNever;
  for (const auto& lane : lanes_) {
    if (lane->arrived.empty()) continue;
    const Turn turn = ask_gate(*lane, table_, lane->arrived.head(), now_ns);
    if (turn.slot != kNoSlot) return turn;
    look_again = std::min(look_again, turn.look_again);
  }
  return {.look_again = look_again};
}

void LaneOrder::take(SlotIndex slot, bool) {
  Lane& lane = *lanes_[table_[slot].lane];
  lane.arrived.remove(table_, slot);
  lane.leave();
}

SlotIndex LaneOrder::oldest() {
  sort_arrivals(table_, intake_, lanes_);
  SlotIndex found = kNoSlot;
  for (const auto& lane : lanes_) found = older(table_, found, lane->arrived.head());
  return found;
}

void LaneOrder::take_all(const std::function<void(SlotIndex)>& take) {
  sort_arrivals(table_, intake_, lanes_);
  for (const auto& lane : lanes_) {
    while (!lane->arrived.empty()) {
      const SlotIndex slot = lane->arrived.pop_front(table_);
      lane->leave();
      take(slot);
    }
  }
}

}  // namespace mayfly
