// Coordinator: what all coordinators have in common: control, counts, the window, signals, waiting.
//
// A coordinator takes items, runs a body for each on threads of its own, at most max_concurrency at
// once, and keeps a bounded window of operations that can be looked at.
//
// LIFE       complete(): nothing more is taken. drain(): waits until all that was taken has ended.
//            cancel(): what waits is cancelled and counted, what runs is told to stop. Any order,
//            any number of times, any thread. Destruction cancels, and waits for running bodies (it
//            raises "coordinator.destroy.waiting" every ten seconds), observers and listeners.
// WITHIN     drain(), wait() and wait_until_idle() wait for bodies and observers, so in a body, an
//            observer or a callback of the same coordinator they return kUsage at once (but wait()
//            in a callback that a worker calls waits as long as another worker is left to run what
//            it waits for). Destruction there waits for nothing: what runs goes on without the
//            object, its signals go nowhere, observers are called no more, and what a callback
//            waits for is still told. What the options and the bodies borrow must outlive them
//            (WorkOptions::keep_alive). In a listener of its own, destruction waits for all but
//            that listener.
// ABANDONED  Bodies past their time limit are never waited for. They may outlive the object and
//            then reach nothing of it, with one exception that nobody can take back: a raise that
//            they were in the midst of. When its listener doesn't return, the sink and what the
//            listener uses must live on, or be kept by WorkOptions::keep_alive.
// THREADS    Any thread may call anything; the destructor once, when nobody else calls. Counts,
//            snapshots and signals take no lock.
// ERRORS     Constructors throw std::invalid_argument for options out of range and null callables.
//            Everything later returns a Status, and throws nothing but, without memory,
//            std::bad_alloc:
// NO MEMORY  enqueue() and its like, wait() and on_done() say kUnavailable (but a keyed
//            enqueue_dropping_oldest() throws std::bad_alloc, and a key or a copy of the item that
//            can't be made is told like one that threw). What returns lists or operations
//            (snapshot(), find(), signals() and their like) throws std::bad_alloc, and so does
//            everything where there is none for a Status. Control (cancel(), drain(), try_kill(),
//            pin() and the like) needs none and loses nothing: what waits is told, perhaps without
//            its texts; calls of on_finalized and echoes that are left out are counted
//            (WorkCounts::observer_failures). A worker's thread, whose lists of keys can't grow, or
//            that has no memory for the Status of a body that failed, ends the process.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/work/no_memory.h"
#include "mayfly/work/operation_snapshot.h"
#include "mayfly/work/work_core.h"

namespace mayfly {

class OperationAwaiter;

class Coordinator {
 public:
  Coordinator(const Coordinator&) = delete;
  Coordinator& operator=(const Coordinator&) = delete;

  // No more items. Idempotent.
  void complete() { core_->complete(); }
  bool completed() const { return core_->completed(); }
  // Waits until every accepted operation has ended and its observers were called; ends a pause.
  // kUsage before complete(), and from within.
  virtual Status drain() { return core_->drain(); }
  bool drained() const { return core_->drained(); }
  // Waits for a moment at which nothing waits and nothing runs; ends a pause. More may come. kUsage
  // from within.
  Status wait_until_idle() { return core_->wait_until_idle(); }
  // Completes; what waits is cancelled, what runs is told to stop.
  void cancel() { core_->cancel(); }

  // While paused nothing starts. Operations that are killed meanwhile keep their places in line,
  // and so the room they take, until it is resumed.
  void pause() { core_->set_paused(true); }
  void resume() { core_->set_paused(false); }
  bool paused() const { return core_->paused(); }
  // With dynamic_concurrency: from now on as many at once. Fewer: running bodies end by themselves,
  // and none starts until there is room. kUsage: not dynamic, or below 1.
  Status set_max_concurrency(int limit) { return core_->set_max_concurrency(limit); }
  int max_concurrency() const { return core_->max_concurrency(); }

  WorkCounts counts() const { return core_->counts(); }
  std::uint64_t pending_count() const { return counts().pending; }
  std::uint64_t active_count() const { return counts().active; }

  // What ran or runs and is in the window, by id; and parts of it. Waiting ones: pending().
  std::vector<OperationSnapshot> snapshot() const;
  std::vector<OperationSnapshot> running() const;
  std::vector<OperationSnapshot> completed_operations() const;  // that ended, well or not
  std::vector<OperationSnapshot> failed() const;
  std::vector<OperationSnapshot> pending() const;
  // One operation, waiting, running or in the window.
  std::optional<OperationSnapshot> find(OperationId id) const { return core_->find(id); }

  // Pinned operations stay in the window. False: no such operation.
  bool pin(OperationId id) { return core_->set_pinned(id, true); }
  bool unpin(OperationId id) { return core_->set_pinned(id, false); }
  // Takes a finished operation out of the window, pinned or not, without telling anybody.
  bool evict(OperationId id) { return core_->evict(id); }
  // Ends an operation's stay: a waiting one is cancelled now (its item is destroyed when its turn
  // comes), a running one is told to stop and leaves the window when it ends, a finished one leaves
  // now. on_finalized is told.
  bool try_kill(OperationId id) { return core_->try_kill(id); }
  // Signals of operations that were evicted a short while ago.
  std::vector<OperationEcho> echoes() const { return core_->echoes(); }

  // Signals that operations of the window have raised (not others of the sink), oldest first. The
  // newest are kept, eight times max_tracked_operations and at least 1,000, of all together.
  std::vector<Signal> signals(std::string_view glob = "*") const { return core_->signals(glob); }
  std::vector<Signal> signals_since(std::int64_t since_ns, std::string_view glob = "*") const;
  std::vector<Signal> signals_of(OperationId id, std::string_view glob = "*") const {
    return core_->signals_of(id, glob);
  }
  // By exact name; the globs `*` and `?` work too.
  bool has_signal(std::string_view glob) const { return count_signals(glob) > 0; }
  std::size_t count_signals(std::string_view glob = "*") const { return signals(glob).size(); }
  // Of the coordinator's clock.
  std::int64_t now_ns() const { return core_->now_ns(); }
  // The sink that operations raise on: the one from the options, or the coordinator's own.
  SignalSink& sink() { return core_->sink(); }

  // Blocks until the operation has ended. kUsage: unknown, or evicted: one that was cancelled, or
  // killed while it ran, leaves at once, one that was killed while it waited at its turn in line,
  // and a call that comes after that finds none; or from within, unless it has ended already.
  Result<OperationSnapshot> wait(OperationId id) {
    return unless_no_memory([&] { return core_->wait(id); });
  }
  // Calls back when it has ended: at once on this thread if it has, else on the thread that ran it.
  Status on_done(OperationId id, OperationCallback call);
  // co_await coordinator.done(id): Result<OperationSnapshot>; resumes where on_done calls back.
  OperationAwaiter done(OperationId id);

 protected:
  explicit Coordinator(std::shared_ptr<WorkCore> core) : core_(std::move(core)) {}
  virtual ~Coordinator() { core_->shut_down(); }
  const std::shared_ptr<WorkCore>& shared_core() const { return core_; }
  WorkCore& core() { return *core_; }
  const WorkCore& core() const { return *core_; }

 private:
  friend class OperationAwaiter;
  const std::shared_ptr<WorkCore> core_;
};

// What co_await on an operation's end uses.
class OperationAwaiter {
 public:
  OperationAwaiter(WorkCore& core, OperationId id) : core_(core), id_(id) {}

  bool await_ready() const { return false; }
  // False: it has ended already, or there is none.
  bool await_suspend(std::coroutine_handle<> handle) {
    auto ended = unless_no_memory([&] {
      return core_.when_finished(id_, [this, handle](const OperationSnapshot& snapshot) {
        result_ = copy_of(snapshot);
        handle.resume();
      });
    });
    if (ended.ok() && !ended->has_value()) return true;  // nothing of this may be touched any more
    result_ = ended.ok() ? Result<OperationSnapshot>(std::move(**ended))
                         : Result<OperationSnapshot>(ended.status());
    return false;
  }
  Result<OperationSnapshot> await_resume() { return std::move(*result_); }

 private:
  WorkCore& core_;
  const OperationId id_;
  std::optional<Result<OperationSnapshot>> result_;
};

inline OperationAwaiter Coordinator::done(OperationId id) { return {*core_, id}; }

}  // namespace mayfly
