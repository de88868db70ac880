#include "mayfly/data/lineage_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mayfly {

std::string LineageRules::mistake_in(BatchPool& pool, const mayfly_batch& made,
                                     std::span<const mayfly_lineage> lineage, OpenParents& open,
                                     bool splits) {
  if (made.rows > made.capacity) {
    return fmt::format("emitted {} rows in a batch for {}", made.rows, made.capacity);
  }
  // A child for each parent, both in order, is what most make: nothing has to be sorted.
  bool one_to_one = lineage.size() == made.rows;
  for (std::size_t i = 0; i < lineage.size(); ++i) {
    const auto [parent, child] = std::pair(lineage[i].parent, lineage[i].child);
    if (child >= made.rows) {
      return fmt::format("lineage {} names child {} of {} rows", i, child, made.rows);
    }
    if (!open.contains(parent)) {
      return fmt::format(
          "lineage {}: child {} is made from row {:#x}, which shares a child already, or is "
          "neither of the slice at hand nor consumed and without an answer: what process "
          "consumes is answered at the end of the call, or of the released group",
          i, child, parent);
    }
    one_to_one = one_to_one && child == i && (i == 0 || lineage[i - 1].parent < parent) &&
                 pool.batch(parent)->children[row_of(parent)] == 0;
  }
  return one_to_one ? std::string() : mistake_among(pool, made, lineage, open, splits);
}

std::string LineageRules::mistake_among(BatchPool& pool, const mayfly_batch& made,
                                        std::span<const mayfly_lineage> lineage, OpenParents& open,
                                        bool splits) {
  links_.clear();
  for (const mayfly_lineage& link : lineage) links_.push_back({link.parent, link.child, false});
  std::ranges::sort(links_, {}, &Link::child);
  std::uint32_t children = links_.empty() ? 0 : 1;
  for (std::size_t i = 1; i < links_.size(); ++i) {
    if (links_[i].child == links_[i - 1].child) {
      links_[i].shared = links_[i - 1].shared = true;
    } else {
      ++children;
    }
  }
  if (children < made.rows) {
    return fmt::format(
        "emitted {} rows, of which {} are made from no row: lineage names a parent for each",
        made.rows, made.rows - children);
  }
  std::ranges::sort(links_, {}, &Link::parent);
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const Link& link = links_[i];
    const bool again = (i > 0 && links_[i - 1].parent == link.parent) ||
                       (i + 1 < links_.size() && links_[i + 1].parent == link.parent) ||
                       pool.batch(link.parent)->children[row_of(link.parent)] > 0;
    if (!again) continue;
    if (link.shared) {
      return fmt::format("lineage names a row twice that shares child {} with others", link.child);
    }
    if (!splits) {
      return fmt::format("made several rows of row {:#x}, which is for nodes with MAYFLY_SPLITS",
                         link.parent);
    }
  }
  // Of a row that shares a child nothing else is made, in a later batch either.
  for (const Link& link : links_) {
    if (link.shared) open.forget(link.parent);
  }
  return {};
}

}  // namespace mayfly
