#include "mayfly/signal/signal_constraints.h"

#include <stdexcept>
#include <string>

namespace mayfly {

std::string_view to_string(BlockReason reason) {
  switch (reason) {
    case BlockReason::kMaxDepth:
      return "max depth";
    case BlockReason::kCycle:
      return "cycle";
    case BlockReason::kTerminal:
      break;
  }
  return "terminal";
}

void SignalConstraints::check() const {
  if (max_depth >= 1 && max_depth <= kSignalPathMax) return;
  throw std::invalid_argument("SignalConstraints: max_depth is from 1 to " +
                              std::to_string(kSignalPathMax) + ", not " +
                              std::to_string(max_depth));
}

std::optional<BlockReason> SignalConstraints::forbids(const SignalSink* sink, std::string_view stem,
                                                      const SignalEvent& cause) const {
  if (cause.depth() >= max_depth) return BlockReason::kMaxDepth;
  if (block_cycles && cause.on_path(sink, stem)) return BlockReason::kCycle;
  if (!terminal.empty() && terminal.matches_any(cause.stem())) return BlockReason::kTerminal;
  return std::nullopt;
}

}  // namespace mayfly
