#include "mayfly/runtime/linger.h"

#include "mayfly/runtime/producer_core.h"

namespace mayfly {

Linger::Linger(const Clock& clock, Driver& driver, std::int64_t linger_ns)
    : clock_(clock), driver_(driver), linger_ns_(linger_ns), index_(driver.add(*this)) {}

void Linger::add(ProducerCore* producer) {
  const std::lock_guard lock(mutex_);
  producers_.push_back(producer);
}

void Linger::remove(ProducerCore* producer) {
  const std::lock_guard lock(mutex_);
  std::erase(producers_, producer);
}

void Linger::expect() {
  std::int64_t never = kNever;
  // Only the first batch after a quiet time pays for the wake-up.
  if (due_ns_.load(std::memory_order_relaxed) != kNever) return;
  if (due_ns_.compare_exchange_strong(never, clock_.now_ns() + linger_ns_,
                                      std::memory_order_acq_rel)) {
    driver_.nudge();
  }
}

void Linger::activate() noexcept {
  begin();
  const std::int64_t now_ns = clock_.now_ns();
  // First: a producer that begins a batch from here on sets a due time of its own.
  due_ns_.store(kNever, std::memory_order_release);
  const std::lock_guard lock(mutex_);
  bool open = false;
  for (ProducerCore* producer : producers_) {
    if (!producer->linger(now_ns, linger_ns_)) open = open || producer->has_open_batch();
  }
  if (open) expect();
}

void Linger::send_all() {
  const std::lock_guard lock(mutex_);
  for (ProducerCore* producer : producers_) producer->send_from_outside();
}

}  // namespace mayfly
