// WithinLog: whether this thread is at work for a log database, so that what happens meanwhile
// isn't fed back: signals raised here become none of its records, its records logged here raise
// none, and waiting for it is refused.
//
// THREADS  A list of each thread's own, on its stack.
#pragma once

namespace mayfly {

class WithinLog {
 public:
  explicit WithinLog(const void* log) : log_(log), outer_(innermost_) { innermost_ = this; }
  ~WithinLog() { innermost_ = outer_; }
  WithinLog(const WithinLog&) = delete;
  WithinLog& operator=(const WithinLog&) = delete;

  static bool is(const void* log) {
    const WithinLog* one = innermost_;
    while (one != nullptr && one->log_ != log) one = one->outer_;
    return one != nullptr;
  }

 private:
  static inline thread_local const WithinLog* innermost_ = nullptr;
  const void* const log_;
  const WithinLog* const outer_;
};

}  // namespace mayfly
