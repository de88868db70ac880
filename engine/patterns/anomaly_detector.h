// SignalAnomalyDetector: whether so many matching signals came within a moving window.
//
//   SignalAnomalyDetector errors(sink, {.pattern = "error.*", .threshold = 5});
//   if (errors.is_anomalous()) ...
//
// Keeps nothing: it counts in the sink's window, without copying. The node of the same kind is the
// plugin `anomaly_detector`.
//
// THREADS  Any. The sink is borrowed.
#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {

// What is counted, and how many are too many.
struct AnomalyOptions {
  std::string pattern = "error.*";
  std::size_t threshold = 5;
  std::chrono::nanoseconds window = std::chrono::seconds(10);
};

class SignalAnomalyDetector {
 public:
  // std::invalid_argument: a blank pattern, a threshold or a window that isn't positive.
  explicit SignalAnomalyDetector(const SignalSink& sink, AnomalyOptions options = {})
      : sink_(sink), options_(std::move(options)) {
    if (options_.pattern.empty() || options_.threshold == 0 || options_.window.count() <= 0) {
      throw std::invalid_argument(
          "anomaly detector: expected a pattern, a threshold of 1 or more and a window above 0");
    }
  }

  // Those younger than the window.
  std::size_t match_count() const {
    return sink_.count(options_.pattern, sink_.clock().now_ns() - options_.window.count() + 1);
  }
  bool is_anomalous() const { return match_count() >= options_.threshold; }

 private:
  const SignalSink& sink_;
  const AnomalyOptions options_;
};

}  // namespace mayfly
