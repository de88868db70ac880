// MadeRows: the rows a transform makes, and the rows they were made from.
//
// emit() checks the lineage, links children and parents and keeps the batch until the plugin's call
// is over; then send() hands it on, or leave() gives it up when the plugin failed. A few rows may
// wait for those of the next call: from slices of single rows there would be a batch for each, and
// the pool has not many.
//
// A consumed row is answered by the writer, with the last of its children; one from which nothing
// was made is answered here, once the group it came with is whole.
//
// THREADS    The node's activation, and the driver between activations.
// OWNERSHIP  emit() takes the batch: it belongs to the rows in it, or went back to the pool.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mayfly/data/lineage_rules.h"
#include "mayfly/data/open_parents.h"
#include "mayfly/data/slice_chain.h"
#include "mayfly/graph/answers.h"
#include "mayfly/graph/inbox.h"

namespace mayfly {

class MadeRows {
 public:
  explicit MadeRows(Answers& answers) : answers_(answers) {}
  // Before the first row. `splits`: the plugin says that it makes several of one.
  void attach_pool(BatchPool& pool, bool splits) {
    pool_ = &pool;
    splits_ = splits;
    open_.attach(pool);
  }

  // Around process(), with its slice: whether it has emitted anything.
  void begin_call(std::uint16_t batch, std::span<const std::uint16_t> rows) {
    emitted_in_call_ = false;
    open_.begin_slice(batch, rows);
  }
  void end_call() { open_.end_slice(); }
  bool emitted_in_call() const { return emitted_in_call_; }

  // batch_new() gave it to the plugin.
  void lend(mayfly_batch& batch) { lent_.push_back(&batch); }
  // Takes the batch. What is wrong with it, with port or lineage, or "".
  std::string emit(std::uint32_t port, std::size_t ports, mayfly_batch* batch,
                   const mayfly_lineage* lineage, std::uint32_t count, std::int64_t now_ns);
  // What was emitted is so little that it may wait for the next call of the same activation.
  bool may_wait() const {
    return emitted_.size() == 1 && last_rows_ <= kFewRows &&
           emitted_.back().batch->rows < emitted_.back().batch->capacity;
  }
  // After a call of the plugin, at the latest at the activation's end: what it emitted goes on its
  // way.
  void send(const std::vector<Edge>& ports) {
    if (!emitted_.empty()) send_all(ports);
  }

  // A row that the plugin consumed: answered by what was made from it. Nothing made so far: see
  // end_slice.
  void consume(mayfly_batch& batch, std::uint16_t row) {
    if (batch.children[row] > 0) return;
    childless_.push_back(make_ref(batch.id, row));
    open_.keep(childless_.back());
  }
  // After a slice, with its flags: at the end of a group its childless rows are answered as
  // consumed by `node`. A group's last slice may be BLOCKED while new slices come: then its rows
  // wait.
  void end_slice(std::uint32_t flags, std::uint16_t node, const Edge& record) {
    if ((flags & MAYFLY_SLICE_RESUMED) != 0) group_open_ = (flags & MAYFLY_SLICE_END_OF_GROUP) == 0;
    if (group_open_ || childless_.empty()) return;
    forget_parents();
    answer_childless(node, record);
  }

  // The plugin has failed, or the drain's deadline has passed: what was emitted and not sent, and
  // the consumed rows without children, are left.
  void leave();

 private:
  // So many rows are copied rather than sent in a batch of their own.
  static constexpr std::uint32_t kFewRows = 64;

  struct Emitted {
    mayfly_batch* batch;
    std::uint32_t port;
  };

  void link(mayfly_batch& batch, const mayfly_lineage& made);
  void forget_parents();
  void send_all(const std::vector<Edge>& ports);
  void answer_childless(std::uint16_t node, const Edge& record);

  Answers& answers_;
  BatchPool* pool_ = nullptr;
  std::vector<mayfly_batch*> lent_;  // to the plugin
  LineageRules rules_;
  OpenParents open_;
  bool splits_ = false;
  std::vector<Emitted> emitted_;
  std::uint32_t last_rows_ = 0;  // that were emitted last
  bool emitted_in_call_ = false;
  bool group_open_ = false;        // some slices of a released group are processed, not its last
  std::vector<RowRef> childless_;  // consumed rows of this group from which nothing was made so far
};

}  // namespace mayfly
