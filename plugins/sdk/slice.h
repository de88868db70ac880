// Slice: the rows of one call of process or on_completion, and what becomes of each.
//
// A view, valid until the call returns. Rows are numbers within one batch; batch_view.h reads their
// values. Every row is preset to leave by port 0, so a node only writes what differs.
#pragma once

#include <cstdint>
#include <span>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/data/batch_view.h"

#pragma GCC visibility push(hidden)

namespace mayfly::sdk {

class Slice {
 public:
  explicit Slice(const mayfly_slice& slice) : slice_(slice) {}

  std::span<const std::uint16_t> rows() const { return {slice_.rows, slice_.count}; }
  std::uint32_t size() const { return slice_.count; }
  mayfly_batch& batch() const { return *slice_.batch; }
  std::uint32_t input() const { return slice_.input; }
  std::int64_t now_ns() const { return slice_.now_ns; }
  // These rows were held here before, under tag().
  bool resumed() const { return (slice_.flags & MAYFLY_SLICE_RESUMED) != 0; }
  std::uint64_t tag() const { return slice_.hold_tag; }
  // The last of one resume.
  bool end_of_group() const { return (slice_.flags & MAYFLY_SLICE_END_OF_GROUP) != 0; }

  void send(std::uint16_t row, std::uint16_t port) const { batch().route[row] = port; }
  // Until due_ns; 0: until host.resume(tag).
  void hold(std::uint16_t row, std::uint64_t tag, std::int64_t due_ns = 0) const {
    batch().route[row] = MAYFLY_HOLD;
    batch().hold_tag[row] = tag;
    batch().due_ns[row] = due_ns;
  }
  void hold_all(std::uint64_t tag, std::int64_t due_ns = 0) const {
    for (const std::uint16_t row : rows()) hold(row, tag, due_ns);
  }
  // `reason` is an index into reasons[].
  void drop(std::uint16_t row, std::uint16_t reason) const {
    batch().route[row] = MAYFLY_DROP;
    batch().reason[row] = reason;
  }
  void reject(std::uint16_t row, std::uint16_t reason) const {
    batch().route[row] = MAYFLY_REJECT;
    batch().reason[row] = reason;
  }
  // Sinks with MAYFLY_FAILS_ATTEMPTS, by their last port: it couldn't be delivered, and may be
  // tried again. Where nobody takes it, it is a dead letter with this reason.
  void fail(std::uint16_t row, std::uint16_t port, std::uint16_t reason) const {
    batch().route[row] = port;
    batch().reason[row] = reason;
  }
  // Transforms: answered by what was made from it. Sinks: it was taken.
  void consume(std::uint16_t row) const { batch().route[row] = MAYFLY_CONSUME; }

  // on_completion: MAYFLY_WRITTEN ..., what the row's answer was.
  std::uint8_t outcome(std::uint16_t row) const { return batch().outcome[row]; }
  // on_completion: the row is where it was to go: written, found there, or taken by a sink.
  bool arrived(std::uint16_t row) const {
    const std::uint8_t what = outcome(row);
    return what == MAYFLY_WRITTEN || what == MAYFLY_IGNORED || what == MAYFLY_CONSUMED;
  }
  const mayfly_slice& c() const { return slice_; }
  // on_completion: rows whose attempt failed, or that ended as dead letters.
  std::uint64_t failed() const {
    std::uint64_t failed = 0;
    for (const std::uint16_t row : rows()) {
      if (outcome(row) == MAYFLY_PENDING || outcome(row) == MAYFLY_DEAD_LETTERED) ++failed;
    }
    return failed;
  }
  // For lineage.
  RowRef ref(std::uint16_t row) const { return make_ref(batch().id, row); }

 private:
  const mayfly_slice& slice_;
};

}  // namespace mayfly::sdk

#pragma GCC visibility pop
