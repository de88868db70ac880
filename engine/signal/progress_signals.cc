#include "mayfly/signal/progress_signals.h"

#include <stdexcept>
#include <string>

namespace mayfly {
namespace {

std::string_view checked(std::string_view stem) {
  if (stem.find_first_not_of(" \t\r\n") != std::string_view::npos &&
      stem.find(':') == std::string_view::npos) {
    return stem;
  }
  throw std::invalid_argument(
      "progress signals: expected a name that isn't blank and has no colon, found '" +
      std::string(stem) + "'");
}

std::int64_t at_least(std::int64_t least, std::int64_t value, const char* what) {
  if (value >= least) return value;
  throw std::invalid_argument("progress signals: expected " + std::string(what) + " of at least " +
                              std::to_string(least) + ", found " + std::to_string(value));
}

}  // namespace

ProgressSignals::ProgressSignals(SignalSink& sink, std::string_view stem, std::int64_t total,
                                 std::int64_t every, OperationId operation)
    : sink_(sink),
      stem_(sink.intern(checked(stem))),
      total_(at_least(0, total, "a total")),
      every_(at_least(1, every, "a sampling rate")),
      operation_(operation) {}

bool ProgressSignals::report(std::int64_t done) {
  const std::int64_t number = reports_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (number % every_ != 0 && done < total_) return false;
  sink_.raise_at(sink_.clock().now_ns(), stem_, done, {}, total_, {}, operation_);
  return true;
}

}  // namespace mayfly
