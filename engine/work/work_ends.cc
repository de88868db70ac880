// Ends of operations: what they leave in the window, who is told, pins and kills.
#include <condition_variable>
#include <mutex>
#include <new>
#include <utility>

#include "mayfly/work/worker.h"

namespace mayfly {
namespace {

constexpr std::string_view kKilled = "it was killed while it waited";

}  // namespace

// The handler puts it in line behind those that ended before, as the window does.
void WorkCore::place_end(OperationId id, Afterwards& after) {
  bool has_place = true;
  try {
    after.values.emplace_back();
  } catch (const std::bad_alloc&) {
    has_place = false;
  }
  auto pushed_out = handler_->placed(id, has_place);
  if (!has_place) return;
  after.values.back() = std::move(pushed_out);
  if (after.values.back() == nullptr) after.values.pop_back();
}

// Under the lock, of one that leaves the window for good.
std::shared_ptr<const void> WorkCore::forget_pin(const OperationRecord& record) noexcept {
  if (!keeps_ends_ || !record.pinned.load(std::memory_order_relaxed)) return nullptr;
  return handler_->pinned(record.id.load(std::memory_order_relaxed), false);
}

// How it ended, for everybody who looks, counts or waits.
void WorkCore::note_end(OperationSlot slot, OperationState state, std::string_view error,
                        std::int64_t now_ns, Afterwards& after) {
  OperationRecord& record = table_[slot];
  if (keeps_ends_) place_end(record.id.load(std::memory_order_relaxed), after);
  record.finished_ns.store(now_ns, std::memory_order_release);
  if (!error.empty()) record.error.store(error);
  record.state.store(state, std::memory_order_release);
  switch (state) {
    case OperationState::kSucceeded:
      counters_.succeeded.add();
      break;
    case OperationState::kSkipped:
      counters_.skipped.add();
      break;
    case OperationState::kCancelled:
      counters_.cancelled.add();
      break;
    default:
      counters_.failed.add();
  }
  if (record.awaited) {
    const OperationId id = record.id.load(std::memory_order_relaxed);
    const auto found = awaited_.find(id);
    if (found == awaited_.end()) return;
    for (Waiter& waiter : found->second) waiter.ended = snapshot_of(slot);
    after.calls.splice(after.calls.end(), found->second);
    awaited_.erase(found);
  }
}

// Under the lock, of an operation that is there.
OperationSnapshot WorkCore::snapshot_of(OperationSlot slot) const noexcept {
  try {
    return *table_.read(slot);
  } catch (const std::bad_alloc&) {
    return *table_.read_without_texts(slot);
  }
}

void WorkCore::end(OperationSlot slot, OperationState state, std::string_view error, bool ran,
                   std::int64_t now_ns, Afterwards& after) {
  note_end(slot, state, error, now_ns, after);
  if (state == OperationState::kCancelled || table_[slot].killed) {
    window_.finished_and_gone(ran);
    // Its end is the newest, so nothing leaves with the pin.
    forget_pin(table_[slot]);
    let_go(slot, after);
  } else {
    window_.finished(slot, ran);
  }
  for (OperationSlot old; (old = window_.evict_next(now_ns)) != kNoOperationSlot;)
    let_go(old, after);
  if (options_.on_sample) after.sample = true;
}

void WorkCore::let_go(OperationSlot slot, Afterwards& after) {
  OperationRecord& record = table_[slot];
  if (options_.on_finalized || (options_.echoes && record.raised)) {
    guarded([&] { after.gone.push_back({*table_.read(slot), record.raised}); });
  }
  record.evicted = true;
  table_.end(slot);
  if (!record.held) intake_.give_back(slot);
}

// An operation that was taken out of line and isn't to run.
void WorkCore::discard(OperationSlot slot, OperationState state, std::int64_t now_ns,
                       Afterwards& after) {
  OperationRecord& record = table_[slot];
  record.held = true;  // until the item is destroyed
  record.group = kNoOperationSlot;
  (after.first_item == kNoOperationSlot ? after.first_item : table_[after.last_item].group) = slot;
  after.last_item = slot;
  if (record.killed) {  // it has ended already
    let_go(slot, after);
    intake_.leave_dead();
    return;
  }
  const std::string_view why = state == OperationState::kSkipped
                                   ? "a signal said that it isn't to run"
                                   : "it was cancelled while it waited";
  // The handler has it before the slot can be found no more: whoever finds no operation asks it.
  if (keeps_ends_) handler_->ended(record.id.load(std::memory_order_relaxed), state, why, {});
  end(slot, state, why, false, now_ns, after);
  intake_.leave();
}

void WorkCore::settle(Afterwards& after) {
  for (OperationSlot slot = after.first_item; slot != kNoOperationSlot;) {
    OperationRecord& record = table_[slot];
    const OperationSlot next = record.group;
    record.held = false;
    if (record.evicted) intake_.give_back(slot);
    slot = next;
  }
  after.clear();
  --observing_;
  tell_if_drained();
}

void WorkCore::Afterwards::clear() {
  values.clear();
  gone.clear();
  calls.clear();
  first_item = last_item = kNoOperationSlot;
  stops.clear();
  operation_signals.clear();
  sample = false;
  made_room = false;
}

void WorkCore::finish_afterwards(Lock& lock, Afterwards& after) {
  ++observing_;
  lock.unlock();
  do_afterwards(after);
  lock.lock();
  settle(after);
  intake_.flush_given_back();
}

// Each step by itself: what one has no memory for keeps no other from being done.
void WorkCore::do_afterwards(Afterwards& after) noexcept {
  const WorkFrame frame(this, WorkFrame::Kind::kWork);
  after.values.clear();
  for (auto slot = after.first_item; slot != kNoOperationSlot; slot = table_[slot].group) {
    handler_->destroy(table_.item(slot));
  }
  for (std::stop_source& stop : after.stops) guarded([&] { stop.request_stop(); });
  for (const auto& [name, id] : after.operation_signals) {
    guarded([&, name = name, id = id] {
      operation_signals().raise(name, id);
      sink_uses_.use([&] {
        sink_->raise(name, id);
        return 0;
      });
    });
  }
  // Once the coordinator is gone there may be nobody to observe.
  const auto observed = [this] { return !sink_uses_.closed(); };
  for (Afterwards::Gone& gone : after.gone) {
    if (options_.echoes && gone.raised) guarded([&] { add_echo(gone); });
    if (options_.on_finalized && observed()) guarded([&] { options_.on_finalized(gone.snapshot); });
  }
  for (const Waiter& waiter : after.calls) call_back(waiter.call, waiter.ended);
  if (after.sample && observed()) guarded([&] { options_.on_sample(window()); });
  if (after.made_room) intake_.wake_all();
  // What users made is destroyed here, without the lock.
  after.calls.clear();
  after.gone.clear();
  after.stops.clear();
}

void WorkCore::add_echo(const Afterwards::Gone& gone) {
  echo_store_.add({.id = gone.snapshot.id,
                   .key = gone.snapshot.key,
                   .evicted_ns = clock_.now_ns(),
                   .signals = signals_of(gone.snapshot.id, "*")});
}

void WorkCore::call_back(const OperationCallback& call, const OperationSnapshot& ended) {
  guarded([&] { call(ended); });
}

bool WorkCore::set_pinned(OperationId id, bool pinned) {
  const auto self = shared_from_this();  // a callback may destroy the coordinator
  std::shared_ptr<const void> unkept;    // destroyed without the lock
  Lock lock(mutex_);
  const OperationSlot slot = table_.find(id);
  if (slot == kNoOperationSlot) return false;
  OperationRecord& record = table_[slot];
  if (record.pinned.load(std::memory_order_relaxed) == pinned) return true;
  if (record.state.load(std::memory_order_relaxed) < OperationState::kSucceeded) {
    record.pinned.store(pinned, std::memory_order_release);
    if (keeps_ends_) handler_->pinned(id, pinned);  // it has no end that could leave
    return true;
  }
  if (record.killed) return true;
  window_.set_pinned(slot, pinned);
  if (keeps_ends_) unkept = handler_->pinned(id, pinned);
  Afterwards after;
  const std::int64_t now = clock_.now_ns();
  for (OperationSlot old; (old = window_.evict_next(now)) != kNoOperationSlot;) let_go(old, after);
  finish_afterwards(lock, after);
  return true;
}

bool WorkCore::evict(OperationId id) {
  std::shared_ptr<const void> unkept;  // destroyed without the lock
  Lock lock(mutex_);
  const OperationSlot slot = table_.find(id);
  if (slot == kNoOperationSlot) return false;
  OperationRecord& record = table_[slot];
  if (record.state.load(std::memory_order_relaxed) < OperationState::kSucceeded || record.killed) {
    return false;
  }
  window_.evict(slot);
  unkept = forget_pin(record);
  record.evicted = true;
  table_.end(slot);
  if (!record.held) intake_.give_back(slot);
  return true;
}

bool WorkCore::try_kill(OperationId id) {
  const auto self = shared_from_this();
  std::shared_ptr<const void> unkept;  // destroyed without the lock
  Lock lock(mutex_);
  const OperationSlot slot = table_.find(id);
  if (slot == kNoOperationSlot) return false;
  OperationRecord& record = table_[slot];
  if (record.killed) return true;
  Afterwards after;
  switch (record.state.load(std::memory_order_relaxed)) {
    case OperationState::kPending:
      // It ends now. Its record and its item keep their place in line until its turn.
      record.killed = true;
      record.held = true;
      intake_.die();
      lanes_[record.lane]->die();
      if (keeps_ends_) handler_->ended(id, OperationState::kCancelled, kKilled, {});
      note_end(slot, OperationState::kCancelled, kKilled, clock_.now_ns(), after);
      // Its end is the newest, so nothing leaves with the pin.
      forget_pin(record);
      record.pinned.store(false, std::memory_order_release);
      call_workers(1);  // its turn may be now
      break;
    case OperationState::kRunning:
      record.killed = true;
      for (const auto& worker : workers_) {
        if (worker->slot == slot) worker->request_stop(after.stops);
      }
      break;
    default:
      window_.evict(slot);
      unkept = forget_pin(record);
      let_go(slot, after);
  }
  finish_afterwards(lock, after);
  return true;
}

Result<std::optional<OperationSnapshot>> WorkCore::when_finished(OperationId id,
                                                                 OperationCallback call) {
  // Not destroyed under the lock, be there no memory to keep it.
  std::list<Waiter> waiter;
  waiter.push_back({std::move(call)});
  const std::lock_guard lock(mutex_);
  const OperationSlot slot = table_.find(id);
  if (slot == kNoOperationSlot) {
    return Status(Code::kUsage, "expected an operation of this coordinator, found none with id " +
                                    std::to_string(id) + " (or it has left the window)");
  }
  OperationRecord& record = table_[slot];
  if (record.state.load(std::memory_order_relaxed) >= OperationState::kSucceeded) {
    return table_.read(slot);
  }
  std::list<Waiter>& waiting = awaited_[id];
  waiting.splice(waiting.end(), waiter);
  record.awaited = true;
  return std::optional<OperationSnapshot>();
}

namespace {

constexpr std::string_view kWaiting = "waiting for an operation";

}  // namespace

// A worker whose callback waits for an operation, as long as it does.
class WorkCore::BlockedWorker {
 public:
  BlockedWorker(WorkCore& core, bool is_worker) : core_(core), is_worker_(is_worker) {
    if (is_worker_) core_.blocked_.fetch_add(1);
  }
  ~BlockedWorker() {
    if (is_worker_) core_.blocked_.fetch_sub(1);
  }
  BlockedWorker(const BlockedWorker&) = delete;
  BlockedWorker& operator=(const BlockedWorker&) = delete;

  bool has_free_worker() const { return !is_worker_ || core_.blocked_ < core_.max_concurrency(); }

 private:
  WorkCore& core_;
  const bool is_worker_;
};

Result<OperationSnapshot> WorkCore::wait(OperationId id) {
  struct Arrival {
    std::mutex mutex;
    std::condition_variable here;
    std::optional<OperationSnapshot> snapshot;
  };
  const bool within = WorkFrame::within(this);
  if (within) {
    const auto one = find(id);
    if (one && one->finished()) return *one;
    if (WorkFrame::count(this, WorkFrame::Kind::kCallbacks) == 0) return self_wait(kWaiting);
  }
  // A callback on a worker's thread, whose own operation has ended, may wait for others as long as
  // another worker can run them.
  const BlockedWorker blocked(*this, within);
  if (!blocked.has_free_worker()) return self_wait(kWaiting);
  // Shared: the callback may still hold the lock when the waiter goes on.
  const auto arrival = std::make_shared<Arrival>();
  auto ended = when_finished(id, [arrival](const OperationSnapshot& snapshot) {
    const std::lock_guard lock(arrival->mutex);
    arrival->snapshot = copy_of(snapshot);
    arrival->here.notify_all();
  });
  if (!ended.ok()) return ended.status();
  if (ended->has_value()) return std::move(**ended);
  std::unique_lock lock(arrival->mutex);
  while (!arrival->snapshot) {
    clock_.wait_until(lock, arrival->here, clock_.now_ns() + kSecond);
    if (arrival->snapshot) break;
    // The system may have had no thread to give when the operation came.
    lock.unlock();
    poke();
    if (!blocked.has_free_worker()) return self_wait(kWaiting);  // the limit was lowered
    lock.lock();
  }
  return std::move(*arrival->snapshot);
}

}  // namespace mayfly
