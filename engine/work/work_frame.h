// WorkFrame: what of coordinators and for_each the running thread is in the midst of, so that
// waiting for it, or destroying it, from within doesn't wait for itself.
//
// Frames are on the stack, linked through a thread_local pointer (like the current signal of
// signal_event.h, the only hidden state).
//
// THREADS  A frame belongs to its thread; within() and count() look at the calling one's.
#pragma once

#include <cstdint>

namespace mayfly {

class WorkFrame {
 public:
  enum class Kind : std::uint8_t {
    kWork,       // bodies, observers and callbacks: whoever drains the owner waits for them
    kCallbacks,  // what a worker's thread calls after a body, outside of all bodies
    kListener,   // a listener of the owner's, on a thread that raises
    kSignals,    // an operation's raise or retraction, listeners included
  };

  // `owner` lives as long as the frame.
  WorkFrame(const void* owner, Kind kind) : owner_(owner), kind_(kind), outer_(innermost_) {
    innermost_ = this;
  }
  ~WorkFrame() { innermost_ = outer_; }
  WorkFrame(const WorkFrame&) = delete;
  WorkFrame& operator=(const WorkFrame&) = delete;

  // How many frames of this kind and owner the thread is in.
  static int count(const void* owner, Kind kind) {
    int found = 0;
    for (const WorkFrame* frame = innermost_; frame != nullptr; frame = frame->outer_) {
      found += frame->owner_ == owner && frame->kind_ == kind;
    }
    return found;
  }
  // Whether the thread runs a body, an observer or a callback of the owner.
  static bool within(const void* owner) { return count(owner, Kind::kWork) > 0; }

 private:
  const void* const owner_;
  const Kind kind_;
  const WorkFrame* const outer_;
  // Constant initialization: no guard on the way of every item.
  static constinit inline thread_local const WorkFrame* innermost_ = nullptr;
};

}  // namespace mayfly
