// SignalSubscription: listening to a sink for as long as this object lives.
//
// A listener runs on the thread that raises, outside any lock, after the signal is in the window;
// the listeners of one signal run in the order of their subscriptions. What a listener throws is
// swallowed and counted. A listener may do anything: subscribe (it hears from the next raise on),
// end subscriptions (its own too), raise (signal_constraints.h decides).
//
// END        reset(), or destruction: no call begins afterwards, and calls that run on other
//            threads are waited for; the listener is then destroyed. Within a listener (of any
//            sink; wherever SignalEvent::current() is one) it doesn't wait, so that two listeners
//            which end each other's subscription can't wait for each other: calls on other threads
//            may then still be running when it returns, and the last of them destroys the listener.
// MEMORY     May outlive its sink, at whose destruction the listener is destroyed.
// THREADS    One at a time for an object; any may end it.
#pragma once

#include <memory>
#include <utility>

#include "mayfly/signal/subscription_table.h"

namespace mayfly {

class SignalDelivery;

// What else a listener hears of.
struct SubscribeOptions {
  // Also one call for each retract or clear that removed at least one signal it listens to: the
  // event's kind is then kRemoved. Signals that leave by age or capacity aren't removed by anybody.
  bool removals = false;
};

// Move-only; an empty one listens to nothing.
class SignalSubscription {
 public:
  SignalSubscription() = default;
  SignalSubscription(SignalSubscription&& other) noexcept
      : delivery_(std::move(other.delivery_)), subscriber_(std::move(other.subscriber_)) {}
  SignalSubscription& operator=(SignalSubscription&& other) noexcept {
    if (this != &other) {
      reset();
      delivery_ = std::move(other.delivery_);
      subscriber_ = std::move(other.subscriber_);
    }
    return *this;
  }
  ~SignalSubscription() { reset(); }

  // Ends it, as said above; idempotent.
  void reset() noexcept;
  // Whether it was neither ended nor moved from. Its sink may be gone.
  explicit operator bool() const { return subscriber_ != nullptr; }

 private:
  friend class SignalSink;
  SignalSubscription(std::shared_ptr<SignalDelivery> delivery,
                     std::shared_ptr<Subscriber> subscriber)
      : delivery_(std::move(delivery)), subscriber_(std::move(subscriber)) {}

  std::shared_ptr<SignalDelivery> delivery_;
  std::shared_ptr<Subscriber> subscriber_;
};

}  // namespace mayfly
