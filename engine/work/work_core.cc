#include "mayfly/work/work_core.h"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <utility>

#include "mayfly/base/glob.h"
#include "mayfly/work/worker.h"

namespace mayfly {
namespace {

// Stems of a sink of the coordinator's own; what bodies raise have few.
constexpr std::size_t kOwnStemsMax = 4096;
// Signals kept for each operation that can be looked at, on average.
constexpr std::size_t kSignalsPerOperation = 8;

WorkOptions checked(WorkOptions options) {
  check_work_options(options);
  if (options.queue_capacity == 0) options.queue_capacity = options.max_tracked_operations;
  return options;
}

Lanes make_lanes(std::vector<PriorityLane> lanes, const WorkOptions& options) {
  Lanes made;
  for (PriorityLane& lane : lanes) {
    const int limit = lane.max_depth > 0 ? lane.max_depth : options.queue_capacity;
    made.push_back(std::make_unique<Lane>(std::move(lane), static_cast<std::uint32_t>(limit)));
  }
  if (made.empty()) made.push_back(std::make_unique<Lane>(PriorityLane(), 0));
  return made;
}

// Every lane has room of its own: a backlog in one keeps nobody out of another.
std::uint32_t total_capacity(const std::vector<PriorityLane>& lanes, const WorkOptions& options) {
  std::int64_t capacity = lanes.empty() ? options.queue_capacity : 0;
  for (const PriorityLane& lane : lanes) {
    capacity += lane.max_depth > 0 ? lane.max_depth : options.queue_capacity;
  }
  const std::int64_t most = OperationTable::kSlotsMax / 2;
  if (capacity <= most && options.max_tracked_operations <= most / 2) {
    return static_cast<std::uint32_t>(capacity);
  }
  throw std::invalid_argument("expected at most " + std::to_string(most) +
                              " operations that wait and " + std::to_string(most / 2) +
                              " that are tracked, found " + std::to_string(capacity) + " and " +
                              std::to_string(options.max_tracked_operations));
}

}  // namespace

WorkCore::WorkCore(WorkOptions options, std::unique_ptr<ItemHandler> handler,
                   std::size_t item_bytes, std::size_t item_align, std::vector<PriorityLane> lanes)
    : options_(checked(std::move(options))),
      clock_(options_.clock != nullptr ? *options_.clock
                                       : static_cast<const Clock&>(system_clock_)),
      handler_(std::move(handler)),
      keeps_ends_(handler_->keeps_ends()),
      time_limit_error_("the body ran longer than its time limit of " +
                        std::to_string(options_.body_time_limit_ns / kMillisecond) + " ms"),
      table_(item_bytes, item_align),
      intake_(table_, total_capacity(lanes, options_), !lanes.empty()),
      lanes_(make_lanes(std::move(lanes), options_)),
      window_(table_, static_cast<std::uint32_t>(options_.max_tracked_operations),
              options_.max_operation_lifetime_ns),
      echo_store_(static_cast<std::size_t>(options_.echo_capacity), options_.echo_retention_ns),
      own_sink_(options_.signals != nullptr
                    ? nullptr
                    : std::make_unique<SignalSink>(
                          clock_, SignalSinkOptions{.stems_max = kOwnStemsMax,
                                                    .constraints = options_.signal_constraints})),
      sink_(options_.signals != nullptr ? options_.signals : own_sink_.get()),
      limit_(options_.max_concurrency) {
  update_hungry();
}

WorkCore::~WorkCore() = default;

void WorkCore::start(std::unique_ptr<DispatchOrder> order) {
  order_ = std::move(order);
  gate_ = make_gate({.cancel = options_.cancel_on_signals,
                     .defer = options_.defer_on_signals,
                     .resume = options_.resume_on_signals,
                     .interval_ns = options_.defer_check_interval_ns,
                     .attempts = options_.max_defer_attempts});
  for (const auto& lane : lanes_) {
    const PriorityLane& rules = lane->options();
    lane->gate = make_gate({.cancel = rules.cancel_on_signals,
                            .defer = rules.defer_on_signals,
                            .resume = {},
                            .interval_ns = rules.defer_check_interval_ns,
                            .attempts = rules.max_defer_attempts});
  }
  subscribe();
  if (options_.body_time_limit_ns != kNever) {
    watch_ = std::thread([core = shared_from_this()] {
      const WorkFrame frame(core.get(), WorkFrame::Kind::kWork);
      core->watch();
    });
  }
}

// Null when there is nothing that it could say. Listeners share the core for the time of a call:
// the last one may outlive shut_down().
std::unique_ptr<SignalGate> WorkCore::make_gate(GateOptions options) {
  if (options.cancel.empty() && options.defer.empty()) return nullptr;
  auto gate = std::make_unique<SignalGate>(*sink_, std::move(options));
  const auto look = [weak = weak_from_this(), gate = gate.get()](const SignalEvent&) {
    if (const auto core = weak.lock()) {
      gate->mark();
      core->poke();
    }
  };
  listeners_.hear(*sink_, gate->patterns(), look, {.removals = true});
  return gate;
}

void WorkCore::subscribe() {
  using Kind = SignalEventKind;
  const auto hear_all = [this](Kind kind, auto call) {
    const auto hear = [weak = weak_from_this(), kind, call](const SignalEvent& event) {
      if (event.kind() != kind) return;
      if (const auto core = weak.lock()) core->guarded([&] { call(event); });
    };
    listeners_.hear(*sink_, "*", hear, {.removals = kind == Kind::kRemoved});
  };
  const auto hear_later = [&](Kind kind, const SignalListener& listener) {
    auto queue = std::make_shared<AsyncSignals>(listener, options_.max_concurrent_signal_handlers,
                                                options_.max_queued_signals, clock_);
    hear_all(kind, [queue](const SignalEvent& event) { queue->push(event); });
    return queue;
  };
  const WorkOptions& o = options_;
  if (o.on_signal) hear_all(Kind::kRaised, std::cref(o.on_signal));
  if (o.on_signal_retracted) hear_all(Kind::kRemoved, std::cref(o.on_signal_retracted));
  if (o.on_signal_async) async_raised_ = hear_later(Kind::kRaised, o.on_signal_async);
  if (o.on_signal_retracted_async) {
    async_removed_ = hear_later(Kind::kRemoved, o.on_signal_retracted_async);
  }
  if (options_.drain_on_signals.empty()) return;
  std::string patterns;
  for (const std::string& pattern : options_.drain_on_signals) {
    patterns.append(patterns.empty() ? "" : ",") += pattern;
  }
  listeners_.hear(*sink_, patterns, [weak = weak_from_this()](const SignalEvent& event) {
    const auto core = weak.lock();
    if (core == nullptr) return;
    const std::string& id = core->options_.coordinator_id;
    if (event.stem() == "coordinator.drain.id" && event.argument() != id) return;
    if (event.stem() == "coordinator.drain.pattern" && !Glob(event.argument()).matches(id)) return;
    core->complete();
  });
}

SignalSink& WorkCore::operation_signals() {
  std::call_once(operation_signals_made_, [this] {
    const std::size_t capacity =
        kSignalsPerOperation * static_cast<std::size_t>(options_.max_tracked_operations);
    operation_signals_own_ = std::make_unique<SignalSink>(
        clock_, SignalSinkOptions{.capacity = std::max<std::size_t>(capacity, 1000),
                                  .max_age_ns = kNever,
                                  .stems_max = kOwnStemsMax});
    operation_signals_.store(operation_signals_own_.get(), std::memory_order_release);
  });
  return *operation_signals_own_;
}

}  // namespace mayfly
