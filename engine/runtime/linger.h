// Linger: the timer that sends the open batch of a producer that has gone idle. Runs on the driver.
//
// THREADS  add, remove, send_all: any. The producers' own gates keep timer and producer apart.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/graph/driver.h"

namespace mayfly {

class ProducerCore;

class Linger final : public Activation {
 public:
  Linger(const Clock& clock, Driver& driver, std::int64_t linger_ns);

  void add(ProducerCore* producer);
  // Returns once the timer is done with it.
  void remove(ProducerCore* producer);
  // Sends every open batch now.
  void send_all();
  // A producer has begun a batch: the timer is to look at it in time. Wakes the driver when it
  // sleeps without a due time.
  void expect();

  void activate() noexcept override;
  std::int64_t next_due_ns() const override { return due_ns_.load(std::memory_order_acquire); }

 private:
  const Clock& clock_;
  Driver& driver_;
  const std::int64_t linger_ns_;
  Driver::NodeIndex index_;
  std::atomic<std::int64_t> due_ns_{kNever};
  std::mutex mutex_;
  std::vector<ProducerCore*> producers_;
};

}  // namespace mayfly
