// WorkCore: the machine that all coordinators share: it takes items in, decides when and in what
// order they run, runs them on threads of its own, and keeps what can be looked at. The templates
// around it (work_coordinator.h and others) add the types.
//
// WAY OF AN ITEM   enqueue: Intake gives a slot (operation_table.h) and queues it. A worker asks
//                  the DispatchOrder which slot is next and the SignalGate whether it may run, runs
//                  the body, and puts the slot into the OperationWindow, which lets older ones go.
//                  A slot that left the window returns to the Intake.
// LOCKS            Two: the intake's (producers) and mutex_ (the scheduler: workers between two
//                  bodies, control, the watch of time limits). The intake's may be held when mutex_
//                  is taken, never the other way round. User code (bodies, callbacks, listeners,
//                  moves and destructors of items) runs under neither; keys alone are compared and
//                  copied under mutex_ (key_index.h). Readers of counters, snapshots and signals
//                  take none.
// SLEEP            A worker announces by hungry_ (seq_cst) that it is about to sleep, then looks at
//                  the intake's end; a producer stores the end (seq_cst), then looks at hungry_. So
//                  one of them sees the other. The same holds wherever hungry_ rises: the intake is
//                  looked at afterwards.
// THREADS          Made when there is work for them, up to the limit; one that finds nothing to do
//                  for ten seconds leaves. A thread whose body overran its time limit is abandoned:
//                  it shares ownership of all it may still touch, so this object lives until it
//                  ends.
// END OF A BODY    With a time limit, Worker::decide() says once whether the body returned or is
//                  abandoned; only who decides ends the operation. So a result that comes too late
//                  is nobody's.
// KILLED           An operation that is killed while it waits has ended, for counts and waiters.
//                  Its record and its item stay in line until their turn (held).
// GOING            shut_down() waits for bodies, observers and listeners, but never for those that
//                  the calling thread is in (work_frame.h), nor for abandoned ones: they find the
//                  sink closed (sink_uses.h), and this object lives until the last of them ends.
// MEMORY           Slots and the intake's ring; nothing is allocated for an item after warm-up.
//
// Its parts: enqueue.h (items come in), work_core.cc (the beginning), work_shut_down.cc,
// work_control.cc, work_ends.cc (ends of operations), work_look.cc, worker.cc (turns),
// worker_threads.cc (sleeping and waking), body_watch.cc (time limits).
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
#include "mayfly/work/own_listeners.h"
#include "mayfly/work/signal_gate.h"
#include "mayfly/work/sink_uses.h"
#include "mayfly/work/work_counters.h"
#include "mayfly/work/work_frame.h"
#include "mayfly/work/work_options.h"

namespace mayfly {

// What a coordinator does with its items. None of it throws.
class ItemHandler {
 public:
  virtual ~ItemHandler() = default;
  // Runs the body. A failed Status fails the operation. `value` is what it made, if anything.
  virtual Status run(void* item, Operation& operation, std::shared_ptr<const void>& value) = 0;
  virtual void destroy(void* item) = 0;
  // Whether ended() and placed() are to be called.
  virtual bool keeps_ends() const { return false; }
  // For each operation once, before it can be looked up no more and before anybody is told.
  // `value`: of a body that returned in time. Perhaps under the scheduler's lock, but then without
  // a value: it runs no code of users.
  virtual void ended(OperationId, OperationState, std::string_view, std::shared_ptr<const void>) {}
  // Behind that, under the scheduler's lock: it has ended for everybody, as the newest. Returns
  // what it pushed out, to be destroyed without a lock; may_push_out: there is a place for that.
  virtual std::shared_ptr<const void> placed(OperationId, bool /*may_push_out*/) { return nullptr; }
  // It is pinned, or isn't any more, before or after its end. Returns what was kept for that alone,
  // to be destroyed without a lock.
  virtual std::shared_ptr<const void> pinned(OperationId, bool /*is*/) noexcept { return nullptr; }
};

// How many of several items were taken, and why no more were.
struct EnqueuedMany {
  std::size_t count = 0;
  Status status = {};
};

// Told of the end of one operation.
using OperationCallback = std::function<void(const OperationSnapshot&)>;

// So many threads abandoned at a time limit, and no further thread is made, and new work is
// refused. Those that run by then may be abandoned too: with a limit of L there are never more than
// L + kAbandonedMax - 1 threads.
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
  // Cancels, and waits for all bodies but abandoned ones and those that this thread is in. Without
  // the latter, no thread but abandoned ones runs afterwards.
  void shut_down();

  // `arrival` makes an item (enqueue.h); when it throws, nothing was enqueued. Waits for room until
  // deadline_ns. kUsage: completed, or an arrival that threw; kTryAgain: no room; kUnavailable: too
  // many threads are abandoned, or no memory.
  template <class Arrival>
  Result<OperationId> enqueue(std::int64_t deadline_ns, std::uint16_t lane, Arrival& arrival);
  // For `count` items, arrival(i) each, which are quick. ids: null, or where their ids go.
  template <class ArrivalOf>
  EnqueuedMany enqueue_many(std::size_t count, ArrivalOf arrival_of, std::vector<OperationId>* ids);
  // Makes room, if there is none, by cancelling what is next.
  void drop_oldest_if_full();

  void complete();
  bool completed() const { return intake_.closed(); }
  // Waits until all that was accepted has ended. kUsage before complete(), and from within a body,
  // an observer or a callback of this coordinator.
  Status drain();
  bool drained() const;
  // Waits for a moment at which nothing waits and nothing runs. kUsage from within.
  Status wait_until_idle();
  void cancel();
  void set_paused(bool paused);
  bool paused() const { return paused_.load(std::memory_order_acquire); }
  Status set_max_concurrency(int limit);
  int max_concurrency() const { return limit_.load(std::memory_order_acquire); }

  WorkCounts counts() const;
  // Slots whose operation passes, by id; too old ones left out.
  template <class Filter>
  std::vector<OperationSnapshot> snapshot(Filter filter) const;
  // One that waits, runs or is in the window.
  std::optional<OperationSnapshot> find(OperationId id) const;
  // `key` is of the coordinator's key type. Takes the scheduler's lock.
  std::uint64_t pending_with_key(std::uint64_t key_hash, const void* key) const;
  std::vector<OperationEcho> echoes() const { return echo_store_.list(now_ns()); }

  bool set_pinned(OperationId id, bool pinned);
  bool evict(OperationId id);
  bool try_kill(OperationId id);
  // Calls back on this thread; what it throws is counted.
  void call_back(const OperationCallback& call, const OperationSnapshot& ended);
  // The operation, if it has ended; else `call` is called when it ends, on the worker's thread.
  // kUsage: no such operation, or it was evicted.
  Result<std::optional<OperationSnapshot>> when_finished(OperationId id, OperationCallback call);
  // Waits for its end. kUsage also from within, unless it has ended, or this is a callback on a
  // worker's thread and another worker can run it.
  Result<OperationSnapshot> wait(OperationId id);

  // Of operations in the window.
  std::vector<Signal> signals(std::string_view glob) const;
  std::vector<Signal> signals_of(OperationId id, std::string_view glob) const;
  SignalSink& sink() { return *sink_; }
  const WorkOptions& options() const { return options_; }
  std::int64_t now_ns() const { return clock_.now_ns(); }

 private:
  class Worker;
  class BlockedWorker;
  using Lock = std::unique_lock<std::mutex>;
  // Who waits for the end of an operation, and what is to be told.
  struct Waiter {
    OperationCallback call;
    OperationSnapshot ended = {};
  };
  // What is to be done when the lock is no longer held. What must not be lost is put here without
  // allocating; what is left out because there is no memory for it is counted.
  struct Afterwards {
    struct Gone {
      OperationSnapshot snapshot;
      bool raised = false;
    };
    std::vector<std::shared_ptr<const void>> values;  // that newer ends pushed out
    std::vector<Gone> gone;
    std::list<Waiter> calls;
    // Items to be destroyed, linked by their records' groups; their slots are held until then.
    OperationSlot first_item = kNoOperationSlot;
    OperationSlot last_item = kNoOperationSlot;
    std::list<std::stop_source> stops;
    std::vector<std::pair<std::string_view, OperationId>> operation_signals;
    bool sample = false;
    bool made_room = false;

    bool any() const {
      return sample || made_room || !values.empty() || !gone.empty() || !calls.empty() ||
             first_item != kNoOperationSlot || !stops.empty() || !operation_signals.empty();
    }
    void clear();
  };

  // Turns of workers (worker.cc).
  void work(Worker& me);
  bool run_body(Worker& me, Lock& lock, bool limited, std::int64_t& now_ns, Status& outcome);
  bool take_turn(Worker& me, std::int64_t now_ns, std::int64_t& look_again);
  bool may_run() const;

  // Sleeping, waking, threads (worker_threads.cc).
  void call_for_more(std::int64_t now_ns);
  bool sleep(Lock& lock, std::int64_t look_again, std::uint64_t looked_at);
  void spin_for_arrivals(Lock& lock);
  void call_workers(std::uint64_t count);
  bool add_worker();
  void leave(Worker& me);
  void update_hungry();
  void wake_after_enqueue(std::size_t count) {
    if (hungry_.load(std::memory_order_seq_cst) != 0) wake_for_arrivals(count);
  }
  void wake_for_arrivals(std::size_t count);
  void poke();

  // Time limits (body_watch.cc).
  void watch();
  void expire(Worker& worker, std::int64_t now_ns, Afterwards& after);
  void leave_abandoned(Worker& me);
  void cancel_if_nobody_comes(Afterwards& after);

  // Ends of operations, under mutex_ (work_ends.cc).
  void place_end(OperationId id, Afterwards& after);
  std::shared_ptr<const void> forget_pin(const OperationRecord& record) noexcept;
  void note_end(OperationSlot slot, OperationState state, std::string_view error,
                std::int64_t now_ns, Afterwards& after);
  void end(OperationSlot slot, OperationState state, std::string_view error, bool ran,
           std::int64_t now_ns, Afterwards& after);
  void discard(OperationSlot slot, OperationState state, std::int64_t now_ns, Afterwards& after);
  void let_go(OperationSlot slot, Afterwards& after);
  void settle(Afterwards& after);
  void cancel_pending(Afterwards& after);
  // Gives the lock up for it, and has it again afterwards.
  void finish_afterwards(Lock& lock, Afterwards& after);
  // Not under mutex_.
  void do_afterwards(Afterwards& after) noexcept;
  void add_echo(const Afterwards::Gone& gone);
  OperationSnapshot snapshot_of(OperationSlot slot) const noexcept;

  void tell_if_drained();
  template <class Condition>
  void wait_until(Lock& lock, Condition condition);
  void show_active() { active_shown_.store(active_, std::memory_order_release); }
  bool idle_locked() const;
  bool drained_locked() const { return intake_.closed() && idle_locked(); }
  static Status self_wait(std::string_view call);

  template <class Call>
  void guarded(Call call) {
    try {
      call();
    } catch (...) {
      counters_.observer_failures.fetch_add(1, std::memory_order_relaxed);
    }
  }
  static void end_thread(std::thread& thread, bool by_itself);
  void keep_until_raise_ends();

  Result<OperationId> refusal(bool timed_out) const;
  Status lane_refusal(const Lane& lane) const;
  template <class Arrival>
  Status make_item(OperationSlot slot, Arrival& arrival);
  template <class Arrival>
  Status fill(Lock& lock, OperationSlot slot, Arrival& arrival);
  void subscribe();
  std::unique_ptr<SignalGate> make_gate(GateOptions options);
  SignalSink& operation_signals();
  std::vector<OperationSnapshot> window() const;
  void keep_window(std::vector<OperationSnapshot>& found) const;
  bool shown(const OperationSnapshot& one, std::int64_t now_ns) const;

  const WorkOptions options_;
  const SystemClock system_clock_;
  const Clock& clock_;
  const std::unique_ptr<ItemHandler> handler_;
  const bool keeps_ends_;
  const std::string time_limit_error_;
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
  std::unordered_map<OperationId, std::list<Waiter>> awaited_;
  int active_ = 0;     // bodies running, without abandoned ones
  int awake_ = 0;      // workers looking for work
  int sleepers_ = 0;   // sleeping, and not called
  int calls_ = 0;      // sleeping, and called
  int observing_ = 0;  // workers with callbacks to be made
  int idle_waiters_ = 0;
  bool stopping_ = false;
  std::thread watch_;

  std::atomic<int> active_shown_{0};  // active_, for those without the lock
  WorkCounters counters_;

  // Changed rarely, and looked at by everybody, so on lines that no turn of a worker changes.
  alignas(64) std::atomic<int> hungry_{0};
  std::atomic<int> live_{0};  // threads, without abandoned ones; written under the lock
  std::atomic<int> limit_;
  std::atomic<int> abandoned_{0};
  std::atomic<int> blocked_{0};  // workers whose callbacks wait for an operation
  std::atomic<bool> paused_{false};
  SinkUses sink_uses_{this};

  std::shared_ptr<AsyncSignals> async_raised_;
  std::shared_ptr<AsyncSignals> async_removed_;
  OwnListeners listeners_{this};
};

template <class Filter>
std::vector<OperationSnapshot> WorkCore::snapshot(Filter filter) const {
  std::vector<OperationSnapshot> found;
  const std::int64_t now = clock_.now_ns();
  for (OperationSlot slot = 0; slot < table_.size(); ++slot) {
    auto one = table_.read(slot);
    if (!one || !filter(*one) || !shown(*one, now)) continue;
    found.push_back(std::move(*one));
  }
  std::ranges::sort(found, {}, &OperationSnapshot::id);
  keep_window(found);
  return found;
}

}  // namespace mayfly
