// Driver: the thread that works while wake-ups pend, and the oneTBB flow graph it works with.
//
// TBB carries wake-ups, not data. Every node has one serial, lightweight function_node; a wake-up
// is an empty message, and at most one pends per node. A lightweight body runs inside the try_put
// that wakes it, so a slice goes through a chain of nodes on one stack, warm in the cache.
//
// PROTOCOL  (who writes what)
//   pending[n]   waker: exchange(true); whoever changes false -> true passes the wake-up on.
//                activation: exchange(false), then drains. A push before the exchange is seen by
//                that drain; a push after it finds `false` and passes a new wake-up on. Both are
//                read-modify-writes (acq_rel), so neither can miss the other.
//   scheduled    one bit per node for wake-ups from outside an activation and for those that go
//                backwards. Any thread: fetch_or; driver: exchange(0).
//   sleeping     driver: store(true), re-reads `scheduled`, then waits. Waker: fetch_or, then
//                exchange(false); whoever gets `true` posts the semaphore. Sequentially consistent
//                on both sides (a store and a load of two words: Dekker), so no wake-up is lost.
//
// Threads from outside never call try_put: a lightweight body would run inside a producer or the
// writer. The driver does, in the graph's own arena, and then helps with what TBB spawned there
// (wait_for_all), so progress never depends on TBB's workers or on a second core.
//
// THREADS  schedule: any thread. run_pending: the driver's thread, or a test's in its place.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/data/semaphore.h"

namespace mayfly {

// What the driver wakes. activate() runs serially, never blocks and never throws.
class Activation {
 public:
  virtual ~Activation() = default;
  virtual void activate() noexcept = 0;
  // When it next wants to run though nothing arrives; kNever. Driver's thread or its own
  // activation.
  virtual std::int64_t next_due_ns() const = 0;

  // The consumer's half of the wake-up protocol: first thing in activate().
  void begin() { pending_.exchange(false, std::memory_order_acq_rel); }

 private:
  friend class Driver;
  std::atomic<bool> pending_{false};
};

class Driver {
 public:
  using NodeIndex = std::uint32_t;

  explicit Driver(const Clock& clock);
  ~Driver();
  Driver(const Driver&) = delete;
  Driver& operator=(const Driver&) = delete;

  // Before start(). The activation outlives the driver.
  NodeIndex add(Activation& activation);
  // Runs on the driver's thread between rounds; returns when it next wants to run.
  void set_idle_work(std::function<std::int64_t(std::int64_t now_ns)> work) {
    idle_work_ = std::move(work);
  }

  // From any thread, and from an activation to one that doesn't come after it.
  void schedule(NodeIndex node);
  // From an activation to one that comes after it: runs now, inside the call, unless it is running.
  void run_inside(NodeIndex node);
  // The idle work is to run soon.
  void nudge();

  void start();  // the thread
  void stop();   // finishes the round it is in
  // One round: due activations and wake-ups that pend. False when there was nothing to do.
  bool run_pending();

 private:
  struct FlowGraph;

  void loop();
  void wake_thread();
  std::int64_t next_due_ns() const;

  const Clock& clock_;
  std::unique_ptr<FlowGraph> flow_;
  std::vector<Activation*> activations_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> scheduled_;
  std::function<std::int64_t(std::int64_t)> idle_work_;
  std::int64_t idle_due_ns_ = kNever;
  std::atomic<bool> nudged_{false};
  std::atomic<bool> sleeping_{false};
  std::atomic<bool> stopping_{false};
  Semaphore wake_;
  std::thread thread_;
};

}  // namespace mayfly
