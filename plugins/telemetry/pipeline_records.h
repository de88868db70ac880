// What a pipeline's figures and rows are in OpenTelemetry's terms, and which rows are shown at all.
//
// Values; times are nanoseconds since 1970. One thread at a time.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/otlp/records.h"

namespace mayfly::telemetry {

// OpenTelemetry's integers are signed.
inline std::int64_t whole(std::uint64_t number) {
  return static_cast<std::int64_t>(std::min<std::uint64_t>(number, INT64_MAX));
}

// Each name once, as "mayfly.NAME", with a point for each instance that has it: counters are sums
// since start_unix_ns, gauges are gauges.
inline std::vector<otlp::Metric> metrics_of(std::span<const mayfly_metric> figures,
                                            std::int64_t start_unix_ns, std::int64_t now_unix_ns) {
  const auto view = [](mayfly_text text) {
    return std::string_view(text.data, static_cast<std::size_t>(text.size));
  };
  std::vector<otlp::Metric> metrics;
  for (const mayfly_metric& figure : figures) {
    const bool counts = figure.kind == MAYFLY_METRIC_COUNTER;
    const std::string name = "mayfly." + std::string(view(figure.name));
    otlp::NumberPoint point{.attributes = {},
                            .start_unix_ns = counts ? start_unix_ns : 0,
                            .time_unix_ns = now_unix_ns,
                            .value = whole(figure.value)};
    if (figure.instance.size > 0) {
      point.attributes.push_back({"mayfly.node", std::string(view(figure.instance))});
    }
    auto known = std::find_if(metrics.begin(), metrics.end(), [&](const otlp::Metric& metric) {
      return metric.name == name && std::holds_alternative<otlp::Sum>(metric.data) == counts;
    });
    if (known == metrics.end()) {
      otlp::Metric metric{.name = name, .description = "", .unit = "1", .data = otlp::Gauge{}};
      if (view(figure.name).starts_with("rows.")) metric.unit = "{row}";
      if (counts) metric.data = otlp::Sum{};
      known = metrics.insert(metrics.end(), std::move(metric));
    }
    if (counts) {
      std::get<otlp::Sum>(known->data).points.push_back(std::move(point));
    } else {
      std::get<otlp::Gauge>(known->data).points.push_back(std::move(point));
    }
  }
  return metrics;
}

// What an answer is called; empty: it is none.
inline std::string_view outcome_name(std::uint8_t outcome) {
  constexpr std::array<std::string_view, 9> kNames = {
      "",         "written",     "ignored", "dead_lettered", "dropped",
      "consumed", "handed_back", "left",    "unknown"};
  return outcome < kNames.size() ? kNames[outcome] : std::string_view();
}

// A row's way from when it was made to its answer.
inline otlp::Span span_of(const mayfly_batch& batch, std::uint16_t row, std::int64_t start_unix_ns,
                          std::int64_t end_unix_ns, otlp::TraceId trace, otlp::SpanId id) {
  const std::uint8_t outcome = batch.outcome[row];
  otlp::Span span;
  span.trace_id = trace;
  span.span_id = id;
  span.name = "row";
  span.start_unix_ns = start_unix_ns;
  span.end_unix_ns = std::max(start_unix_ns, end_unix_ns);
  span.attributes = {{"mayfly.ordinal", whole(batch.ordinal[row])},
                     {"mayfly.outcome", std::string(outcome_name(outcome))},
                     {"mayfly.attempts", std::int64_t{batch.attempt[row]}}};
  const bool lost = outcome == MAYFLY_DEAD_LETTERED || outcome == MAYFLY_UNKNOWN;
  span.status = lost ? otlp::SpanStatus::kError : otlp::SpanStatus::kOk;
  if (lost) span.status_message = std::string(outcome_name(outcome));
  return span;
}

// Chooses each row with the same chance, by drawing how many are passed over before the next.
class RowSampler {
 public:
  // 0 to 1. random() gives 64 bits.
  template <class Random>
  void set_ratio(double ratio, Random&& random) {
    ratio_ = ratio;
    pass_over_ = ratio_ > 0 ? draw(random()) : 0;
  }
  // Calls chosen(i) for those of the next `count` rows that are.
  template <class Random, class Chosen>
  void each(std::uint64_t count, Random&& random, Chosen&& chosen) {
    if (!(ratio_ > 0)) return;
    while (pass_over_ < count) {
      chosen(pass_over_);
      pass_over_ += 1 + draw(random());
    }
    pass_over_ -= count;
  }
  bool active() const { return ratio_ > 0; }

 private:
  // Geometric: the logarithm of a number in (0, 1].
  std::uint64_t draw(std::uint64_t bits) const {
    if (ratio_ >= 1) return 0;
    const double unit = static_cast<double>((bits >> 11) + 1) * 0x1.0p-53;
    const double passed_over = std::log(unit) / std::log1p(-ratio_);
    return passed_over < 1e12 ? static_cast<std::uint64_t>(passed_over) : 1'000'000'000'000u;
  }

  double ratio_ = 0;
  std::uint64_t pass_over_ = 0;
};

}  // namespace mayfly::telemetry
