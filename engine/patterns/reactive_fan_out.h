// ReactiveFanOut: two stages, of which the first slows down while the second is behind.
//
//   ReactiveFanOut<Page> pages(parse, {.stage1_max = 8, .stage2_max = 4, .pre_stage = fetch});
//   pages.enqueue(page);
//   pages.drain();
//
// When `backpressure_threshold` items wait for the second stage, the first runs stage1_min at a
// time, and stage2.backpressure is raised (at most once in 50 ms); when `relief_threshold` or fewer
// do, and adjust_cooldown_ns have passed since the last change, it runs stage1_max again. A second
// stage that has no room makes the first wait, so what waits between them is bounded. drain() ends
// the first stage before the second: nothing is lost between them. What the second stage fails
// raises stage2.failed, what the first fails goes no further and counts as its failure.
//
// THREADS  Any may call anything, at once.
#pragma once

#include <algorithm>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

#include "mayfly/patterns/atom.h"
#include "mayfly/patterns/delayed_calls.h"
#include "mayfly/work/work_coordinator.h"

namespace mayfly {

// Limits of both stages, and when the first gives way.
template <class Item>
struct ReactiveFanOutOptions {
  int stage1_max = 8;
  int stage1_min = 1;
  int stage2_max = 4;
  int backpressure_threshold = 32;
  int relief_threshold = 8;
  std::int64_t adjust_cooldown_ns = 200 * kMillisecond;
  std::function<void(Item&)> pre_stage = {};  // the first stage's body; empty: nothing
  SignalSink* signals = nullptr;              // borrowed; null: one of its own
  const Clock* clock = nullptr;               // borrowed; null: the machine's
};

// Which concurrency the first stage has: arithmetic, without threads.
class StagePressure {
 public:
  static constexpr std::int64_t kRaiseEveryNs = 50 * kMillisecond;

  StagePressure(int threshold, int relief, std::int64_t cooldown_ns)
      : threshold_(threshold), relief_(relief), cooldown_ns_(cooldown_ns) {}

  struct Look {
    bool slow = false;               // what the first stage is to be
    bool raise = false;              // tell it
    std::int64_t again_ns = kNever;  // when it may be relieved
  };
  Look look(std::uint64_t pending, std::int64_t now_ns) {
    Look look;
    if (pending >= static_cast<std::uint64_t>(threshold_)) {
      if (!slow_) changed_ns_ = now_ns;
      slow_ = true;
      if (now_ns >= next_raise_ns_) {
        look.raise = true;
        next_raise_ns_ = now_ns + kRaiseEveryNs;
      }
    } else if (slow_ && pending <= static_cast<std::uint64_t>(relief_)) {
      const std::int64_t due_ns = deadline_after(changed_ns_, cooldown_ns_);
      if (now_ns >= due_ns) {
        slow_ = false;
        changed_ns_ = now_ns;
      } else {
        look.again_ns = due_ns;
      }
    }
    look.slow = slow_;
    return look;
  }

 private:
  int threshold_;
  int relief_;
  std::int64_t cooldown_ns_;
  bool slow_ = false;
  std::int64_t changed_ns_ = 0;
  std::int64_t next_raise_ns_ = 0;
};

template <class Item>
class ReactiveFanOut {
 public:
  using Options = ReactiveFanOutOptions<Item>;

  // std::invalid_argument: maxima that aren't positive, min above max or below 1, a relief that is
  // negative or not below the threshold.
  template <BodyOf<Item> Body>
  explicit ReactiveFanOut(Body stage2, Options options = {})
      : options_(checked(std::move(options))),
        clock_(options_.clock != nullptr ? *options_.clock : own_clock_),
        pressure_(options_.backpressure_threshold, options_.relief_threshold,
                  options_.adjust_cooldown_ns),
        later_(clock_),
        stage2_(stage_options(options_.stage2_max, options_.signals),
                [this, body = std::move(stage2)](Item& item, Operation& op) mutable {
                  const Status status = status_of([&] { return call_body(body, item, op); });
                  if (!status.ok()) op.raise("stage2.failed");
                  adjust();
                  return status;
                }),
        stage1_(stage_options(options_.stage1_max, &stage2_.sink()), [this](Item& item) -> Status {
          if (options_.pre_stage) options_.pre_stage(item);
          const auto id = stage2_.enqueue(std::move(item));
          adjust();
          return id.status();
        }) {}
  ~ReactiveFanOut() { later_.stop(); }
  ReactiveFanOut(const ReactiveFanOut&) = delete;
  ReactiveFanOut& operator=(const ReactiveFanOut&) = delete;

  // Waits for room.
  Result<OperationId> enqueue(Item item) { return stage1_.enqueue(std::move(item)); }
  // Takes no more, and waits until both stages have ended. Any number of times.
  Status drain() {
    stage1_.complete();
    if (Status status = stage1_.drain(); !status.ok()) return status;
    stage2_.complete();
    return stage2_.drain();
  }

  int stage1_current_max_concurrency() const { return stage1_.max_concurrency(); }
  std::uint64_t stage2_pending() const { return stage2_.pending_count(); }
  WorkCounts stage1_counts() const { return stage1_.counts(); }
  WorkCounts stage2_counts() const { return stage2_.counts(); }
  SignalSink& signals() { return stage2_.sink(); }

 private:
  static Options checked(Options options) {
    const auto expect = [](bool holds, const char* what) {
      if (!holds) throw std::invalid_argument(std::string("reactive fan-out: expected ") + what);
    };
    expect(options.stage1_max > 0 && options.stage2_max > 0, "maxima of 1 or more");
    expect(options.stage1_min > 0 && options.stage1_min <= options.stage1_max,
           "a stage1_min of 1 to stage1_max");
    expect(
        options.relief_threshold >= 0 && options.relief_threshold < options.backpressure_threshold,
        "a relief of 0 or more, below the threshold");
    return options;
  }
  WorkOptions stage_options(int concurrency, SignalSink* sink) const {
    return {.max_concurrency = concurrency,
            .dynamic_concurrency = true,
            .queue_capacity = options_.backpressure_threshold * 2,
            .signals = sink,
            .clock = options_.clock};
  }
  void adjust() {
    StagePressure::Look look;
    {
      const std::lock_guard lock(mutex_);
      look = pressure_.look(stage2_.pending_count(), clock_.now_ns());
      // Within the lock, so that limits are set in the order of the looks.
      const int limit = look.slow ? options_.stage1_min : options_.stage1_max;
      if (limit != limit_) static_cast<void>(stage1_.set_max_concurrency(limit_ = limit));
    }
    if (look.raise) stage2_.sink().raise("stage2.backpressure");
    if (look.again_ns != kNever) later_.call_at(look.again_ns, [this] { adjust(); });
  }

  const Options options_;
  const SystemClock own_clock_;
  const Clock& clock_;
  std::mutex mutex_;
  StagePressure pressure_;
  int limit_ = options_.stage1_max;
  DelayedCalls later_;
  WorkCoordinator<Item> stage2_;
  WorkCoordinator<Item> stage1_;
};

}  // namespace mayfly
