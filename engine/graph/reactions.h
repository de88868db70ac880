// Reactions: does what [[reaction]] says each time that a signal is raised.
//
// Of signals raised between two looks each reaction is done once, in the order in which the last of
// each was raised: a pause that was followed by a resume is ended. What was raised before the graph
// began (restored by a persistent window, say) isn't reacted to.
//
// THREADS  The driver's.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "mayfly/config/plan.h"
#include "mayfly/signal/signal_cursor.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {

class Reactions {
 public:
  using Do = std::function<void(const ReactionPlan&)>;

  Reactions(std::vector<ReactionPlan> plans, std::int64_t began_ns, Do act);

  bool empty() const { return plans_.empty(); }
  // Something was raised since the last call.
  void look(const SignalSink& sink);

 private:
  struct Due {
    std::int64_t at_ns;
    std::size_t reaction;
  };

  std::vector<ReactionPlan> plans_;
  std::vector<SignalCursor> cursors_;
  std::vector<Due> due_;  // kept for its memory
  std::int64_t began_ns_;
  Do act_;
};

}  // namespace mayfly
