// TypedSignalSink<T>: signals that carry a value, and appear by name in an ordinary sink as well.
//
// A raise is first raised in the named sink, for everybody who knows names only, then told to the
// typed listeners, with its payload: once to each. A typed listener hears nothing of what others
// raise in the named sink.
//
// MEMORY     The named sink and its clock have to outlive this one. A payload is moved in and
//            shared by its listeners and by what sense() returned; the window keeps those of the
//            newest `capacity` raises, no longer than max_age_ns. One allocation for each raise.
// THREADS    Any thread may call anything. Listeners are called as signal_subscription.h says; they
//            share the payload, which is const.
// UNITS      Times in nanoseconds of the named sink's clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "mayfly/signal/signal_sink.h"
#include "mayfly/signal/signal_subscription.h"

namespace mayfly {

// One raise with its value.
template <class T>
struct TypedSignal {
  std::string name;
  std::int64_t at_ns = 0;
  OperationId operation = 0;  // of the work that raised it; 0: none
  std::shared_ptr<const T> payload;
};

// A sink whose signals carry a T, and are seen by name in the sink it stands on.
template <class T>
class TypedSignalSink {
 public:
  // Only capacity, max_age_ns and constraints of the options count for the typed window. Throws
  // std::invalid_argument as SignalSink does.
  explicit TypedSignalSink(SignalSink& names, SignalSinkOptions options = {})
      : names_(names), events_(names.clock(), std::move(options)) {}
  TypedSignalSink(const TypedSignalSink&) = delete;
  TypedSignalSink& operator=(const TypedSignalSink&) = delete;

  // The payload is in the window when the first listener hears of it.
  void raise(std::string_view name, T payload, OperationId operation = 0) {
    names_.raise(name, operation);
    const Ticket ticket = keep(std::make_shared<const Entry>(std::move(payload), operation));
    // In the typed window the ticket stands where the operation would.
    events_.raise(name, ticket);
    let_go(ticket);
  }

  // As SignalSink::subscribe(), with the payload.
  [[nodiscard]] SignalSubscription subscribe(std::string_view patterns,
                                             std::function<void(const TypedSignal<T>&)> listener) {
    // An empty listener is refused by the sink.
    if (!listener) return events_.subscribe(patterns, nullptr);
    return events_.subscribe(patterns, [this,
                                        listener = std::move(listener)](const SignalEvent& event) {
      if (const auto entry = find(event.operation())) {
        listener(
            {std::string(event.name()), event.at_ns(), entry->operation, {entry, &entry->payload}});
      }
    });
  }

  // What is present and matches, with its payload, oldest first.
  std::vector<TypedSignal<T>> sense(std::string_view glob = "*") const {
    std::vector<TypedSignal<T>> signals;
    for (Signal& signal : events_.sense(glob)) {
      if (const auto entry = find(signal.operation)) {
        signals.push_back(
            {std::move(signal.name), signal.at_ns, entry->operation, {entry, &entry->payload}});
      }
    }
    return signals;
  }

  // Present raises that match.
  std::size_t count(std::string_view glob = "*") const { return events_.count(glob); }
  // Exceptions that typed listeners threw.
  std::uint64_t listener_failures() const { return events_.listener_failures(); }

 private:
  struct Entry {
    Entry(T given, OperationId by) : payload(std::move(given)), operation(by) {}
    T payload;
    OperationId operation;
  };
  using Ticket = std::uint64_t;

  Ticket keep(std::shared_ptr<const Entry> entry) {
    const std::lock_guard lock(mutex_);
    entries_.emplace(next_, std::move(entry));
    return next_++;
  }
  // After the raise: until then its listeners need the entry, however many others came meanwhile.
  void let_go(Ticket ticket) {
    // Raises that began earlier and end later are fewer than this.
    constexpr std::size_t kUnderWay = 256;
    std::shared_ptr<const Entry> gone;  // destroyed without the lock
    const std::lock_guard lock(mutex_);
    ended_.push_back(ticket);
    if (ended_.size() <= events_.capacity() + kUnderWay) return;
    if (const auto oldest = entries_.find(ended_.front()); oldest != entries_.end()) {
      gone = std::move(oldest->second);
      entries_.erase(oldest);
    }
    ended_.pop_front();
  }
  std::shared_ptr<const Entry> find(Ticket ticket) const {
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(ticket);
    return found == entries_.end() ? nullptr : found->second;
  }

  SignalSink& names_;
  mutable std::mutex mutex_;
  Ticket next_ = 1;                                                   // guarded by mutex_
  std::unordered_map<Ticket, std::shared_ptr<const Entry>> entries_;  // guarded by mutex_
  std::deque<Ticket> ended_;                                          // guarded by mutex_
  SignalSink events_;  // last: its subscriptions end before what their listeners use
};

}  // namespace mayfly
