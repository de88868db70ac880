// SliceChain: collects rows of one batch, in order, into a new slice. One thread, the rows' owner.
#pragma once

#include <cassert>
#include <cstdint>

#include "mayfly/data/batch_view.h"

namespace mayfly {

class SliceChain {
 public:
  bool empty() const { return count_ == 0; }
  std::uint32_t rows() const { return count_; }

  void append(mayfly_batch& batch, std::uint16_t row) {
    if (count_ == 0) {
      head_ = row;
    } else {
      batch.next[tail_] = row;
      dense_ = dense_ && row == tail_ + 1;
    }
    tail_ = row;
    ++count_;
  }

  // The slice of what was appended, which must be something; the chain is empty again.
  RowRef finish(mayfly_batch& batch) {
    assert(count_ > 0);
    batch.next[tail_] = MAYFLY_ROW_NONE;
    batch.extent[head_] = count_ | (dense_ ? MAYFLY_EXTENT_DENSE : 0u);
    const RowRef head = make_ref(batch.id, head_);
    *this = {};
    return head;
  }

 private:
  std::uint16_t head_ = MAYFLY_ROW_NONE;
  std::uint16_t tail_ = MAYFLY_ROW_NONE;
  std::uint32_t count_ = 0;
  bool dense_ = true;
};

}  // namespace mayfly
