// SignalView: one signal of a query, without a copy of its name.
//
// The name points into the query's buffer and is valid until the visitor or predicate returns.
#pragma once

#include <cstdint>
#include <string_view>

#include "mayfly/base/operation_id.h"

namespace mayfly {

// What a visitor or a predicate is shown.
struct SignalView {
  std::string_view name;
  std::int64_t at_ns = 0;
  std::uint64_t sequence = 0;  // unique in its sink, increasing for each thread
  OperationId operation = 0;   // of the work that raised it; 0: none

  // What stands before the first colon of the name, and behind it.
  std::string_view stem() const { return name.substr(0, name.find(':')); }
  std::string_view argument() const {
    const std::size_t colon = name.find(':');
    return colon == std::string_view::npos ? std::string_view() : name.substr(colon + 1);
  }
};

// Since always: the lower end of the times of a query.
constexpr std::int64_t kAlways = INT64_MIN;

// What the sink knows of the signals of one operation.
struct OperationSummary {
  std::int64_t first_ns = 0;
  std::int64_t last_ns = 0;
  std::size_t count = 0;
};

}  // namespace mayfly
