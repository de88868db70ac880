// OpenParents: the rows that a transform may name as what others are made from. These are the rows
// of the slice that process() is given, and those it consumed earlier that have no answer yet: of a
// released group, until rows were made from them or the group is over. Any other row may have been
// answered, and its place be another row's by now.
//
// THREADS  One at a time. MEMORY  A bit for each row of the pool, from attach() on.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "mayfly/data/batch_pool.h"

namespace mayfly {

class OpenParents {
 public:
  void attach(const BatchPool& pool) {
    stride_ = pool.rows_max() / pool.size();
    kept_.resize(pool.rows_max());
  }

  // Around process(). The slice's rows are looked at if something is asked meanwhile.
  void begin_slice(std::uint16_t batch, std::span<const std::uint16_t> rows) {
    batch_ = batch;
    slice_ = rows;
  }
  void end_slice() {
    if (marked_) mark(false);
    slice_ = {};
  }

  // A consumed row without children that isn't answered yet; and that it is no longer one.
  void keep(RowRef row) { kept_[index(row)] = true; }
  void forget(RowRef row) { kept_[index(row)] = false; }

  // `row` may be any number.
  bool contains(RowRef row) {
    if (!slice_.empty() && !marked_) mark(true);
    return row_of(row) < stride_ && index(row) < kept_.size() && kept_[index(row)];
  }

 private:
  // A row of the slice isn't a kept one: it was never consumed.
  void mark(bool open) {
    for (const std::uint16_t row : slice_) kept_[index(make_ref(batch_, row))] = open;
    marked_ = open;
  }
  std::size_t index(RowRef row) const { return std::size_t{batch_of(row)} * stride_ + row_of(row); }

  std::uint32_t stride_ = 0;
  std::vector<bool> kept_;
  std::uint16_t batch_ = 0;
  std::span<const std::uint16_t> slice_;
  bool marked_ = false;
};

}  // namespace mayfly
