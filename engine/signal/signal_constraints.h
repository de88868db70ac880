// SignalConstraints: which signals a listener may raise, given what it is listening to.
//
// A sink asks its constraints of every raise that another signal caused (signal_event.h says when);
// raises that nothing caused are always allowed. The first rule that applies decides:
//   1. kSignalPathMax deliveries are nested on the thread: kMaxDepth, whatever else is said.
//   2. The stem is a leaf: allowed. It has no path, so its own listeners begin a new one.
//   3. The cause's path has max_depth steps: kMaxDepth.
//   4. block_cycles, and this sink raised this stem on the cause's path: kCycle.
//   5. The cause's stem is terminal: kTerminal.
// A blocked signal isn't in the window, nobody hears of it, and it is counted. Terminal and leaf
// are globs over stems. The removal of signals, when it is told, is a step of a path like a raise.
//
// THREADS    Immutable once the sink has them; on_blocked runs on the raising thread, outside
//            locks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "mayfly/base/glob.h"
#include "mayfly/signal/signal_event.h"

namespace mayfly {

// Why a signal wasn't raised.
enum class BlockReason : std::uint8_t { kMaxDepth, kCycle, kTerminal };

// "max depth", "cycle", "terminal".
std::string_view to_string(BlockReason reason);

// Told of each signal that was blocked. The event is valid during the call. What it raises is
// caused by the blocked signal: make it a leaf. Whatever it throws is counted with the listeners'
// failures.
using BlockedListener = std::function<void(const SignalEvent&, BlockReason)>;

// Rules for caused signals; the default allows ten steps and no stem twice.
struct SignalConstraints {
  std::uint32_t max_depth = 10;  // steps of a path, its first included; 1 to kSignalPathMax
  bool block_cycles = true;
  GlobSet terminal;  // stems whose listeners raise nothing
  GlobSet leaf;      // stems that are raised without a path, whatever caused them
  BlockedListener on_blocked;

  // Five steps.
  static SignalConstraints strict() { return {.max_depth = 5}; }
  // Everything up to kSignalPathMax steps, which no setting can lift: recursion ends there. A
  // listener that raises several signals which it hears itself branches at each step until then, so
  // their number grows as a power of it.
  static SignalConstraints none() { return {.max_depth = kSignalPathMax, .block_cycles = false}; }

  // Throws std::invalid_argument when max_depth is out of range.
  void check() const;
  bool is_leaf(std::string_view stem) const { return !leaf.empty() && leaf.matches_any(stem); }
  // What forbids the sink to raise `stem` because of `cause`, by rules 3 to 5.
  std::optional<BlockReason> forbids(const SignalSink* sink, std::string_view stem,
                                     const SignalEvent& cause) const;
};

}  // namespace mayfly
