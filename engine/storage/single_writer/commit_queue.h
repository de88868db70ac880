// CommitQueue: many threads' writes into groups, one group at a time, without a thread hop when
// nothing else is under way.
//
// Whoever brings a write while nobody leads, leads: it executes its own write, together with what
// others queued meanwhile. So a lone writer pays for one exchange, and while one group waits for
// the disk the next one gathers by itself. What nobody waits for (post) is led by a thread of the
// queue's own, which accept() starts.
//
// All who write to a database in a process stand in one queue (shared_database.h), so none of them
// ever meets another's lock: requests of different executors take turns.
//
// PROTOCOL   head      a stack of queued requests. Anyone pushes (compare-exchange, release); the
//                      leader alone takes all of it (exchange, acquire), and turns it round.
//            leading   whoever changes false -> true leads, and owns the list of what waits until
//                      it passes leadership on or stores false. After storing false it looks at
//                      head once more: a push before that store saw `true` and relies on it. Both
//                      sides store one word and read the other (head, leading), so both are
//                      sequentially consistent (Dekker).
//            state     of a request: QUEUED -> DONE by the leader (release; the result is there),
//                      or QUEUED -> LEAD: its own thread is to lead, and owns the list (release);
//                      that thread stores QUEUED again. After DONE the leader doesn't touch a
//                      request that somebody waits for: it lives on that thread's stack.
//            handed    true: leadership passes to the queue's thread, with a permit (release).
//            callers, looks, looking   only save a sleep, or don't (relaxed): while groups are
//            quick and callers few, one of them at a time looks at its request's state for some
//            dozens of microseconds before it sleeps.
// FAIRNESS   In the order of the pushes. A leader whose own request is done passes leadership on,
//            to the first that waits or to the queue's thread, so that no caller works for others
//            without end; where groups are quick, after kGroupsForOthers, since waking another
//            thread takes longer than they do. One that is to be executed by its owner is passed
//            leadership when it is first in line.
// MEMORY     Requests are linked; nothing is allocated but in accept().
// THREADS    run, post, is_within: any. Executor: called by one thread at a time, mostly different
//            ones.
// SOURCE     Flat combining: Hendler, Incze, Shavit, Tzafrir, "Flat Combining and the
//            Synchronization-Parallelism Tradeoff" (SPAA 2010); group commit: DeWitt et al. (1984).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "mayfly/base/function_ref.h"
#include "mayfly/data/semaphore.h"
#include "mayfly/storage/single_writer/within_writer.h"

namespace mayfly {

class CommitQueue {
 public:
  class Executor;

  // One write; derived from by what is to be written.
  class Request {
   public:
    // alone: in a group of its own, as those of other executors are to each other. by_owner: by
    // the thread that brought it, which then leads.
    explicit Request(bool alone = false, bool by_owner = false)
        : alone_(alone), by_owner_(by_owner) {}
    virtual ~Request() = default;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    // Of one that was posted: it has been executed, and is the callee's from now on. Called by the
    // leader; neither throws nor writes into the queue.
    virtual void on_done() noexcept {}

   private:
    friend class CommitQueue;
    enum State : std::uint32_t { kQueued, kLead, kDone };

    std::atomic<std::uint32_t> state_{kQueued};
    Request* next_ = nullptr;
    Executor* executor_ = nullptr;
    const bool alone_;
    const bool by_owner_;
    bool posted_ = false;
  };

  class Executor {
   public:
    virtual ~Executor() = default;
    // 1 to group_max requests, in order; when it returns, each has its result.
    virtual void execute(std::span<Request* const> group) noexcept = 0;
    // The last group took microseconds, and the next one may. Asked by the leader.
    virtual bool is_quick() const noexcept { return false; }
  };

  // That a leader executes for others once its own is done, of a quick executor.
  static constexpr int kGroupsForOthers = 64;

  // Each request is a group of its own until accept().
  CommitQueue() { group_.reserve(1); }
  // What was posted is executed first. Nobody calls any more.
  ~CommitQueue();
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  // From now on groups have up to so many requests (at least 1), and what is posted is executed.
  // Called by an executor, within its turn. std::system_error, std::bad_alloc: nothing has changed.
  void accept(std::size_t group_max);

  // Returns once the executor, which lives until then, has executed it. Not from within.
  void run(Request& request, Executor& executor);
  // Returns at once; on_done() follows. Request and executor live until then. Not one by its owner,
  // and not before accept().
  void post(Request& request, Executor& executor);

  // Calls work() on this thread, alone, between the groups of others; not from within. What it
  // throws passes through.
  void take_turn(FunctionRef<void()> work);
  // The same of a function that gives something.
  template <class Work>
  requires(!std::is_void_v<std::invoke_result_t<Work&>>) auto take_turn(Work&& work) {
    std::optional<std::invoke_result_t<Work&>> made;
    take_turn(FunctionRef<void()>([&] { made.emplace(work()); }));
    return std::move(*made);
  }

  // This thread is executing a group of this queue, or telling that it is done.
  bool is_within() const { return WithinWriter::is(this); }

 private:
  void push(Request& request, Executor& executor);
  bool try_to_lead();
  // own: the leader's, nullptr: the queue's thread.
  void lead(Request* own);
  void gather();
  void pass_on();
  void pass_to(Request& request);
  void execute_group();
  void look_at(const Request& request);
  void work();

  alignas(64) std::atomic<Request*> head_{nullptr};
  alignas(64) std::atomic<bool> leading_{false};
  // The leader's: what waits, in order, and the group that is executed.
  Request* first_ = nullptr;
  Request* last_ = nullptr;
  std::vector<Request*> group_;
  std::size_t group_max_ = 1;

  bool quick_ = false;                       // the last group's executor
  alignas(64) std::atomic<int> callers_{0};  // in run()
  std::atomic<bool> looks_{false};           // the last group was quick
  std::atomic<bool> looking_{false};
  std::atomic<bool> handed_{false};
  std::atomic<bool> stopping_{false};
  Semaphore posted_;
  std::thread thread_;
};

}  // namespace mayfly
