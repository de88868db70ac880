#include "mayfly/storage/single_writer/commit_queue.h"

#include <algorithm>
#include <exception>

#include "mayfly/base/thread_name.h"

namespace mayfly {

CommitQueue::~CommitQueue() {
  if (!thread_.joinable()) return;
  stopping_.store(true, std::memory_order_release);
  posted_.release();
  thread_.join();
}

void CommitQueue::accept(std::size_t group_max) {
  group_.reserve(group_max);
  if (!thread_.joinable()) thread_ = std::thread([this] { work(); });
  group_max_ = std::max<std::size_t>(group_max, 1);
}

void CommitQueue::run(Request& request, Executor& executor) {
  callers_.fetch_add(1, std::memory_order_relaxed);
  push(request, executor);
  bool leads = try_to_lead();
  for (;;) {
    if (leads) {
      lead(&request);
    } else {
      look_at(request);
    }
    // Acquire: pairs with the leader's release, so that the result, or the list, is visible.
    request.state_.wait(Request::kQueued, std::memory_order_acquire);
    if (request.state_.load(std::memory_order_acquire) == Request::kDone) break;
    // Leadership may be passed on before this request is done.
    request.state_.store(Request::kQueued, std::memory_order_relaxed);
    leads = true;
  }
  callers_.fetch_sub(1, std::memory_order_relaxed);
}

// A wake-up takes several quick groups' time. Of many callers none looks, and of few one: it would
// take a processor from those who have something to write, so that groups become small.
void CommitQueue::look_at(const Request& request) {
  constexpr int kLooks = 2000;  // some dozens of microseconds
  constexpr int kFew = 4;
  if (!looks_.load(std::memory_order_relaxed)) return;
  if (callers_.load(std::memory_order_relaxed) > kFew) return;
  if (looking_.exchange(true, std::memory_order_relaxed)) return;
  for (int i = 0; i < kLooks; ++i) {
    if (request.state_.load(std::memory_order_relaxed) != Request::kQueued) break;
    __builtin_ia32_pause();
  }
  looking_.store(false, std::memory_order_relaxed);
}

void CommitQueue::post(Request& request, Executor& executor) {
  request.posted_ = true;
  push(request, executor);
  // A leader that there is takes it along, or wakes the thread when it leaves.
  if (!leading_.load(std::memory_order_seq_cst)) posted_.release();
}

namespace {

// A caller's function as a request that executes itself.
class Turn final : public CommitQueue::Request, public CommitQueue::Executor {
 public:
  explicit Turn(FunctionRef<void()> work) : Request(true, true), work_(work) {}
  void execute(std::span<Request* const>) noexcept override {
    try {
      work_();
    } catch (...) {
      thrown_ = std::current_exception();
    }
  }
  const std::exception_ptr& thrown() const { return thrown_; }

 private:
  const FunctionRef<void()> work_;
  std::exception_ptr thrown_;
};

}  // namespace

void CommitQueue::take_turn(FunctionRef<void()> work) {
  Turn turn(work);
  run(turn, turn);
  if (turn.thrown()) std::rethrow_exception(turn.thrown());
}

void CommitQueue::push(Request& request, Executor& executor) {
  request.executor_ = &executor;
  Request* head = head_.load(std::memory_order_relaxed);
  do {
    request.next_ = head;
  } while (!head_.compare_exchange_weak(head, &request, std::memory_order_seq_cst,
                                        std::memory_order_relaxed));
}

bool CommitQueue::try_to_lead() { return !leading_.exchange(true, std::memory_order_seq_cst); }

void CommitQueue::lead(Request* own) {
  int for_others = 0;
  for (;;) {
    gather();
    while (first_ != nullptr) {
      if (first_->by_owner_ && first_ != own) {
        pass_to(*first_);
        return;
      }
      execute_group();
      gather();
      const bool served =
          own != nullptr && own->state_.load(std::memory_order_relaxed) == Request::kDone;
      if (served && first_ != nullptr) {
        if (!quick_ || ++for_others > kGroupsForOthers) {
          pass_on();
          return;
        }
      }
    }
    leading_.store(false, std::memory_order_seq_cst);
    // Partner: a push that saw `true` just before.
    if (head_.load(std::memory_order_seq_cst) == nullptr || !try_to_lead()) return;
  }
}

// What was pushed since, behind what waits.
void CommitQueue::gather() {
  Request* newest = head_.exchange(nullptr, std::memory_order_acquire);
  if (newest == nullptr) return;
  Request* oldest = nullptr;
  Request* const last = newest;
  while (newest != nullptr) {
    Request* const next = newest->next_;
    newest->next_ = oldest;
    oldest = newest;
    newest = next;
  }
  (first_ == nullptr ? first_ : last_->next_) = oldest;
  last_ = last;
}

// To the first that somebody waits for; without one, to the queue's thread.
void CommitQueue::pass_on() {
  for (Request* request = first_; request != nullptr; request = request->next_) {
    if (request->posted_) continue;
    pass_to(*request);
    return;
  }
  handed_.store(true, std::memory_order_release);
  posted_.release();
}

// Somebody waits for it.
void CommitQueue::pass_to(Request& request) {
  request.state_.store(Request::kLead, std::memory_order_release);
  request.state_.notify_one();
}

void CommitQueue::execute_group() {
  const WithinWriter within(this);
  group_.clear();
  const bool alone = first_->alone_;
  Executor* const executor = first_->executor_;
  do {
    group_.push_back(first_);
    first_ = first_->next_;
  } while (!alone && first_ != nullptr && !first_->alone_ && first_->executor_ == executor &&
           group_.size() < group_max_);
  executor->execute(group_);
  quick_ = executor->is_quick();
  looks_.store(quick_, std::memory_order_relaxed);
  for (Request* request : group_) {
    if (request->posted_) {
      request->on_done();
      continue;
    }
    // Behind the store the request may be gone; the wake-up goes by its address alone.
    request->state_.store(Request::kDone, std::memory_order_release);
    request->state_.notify_one();
  }
}

void CommitQueue::work() {
  name_this_thread("mayfly-commit");
  for (;;) {
    posted_.acquire();
    if (handed_.exchange(false, std::memory_order_acquire) || try_to_lead()) lead(nullptr);
    // Partner: the permit comes after what is handed, and nobody calls once it is stopping.
    if (stopping_.load(std::memory_order_acquire) && !handed_.load(std::memory_order_acquire) &&
        head_.load(std::memory_order_seq_cst) == nullptr) {
      return;
    }
  }
}

}  // namespace mayfly
