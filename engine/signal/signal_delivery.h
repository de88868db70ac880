// SignalDelivery: calls the listeners of a sink, and takes care that nobody calls one that is gone.
//
// PROTOCOL   The subscriptions are an immutable table behind an atomic pointer, null when there are
//            none. Changes build a new one under the mutex.
//            Table: a raising thread has a slot, that of its shard. It stores the table's address
//            in the slot (exchange), then loads the pointer again: if it is still that table,
//            whoever replaces it later sees the slot, and keeps the table. The address stays in the
//            slot after the delivery, so that the next one finds itself protected already and pays
//            a comparison. Call: the thread stores the subscriber in the slot (exchange), then
//            loads whether it is active. Who ends a subscription stores that it isn't, then looks
//            at the slots: of the two, at least one sees the other. Both pairs are sequentially
//            consistent. A delivery within a delivery of this sink, and threads that share a shard,
//            have no slot: they copy the owner of the table under the mutex, and count the call.
// MEMORY     A superseded table is freed by the first change after no slot names it any more: at
//            most one for each slot is left. Owned by the sink and its subscriptions together.
// THREADS    find() and deliver(): a slot has one thread at a time. All else: any.
#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <vector>

#include "mayfly/signal/signal_event.h"
#include "mayfly/signal/signal_window.h"
#include "mayfly/signal/subscription_table.h"

namespace mayfly {

struct Signal;

class SignalDelivery {
 public:
  explicit SignalDelivery(const StemTable& stems) : stems_(&stems) {}
  SignalDelivery(const SignalDelivery&) = delete;
  SignalDelivery& operator=(const SignalDelivery&) = delete;

  // Nobody listens. Relaxed: a thread sees at least the subscriptions that happened before.
  bool quiet() const { return table_.load(std::memory_order_relaxed) == nullptr; }
  // Somebody listens to removals too.
  bool wants_removals() const { return removals_.load(std::memory_order_relaxed) != 0; }

  void add(std::shared_ptr<Subscriber> subscriber);
  // Ends it, and waits as signal_subscription.h says.
  void remove(const std::shared_ptr<Subscriber>& subscriber);
  // The sink is going: nothing is raised any more.
  void close();

  // Those that listen to a name, perhaps depending on its argument, and what keeps them there until
  // this thread asks again.
  class Audience;
  // `slot` is the number of the thread's shard, or kNoSlot.
  static constexpr std::uint32_t kNoSlot = kShardsMax;
  // Nobody, and a failure that is counted, when there is no memory for it.
  Audience find(std::uint32_t slot, StemId stem, bool has_argument) noexcept;
  // Calls those of the audience that listen to the event, which is the thread's current one
  // meanwhile.
  void deliver(const Audience& audience, const SignalEvent& event);
  // Tells each subscription of removals of those it listens to. `model` has the sink, the time and
  // the cause.
  void deliver_removed(const SignalEvent& model, std::span<const Signal> removed);

  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }
  void count_failure() { failures_.fetch_add(1, std::memory_order_relaxed); }
  // Tables that wait for slots to let go of them.
  std::size_t superseded_tables();

 private:
  using Table = SubscriptionTable;
  struct alignas(64) Slot {
    std::atomic<const Table*> table{nullptr};
    std::atomic<const Subscriber*> calling{nullptr};
    bool busy = false;  // its thread's own
  };

  Audience audience_of(std::uint32_t slot, StemId stem, bool has_argument);
  const Table* protect(Slot& slot);
  std::shared_ptr<const Table> share();
  // Both under the mutex. What take_unused() returns is freed without it; without memory the next
  // change takes it. replace() throws std::bad_alloc, and has changed nothing then.
  void replace(std::vector<std::shared_ptr<Subscriber>> subscribers);
  std::vector<std::shared_ptr<const Table>> take_unused() noexcept;
  void widen(StemId stem);

  void call(Slot& slot, Subscriber& subscriber, const SignalEvent& event);
  void call_counted(Subscriber& subscriber, const SignalEvent& event);
  void invoke(Subscriber& subscriber, const SignalEvent& event) noexcept;
  bool matches(const SubscriptionTable::Target& target, const SignalEvent& event) noexcept;
  bool idle(const Subscriber& subscriber) const;
  void left(Subscriber& subscriber);

  std::atomic<const Table*> table_{nullptr};
  std::atomic<std::uint32_t> removals_{0};
  std::atomic<std::uint64_t> failures_{0};
  const StemTable* stems_;
  std::array<Slot, kShardsMax> slots_;

  std::mutex mutex_;  // guards what follows, and all changes
  std::condition_variable call_ended_;
  std::shared_ptr<const Table> current_;  // owns what table_ points to
  std::vector<std::shared_ptr<const Table>> superseded_;
};

class SignalDelivery::Audience {
 public:
  bool empty() const { return targets_ == nullptr || targets_->empty(); }

 private:
  friend class SignalDelivery;
  const Table::Targets* targets_ = nullptr;
  Slot* slot_ = nullptr;                // protects the table, and shows calls
  std::shared_ptr<const Table> owner_;  // without a slot
};

}  // namespace mayfly
