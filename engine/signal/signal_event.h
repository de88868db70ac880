// SignalEvent: what a listener is told of a signal: its name, when, by which operation, and why.
//
// MEMORY     The event that a listener is given lives until the listener returns, and so do the
//            texts it gives out. A copy owns all it needs (its sink excepted), so it can be queued
//            for another thread; copying allocates only for names beyond kNameBytes and for signals
//            that another one caused. The name is composed when it is first asked for.
// THREADS    The given event: the listener's thread. A copy: any, as a value.
// CAUSE      While listeners are called, the event is the thread's current one, kept in a
//            thread_local pointer (next to a thread's quick key, raising_thread.h, the only hidden
//            state); what is raised meanwhile on this thread is caused by it. Whoever hands work to
//            another thread passes the copy to SignalSink::raise_caused().
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "mayfly/base/operation_id.h"
#include "mayfly/signal/raising_thread.h"
#include "mayfly/signal/signal_path.h"
#include "mayfly/signal/signal_shard.h"

namespace mayfly {

// Whether the signal came or went.
enum class SignalEventKind : std::uint8_t { kRaised, kRemoved };

// The argument of a raise as its caller gave it: none, a text, or integers that are still to be
// rendered. Borrows; lives for the duration of the raise.
struct RaisedArgument {
  RaisedArgument() = default;
  explicit RaisedArgument(std::string_view given) : text(given), present(true) {}
  explicit RaisedArgument(const IntegerArgument& given) : integers(&given), present(true) {}

  std::string_view text;
  const IntegerArgument* integers = nullptr;
  bool present = false;
};

// One signal that was raised, or the removal of some by one call.
class SignalEvent {
 public:
  // Names up to this size need no allocation.
  static constexpr std::size_t kNameBytes = 128;

  // Empty; for containers.
  SignalEvent() {}  // not defaulted: that would leave the name buffer to be zeroed
  SignalEvent(const SignalEvent& other) { assign(other); }
  SignalEvent& operator=(const SignalEvent& other) {
    if (this != &other) assign(other);
    return *this;
  }

  // "stem" or "stem:argument". Of a removal: the oldest signal that was removed and that the
  // subscription listens to.
  std::string_view name() const {
    if (name_.data() == nullptr) compose();
    return name_;
  }
  std::string_view stem() const { return stem_; }
  // What stands behind the stem's colon; empty when there is none.
  std::string_view argument() const {
    if (argument_.integers == nullptr) return argument_.text;
    return name().substr(stem_.size() + 1);
  }
  bool is(std::string_view other) const { return name() == other; }
  bool starts_with(std::string_view prefix) const { return name().starts_with(prefix); }

  SignalEventKind kind() const { return kind_; }
  // Of a removal: how many signals that the subscription listens to were removed.
  std::size_t removed() const { return removed_; }
  // The record's time in the sink's window; of a removal, when it was asked for.
  std::int64_t at_ns() const { return at_ns_; }
  // The operation that raised it, or the signal that name() tells; 0: none.
  OperationId operation() const { return operation_; }
  // Null only for an empty event.
  SignalSink* sink() const { return sink_; }

  // Steps of the path: 1 when nothing caused the signal, 0 for a leaf (signal_constraints.h).
  std::uint32_t depth() const { return depth_; }
  SignalPath path() const;
  // Whether `sink` raised `stem` on the way to this signal, this signal included; also true of
  // a leaf's own stem. A null sink stands for any.
  bool on_path(const SignalSink* sink, std::string_view stem) const;

  // The event whose listeners this thread is running; null when it runs none.
  static const SignalEvent* current();

 private:
  friend class SignalSink;
  friend class SignalDelivery;

  SignalEvent(SignalSink* sink, std::string_view stem, const RaisedArgument& argument,
              OperationId operation, const SignalEvent* cause);
  void assign(const SignalEvent& other);
  void compose() const;
  char* room(std::size_t bytes) const;
  void add_steps(SignalPath& path) const;

  SignalSink* sink_ = nullptr;
  std::string_view stem_{""};
  RaisedArgument argument_;
  std::int64_t at_ns_ = 0;
  OperationId operation_ = 0;
  std::size_t removed_ = 0;
  const SignalEvent* cause_ = nullptr;  // alive as long as this event is delivered; null in copies
  std::shared_ptr<const SignalPath> kept_;  // of copies that something caused: the whole path
  std::uint32_t depth_ = 1;
  std::uint32_t nesting_ = 0;  // deliveries on this thread's stack, this one included
  SignalEventKind kind_ = SignalEventKind::kRaised;
  mutable std::string_view name_{""};  // without data until it is composed
  mutable std::string long_name_;
  mutable char short_name_[kNameBytes];
};

namespace internal {
// Initial-exec: as in raising_thread.h.
#if defined(__GNUC__)
[[gnu::tls_model("initial-exec")]]
#endif
inline constinit thread_local const SignalEvent* current_signal = nullptr;
}  // namespace internal

inline const SignalEvent* SignalEvent::current() { return internal::current_signal; }

// Makes an event the thread's current one for as long as this object lives. Part of the delivery;
// also for handlers that run later, on another thread, and want what they raise to be caused by the
// copy of an event they hold.
class CurrentSignal {
 public:
  explicit CurrentSignal(const SignalEvent& event)
      : before_(internal::current_signal), key_before_(RaisingThread::quick_key()) {
    internal::current_signal = &event;
    RaisingThread::set_quick_key(0);
  }
  ~CurrentSignal() {
    internal::current_signal = before_;
    RaisingThread::set_quick_key(key_before_);
  }
  CurrentSignal(const CurrentSignal&) = delete;
  CurrentSignal& operator=(const CurrentSignal&) = delete;

 private:
  const SignalEvent* before_;
  std::uintptr_t key_before_;
};

}  // namespace mayfly
