// LineageRules: what a batch that a transform emits must keep to, so that each row that it was made
// from is answered once.
//
// A row that others are made from is consumed: earlier, or by the call that emits. It may have
// several children, or share one child with other rows, but not both: the parents of one child form
// a chain, and stand in no other.
//
// THREADS  One at a time. MEMORY  Scratch, where a child has several parents.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mayfly/data/batch_pool.h"

namespace mayfly {

class LineageRules {
 public:
  // What is wrong, or "". `processed`: the batch of the slice that the plugin is given; its rows
  // are consumed by the time that the call returns.
  std::string mistake_in(BatchPool& pool, const mayfly_batch& made,
                         std::span<const mayfly_lineage> lineage,
                         std::optional<std::uint16_t> processed);

 private:
  struct Link {
    RowRef parent;
    std::uint32_t child;
    bool shared;  // the child has other parents, too
  };

  std::string shared_mistake(BatchPool& pool, std::span<const mayfly_lineage> lineage);

  std::vector<Link> links_;
};

}  // namespace mayfly
