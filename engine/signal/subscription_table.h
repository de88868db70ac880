// SubscriptionTable: who listens to what, as an immutable list, and for each stem those it
// concerns.
//
// What a stem's listeners are is found out at its first raise and kept: a later raise reads one
// pointer. A table knows the stems below stems_end(); for a newer one, and for every change of the
// subscriptions, a new table takes its place (signal_delivery.h).
//
// PROTOCOL   A list is complete before its pointer is stored (release); readers load it (acquire).
//            Lists are filled under a mutex and live as long as the table.
// MEMORY     16 bytes a stem, and the lists.
// THREADS    Any.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "mayfly/base/glob.h"
#include "mayfly/signal/signal_event.h"
#include "mayfly/signal/stem_table.h"

namespace mayfly {

// Called with each signal that a subscription listens to. May throw: that is counted.
using SignalListener = std::function<void(const SignalEvent&)>;

// One subscription. The listener is emptied when nobody can call it any more.
struct Subscriber {
  Subscriber(std::string_view list, SignalListener called, bool hears_removals)
      : patterns(list), listener(std::move(called)), removals(hears_removals) {}

  const GlobSet patterns;
  SignalListener listener;
  const bool removals;
  std::atomic<bool> active{true};               // false: no call begins any more
  std::atomic<std::uint32_t> counted_calls{0};  // running ones that no slot shows
  bool awaited = false;                         // its end is waited for; under the delivery's mutex
};

class SubscriptionTable {
 public:
  struct Target {
    Subscriber* subscriber;
    bool depends;  // on the argument: the composed name has to be matched
  };
  using Targets = std::vector<Target>;  // in the order of subscription

  SubscriptionTable(std::vector<std::shared_ptr<Subscriber>> subscribers, std::uint32_t stems_end);
  SubscriptionTable(const SubscriptionTable&) = delete;
  SubscriptionTable& operator=(const SubscriptionTable&) = delete;

  std::uint32_t stems_end() const { return stems_end_; }
  const std::vector<std::shared_ptr<Subscriber>>& subscribers() const { return subscribers_; }

  // Precondition: stem.value < stems_end(). `text` is the stem's; allocates at its first raise.
  const Targets& targets(StemId stem, bool has_argument, std::string_view text) const {
    // Partner: the store in fill().
    const Targets* known = lists_[index(stem, has_argument)].load(std::memory_order_acquire);
    return known != nullptr ? *known : fill(stem, has_argument, text);
  }

 private:
  static std::size_t index(StemId stem, bool has_argument) {
    return std::size_t{stem.value} * 2 + static_cast<std::size_t>(has_argument);
  }
  const Targets& fill(StemId stem, bool has_argument, std::string_view text) const;

  const std::vector<std::shared_ptr<Subscriber>> subscribers_;
  const std::uint32_t stems_end_;
  std::unique_ptr<std::atomic<const Targets*>[]> lists_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<const Targets>> owned_;  // guarded by mutex_
};

}  // namespace mayfly
