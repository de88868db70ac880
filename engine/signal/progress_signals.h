// ProgressSignals: "stem:done:total" for one in `every` reports, and always for the last one.
//
// For work that tells its progress far more often than anybody wants to read it. A report that
// isn't sampled costs one atomic addition and raises nothing. Owns nothing of the sink, which has
// to outlive it. Any thread may report; reports of several threads are counted together. Allocates
// nothing after construction.
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "mayfly/base/operation_id.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {

class ProgressSignals {
 public:
  // Throws std::invalid_argument for a blank stem or one with a colon, a total below 0, and for
  // `every` below 1.
  ProgressSignals(SignalSink& sink, std::string_view stem, std::int64_t total, std::int64_t every,
                  OperationId operation = 0);

  // Raises for the every-th, 2 * every-th, ... report, and for each with done >= total. Returns
  // whether it raised.
  bool report(std::int64_t done);

  // Reports so far, raised or not.
  std::int64_t reports() const { return reports_.load(std::memory_order_relaxed); }

 private:
  SignalSink& sink_;
  const StemId stem_;
  const std::int64_t total_;
  const std::int64_t every_;
  const OperationId operation_;
  std::atomic<std::int64_t> reports_{0};
};

}  // namespace mayfly
