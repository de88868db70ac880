// DynamicConcurrency: work whose limit follows signals: doubled by one, halved by another.
//
//   DynamicConcurrency<Job> jobs(body, sink, {.min = 1, .max = 32});
//   sink.raise("load.high");   // 2, later 4, ...
//   sink.raise("load.low");    // half
//
// Each raise counts once, however long it stays in the sink's window; between two changes at least
// `cooldown_ns` pass, and what was asked for meanwhile is done then, the newest first. Starts at
// the minimum. The node of the same kind is the plugin `dynamic_concurrency`.
//
// THREADS  Any may call anything. The sink is borrowed.
#pragma once

#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

#include "mayfly/patterns/atom.h"
#include "mayfly/patterns/delayed_calls.h"
#include "mayfly/policy/concurrency_scale.h"
#include "mayfly/signal/pattern_set.h"
#include "mayfly/work/work_coordinator.h"

namespace mayfly {

// The bounds of the limit, and the signals that move it.
struct DynamicConcurrencyOptions {
  int min = 1;
  int max = 32;
  std::string up_on = "load.high";  // globs
  std::string down_on = "load.low";
  std::int64_t cooldown_ns = 200 * kMillisecond;
  const Clock* clock = nullptr;  // borrowed; null: the machine's
};

// The limit and who changes it.
class ScaledLimit {
 public:
  // apply(limit): whenever it has changed. std::invalid_argument: bounds that aren't 1 <= min <=
  // max.
  ScaledLimit(SignalSink& sink, const DynamicConcurrencyOptions& options, const Clock& clock,
              std::function<void(int)> apply);
  ~ScaledLimit();

 private:
  void heard(bool up);
  // `lock` is held, and given up.
  void changed(std::unique_lock<std::mutex>& lock, bool has_changed);

  const Clock& clock_;
  const std::function<void(int)> apply_;
  std::mutex mutex_;
  std::mutex apply_mutex_;  // held while apply_ runs, so that limits are applied in order
  ConcurrencyScale scale_;
  DelayedCalls later_;
  SignalSubscription up_;
  SignalSubscription down_;
};

template <class Item>
class DynamicConcurrency : public Atom<WorkCoordinator<Item>> {
 public:
  template <BodyOf<Item> Body>
  DynamicConcurrency(Body body, SignalSink& sink, const DynamicConcurrencyOptions& options = {})
      : Atom<WorkCoordinator<Item>>(std::in_place,
                                    WorkOptions{.max_concurrency = options.min,
                                                .dynamic_concurrency = true,
                                                .signals = &sink,
                                                .clock = options.clock},
                                    std::move(body)),
        limit_(sink, options, options.clock != nullptr ? *options.clock : own_clock_,
               [this](int limit) {
                 static_cast<void>(this->coordinator().set_max_concurrency(limit));
               }) {}

  int current_max_concurrency() const { return this->coordinator().max_concurrency(); }

 private:
  const SystemClock own_clock_;
  ScaledLimit limit_;
};

}  // namespace mayfly
