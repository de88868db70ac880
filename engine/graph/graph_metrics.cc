// What a pipeline counts, for plugins that tell others of it.
#include <array>

#include "mayfly/graph/graph.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

constexpr std::array<std::string_view, kOutcomes> kAnswers = {
    "",  // MAYFLY_PENDING: in flight
    "rows.written",
    "rows.ignored",
    "rows.dead_lettered",
    "rows.dropped",
    "rows.consumed",
    "rows.handed_back",
    "rows.left",
    "rows.unknown",
};

// Fills what there is room for, and counts on.
class MetricWriter {
 public:
  explicit MetricWriter(std::span<mayfly_metric> out) : out_(out) {}

  void add(std::string_view instance, std::string_view name, std::uint32_t kind,
           std::uint64_t value) {
    if (count_ < out_.size()) {
      out_[count_] = {.instance = {instance.data(), instance.size()},
                      .name = {name.data(), name.size()},
                      .kind = kind,
                      .reserved = 0,
                      .value = value};
    }
    ++count_;
  }
  void add_counters(const PluginInstance& instance) {
    const NamedTable counters(instance.plugin().counters);
    for (std::uint32_t i = 0; i < counters.size(); ++i) {
      add(instance.name(), counters[i].name, MAYFLY_METRIC_COUNTER, instance.counter(i));
    }
  }
  std::uint32_t count() const { return count_; }

 private:
  std::span<mayfly_metric> out_;
  std::uint32_t count_ = 0;
};

}  // namespace

std::uint32_t Graph::read_metrics(std::span<mayfly_metric> out) const {
  MetricWriter metrics(out);
  const ConservationCounts rows = answers_.counts();
  metrics.add("", "rows.accepted", MAYFLY_METRIC_COUNTER, rows.accepted);
  metrics.add("", "rows.emitted", MAYFLY_METRIC_COUNTER, rows.emitted);
  for (std::size_t i = 1; i < kOutcomes; ++i) {
    metrics.add("", kAnswers[i], MAYFLY_METRIC_COUNTER, rows.answers[i]);
  }
  metrics.add("", "rows.in_flight", MAYFLY_METRIC_GAUGE, rows.in_flight);
  metrics.add("", "signals.raised", MAYFLY_METRIC_COUNTER, services_.signals.raised_total());
  metrics.add("", "batches.free", MAYFLY_METRIC_GAUGE,
              pool_->free_batches(BatchPool::Part::kIntake));
  for (const auto& source : sources_) {
    if (source != nullptr) metrics.add_counters(*source);
  }
  for (const auto& node : nodes_) {
    metrics.add_counters(*node);
    metrics.add(node->name(), "rows.inside", MAYFLY_METRIC_GAUGE, node->rows_inside());
    metrics.add(node->name(), "rows.held", MAYFLY_METRIC_GAUGE, node->rows_held());
  }
  return metrics.count();
}

}  // namespace mayfly
