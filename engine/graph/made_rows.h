// MadeRows: the rows a transform makes, and the rows they were made from.
//
// emit() checks the lineage, links children and parents and keeps the batch until the plugin's call
// is over; then send() hands it on, or leave() gives it up when the plugin failed. A consumed row
// is answered by the writer, with the last of its children; one from which nothing was made is
// answered here, once the group it came with is whole.
//
// THREADS    The node's activation, and the driver between activations.
// OWNERSHIP  emit() takes the batch: it belongs to the rows in it, or went back to the pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/data/slice_chain.h"
#include "mayfly/graph/answers.h"
#include "mayfly/graph/inbox.h"

namespace mayfly {

class MadeRows {
 public:
  explicit MadeRows(Answers& answers) : answers_(answers) {}
  // Before the first row.
  void attach_pool(BatchPool& pool) { pool_ = &pool; }

  // Around process(): whether it has emitted anything.
  void begin_call() { emitted_in_call_ = false; }
  bool emitted_in_call() const { return emitted_in_call_; }

  // Takes the batch. What is wrong with port or lineage, or "".
  std::string emit(std::uint32_t port, std::size_t ports, mayfly_batch* batch,
                   const mayfly_lineage* lineage, std::uint32_t count, std::int64_t now_ns);
  // After every call of the plugin: what it emitted goes on its way.
  void send(const std::vector<Edge>& ports) {
    if (!emitted_.empty()) send_all(ports);
  }

  // A row that the plugin consumed: answered by what was made from it. Nothing made so far: see
  // end_slice.
  void consume(mayfly_batch& batch, std::uint16_t row) {
    if (batch.children[row] == 0) childless_.push_back(make_ref(batch.id, row));
  }
  // After send(), with the flags of the slice: at the end of a group its childless rows are
  // answered as consumed by `node`. A group's last slice may be BLOCKED while new slices come: then
  // its rows wait.
  void end_slice(std::uint32_t flags, std::uint16_t node, const Edge& record) {
    if ((flags & MAYFLY_SLICE_RESUMED) != 0) group_open_ = (flags & MAYFLY_SLICE_END_OF_GROUP) == 0;
    if (!group_open_ && !childless_.empty()) answer_childless(node, record);
  }

  // The plugin has failed, or the drain's deadline has passed: what was emitted and not sent, and
  // the consumed rows without children, are left.
  void leave();

 private:
  struct Emitted {
    mayfly_batch* batch;
    std::uint32_t port;
  };

  // What is wrong with the lineage, or "". `rows`: of the batch that was made.
  std::string check(const mayfly_lineage* lineage, std::uint32_t count, std::uint32_t rows) const;
  void link(mayfly_batch& batch, const mayfly_lineage& made);
  void send_all(const std::vector<Edge>& ports);
  void answer_childless(std::uint16_t node, const Edge& record);

  Answers& answers_;
  BatchPool* pool_ = nullptr;
  std::vector<Emitted> emitted_;
  bool emitted_in_call_ = false;
  bool group_open_ = false;        // some slices of a released group are processed, not its last
  std::vector<RowRef> childless_;  // consumed rows of this group from which nothing was made so far
};

}  // namespace mayfly
