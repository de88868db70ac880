// RowGroup: how many rows wait, and when and how many of them are to be let go. Time is passed in.
#pragma once

#include <algorithm>
#include <cstdint>

namespace mayfly::batch {

class RowGroup {
 public:
  static constexpr std::int64_t kNever = INT64_MAX;

  RowGroup() = default;
  RowGroup(std::uint64_t rows_max, std::int64_t timeout_ns)
      : rows_max_(rows_max), timeout_ns_(timeout_ns) {}

  void add(std::uint64_t rows, std::int64_t now_ns) {
    // What is beyond a full group is let go at once, so the rest of it has waited since now.
    if (rows_ == 0 || (rows_ < rows_max_ && rows_ + rows >= rows_max_)) {
      overflow_since_ns_ = now_ns;
      if (rows_ == 0) since_ns_ = now_ns;
    }
    rows_ += rows;
  }

  // When take() will have something; kNever: nothing waits.
  std::int64_t due_ns() const {
    if (rows_ == 0) return kNever;
    if (full()) return 0;
    return since_ns_ > kNever - timeout_ns_ ? kNever : since_ns_ + timeout_ns_;
  }
  bool full() const { return rows_ >= rows_max_; }

  // Rows to let go now; 0: none.
  std::uint64_t take(std::int64_t now_ns) { return now_ns >= due_ns() ? take_some() : 0; }
  // The same, however short it waited.
  std::uint64_t take_some() {
    const std::uint64_t rows = std::min(rows_, rows_max_);
    rows_ -= rows;
    since_ns_ = overflow_since_ns_;
    return rows;
  }

 private:
  std::uint64_t rows_max_ = 1;
  std::int64_t timeout_ns_ = 0;
  std::uint64_t rows_ = 0;
  std::int64_t since_ns_ = 0;           // when the oldest row of the group came
  std::int64_t overflow_since_ns_ = 0;  // when the oldest row beyond a full group came
};

}  // namespace mayfly::batch
