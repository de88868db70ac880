#include "mayfly/data/lineage_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace mayfly {

std::string LineageRules::mistake_in(BatchPool& pool, const mayfly_batch& made,
                                     std::span<const mayfly_lineage> lineage,
                                     std::optional<std::uint16_t> processed) {
  if (made.rows > made.capacity) {
    return fmt::format("emitted {} rows in a batch for {}", made.rows, made.capacity);
  }
  bool has_shared = false;
  for (std::size_t i = 0; i < lineage.size(); ++i) {
    const auto [parent, child] = std::pair(lineage[i].parent, lineage[i].child);
    if (batch_of(parent) >= pool.size() || row_of(parent) >= pool.batch(parent)->rows ||
        child >= made.rows) {
      return fmt::format("lineage {} names parent {:#x} and child {}; one doesn't exist", i, parent,
                         child);
    }
    if (batch_of(parent) != processed &&
        pool.batch(parent)->route[row_of(parent)] != MAYFLY_CONSUME) {
      return fmt::format("lineage {}: child {} is made from a row that isn't consumed", i, child);
    }
    has_shared = has_shared || (i > 0 && child <= lineage[i - 1].child);
  }
  return has_shared ? shared_mistake(pool, lineage) : std::string();
}

std::string LineageRules::shared_mistake(BatchPool& pool, std::span<const mayfly_lineage> lineage) {
  links_.clear();
  for (const mayfly_lineage& link : lineage) links_.push_back({link.parent, link.child, false});
  std::ranges::sort(links_, {}, &Link::child);
  for (std::size_t i = 1; i < links_.size(); ++i) {
    if (links_[i].child == links_[i - 1].child) links_[i].shared = links_[i - 1].shared = true;
  }
  std::ranges::sort(links_, {}, &Link::parent);
  for (std::size_t i = 0; i < links_.size(); ++i) {
    const Link& link = links_[i];
    const bool again = (i > 0 && links_[i - 1].parent == link.parent) ||
                       (i + 1 < links_.size() && links_[i + 1].parent == link.parent) ||
                       pool.batch(link.parent)->children[row_of(link.parent)] > 0;
    if (link.shared && again) {
      return fmt::format("lineage names a row twice that shares child {} with others", link.child);
    }
  }
  return {};
}

}  // namespace mayfly
