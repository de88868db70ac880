// Services: what a graph's parts share, passed in by whoever builds it.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/base/clock.h"
#include "mayfly/data/batch_pool.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {

// Called from any thread; who is an instance's name or "mayfly".
using LogFunction =
    std::function<void(std::int32_t level, std::string_view who, std::string_view text)>;

// All outlive the graph's parts. The pool is made once the widest schema is known, after the
// sources and nodes were opened and before the first row.
struct Services {
  const Clock& clock;
  SignalSink& signals;
  BatchPool* pool = nullptr;
  std::uint64_t seed = 0;  // every instance draws its own generator from it
  LogFunction log;         // may be empty
  // The pipeline's figures: as many as there is room for; how many there are. In activations.
  std::function<std::uint32_t(std::span<mayfly_metric>)> metrics;
};

}  // namespace mayfly
