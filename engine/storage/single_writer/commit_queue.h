// CommitQueue: many threads' writes into groups, one group at a time, without a thread hop when
// nothing else is under way.
//
// Whoever brings a write while nobody leads, leads: it executes its own write, together with what
// others queued meanwhile. So a lone writer pays for one exchange, and while one group waits for
// the disk the next one gathers by itself. What nobody waits for (post) is led by a thread of the
// queue's own.
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
// FAIRNESS   In the order of the pushes. A leader whose own request is done passes leadership on,
//            to the first that waits or to the queue's thread, so that no caller works for others
//            without end. One that is to be executed by its owner is passed leadership when it is
//            first in line.
// MEMORY     Requests are linked; nothing is allocated after construction.
// THREADS    run, post: any. Executor: called by one thread at a time, mostly different ones.
// SOURCE     Flat combining: Hendler, Incze, Shavit, Tzafrir, "Flat Combining and the
//            Synchronization-Parallelism Tradeoff" (SPAA 2010); group commit: DeWitt et al. (1984).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <thread>
#include <vector>

#include "mayfly/data/semaphore.h"

namespace mayfly {

class CommitQueue {
 public:
  // One write; derived from by what is to be written.
  class Request {
   public:
    // alone: in a group of its own. by_owner: by the thread that brought it, which then leads.
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
    const bool alone_;
    const bool by_owner_;
    bool posted_ = false;
  };

  class Executor {
   public:
    virtual ~Executor() = default;
    // 1 to group_max requests, in order; when it returns, each has its result.
    virtual void execute(std::span<Request* const> group) noexcept = 0;
  };

  // group_max: at least 1.
  CommitQueue(Executor& executor, std::size_t group_max);
  // What was posted is executed first. Nobody calls any more.
  ~CommitQueue();
  CommitQueue(const CommitQueue&) = delete;
  CommitQueue& operator=(const CommitQueue&) = delete;

  // Returns once it has been executed. Not from within the executor.
  void run(Request& request);
  // Returns at once; on_done() follows. The request lives until then. Not one by its owner.
  void post(Request& request);

 private:
  void push(Request& request);
  bool try_to_lead();
  // own: the leader's, nullptr: the queue's thread.
  void lead(Request* own);
  void gather();
  void pass_on();
  void pass_to(Request& request);
  void execute_group();
  void work();

  Executor& executor_;
  const std::size_t group_max_;
  alignas(64) std::atomic<Request*> head_{nullptr};
  alignas(64) std::atomic<bool> leading_{false};
  // The leader's: what waits, in order, and the group that is executed.
  Request* first_ = nullptr;
  Request* last_ = nullptr;
  std::vector<Request*> group_;

  std::atomic<bool> handed_{false};
  std::atomic<bool> stopping_{false};
  Semaphore posted_;
  std::thread thread_;
};

}  // namespace mayfly
