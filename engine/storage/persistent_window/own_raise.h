// OwnRaise: what a window's listener has to know of a raise by the window, and the sink can't tell
// it: the key, and whether the signal comes from the disk.
//
// Stands on the raising thread's stack; the innermost is found by a thread_local pointer, as the
// signal that is delivered is (signal_event.h). The listener takes it with the first signal of its
// name, so that what listeners raise meanwhile doesn't get its key.
// THREADS  Its own.
#pragma once

#include <optional>
#include <string_view>

#include "mayfly/signal/signal_sink.h"

namespace mayfly {

class OwnRaise {
 public:
  // What it is given outlives it.
  OwnRaise(const SignalSink& sink, std::string_view name, OperationId operation,
           std::optional<std::string_view> key, bool restored)
      : sink_(&sink),
        name_(name),
        operation_(operation),
        key_(key),
        restored_(restored),
        outer_(innermost_) {
    innermost_ = this;
  }
  ~OwnRaise() { innermost_ = outer_; }
  OwnRaise(const OwnRaise&) = delete;
  OwnRaise& operator=(const OwnRaise&) = delete;

  // That of this event, for once; null when somebody else raised it.
  static const OwnRaise* take(const SignalSink& sink, const SignalEvent& event) {
    OwnRaise* const own = innermost_;
    if (own == nullptr || own->taken_ || own->sink_ != &sink) return nullptr;
    if (own->operation_ != event.operation() || own->name_ != event.name()) return nullptr;
    own->taken_ = true;
    return own;
  }

  const std::optional<std::string_view>& key() const { return key_; }
  bool restored() const { return restored_; }

 private:
  static inline constinit thread_local OwnRaise* innermost_ = nullptr;

  const SignalSink* const sink_;
  const std::string_view name_;
  const OperationId operation_;
  const std::optional<std::string_view> key_;
  const bool restored_;
  bool taken_ = false;
  OwnRaise* const outer_;
};

}  // namespace mayfly
