// LineageRules: what a batch that a transform emits must keep to, so that each row that it was made
// from is answered once.
//
// A row that others are made from is of the slice at hand, and consumed by the end of the call, or
// was consumed and has no answer yet (OpenParents). It may have several children, if the plugin
// says that it splits rows, or share one child with other rows, but not both: the parents of one
// child form a chain, and stand in no other. Each row that is made has a parent.
//
// THREADS  One at a time. MEMORY  Scratch, where a child has several parents.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mayfly/data/batch_pool.h"
#include "mayfly/data/open_parents.h"

namespace mayfly {

class LineageRules {
 public:
  // What is wrong, or "". `splits`: a row may have several children.
  std::string mistake_in(BatchPool& pool, const mayfly_batch& made,
                         std::span<const mayfly_lineage> lineage, OpenParents& open, bool splits);

 private:
  struct Link {
    RowRef parent;
    std::uint32_t child;
    bool shared;  // the child has other parents, too
  };

  // Of links in any order: children with several parents, parents with several children.
  std::string mistake_among(BatchPool& pool, const mayfly_batch& made,
                            std::span<const mayfly_lineage> lineage, OpenParents& open,
                            bool splits);

  std::vector<Link> links_;
};

}  // namespace mayfly
