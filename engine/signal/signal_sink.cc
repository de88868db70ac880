#include "mayfly/signal/signal_sink.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

#include "mayfly/signal/signal_query.h"

namespace mayfly {
namespace {

SignalSinkOptions checked(SignalSinkOptions options) {
  if (options.capacity == 0) {
    throw std::invalid_argument("SignalSink: capacity: expected at least 1, found 0");
  }
  if (options.max_age_ns <= 0) {
    throw std::invalid_argument("SignalSink: max_age_ns: expected a positive time, found " +
                                std::to_string(options.max_age_ns));
  }
  options.stems_max = std::min(options.stems_max, kStemsLimit);
  options.shards_max = std::min(options.shards_max, kShardsMax);
  options.constraints.check();
  return options;
}

}  // namespace

SignalSink::SignalSink(const Clock& clock, SignalSinkOptions options)
    : clock_(clock),
      options_(checked(options)),
      max_age_ns_(options_.max_age_ns),
      stems_(options_.stems_max),
      window_(options_.capacity, options_.shards_max, options_.text_bytes),
      delivery_(std::make_shared<SignalDelivery>(stems_)) {}

SignalSink::~SignalSink() { delivery_->close(); }

StemId SignalSink::intern(std::string_view stem) {
  StemId id;
  stems_.intern(stem, id);
  return id;
}

void SignalSink::raise(std::string_view name, OperationId operation) {
  const std::size_t colon = name.find(':');
  StemId stem;
  if (!stems_.intern(name.substr(0, colon), stem)) {
    uninterned_.fetch_add(1, std::memory_order_relaxed);
    record(clock_.now_ns(), kTextStem, operation, name);
  } else if (colon == std::string_view::npos) {
    record(clock_.now_ns(), stem, operation);
  } else {
    record(clock_.now_ns(), stem, operation, name.substr(colon + 1));
  }
}

void SignalSink::raise(StemId stem, std::int64_t a, std::string_view a_unit) {
  record(clock_.now_ns(), stem, 0, IntegerArgument{a, a_unit, 0, {}, false});
}

void SignalSink::raise(StemId stem, std::int64_t a, std::string_view a_unit, std::int64_t b,
                       std::string_view b_unit) {
  raise_at(clock_.now_ns(), stem, a, a_unit, b, b_unit);
}

void SignalSink::raise_at(std::int64_t now_ns, StemId stem, std::int64_t a, std::string_view a_unit,
                          std::int64_t b, std::string_view b_unit, OperationId operation) {
  record(now_ns, stem, operation, IntegerArgument{a, a_unit, b, b_unit, true});
}

std::size_t SignalSink::retract(std::string_view name, OperationId operation) {
  WindowView view;
  window_.newest(oldest_ns(), view);
  std::size_t retracted = 0;
  any_split(name, [&](const StoredName& stored) {
    for (const WindowRange& range : view) retracted += retract_name(range, stored, operation);
    return false;
  });
  if (retracted > 0 && removals_are_heard()) {
    const Signal signal{std::string(name), clock_.now_ns(), 0, operation};
    notify_removed(std::vector<Signal>(retracted, signal));
  }
  return retracted;
}

std::size_t SignalSink::retract_matching(std::string_view glob, OperationId operation) {
  return remove_those(&glob, {&operation, 1}, operation != 0,
                      [](const FoundRecord&) { return true; });
}

}  // namespace mayfly
