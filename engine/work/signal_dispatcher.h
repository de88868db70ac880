// SignalDispatcher: hands signals to handlers by pattern, on threads of its own.
//
//   SignalDispatcher dispatcher({.max_concurrency = 2});
//   dispatcher.add("db.*", log_query);
//   const SignalSubscription all = dispatcher.listen(sink);
//
// Signals of one name are handled one at a time, in the order they were dispatched; for each, the
// handlers whose patterns match run in the order they were added. What a handler throws is counted
// and keeps no other from running. At most queue_capacity signals wait: then the oldest is dropped
// and counted. Destruction handles what waits; within a handler, where it would wait for itself, it
// drops that instead.
//
// THREADS  Any thread may call anything but the destructor. Within a handler flush() and close()
//          don't wait.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/glob.h"
#include "mayfly/base/status.h"
#include "mayfly/signal/signal_event.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/signal/signal_subscription.h"
#include "mayfly/work/keyed_work_coordinator.h"

namespace mayfly {

// The limits of a dispatcher.
struct DispatcherOptions {
  int max_concurrency = default_concurrency();  // names that are handled at once
  int queue_capacity = 1000;                    // signals that wait
  const Clock* clock = nullptr;                 // null: SystemClock
};

class SignalDispatcher {
 public:
  // Throws std::invalid_argument for options below 1.
  explicit SignalDispatcher(DispatcherOptions options = {});
  ~SignalDispatcher();
  SignalDispatcher(const SignalDispatcher&) = delete;
  SignalDispatcher& operator=(const SignalDispatcher&) = delete;

  // Handles signals that match the glob, from the next one on. The same pattern again takes the
  // place of its handler. kUsage: a blank pattern, or a null handler.
  Status add(std::string_view pattern, SignalListener handler);
  // Queues it, whether or not a handler matches. False after close(): it won't be handled.
  bool dispatch(const SignalEvent& event);
  // Dispatches all that is raised on the sink, as long as the subscription lives.
  [[nodiscard]] SignalSubscription listen(SignalSink& sink);
  // Waits until nothing waits and nothing is handled. More may be dispatched meanwhile, and after.
  void flush();
  // Takes no more, and waits for the rest. Idempotent.
  void close();

  std::uint64_t handled() const { return events_.counts().succeeded; }
  std::uint64_t dropped() const { return events_.counts().cancelled; }
  // Calls of handlers that threw.
  std::uint64_t failures() const { return state_->failures.load(std::memory_order_relaxed); }

 private:
  struct Entry {
    Glob pattern;
    std::shared_ptr<const SignalListener> handler;  // shared: lists are copied under the lock
  };
  using Entries = std::vector<Entry>;

  // Shared with the handlers' threads, which may outlive this object.
  struct State {
    void handle(const SignalEvent& event);
    std::shared_ptr<const Entries> list() const;

    mutable std::mutex mutex;
    std::shared_ptr<const Entries> entries;  // guarded by mutex; replaced, never changed
    std::atomic<std::uint64_t> failures{0};
  };

  const std::shared_ptr<State> state_;
  KeyedWorkCoordinator<SignalEvent, std::string> events_;  // last: its threads use what is above
};

}  // namespace mayfly
