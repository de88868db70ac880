#include "mayfly/signal/signal_delivery.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <new>
#include <utility>

#include "mayfly/signal/listener_watch.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/signal/signal_subscription.h"

namespace mayfly {
namespace {

constexpr std::uint32_t kFirstStems = 64;
// A call that ends while its subscription is being ended may not see that anybody waits for it.
constexpr std::chrono::milliseconds kLookAgain{1};

}  // namespace

void SignalSubscription::reset() noexcept {
  const auto delivery = std::move(delivery_);
  const auto subscriber = std::move(subscriber_);
  if (subscriber != nullptr) delivery->remove(subscriber);
}

void SignalDelivery::add(std::shared_ptr<Subscriber> subscriber) {
  std::vector<std::shared_ptr<const Table>> unused;  // freed without the lock: users' destructors
  const std::lock_guard lock(mutex_);
  auto subscribers =
      current_ == nullptr ? std::vector<std::shared_ptr<Subscriber>>() : current_->subscribers();
  subscribers.push_back(std::move(subscriber));
  replace(std::move(subscribers));
  unused = take_unused();
}

void SignalDelivery::remove(const std::shared_ptr<Subscriber>& subscriber) {
  std::vector<std::shared_ptr<const Table>> unused;
  SignalListener gone;
  std::unique_lock lock(mutex_);
  subscriber->active.store(false, std::memory_order_seq_cst);  // partner: call()
  if (current_ != nullptr) {
    try {
      auto subscribers = current_->subscribers();
      std::erase(subscribers, subscriber);
      replace(std::move(subscribers));
    } catch (const std::bad_alloc&) {
      // It stays in the table, and isn't called.
    }
  }
  unused = take_unused();
  subscriber->awaited = SignalEvent::current() == nullptr;
  while (subscriber->awaited && !idle(*subscriber)) call_ended_.wait_for(lock, kLookAgain);
  if (idle(*subscriber)) gone = std::exchange(subscriber->listener, nullptr);
}

void SignalDelivery::close() {
  std::vector<std::shared_ptr<const Table>> unused;
  std::shared_ptr<const Table> last;
  {
    const std::lock_guard lock(mutex_);
    stems_ = nullptr;
    if (current_ == nullptr) return;
    for (const auto& subscriber : current_->subscribers()) {
      subscriber->active.store(false, std::memory_order_seq_cst);
    }
    table_.store(nullptr, std::memory_order_seq_cst);
    unused = std::move(superseded_);
    last = std::move(current_);
  }
  // Without memory: a sink that ends has none to ask for. What listeners hold goes without the
  // lock.
  for (const auto& subscriber : last->subscribers()) {
    SignalListener gone;
    const std::lock_guard lock(mutex_);
    gone = std::exchange(subscriber->listener, nullptr);
  }
}

void SignalDelivery::replace(std::vector<std::shared_ptr<Subscriber>> subscribers) {
  std::shared_ptr<const Table> next;
  const auto removals = std::count_if(subscribers.begin(), subscribers.end(),
                                      [](const auto& known) { return known->removals; });
  if (!subscribers.empty()) {
    // Room for as many stems again: a table is made anew log2 times while stems come.
    const std::uint32_t stems_end = std::bit_ceil(std::max(stems_->end(), kFirstStems));
    next = std::make_shared<const Table>(std::move(subscribers), stems_end);
  }
  if (current_ != nullptr) superseded_.push_back(current_);
  current_ = std::move(next);
  table_.store(current_.get(), std::memory_order_seq_cst);  // partner: protect()
  removals_.store(static_cast<std::uint32_t>(removals), std::memory_order_relaxed);
}

std::vector<std::shared_ptr<const SubscriptionTable>> SignalDelivery::take_unused() noexcept {
  std::vector<std::shared_ptr<const Table>> unused;
  const auto named = [&](const std::shared_ptr<const Table>& table) {
    return std::any_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
      return slot.table.load(std::memory_order_seq_cst) == table.get();  // partner: protect()
    });
  };
  const auto first = std::partition(superseded_.begin(), superseded_.end(), named);
  try {
    unused.reserve(static_cast<std::size_t>(superseded_.end() - first));
  } catch (const std::bad_alloc&) {
    return unused;
  }
  unused.assign(std::make_move_iterator(first), std::make_move_iterator(superseded_.end()));
  superseded_.erase(first, superseded_.end());
  return unused;
}

std::size_t SignalDelivery::superseded_tables() {
  const std::lock_guard lock(mutex_);
  return superseded_.size();
}

// A table that was made after the stem knows it.
void SignalDelivery::widen(StemId stem) {
  std::vector<std::shared_ptr<const Table>> unused;
  const std::lock_guard lock(mutex_);
  if (current_ == nullptr || stem.value < current_->stems_end()) return;
  replace(current_->subscribers());
  unused = take_unused();
}

const SubscriptionTable* SignalDelivery::protect(Slot& slot) {
  // Partner: the store in replace(). What this slot names hasn't been freed since it was stored, so
  // the same address is the same table.
  const Table* table = table_.load(std::memory_order_acquire);
  const Table* named = slot.table.load(std::memory_order_relaxed);  // this thread's own store
  while (table != named) {
    slot.table.exchange(table, std::memory_order_seq_cst);
    named = table;
    table = table_.load(std::memory_order_seq_cst);
  }
  return table;
}

std::shared_ptr<const SubscriptionTable> SignalDelivery::share() {
  const std::lock_guard lock(mutex_);
  return current_;
}

// The signal is in the window by now, and a raise never fails.
SignalDelivery::Audience SignalDelivery::find(std::uint32_t number, StemId stem,
                                              bool has_argument) noexcept {
  try {
    return audience_of(number, stem, has_argument);
  } catch (const std::bad_alloc&) {
    count_failure();
    return {};
  }
}

SignalDelivery::Audience SignalDelivery::audience_of(std::uint32_t number, StemId stem,
                                                     bool has_argument) {
  Audience audience;
  if (number != kNoSlot && !slots_[number].busy) audience.slot_ = &slots_[number];
  const auto look = [&]() -> const Table* {
    if (audience.slot_ != nullptr) return protect(*audience.slot_);
    audience.owner_ = share();
    return audience.owner_.get();
  };
  const Table* table = look();
  if (table != nullptr && stem.value >= table->stems_end()) {
    widen(stem);
    table = look();
  }
  if (table != nullptr) {
    audience.targets_ = &table->targets(stem, has_argument, stems_->text(stem));
  }
  return audience;
}

void SignalDelivery::deliver(const Audience& audience, const SignalEvent& event) {
  const CurrentSignal current(event);
  if (audience.slot_ == nullptr) {
    for (const Table::Target& target : *audience.targets_) {
      if (matches(target, event)) call_counted(*target.subscriber, event);
    }
    return;
  }
  audience.slot_->busy = true;
  for (const Table::Target& target : *audience.targets_) {
    if (matches(target, event)) call(*audience.slot_, *target.subscriber, event);
  }
  audience.slot_->busy = false;
}

void SignalDelivery::deliver_removed(const SignalEvent& model, std::span<const Signal> removed) {
  const std::shared_ptr<const Table> table = share();
  if (table == nullptr) return;
  for (const auto& subscriber : table->subscribers()) {
    if (!subscriber->removals) continue;
    const Signal* oldest = nullptr;
    std::size_t count = 0;
    for (const Signal& signal : removed) {
      if (!subscriber->patterns.matches_any(signal.name)) continue;
      if (oldest == nullptr) oldest = &signal;
      ++count;
    }
    if (count == 0) continue;
    const bool has_argument = oldest->stem().size() < oldest->name.size();
    SignalEvent event(model.sink_, oldest->stem(),
                      has_argument ? RaisedArgument(oldest->argument()) : RaisedArgument(),
                      oldest->operation, model.cause_);
    event.kind_ = SignalEventKind::kRemoved;
    event.at_ns_ = model.at_ns_;
    event.removed_ = count;
    const CurrentSignal current(event);
    call_counted(*subscriber, event);
  }
}

bool SignalDelivery::matches(const SubscriptionTable::Target& target,
                             const SignalEvent& event) noexcept {
  if (!target.depends) return true;
  try {
    return target.subscriber->patterns.matches_any(event.name());
  } catch (...) {  // no memory for a long name
    count_failure();
    return false;
  }
}

void SignalDelivery::call(Slot& slot, Subscriber& subscriber, const SignalEvent& event) {
  slot.calling.exchange(&subscriber, std::memory_order_seq_cst);  // partner: remove(), idle()
  if (subscriber.active.load(std::memory_order_seq_cst)) invoke(subscriber, event);
  slot.calling.store(nullptr, std::memory_order_release);
  if (!subscriber.active.load(std::memory_order_relaxed)) left(subscriber);
}

void SignalDelivery::call_counted(Subscriber& subscriber, const SignalEvent& event) {
  subscriber.counted_calls.fetch_add(1, std::memory_order_seq_cst);
  if (subscriber.active.load(std::memory_order_seq_cst)) invoke(subscriber, event);
  subscriber.counted_calls.fetch_sub(1, std::memory_order_release);
  if (!subscriber.active.load(std::memory_order_relaxed)) left(subscriber);
}

void SignalDelivery::invoke(Subscriber& subscriber, const SignalEvent& event) noexcept {
  const ListenerWatch::Call watched;
  try {
    subscriber.listener(event);
  } catch (...) {
    count_failure();
  }
}

bool SignalDelivery::idle(const Subscriber& subscriber) const {
  return subscriber.counted_calls.load(std::memory_order_seq_cst) == 0 &&
         std::none_of(slots_.begin(), slots_.end(), [&](const Slot& slot) {
           return slot.calling.load(std::memory_order_seq_cst) == &subscriber;
         });
}

// A call has ended whose subscription had been ended meanwhile. Of several that end at once, the
// last to get the lock finds the subscriber idle.
void SignalDelivery::left(Subscriber& subscriber) {
  SignalListener gone;
  const std::lock_guard lock(mutex_);
  // Who waits destroys it, before it returns.
  if (!subscriber.awaited && idle(subscriber)) gone = std::exchange(subscriber.listener, nullptr);
  call_ended_.notify_all();
}

}  // namespace mayfly
