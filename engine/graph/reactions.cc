#include "mayfly/graph/reactions.h"

#include <algorithm>
#include <utility>

namespace mayfly {

Reactions::Reactions(std::vector<ReactionPlan> plans, std::int64_t began_ns, Do act)
    : plans_(std::move(plans)),
      cursors_(plans_.size()),
      began_ns_(began_ns),
      act_(std::move(act)) {}

void Reactions::look(const SignalSink& sink) {
  due_.clear();
  for (std::size_t i = 0; i < plans_.size(); ++i) {
    std::vector<Signal> signals = sink.sense(plans_[i].on, began_ns_);
    cursors_[i].keep_new(signals);
    if (!signals.empty()) due_.push_back({signals.back().at_ns, i});
  }
  std::ranges::stable_sort(due_, {}, &Due::at_ns);
  for (const Due& due : due_) act_(plans_[due.reaction]);
}

}  // namespace mayfly
