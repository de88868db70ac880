#include "mayfly/graph/heard_signals.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace mayfly {
namespace {

std::string joined(const std::vector<std::string>& globs) {
  std::string list;
  for (const std::string& glob : globs) list.append(list.empty() ? "" : ",").append(glob);
  return list;
}

}  // namespace

HeardSignals::HeardSignals(SignalSink& sink, const std::vector<std::string>& globs,
                           bool with_present, std::function<void()> woken)
    : capacity_(std::max<std::size_t>(sink.capacity(), 1)) {
  if (with_present) {
    const GlobSet wanted(joined(globs));
    for (Signal& signal : sink.sense()) {
      if (wanted.matches_any(signal.name)) keep({std::move(signal.name), signal.at_ns});
    }
  }
  subscription_ =
      sink.subscribe(joined(globs), [this, wake = std::move(woken)](const SignalEvent& event) {
        {
          const std::lock_guard lock(mutex_);
          keep({std::string(event.name()), event.at_ns()});
        }
        wake();
      });
}

void HeardSignals::keep(HeardSignal signal) {
  if (waiting_.size() >= capacity_) {
    waiting_.pop_front();
    ++dropped_;
  }
  waiting_.push_back(std::move(signal));
}

std::vector<HeardSignal> HeardSignals::take() {
  const std::lock_guard lock(mutex_);
  std::vector<HeardSignal> taken(std::make_move_iterator(waiting_.begin()),
                                 std::make_move_iterator(waiting_.end()));
  waiting_.clear();
  return taken;
}

std::uint64_t HeardSignals::dropped() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

}  // namespace mayfly
