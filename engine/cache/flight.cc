#include "mayfly/cache/flight.h"

#include <algorithm>

namespace mayfly {

bool FlightBase::wait_done(const Clock& clock, std::int64_t deadline_ns) {
  std::unique_lock lock(mutex_);
  while (!done()) {
    if (deadline_ns != kNever && clock.now_ns() >= deadline_ns) return false;
    clock.wait_until(lock, finished_, deadline_ns);
  }
  return true;
}

bool FlightWaits::enter(const FlightBase& flight) {
  const std::thread::id self = std::this_thread::get_id();
  const std::lock_guard lock(mutex_);
  // A finished flight holds nobody up, though its waiters may not have left yet.
  for (const FlightBase* next = &flight; next != nullptr && !next->done();
       next = waits_for(next->owner)) {
    if (next->owner == self) return false;
  }
  waits_.push_back({self, &flight});
  return true;
}

void FlightWaits::leave() {
  const std::lock_guard lock(mutex_);
  std::erase_if(waits_, [self = std::this_thread::get_id()](const Wait& wait) {
    return wait.waiter == self;
  });
}

std::size_t FlightWaits::size() const {
  const std::lock_guard lock(mutex_);
  return waits_.size();
}

const FlightBase* FlightWaits::waits_for(std::thread::id thread) const {
  const auto found =
      std::ranges::find_if(waits_, [thread](const Wait& wait) { return wait.waiter == thread; });
  return found == waits_.end() ? nullptr : found->flight;
}

}  // namespace mayfly
