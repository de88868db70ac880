// WaitingRows: how long the rows of a queue have waited, first in, first out.
//
// Rows that come within 1/32 of the limit of each other are one group, as old as its first row. So
// no row counts as younger than it is, and none as older by more than that. Where rows stay beyond
// the limit and the groups don't suffice, neighbours become one.
//
// Arithmetic alone: time comes in, and never goes back.
// MEMORY   Fixed.
// THREADS  One at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "mayfly/base/clock.h"

namespace mayfly {

class WaitingRows {
 public:
  // limit_ns: how long a row may wait; kNever: for ever.
  explicit WaitingRows(std::int64_t limit_ns = kNever) noexcept : limit_ns_(limit_ns) {}

  void add(std::uint64_t rows, std::int64_t now_ns) {
    if (rows == 0) return;
    if (size_ == 0) slice_ns_ = std::max<std::int64_t>(limit_ns_ / 32, 1);
    rows_ += rows;
    if (size_ > 0 && now_ns - groups_[size_ - 1].since_ns < slice_ns_) {
      groups_[size_ - 1].rows += rows;
      return;
    }
    if (size_ == groups_.size()) halve();
    groups_[size_++] = {now_ns, rows};
  }
  // The oldest have gone; more than there are: all have.
  void take(std::uint64_t rows) {
    rows = std::min(rows, rows_);
    rows_ -= rows;
    std::size_t gone = 0;
    while (gone < size_ && groups_[gone].rows <= rows) rows -= groups_[gone++].rows;
    if (gone < size_) groups_[gone].rows -= rows;
    std::copy(groups_.begin() + static_cast<std::ptrdiff_t>(gone),
              groups_.begin() + static_cast<std::ptrdiff_t>(size_), groups_.begin());
    size_ -= gone;
  }

  std::uint64_t rows() const { return rows_; }
  // Of the oldest; 0: there is none.
  std::int64_t age_ns(std::int64_t now_ns) const {
    return size_ == 0 ? 0 : now_ns - groups_[0].since_ns;
  }
  // When the oldest has waited for the limit; kNever: there is none, or no limit.
  std::int64_t due_ns() const {
    return size_ == 0 ? kNever : deadline_after(groups_[0].since_ns, limit_ns_);
  }
  // Rows that have waited for the limit.
  std::uint64_t overdue(std::int64_t now_ns) const {
    std::uint64_t rows = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      if (deadline_after(groups_[i].since_ns, limit_ns_) > now_ns) break;
      rows += groups_[i].rows;
    }
    return rows;
  }

 private:
  struct Group {
    std::int64_t since_ns;
    std::uint64_t rows;
  };

  void halve() {
    for (std::size_t i = 0; i < size_ / 2; ++i) {
      groups_[i] = {groups_[2 * i].since_ns, groups_[2 * i].rows + groups_[2 * i + 1].rows};
    }
    size_ /= 2;
    slice_ns_ = slice_ns_ > kNever / 2 ? kNever : slice_ns_ * 2;
  }

  std::int64_t limit_ns_;
  std::int64_t slice_ns_ = 1;
  std::array<Group, 64> groups_{};
  std::size_t size_ = 0;
  std::uint64_t rows_ = 0;
};

}  // namespace mayfly
