// SignalCursor: tells the signals of a query that weren't there the last time. One thread.
//
// A sequence is the record's position in its shard, above the shard's number in the low 7 bits;
// within a shard positions only grow. A signal that came and left the window between two looks is
// missed: the window is bounded, and a reader that is lapped learns nothing of what it missed.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {

class SignalCursor {
 public:
  // Leaves those of `signals` that are new to this cursor.
  void keep_new(std::vector<Signal>& signals) {
    std::erase_if(signals, [this](const Signal& signal) {
      std::uint64_t& next = next_[signal.sequence & 0x7F];
      const std::uint64_t position = signal.sequence >> 7;
      if (position < next) return true;
      next = position + 1;
      return false;
    });
  }

 private:
  std::array<std::uint64_t, 128> next_{};
};

}  // namespace mayfly
