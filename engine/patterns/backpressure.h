// SignalDrivenBackpressure: work that waits while somebody behind it says that it is too much.
//
//   const auto jobs = SignalDrivenBackpressure::create<Job>(body, sink);
//   sink.raise("backpressure.downstream");    // new work waits
//   sink.retract("backpressure.downstream");  // and goes on
//
// Raised or retracted, it is noticed at once; a signal that nobody takes back ends with the sink's
// maximum age, on a quiet sink, too. The node of the same kind is the plugin `backpressure`.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/work/work_coordinator.h"

namespace mayfly {

// Which signals hold work back, and for how long at most.
struct BackpressureOptions {
  int max_concurrency = 4;
  std::vector<std::string> defer_on = {"backpressure.*"};
  std::vector<std::string> resume_on = {};
  // Each item waits for at most so many intervals, and then runs all the same.
  std::int64_t interval_ns = 50 * kMillisecond;
  int max_defer_attempts = 200;
  const Clock* clock = nullptr;  // borrowed; null: the machine's
};

class SignalDrivenBackpressure {
 public:
  // The sink is borrowed, and outlives the coordinator.
  template <class Item, BodyOf<Item> Body>
  static std::unique_ptr<WorkCoordinator<Item>> create(Body body, SignalSink& sink,
                                                       const BackpressureOptions& options = {}) {
    return std::make_unique<WorkCoordinator<Item>>(
        WorkOptions{.max_concurrency = options.max_concurrency,
                    .signals = &sink,
                    .clock = options.clock,
                    .defer_on_signals = options.defer_on,
                    .resume_on_signals = options.resume_on,
                    .defer_check_interval_ns = options.interval_ns,
                    .max_defer_attempts = options.max_defer_attempts},
        std::move(body));
  }
};

}  // namespace mayfly
