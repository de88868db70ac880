// WorkCore: the machine that all coordinators share: it takes items in, decides when and in what
// order they run, runs them on threads of its own, and keeps what can be looked at. The templates
// around it (work_coordinator.h and others) add the types.
//
// WAY OF AN ITEM   enqueue: Intake gives a slot (operation_table.h) and queues it. A worker asks
// the
//                  DispatchOrder which slot is next and the SignalGate whether it may run, runs the
//                  body, and puts the slot into the OperationWindow, which lets older ones go. A
//                  slot that left the window returns to the Intake.
// LOCKS            Two: the intake's (producers) and mutex_ (the scheduler: workers between two
//                  bodies, control, the watch of time limits). The intake's may be held when mutex_
//                  is taken, never the other way round. User code (bodies, callbacks, listeners,
//                  destructors of items) runs under neither. Readers of counters, snapshots and
//                  signals take none.
// SLEEP            A worker announces by hungry_ (seq_cst) that it is about to sleep, then looks at
//                  the intake's end; a producer stores the end (seq_cst), then looks at hungry_. So
//                  one of them sees the other.
// THREADS          Made when there is work for them, up to the limit; one that finds nothing to do
//                  for ten seconds leaves. A thread whose body overran its time limit is abandoned:
//                  it shares ownership of all it may still touch, so this object lives until it
//                  ends.
// MEMORY           Slots and the intake's ring; nothing is allocated for an item after warm-up.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/work/async_signals.h"
#include "mayfly/work/dispatch_order.h"
#include "mayfly/work/echo_store.h"
#include "mayfly/work/intake.h"
#include "mayfly/work/lanes.h"
#include "mayfly/work/operation.h"
#include "mayfly/work/operation_table.h"
#include "mayfly/work/operation_window.h"
#include "mayfly/work/signal_gate.h"
#include "mayfly/work/work_counters.h"
#include "mayfly/work/work_options.h"

namespace mayfly {

// What a coordinator does with its items. None of it throws.
class ItemHandler {
 public:
  virtual ~ItemHandler() = default;
  // Runs the body. A failed Status fails the operation.
  virtual Status run(void* item, Operation& operation) = 0;
  virtual void destroy(void* item) = 0;
};

using OperationCallback = std::function<void(const OperationSnapshot&)>;

// Threads abandoned at a time limit that may exist at once; then new work is refused.
constexpr int kAbandonedMax = 8;

class WorkCore : public std::enable_shared_from_this<WorkCore> {
 public:
  // Throws std::invalid_argument for options out of range. Lanes: highest first; none where there
  // are no priorities.
  WorkCore(WorkOptions options, std::unique_ptr<ItemHandler> handler, std::size_t item_bytes,
           std::size_t item_align, std::vector<PriorityLane> lanes);
  ~WorkCore();
  WorkCore(const WorkCore&) = delete;
  WorkCore& operator=(const WorkCore&) = delete;

  // Before the first item.
  OperationTable& table() { return table_; }
  Intake& intake() { return intake_; }
  Lanes& lanes() { return lanes_; }
  const Lanes& lanes() const { return lanes_; }
  void start(std::unique_ptr<DispatchOrder> order);
  // Cancels, and waits for all bodies but abandoned ones. No thread but those runs afterwards.
  void shut_down();

  // fill(item, record) makes the item in raw memory, and may throw: then nothing was enqueued.
  // Waits for room until deadline_ns. kUsage: completed, or a fill that threw; kTryAgain: no room;
  // kUnavailable: too many threads are abandoned.
  template <class Fill>
  Result<OperationId> enqueue(std::int64_t deadline_ns, std::uint16_t lane, Fill&& fill);
  // For `count` items: fill(i, item, record). How many were enqueued before one wasn't, and why.
  template <class Fill>
  std::pair<std::size_t, Status> enqueue_many(std::size_t count, std::int64_t deadline_ns,
                                              Fill&& fill);
  // Makes room, if there is none, by cancelling what is next.
  void drop_oldest_if_full();

  void complete();
  bool completed() const { return intake_.closed(); }
  // Waits until all that was accepted has ended. kUsage before complete().
  Status drain();
  bool drained() const;
  // Waits for a moment at which nothing waits and nothing runs.
  void wait_until_idle();
  void cancel();
  void set_paused(bool paused);
  bool paused() const { return paused_.load(std::memory_order_acquire); }
  Status set_max_concurrency(int limit);
  int max_concurrency() const { return limit_.load(std::memory_order_acquire); }

  WorkCounts counts() const;
  // Slots whose operation passes, by id; too old ones left out.
  template <class Filter>
  std::vector<OperationSnapshot> snapshot(Filter filter) const;
  std::uint64_t pending_with_key(std::uint64_t key_hash) const;
  std::vector<OperationEcho> echoes() const { return echo_store_.list(now_ns()); }

  bool set_pinned(OperationId id, bool pinned);
  bool evict(OperationId id);
  bool try_kill(OperationId id);
  // The operation, if it has ended; else `call` is called when it ends, on the worker's thread.
  // kUsage: no such operation, or it was evicted.
  Result<std::optional<OperationSnapshot>> when_finished(OperationId id, OperationCallback call);

  // Of operations in the window.
  std::vector<Signal> signals(std::string_view glob) const;
  std::vector<Signal> signals_of(OperationId id, std::string_view glob) const;
  SignalSink& sink() { return *sink_; }
  const WorkOptions& options() const { return options_; }
  std::int64_t now_ns() const { return clock_.now_ns(); }

 private:
  class Worker;
  // What is to be done when the lock is no longer held.
  struct Afterwards {
    struct Gone {
      OperationSnapshot snapshot;
      bool raised = false;
    };
    std::vector<Gone> gone;
    std::vector<std::pair<OperationCallback, OperationSnapshot>> calls;
    std::vector<OperationSlot> items;  // to be destroyed; their slots are held until then
    std::vector<std::stop_source> stops;
    std::vector<std::pair<std::string_view, OperationId>> operation_signals;
    bool sample = false;
    bool made_room = false;

    bool any() const {
      return sample || made_room || !gone.empty() || !calls.empty() || !items.empty() ||
             !stops.empty() || !operation_signals.empty();
    }
    void clear();
  };
  using Lock = std::unique_lock<std::mutex>;

  // Workers (worker threads; worker.cc).
  void work(Worker& me);
  bool take_turn(Worker& me, std::int64_t now_ns, std::int64_t& look_again);
  void call_for_more(std::int64_t now_ns);
  bool sleep(Lock& lock, std::int64_t look_again, std::uint64_t looked_at);
  void spin_for_arrivals(Lock& lock);
  bool may_run() const;
  void call_workers(std::size_t count);
  bool add_worker();
  void update_hungry();
  void watch();
  void expire(Worker& worker, std::int64_t now_ns, Afterwards& after);
  void leave_abandoned(Worker& me);
  void poke();

  // Ends of operations, under mutex_.
  void end(OperationSlot slot, OperationState state, std::string_view error, bool ran,
           std::int64_t now_ns, Afterwards& after);
  void let_go(OperationSlot slot, Afterwards& after);
  void drop_item(OperationSlot slot, Afterwards& after);
  void settle(Afterwards& after);
  void cancel_pending(Afterwards& after);
  void tell_if_drained();
  void show_active() { active_shown_.store(active_, std::memory_order_release); }
  bool idle_locked() const;
  bool drained_locked() const { return intake_.closed() && idle_locked(); }
  // Gives the lock up for it, and has it again afterwards.
  void finish_afterwards(Lock& lock, Afterwards& after);
  // Not under mutex_.
  void do_afterwards(Afterwards& after);
  template <class Call>
  void guarded(Call call);

  Result<OperationId> refusal(bool timed_out) const;
  static Status lane_refusal(const Lane& lane);
  void wake_after_enqueue(std::size_t count);
  void subscribe();
  SignalSink& operation_signals();
  std::vector<OperationSnapshot> window() const;
  void keep_window(std::vector<OperationSnapshot>& found) const;

  const WorkOptions options_;
  const SystemClock system_clock_;
  const Clock& clock_;
  const std::unique_ptr<ItemHandler> handler_;
  OperationTable table_;
  Intake intake_;
  Lanes lanes_;
  std::unique_ptr<DispatchOrder> order_;
  OperationWindow window_;
  EchoStore echo_store_;
  std::unique_ptr<SignalSink> own_sink_;
  SignalSink* const sink_;
  std::once_flag operation_signals_made_;
  std::unique_ptr<SignalSink> operation_signals_own_;
  std::atomic<SignalSink*> operation_signals_{nullptr};

  alignas(64) mutable std::mutex mutex_;
  std::condition_variable work_;     // sleeping workers
  std::condition_variable drained_;  // drain(), shut_down()
  std::condition_variable watch_wake_;
  std::unique_ptr<SignalGate> gate_;
  std::list<std::shared_ptr<Worker>> workers_;
  std::unordered_multimap<OperationId, OperationCallback> awaited_;
  int active_ = 0;     // bodies running, without abandoned ones
  int awake_ = 0;      // workers looking for work
  int sleepers_ = 0;   // sleeping, and not called
  int calls_ = 0;      // sleeping, and called
  int live_ = 0;       // threads, without abandoned ones
  int observing_ = 0;  // workers with callbacks to be made
  int idle_waiters_ = 0;
  bool stopping_ = false;
  std::thread watch_;

  std::atomic<int> active_shown_{0};  // active_, for those without the lock
  std::atomic<int> hungry_{0};
  std::atomic<int> limit_;
  std::atomic<int> abandoned_{0};
  std::atomic<int> signalling_{0};  // bodies that use signals right now
  std::atomic<bool> paused_{false};
  WorkCounters counters_;

  std::unique_ptr<AsyncSignals> async_raised_;
  std::unique_ptr<AsyncSignals> async_removed_;
  std::vector<SignalSubscription> subscriptions_;  // last: their listeners use what is above
};

template <class Fill>
Result<OperationId> WorkCore::enqueue(std::int64_t deadline_ns, std::uint16_t lane, Fill&& fill) {
  const std::int64_t now_ns = clock_.now_ns();
  OperationId id = 0;
  {
    Lock lock(intake_.mutex());
    Lane& queue = *lanes_[lane];
    const auto full = [&] { return intake_.room() == 0 || queue.full(); };
    while (!intake_.closed() && full()) {
      if (queue.full() && queue.refuses_when_full()) return lane_refusal(queue);
      if (deadline_ns != kNever && clock_.now_ns() >= deadline_ns) return refusal(true);
      intake_.wait_for_room(lock, clock_, deadline_ns, full);
    }
    if (intake_.closed() || abandoned_.load(std::memory_order_relaxed) >= kAbandonedMax) {
      return refusal(false);
    }
    const OperationSlot slot = intake_.claim(now_ns);
    if (slot == kNoOperationSlot) {
      return Status(Code::kUnavailable, "no memory for another operation");
    }
    OperationRecord& record = table_[slot];
    record.lane = lane;
    try {
      fill(table_.item(slot), record);
    } catch (const std::exception& error) {
      intake_.unclaim(slot);
      return Status(Code::kUsage, std::string("the item wasn't enqueued: ") + error.what());
    } catch (...) {
      intake_.unclaim(slot);
      return Status(Code::kUsage, "the item wasn't enqueued: it threw");
    }
    id = record.id.load(std::memory_order_relaxed);
    queue.enter();
    intake_.push(slot);
    intake_.flush();
  }
  wake_after_enqueue(1);
  return id;
}

template <class Fill>
std::pair<std::size_t, Status> WorkCore::enqueue_many(std::size_t count, std::int64_t deadline_ns,
                                                      Fill&& fill) {
  std::size_t done = 0;
  while (done < count) {
    // One waits for room; then as many as there is room for go in at once.
    auto first = enqueue(deadline_ns, 0,
                         [&](void* item, OperationRecord& record) { fill(done, item, record); });
    if (!first.ok()) return {done, first.status()};
    const std::size_t before = ++done;
    const std::int64_t now_ns = clock_.now_ns();
    {
      const Lock lock(intake_.mutex());
      for (std::uint32_t room = intake_.closed() ? 0 : intake_.room(); room > 0 && done < count;
           --room) {
        const OperationSlot slot = intake_.claim(now_ns);
        if (slot == kNoOperationSlot) break;
        try {
          fill(done, table_.item(slot), table_[slot]);
        } catch (...) {
          intake_.unclaim(slot);
          break;  // the next turn of the loop meets it again, and says what it was
        }
        intake_.push(slot);
        ++done;
      }
      intake_.flush();
    }
    wake_after_enqueue(done - before);
  }
  return {done, Status()};
}

template <class Filter>
std::vector<OperationSnapshot> WorkCore::snapshot(Filter filter) const {
  std::vector<OperationSnapshot> found;
  const std::int64_t now = clock_.now_ns();
  for (OperationSlot slot = 0; slot < table_.size(); ++slot) {
    auto one = table_.read(slot);
    if (!one || !filter(*one)) continue;
    if (one->finished() && !one->pinned && window_.too_old(one->finished_ns, now)) continue;
    found.push_back(std::move(*one));
  }
  std::ranges::sort(found, {}, &OperationSnapshot::id);
  keep_window(found);
  return found;
}

}  // namespace mayfly
