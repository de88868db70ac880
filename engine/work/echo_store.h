// EchoStore: for a while, the signals of operations that were evicted.
//
// THREADS  Any; a lock of its own.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "mayfly/work/operation_snapshot.h"

namespace mayfly {

class EchoStore {
 public:
  EchoStore(std::size_t capacity, std::int64_t retention_ns)
      : capacity_(capacity), retention_ns_(retention_ns) {}

  void add(OperationEcho echo) {
    const std::lock_guard lock(mutex_);
    echoes_.push_back(std::move(echo));
    if (echoes_.size() > capacity_) echoes_.pop_front();
  }
  // Those that aren't too old now, oldest first.
  std::vector<OperationEcho> list(std::int64_t now_ns) const {
    const std::lock_guard lock(mutex_);
    std::vector<OperationEcho> found;
    for (const OperationEcho& echo : echoes_) {
      if (now_ns - echo.evicted_ns <= retention_ns_) found.push_back(echo);
    }
    return found;
  }

 private:
  const std::size_t capacity_;
  const std::int64_t retention_ns_;
  mutable std::mutex mutex_;
  std::deque<OperationEcho> echoes_;  // guarded by mutex_
};

}  // namespace mayfly
