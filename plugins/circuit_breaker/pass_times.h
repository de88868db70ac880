// When rows of a batch last passed: how long their answer took. One word a batch.
#pragma once

#include <cstdint>
#include <vector>

#include "mayfly/abi/mayfly_abi.h"

namespace mayfly::circuit_breaker {

class PassTimes {
 public:
  // Allocates when the batch's number is larger than any before.
  void passed(const mayfly_batch& batch, std::int64_t now_ns) {
    if (batch.id >= times_.size()) times_.resize(batch.id + 1);
    times_[batch.id] = now_ns;
  }
  std::int64_t since(const mayfly_batch& batch, std::int64_t now_ns) const {
    return batch.id < times_.size() ? now_ns - times_[batch.id] : 0;
  }

 private:
  std::vector<std::int64_t> times_;
};

}  // namespace mayfly::circuit_breaker
