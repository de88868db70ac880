#include "mayfly/work/lanes.h"

#include <algorithm>

namespace mayfly {

void sort_arrivals(OperationTable& table, Intake& intake, Lanes& lanes) {
  for (OperationSlot slot; (slot = intake.peek()) != kNoOperationSlot; intake.pop()) {
    lanes[table[slot].lane]->arrived.push_back(table, slot);
  }
}

OperationSlot older(const OperationTable& table, OperationSlot a, OperationSlot b) {
  if (a == kNoOperationSlot || b == kNoOperationSlot) return a == kNoOperationSlot ? b : a;
  // Ids of one coordinator increase.
  return table[a].id.load(std::memory_order_relaxed) < table[b].id.load(std::memory_order_relaxed)
             ? a
             : b;
}

Turn ask_gate(Lane& lane, const OperationTable& table, OperationSlot slot, std::int64_t now_ns) {
  // One that was killed only gives its place back.
  if (lane.gate == nullptr || table[slot].killed) return {.slot = slot};
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
    if (turn.slot != kNoOperationSlot) return turn;
    look_again = std::min(look_again, turn.look_again);
  }
  return {.look_again = look_again};
}

void LaneOrder::take(OperationSlot slot, bool) {
  Lane& lane = *lanes_[table_[slot].lane];
  lane.arrived.remove(table_, slot);
  lane.leave(table_[slot].killed);
}

OperationSlot LaneOrder::oldest() {
  sort_arrivals(table_, intake_, lanes_);
  OperationSlot found = kNoOperationSlot;
  for (const auto& lane : lanes_) found = older(table_, found, lane->arrived.head());
  return found;
}

void LaneOrder::take_all(FunctionRef<void(OperationSlot)> take) {
  sort_arrivals(table_, intake_, lanes_);
  for (const auto& lane : lanes_) {
    while (!lane->arrived.empty()) {
      const OperationSlot slot = lane->arrived.pop_front(table_);
      lane->leave(table_[slot].killed);
      take(slot);
    }
  }
}

}  // namespace mayfly
