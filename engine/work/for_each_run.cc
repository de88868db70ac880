#include "mayfly/work/for_each_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <new>
#include <stdexcept>
#include <utility>

namespace mayfly {
namespace {

// A run of items is to take about this long: long enough that taking it costs nothing beside it,
// short enough that nobody waits for it.
constexpr std::int64_t kRunShortNs = 20 * kMicrosecond;
constexpr std::int64_t kRunLongNs = 80 * kMicrosecond;
constexpr std::uint64_t kRunMax = 64;

void refuse(bool given, std::string_view option, std::string_view why) {
  if (!given) return;
  throw std::invalid_argument(
      fmt::format("{}: expected to be left as it is in for_each: {}", option, why));
}

const WorkOptions& checked(const WorkOptions& options) {
  check_work_options(options);
  return options;
}

}  // namespace

Status ForEachResult::to_status() const {
  if (!status.ok()) return status;
  if (failed > 0) {
    std::string first;
    if (!failures.empty()) {
      first = fmt::format("; item {}: {}", failures[0].index, failures[0].status.message());
    }
    return Status(failures.empty() ? Code::kInternal : failures[0].status.code(),
                  fmt::format("{} of {} bodies failed{}", failed, processed, first));
  }
  if (cancelled) {
    return Status(Code::kTryAgain, fmt::format("a stop was requested after {} items", processed));
  }
  return {};
}

ForEachRun::ForEachRun(const WorkOptions& options, const ForEachOptions& how, ForEachKind kind,
                       bool raises)
    : options_(options),
      how_(how),
      signals_(std::make_shared<ForEachSignals>(checked(options), raises)),
      clock_(&signals_->clock()),
      window_max_(static_cast<std::size_t>(std::max(1, options.max_tracked_operations))) {
  check(kind);
  if (options.on_sample || options.on_finalized) observed_.emplace(options);
}

void ForEachRun::check(ForEachKind kind) const {
  if (how_.failures_max < 0) {
    throw std::invalid_argument(
        fmt::format("failures_max: expected at least 0, found {}", how_.failures_max));
  }
  const std::string_view no_queue = "it has no queue that signals could act on; request a stop";
  refuse(!options_.cancel_on_signals.empty(), "cancel_on_signals", no_queue);
  refuse(!options_.defer_on_signals.empty(), "defer_on_signals", no_queue);
  refuse(!options_.resume_on_signals.empty(), "resume_on_signals", no_queue);
  refuse(!options_.coordinator_id.empty(), "coordinator_id", "it listens to no drain signal");
  refuse(options_.dynamic_concurrency, "dynamic_concurrency", "its limit can't be changed");
  refuse(options_.fair_scheduling, "fair_scheduling", "items go by arrival");
  refuse(static_cast<bool>(options_.on_signal_async), "on_signal_async",
         "subscribe to the sink instead");
  refuse(static_cast<bool>(options_.on_signal_retracted_async), "on_signal_retracted_async",
         "subscribe to the sink instead");
  if (kind == ForEachKind::kPlain) {
    refuse(options_.queue_capacity != 0, "queue_capacity", "nothing waits");
    refuse(options_.max_concurrency_per_key != 1, "max_concurrency_per_key",
           "there are no keys; call for_each_keyed");
  }
  if (how_.blocking) return;
  if (kind == ForEachKind::kKeyed) {
    throw std::invalid_argument(
        "blocking: expected true in for_each_keyed, whose workers wait for keys, found false");
  }
  if (has_limit()) {
    throw std::invalid_argument(
        fmt::format("blocking: expected true with a body_time_limit_ns ({}), since a thread of "
                    "oneTBB can't be abandoned; found false",
                    options_.body_time_limit_ns));
  }
}

ForEachWorker& ForEachRun::worker(int number) {
  std::unique_ptr<ForEachWorker>& worker = workers_[static_cast<std::size_t>(number)];
  if (worker == nullptr) {
    worker = std::make_unique<ForEachWorker>();
    worker->now_ns = worker->run_began_ns = now_ns();
  }
  return *worker;
}

void ForEachRun::halt(Status why) {
  {
    const std::lock_guard lock(mutex_);
    if (why_.ok()) why_ = std::move(why);
  }
  halted_.store(true, std::memory_order_relaxed);  // with stopping(): a flag and nothing else
}

void ForEachRun::halt_without_memory() noexcept {
  no_memory_.store(true, std::memory_order_relaxed);
  halted_.store(true, std::memory_order_relaxed);
}

void ForEachRun::end(ForEachWorker& worker, const ForEachStart& start, Status status) {
  worker.now_ns = now_ns();
  ++worker.processed;
  adapt(worker);
  if (!status.ok()) ++worker.failed;
  try {
    note_end(worker, start, std::move(status));
  } catch (const std::bad_alloc&) {
    // It is counted; the lists lack it.
  }
}

void ForEachRun::note_end(ForEachWorker& worker, const ForEachStart& start, Status status) {
  if (status.ok()) {
    note(worker, start, OperationState::kSucceeded, {});
    return;
  }
  note(worker, start, OperationState::kFailed, status.message());
  note_failure(worker, start, std::move(status));
}

void ForEachRun::end_abandoned(ForEachWorker& worker, const ForEachStart& start) {
  worker.now_ns = now_ns();
  ++worker.processed;
  ++worker.failed;
  ++abandoned_;
  try {
    note_end(worker, start,
             Status(Code::kTryAgain,
                    fmt::format("the body took longer than its limit of {} ms; its thread was "
                                "abandoned",
                                options_.body_time_limit_ns / kMillisecond)));
    raise(start.id, "coordinator.body.timeout");
  } catch (const std::bad_alloc&) {
    // The same.
  }
}

void ForEachRun::raise(OperationId operation, std::string_view name) {
  if (SignalSink* sink = signals_->sink()) sink->raise(name, operation);
}

std::size_t ForEachRun::retract(OperationId operation, std::string_view name) {
  SignalSink* sink = signals_->sink();
  return sink == nullptr ? 0 : sink->retract(name, operation);
}

std::size_t ForEachRun::retract_matching(OperationId operation, std::string_view glob) {
  SignalSink* sink = signals_->sink();
  return sink == nullptr ? 0 : sink->retract_matching(glob, operation);
}

OperationSnapshot ForEachRun::snapshot(const ForEachStart& start) {
  OperationSnapshot snapshot;
  snapshot.id = start.id;
  snapshot.state = OperationState::kRunning;
  snapshot.enqueued_ns = start.enqueued_ns;
  snapshot.started_ns = start.started_ns;
  snapshot.key = start.key.substr(0, kKeyTextBytes);
  return snapshot;
}

void ForEachRun::note(ForEachWorker& worker, const ForEachStart& start, OperationState state,
                      std::string_view error) {
  if (observed_) {
    observe(start, state, error, worker.now_ns);
    return;
  }
  if (worker.ended.size() < window_max_) {
    worker.ended.emplace_back();
    worker.ended_next = worker.ended.size() - 1;
  }
  OperationSnapshot& ended = worker.ended[worker.ended_next];
  if (++worker.ended_next == window_max_) worker.ended_next = 0;
  ended.id = start.id;
  ended.state = state;
  ended.enqueued_ns = start.enqueued_ns;
  ended.started_ns = start.started_ns;
  ended.finished_ns = worker.now_ns;
  ended.key.assign(start.key.substr(0, kKeyTextBytes));
  ended.error.assign(error.substr(0, kErrorTextBytes));
}

void ForEachRun::observe(const ForEachStart& start, OperationState state, std::string_view error,
                         std::int64_t finished_ns) {
  OperationSnapshot ended = snapshot(start);
  ended.state = state;
  ended.finished_ns = finished_ns;
  ended.error = error.substr(0, kErrorTextBytes);
  observed_->end(std::move(ended));
}

// Keeps the lowest indexes. They come nearly in order, so the last place is nearly always the one.
void ForEachRun::note_failure(ForEachWorker& worker, const ForEachStart& start, Status status) {
  const auto failures_max = static_cast<std::size_t>(how_.failures_max);
  const auto after = std::upper_bound(
      worker.failures.begin(), worker.failures.end(), start.index,
      [](std::uint64_t index, const ForEachFailure& failure) { return index < failure.index; });
  if (after == worker.failures.end() && worker.failures.size() >= failures_max) return;
  worker.failures.insert(after, {start.index, start.id, std::move(status)});
  if (worker.failures.size() > failures_max) worker.failures.pop_back();
}

void ForEachRun::adapt(ForEachWorker& worker) const {
  // An abandoned thread would take its run with it.
  if (has_limit() || --worker.run_left > 0) return;
  const std::int64_t took_ns = worker.now_ns - worker.run_began_ns;
  if (took_ns < kRunShortNs) worker.run = std::min(worker.run * 2, kRunMax);
  if (took_ns > kRunLongNs) worker.run = std::max<std::uint64_t>(worker.run / 2, 1);
  worker.run_left = worker.run;
  worker.run_began_ns = worker.now_ns;
}

std::vector<OperationSnapshot> ForEachRun::merged_window() {
  std::vector<OperationSnapshot> window;
  for (const std::unique_ptr<ForEachWorker>& worker : workers_) {
    if (worker == nullptr) continue;
    std::move(worker->ended.begin(), worker->ended.end(), std::back_inserter(window));
  }
  std::sort(window.begin(), window.end(),
            [](const OperationSnapshot& a, const OperationSnapshot& b) {
              return a.finished_ns != b.finished_ns ? a.finished_ns < b.finished_ns : a.id < b.id;
            });
  if (window.size() > window_max_) {
    window.erase(window.begin(), window.end() - static_cast<std::ptrdiff_t>(window_max_));
  }
  return window;
}

void ForEachRun::merge_failures(std::vector<ForEachFailure>& failures) {
  for (const std::unique_ptr<ForEachWorker>& worker : workers_) {
    if (worker == nullptr) continue;
    std::move(worker->failures.begin(), worker->failures.end(), std::back_inserter(failures));
  }
  std::sort(failures.begin(), failures.end(),
            [](const ForEachFailure& a, const ForEachFailure& b) { return a.index < b.index; });
  const auto failures_max = static_cast<std::size_t>(how_.failures_max);
  if (failures.size() > failures_max) failures.resize(failures_max);
}

ForEachResult ForEachRun::result(std::uint64_t known, bool all_seen) {
  ForEachResult result;
  for (const std::unique_ptr<ForEachWorker>& worker : workers_) {
    if (worker == nullptr) continue;
    result.processed += worker->processed;
    result.failed += worker->failed;
  }
  // Of bodies that ran the numbers are told in any case, the rest as far as there is memory.
  const auto as_far_as_there_is_memory = [](auto step) {
    try {
      step();
    } catch (const std::bad_alloc&) {
    }
  };
  as_far_as_there_is_memory([&] { merge_failures(result.failures); });
  result.skipped = known - result.processed;
  result.abandoned = abandoned_;
  result.cancelled = how_.stop.stop_requested() && (!all_seen || result.skipped > 0);
  if (why_.ok() && no_memory_.load(std::memory_order_relaxed)) {
    why_ = Status(Code::kUnavailable, "no memory to go on");
  }
  result.status = std::move(why_);
  as_far_as_there_is_memory(
      [&] { result.window = observed_ ? observed_->take() : merged_window(); });
  const std::int64_t oldest_ns = now_ns() - options_.max_operation_lifetime_ns;
  std::erase_if(result.window,
                [&](const OperationSnapshot& one) { return one.finished_ns < oldest_ns; });
  if (observed_) result.observer_failures = observed_->observer_failures();
  return result;
}

}  // namespace mayfly
