// SignalWatch: SIGINT and SIGTERM as calls on an ordinary thread.
//
// The signals are blocked in the constructing thread and all it starts later, and one thread takes
// them from a signalfd: there is no handler, so nothing in here must be async-signal-safe. A signal
// that the program was started to ignore (nohup, a shell's background job) stays ignored.
//
// THREADS  Construct before any other thread. The callback runs on the watch's thread.
#pragma once

#include <functional>
#include <thread>

#include "mayfly/base/status.h"

namespace mayfly::cli {

class SignalWatch {
 public:
  // `count`: 1 for the first signal, then 2, ...; the same one again within 50 ms isn't counted.
  // Not called after the destructor returns.
  using Callback = std::function<void(int signal, int count)>;

  explicit SignalWatch(Callback callback);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  // Why there is no watch, if so: signals then do what they do by default.
  const Status& status() const { return status_; }

 private:
  void run();

  Callback callback_;
  Status status_;
  int signals_ = -1;  // signalfd
  int stop_ = -1;     // eventfd
  std::thread thread_;
};

}  // namespace mayfly::cli
