// SignalAware: work whose intake signals close, and whose start they delay.
//
//   SignalAware<Job> jobs(body, {.cancel_on = {"circuit-open"}, .defer_on = {"backpressure.*"}});
//   jobs.raise("circuit-open");
//   jobs.enqueue(job);   // kRejected
//
// While a signal of cancel_on is present (raised here, or by anybody on a sink that is shared)
// nothing is taken, and what waits is skipped; while one of defer_on is, what waits doesn't begin,
// for at most max_defer_attempts intervals each. The node of the same kind is the plugin
// `signal_aware`; every node can do it by cancel_on and defer_on in the pipeline file.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/patterns/atom.h"
#include "mayfly/signal/pattern_set.h"
#include "mayfly/work/work_coordinator.h"

namespace mayfly {

// Which signals close the intake, and which delay the start.
struct SignalAwareOptions {
  std::vector<std::string> cancel_on = {};  // globs
  std::vector<std::string> defer_on = {};
  std::vector<std::string> resume_on = {};
  std::int64_t defer_interval_ns = 100 * kMillisecond;
  int max_defer_attempts = 50;
  SignalSink* signals = nullptr;  // borrowed; null: one of its own
  int max_concurrency = 0;        // 0 or less: the number of processors
  const Clock* clock = nullptr;   // borrowed; null: the machine's

  WorkOptions work() const {
    return {.max_concurrency = max_concurrency > 0 ? max_concurrency : default_concurrency(),
            .signals = signals,
            .clock = clock,
            .cancel_on_signals = cancel_on,
            .defer_on_signals = defer_on,
            .resume_on_signals = resume_on,
            .defer_check_interval_ns = defer_interval_ns,
            .max_defer_attempts = max_defer_attempts};
  }
};

template <class Item>
class SignalAware : public Atom<WorkCoordinator<Item>> {
 public:
  static constexpr std::int64_t kRejected = -1;

  template <BodyOf<Item> Body>
  explicit SignalAware(Body body, const SignalAwareOptions& options = {})
      : Atom<WorkCoordinator<Item>>(std::in_place, options.work(), std::move(body)),
        cancel_(this->signals(), options.cancel_on) {}

  // The operation's id, or kRejected: a cancelling signal is present, or nothing is taken any more.
  std::int64_t enqueue(Item item) {
    if (cancel_.any_present()) {
      rejected_.fetch_add(1, std::memory_order_relaxed);
      return kRejected;
    }
    const auto id = this->coordinator().enqueue(std::move(item));
    if (id.ok()) return static_cast<std::int64_t>(*id);
    rejected_.fetch_add(1, std::memory_order_relaxed);
    return kRejected;
  }
  std::uint64_t rejected() const { return rejected_.load(std::memory_order_relaxed); }

  // On its sink: for everybody who shares it. A blank name is ignored.
  void raise(std::string_view name) {
    if (name.find_first_not_of(" \t") != name.npos) this->signals().raise(name);
  }
  std::size_t retract(std::string_view name) { return this->signals().retract(name); }

 private:
  const PatternSet cancel_;
  std::atomic<std::uint64_t> rejected_{0};
};

}  // namespace mayfly
