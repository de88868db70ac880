// Rejections: the rows of a transaction that the writer itself turned down, and why.
//
// They live in memory, so that they survive rollbacks inside the transaction; dead letters are made
// of them just before COMMIT. Texts share one buffer.
//
// THREADS  The writer's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/data/batch_view.h"
#include "mayfly/storage/rejection_names.h"

namespace mayfly {

// One refused row, and why.
struct Rejection {
  RowRef row = 0;
  WriterReason reason = WriterReason::kOther;
  std::uint32_t text_offset = 0;
  std::uint32_t text_size = 0;
};

class Rejections {
 public:
  void clear() {
    list_.clear();
    texts_.clear();
  }
  void add(RowRef row, WriterReason reason, std::string_view text) {
    list_.push_back({row, reason, static_cast<std::uint32_t>(texts_.size()),
                     static_cast<std::uint32_t>(text.size())});
    texts_ += text;
  }
  bool empty() const { return list_.empty(); }
  const std::vector<Rejection>& list() const { return list_; }
  std::string_view text(const Rejection& rejection) const {
    return std::string_view(texts_).substr(rejection.text_offset, rejection.text_size);
  }

 private:
  std::vector<Rejection> list_;
  std::string texts_;
};

// Which constraint an (extended) error code of SQLite names.
WriterReason reason_of(int code);

}  // namespace mayfly
