// Atom: what the wrappers around one coordinator share: enqueue, drain, what is in it.
//
// THREADS  Any may call anything, at once.
// END      The destructor cancels what waits, and waits for what runs (coordinator.h); drain()
// first
//          to have everything done.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/work/coordinator.h"

namespace mayfly {

// At one moment; each figure by itself.
struct AtomStats {
  std::uint64_t pending = 0;
  std::uint64_t active = 0;
  std::uint64_t completed = 0;  // well
  std::uint64_t failed = 0;
};

// Work: a coordinator of items.
template <class Work>
class Atom {
 public:
  // Waits for room. The operation's id: the one that snapshots show and wait() takes. kUsage after
  // drain().
  template <class Item>
  Result<OperationId> enqueue(Item item) {
    return work_.enqueue(std::move(item));
  }
  // Takes no more, and waits until everything has ended. Any number of times.
  Status drain() {
    work_.complete();
    return work_.drain();
  }
  // What ran or runs and is still remembered.
  std::vector<OperationSnapshot> snapshot() const { return work_.snapshot(); }
  AtomStats stats() const {
    const WorkCounts counts = work_.counts();
    return {counts.pending, counts.active, counts.succeeded, counts.failed};
  }
  SignalSink& signals() { return work_.sink(); }
  // Everything else.
  Work& coordinator() { return work_; }
  const Work& coordinator() const { return work_; }

 protected:
  template <class... Arguments>
  explicit Atom(std::in_place_t, Arguments&&... arguments)
      : work_(std::forward<Arguments>(arguments)...) {}
  ~Atom() = default;

 private:
  Work work_;
};

}  // namespace mayfly
