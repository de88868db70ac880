#include "mayfly/config/plan.h"

#include <algorithm>

namespace mayfly {
namespace {

// Bookkeeping a row, as data/batch_pool.h states it.
constexpr std::uint64_t kMetaBytes = 140;
// A cell, and its bits in two bitmaps, rounded up.
constexpr std::uint64_t kCellBytes = 9;

}  // namespace

std::uint32_t reserve_batches_needed(const PipelinePlan& plan) {
  std::uint32_t batches = 0;
  for (const NodePlan& node : plan.nodes) {
    if (node.plugin && node.plugin->has(MAYFLY_HOLDS | MAYFLY_TRANSFORMS)) batches += 2;
  }
  return batches;
}

std::uint32_t batches_min(const PipelinePlan& plan) {
  return static_cast<std::uint32_t>(plan.sources.size()) + reserve_batches_needed(plan) + 2;
}

std::uint64_t estimate_memory_bytes(const PipelinePlan& plan) {
  const std::uint64_t columns =
      plan.writer.columns.empty() ? kColumnsAssumed : plan.writer.columns.size();
  return pool_bytes(plan, columns) + plan.max_row_bytes;
}

std::uint64_t pool_bytes(const PipelinePlan& plan, std::uint64_t columns) {
  const std::uint64_t row = kMetaBytes + columns * kCellBytes;
  return plan.batches * (plan.batch_rows * row + plan.batch_bytes);
}

std::uint32_t batch_rows_within(const PipelinePlan& plan, std::uint64_t columns) {
  if (plan.pool_bytes_max == 0 || pool_bytes(plan, columns) <= plan.pool_bytes_max) {
    return plan.batch_rows;
  }
  const std::uint64_t batch = plan.pool_bytes_max / std::max<std::uint32_t>(plan.batches, 1);
  const std::uint64_t rows = batch - std::min<std::uint64_t>(batch, plan.batch_bytes);
  return static_cast<std::uint32_t>(
      std::max<std::uint64_t>(rows / (kMetaBytes + columns * kCellBytes), 1));
}

}  // namespace mayfly
