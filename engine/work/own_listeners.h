// OwnListeners: the listeners that a coordinator, or one for_each, has on its sink.
//
// close() ends them: no call begins afterwards, and those that run on other threads are waited for.
// Not waited for is who could wait in turn: calls on this thread, and on threads that are within
// the owner (work_frame.h): its bodies have ended when it closes, but those that were abandoned at
// their time limit, whose listener may never return. What such a call still uses is its own to
// share.
//
// THREADS  hear() and close(): one at a time. Listeners: the raising threads.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "mayfly/signal/signal_sink.h"
#include "mayfly/signal/signal_subscription.h"

namespace mayfly {

class OwnListeners {
 public:
  explicit OwnListeners(const void* owner) : calls_(std::make_shared<Calls>(owner)) {}

  // As SignalSink::subscribe(). What the listener uses must live as long as its call, also when the
  // call isn't waited for.
  void hear(SignalSink& sink, std::string_view patterns, SignalListener listener,
            SubscribeOptions options = {});
  // `abandoned`: threads within the owner may still be in a listener. Then subscriptions stay until
  // this object goes, and hear nothing. Idempotent.
  void close(bool abandoned);

 private:
  struct Calls {
    explicit Calls(const void* of) : owner(of) {}
    void run(const SignalListener& listener, const SignalEvent& event);

    const void* const owner;
    // seq_cst: either a call sees that it is closed, or who closes sees the call.
    std::atomic<bool> closed{false};
    std::atomic<int> running{0};  // on threads that aren't within the owner
    std::mutex mutex;
    std::condition_variable ended;
  };

  const std::shared_ptr<Calls> calls_;
  std::vector<SignalSubscription> subscriptions_;
};

}  // namespace mayfly
