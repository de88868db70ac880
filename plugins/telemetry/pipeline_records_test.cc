#include "plugins/telemetry/pipeline_records.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/otlp/json.h"
#include "tests/support/otlp_check.h"

namespace mayfly::telemetry {
namespace {

mayfly_metric figure(std::string_view instance, std::string_view name, std::uint32_t kind,
                     std::uint64_t value) {
  return {.instance = {instance.data(), instance.size()},
          .name = {name.data(), name.size()},
          .kind = kind,
          .reserved = 0,
          .value = value};
}

TEST_CASE("pipeline records: figures of one name are one metric with a point for each node") {
  const std::vector<mayfly_metric> figures = {
      figure("", "rows.written", MAYFLY_METRIC_COUNTER, 7),
      figure("a", "dropped", MAYFLY_METRIC_COUNTER, 1),
      figure("b", "dropped", MAYFLY_METRIC_COUNTER, UINT64_MAX),
      figure("b", "rows.held", MAYFLY_METRIC_GAUGE, 3),
      figure("c", "dropped", MAYFLY_METRIC_GAUGE, 4),
  };
  const auto metrics = metrics_of(figures, 100, 200);
  REQUIRE(metrics.size() == 4);
  CHECK(metrics[0].name == "mayfly.rows.written");
  CHECK(metrics[0].unit == "{row}");
  const otlp::NumberPoint& written = std::get<otlp::Sum>(metrics[0].data).points.at(0);
  CHECK(std::get<std::int64_t>(written.value) == 7);
  CHECK(written.start_unix_ns == 100);
  CHECK(written.time_unix_ns == 200);
  CHECK(written.attributes.empty());
  const auto& dropped = std::get<otlp::Sum>(metrics[1].data).points;
  REQUIRE(dropped.size() == 2);
  CHECK(std::get<std::string>(dropped[1].attributes.at(0).value) == "b");
  // As far as it can be told.
  CHECK(std::get<std::int64_t>(dropped[1].value) == INT64_MAX);
  CHECK(std::get<otlp::Gauge>(metrics[2].data).points.at(0).start_unix_ns == 0);
  CHECK(metrics[3].name == "mayfly.dropped");
  testing::valid_otlp(testing::OtlpMessage::kMetricsRequest,
                      otlp::metrics_request({}, {"x", ""}, metrics));
}

TEST_CASE("pipeline records: each row is chosen with the same chance") {
  Rng rng(7);
  const auto random = [&] { return rng.next(); };
  for (const double ratio : {0.001, 0.1, 0.5, 0.9}) {
    RowSampler sampler;
    sampler.set_ratio(ratio, random);
    std::uint64_t chosen = 0;
    constexpr std::uint64_t kRows = 1'000'000;
    for (std::uint64_t done = 0; done < kRows;) {
      const std::uint64_t count = 1 + done % 1000;
      std::uint64_t before = 0;
      sampler.each(count, random, [&](std::uint64_t i) {
        CHECK(i < count);
        CHECK(i + 1 > before);
        before = i + 1;
        ++chosen;
      });
      done += count;
    }
    CHECK(static_cast<double>(chosen) > kRows * ratio * 0.85);
    CHECK(static_cast<double>(chosen) < kRows * ratio * 1.15);
  }
}

TEST_CASE("pipeline records: none of the rows, all of them, and another part from now on") {
  Rng rng(7);
  const auto random = [&] { return rng.next(); };
  RowSampler sampler;
  const auto chosen_of = [&](std::uint64_t count) {
    std::uint64_t chosen = 0;
    sampler.each(count, random, [&](std::uint64_t) { ++chosen; });
    return chosen;
  };
  CHECK_FALSE(sampler.active());
  CHECK(chosen_of(1000) == 0);
  sampler.set_ratio(1, random);
  CHECK(chosen_of(1000) == 1000);
  sampler.set_ratio(1e-300, random);
  CHECK(chosen_of(1000) == 0);
  sampler.set_ratio(0, random);
  CHECK(chosen_of(1000) == 0);
}

TEST_CASE("pipeline records: outcomes have names, and what isn't known has none") {
  CHECK(outcome_name(MAYFLY_PENDING) == "");
  CHECK(outcome_name(MAYFLY_WRITTEN) == "written");
  CHECK(outcome_name(MAYFLY_UNKNOWN) == "unknown");
  CHECK(outcome_name(200) == "");
}

}  // namespace
}  // namespace mayfly::telemetry
