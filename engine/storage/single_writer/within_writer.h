// WithinWriter: which writers this thread is executing writes for, so that a callback that asks one
// of them to write is refused instead of waiting for itself.
//
// THREADS  A list of each thread's own, on its stack.
#pragma once

namespace mayfly {

class WithinWriter {
 public:
  explicit WithinWriter(const void* writer) : writer_(writer), outer_(innermost_) {
    innermost_ = this;
  }
  ~WithinWriter() { innermost_ = outer_; }
  WithinWriter(const WithinWriter&) = delete;
  WithinWriter& operator=(const WithinWriter&) = delete;

  static bool is(const void* writer) {
    const WithinWriter* one = innermost_;
    while (one != nullptr && one->writer_ != writer) one = one->outer_;
    return one != nullptr;
  }

 private:
  static inline thread_local const WithinWriter* innermost_ = nullptr;
  const void* const writer_;
  const WithinWriter* const outer_;
};

}  // namespace mayfly
