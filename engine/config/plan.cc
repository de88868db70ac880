#include "mayfly/config/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

// Bookkeeping a row, as data/batch_pool.h states it.
constexpr std::uint64_t kMetaBytes = 140;
// A cell, and its bits in two bitmaps, rounded up.
constexpr std::uint64_t kCellBytes = 9;

// A row reference has 16 bits for the batch, and MAYFLY_REF_NONE must stay free.
constexpr std::uint32_t kBatchesMax = 65'535;

// Of a node that holds rows, and of one that makes rows.
constexpr std::uint32_t kEachHolder = 2;
constexpr std::uint32_t kEachMaker = 2;
// On their way to the writer.
constexpr std::uint32_t kOnTheWay = 2;

std::uint32_t nodes_with(const PipelinePlan& plan, std::uint32_t flag) {
  return static_cast<std::uint32_t>(std::ranges::count_if(plan.nodes, [flag](const NodePlan& node) {
    return node.plugin != nullptr && node.plugin->has(flag);
  }));
}
std::uint32_t intake_min(const PipelinePlan& plan) {
  return static_cast<std::uint32_t>(plan.sources.size()) + kOnTheWay;
}

}  // namespace

std::string_view step_name(const PipelinePlan& plan, const Upstream& upstream) {
  switch (upstream.kind) {
    case Upstream::Kind::kSource:
      return plan.sources[upstream.index].name;
    case Upstream::Kind::kNode:
      return plan.nodes[upstream.index].name;
    case Upstream::Kind::kWriter:
      break;
  }
  return "writer";
}

std::string name_of(const PipelinePlan& plan, const Upstream& upstream) {
  std::string name(step_name(plan, upstream));
  if (upstream.kind == Upstream::Kind::kWriter) return name + ".failed";
  const PluginLibrary* plugin = upstream.kind == Upstream::Kind::kSource
                                    ? plan.sources[upstream.index].plugin.get()
                                    : plan.nodes[upstream.index].plugin.get();
  if (plugin == nullptr || plugin->plugin().ports.count < 2) return name;
  return fmt::format("{}.{}", name, NamedTable(plugin->plugin().ports)[upstream.port].name);
}

std::uint32_t reserve_batches_needed(const PipelinePlan& plan) {
  return kEachHolder * nodes_with(plan, MAYFLY_HOLDS) +
         kEachMaker * nodes_with(plan, MAYFLY_TRANSFORMS);
}

PoolShares pool_shares(const PipelinePlan& plan) {
  const std::uint32_t makers = nodes_with(plan, MAYFLY_TRANSFORMS);
  PoolShares shares;
  shares.reserve = kEachHolder * nodes_with(plan, MAYFLY_HOLDS);
  shares.intake = plan.batches - shares.reserve;
  if (makers == 0) return shares;
  const std::uint32_t most = (shares.intake - intake_min(plan)) / makers;
  const std::uint32_t each = std::max(kEachMaker, std::min(shares.intake / (makers + 1), most));
  shares.makers.assign(makers, each);
  shares.intake -= makers * each;
  return shares;
}

std::uint32_t batches_min(const PipelinePlan& plan) {
  return intake_min(plan) + reserve_batches_needed(plan);
}

std::string batches_mistake(const PipelinePlan& plan) {
  const std::uint32_t min = batches_min(plan);
  if (plan.batches >= min && plan.batches <= kBatchesMax) return "";
  return fmt::format(
      "pipeline.batches: expected {} to {} ({} sources, 2 for each node that holds rows and 2 for "
      "each that makes rows: {}, 2 on their way to the writer), found {}",
      min, kBatchesMax, plan.sources.size(), reserve_batches_needed(plan), plan.batches);
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
