// ListenerWatch: says of a thread that is in a sink whether it is in the sink's own code or in a
// listener's, to somebody who can wait for the one but not for the other.
//
// PROTOCOL   A count of threads outside of listeners: a watch adds itself, each call of a listener
//            takes the thread's innermost watch out of the count and puts it back, the watch's end
//            takes it out for good. All sequentially consistent: one look at the count tells who is
//            in a sink's own code at that moment.
// COST       A raise that calls nobody pays nothing, a call of a listener one look at a
//            thread_local pointer (like the current signal of signal_event.h, hidden state).
// THREADS    A watch belongs to its thread; the count may be looked at by any.
#pragma once

#include <atomic>

namespace mayfly {

class ListenerWatch {
 public:
  // `outside` outlives it.
  explicit ListenerWatch(std::atomic<int>& outside) : outside_(outside), outer_(innermost_) {
    outside_.fetch_add(1);
    innermost_ = this;
  }
  ~ListenerWatch() {
    innermost_ = outer_;
    outside_.fetch_sub(1);
  }
  ListenerWatch(const ListenerWatch&) = delete;
  ListenerWatch& operator=(const ListenerWatch&) = delete;

  // For as long as it lives, a listener (or on_blocked) is called.
  class Call {
   public:
    Call() : watch_(innermost_) {
      if (watch_ != nullptr && watch_->calls_++ == 0) watch_->outside_.fetch_sub(1);
    }
    ~Call() {
      if (watch_ != nullptr && --watch_->calls_ == 0) watch_->outside_.fetch_add(1);
    }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    ListenerWatch* const watch_;
  };

  // How many the calling thread itself has in this count.
  static int mine(const std::atomic<int>& outside) {
    int found = 0;
    for (const ListenerWatch* watch = innermost_; watch != nullptr; watch = watch->outer_) {
      found += &watch->outside_ == &outside && watch->calls_ == 0;
    }
    return found;
  }

 private:
  std::atomic<int>& outside_;
  ListenerWatch* const outer_;
  int calls_ = 0;  // of listeners, nested
  // Initial-exec: as in raising_thread.h.
#if defined(__GNUC__)
  [[gnu::tls_model("initial-exec")]]
#endif
  static inline constinit thread_local ListenerWatch* innermost_ = nullptr;
};

}  // namespace mayfly
