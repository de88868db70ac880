// What tests of whole graphs share: a pipeline's engine, rows, and how it must end.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <memory>
#include <string>

#include "mayfly/mayfly.h"
#include "tests/support/database.h"
#include "tests/support/pipeline.h"

namespace mayfly::testing {

inline std::string library(const char* variable) {
  const char* path = std::getenv(variable);
  REQUIRE(path != nullptr);
  return path;
}

inline EngineOptions options_for_inlet() {
  EngineOptions options;
  options.inlet_schema = Schema({{.name = "id", .type = ColumnType::kInt64}, {.name = "name"}});
  return options;
}

inline std::unique_ptr<Engine> open(const Pipeline& pipeline,
                                    EngineOptions options = options_for_inlet()) {
  auto engine = Engine::open(pipeline.plan, std::move(options));
  REQUIRE_MESSAGE(engine.ok(), engine.status().message());
  return std::move(engine).value();
}

inline void append(Engine& engine, int rows) {
  auto producer = engine.open_producer();
  REQUIRE_MESSAGE(producer.ok(), producer.status().message());
  for (int i = 0; i < rows; ++i) REQUIRE((*producer)->append(i, "row") == Append::kAccepted);
}

inline void close_balanced(Engine& engine) {
  const Status end = engine.close();
  CHECK_MESSAGE(end.ok(), end.message());
  const ConservationCounts counts = engine.stats().rows;
  CHECK(counts.balanced());
  CHECK(counts.in_flight == 0);
}

inline std::uint64_t counter(const Engine& engine, const std::string& name) {
  for (const CounterStats& stats : engine.stats().counters) {
    if (stats.counter == name) return stats.value;
  }
  FAIL("no counter " << name);
  return 0;
}

// A plugin of a test's own, with one port; what it does is to be filled in.
inline mayfly_plugin plugin_of_test(const char* name, std::uint32_t kind, std::uint32_t flags) {
  static constexpr mayfly_named kPorts[] = {{"out", "Rows."}};
  mayfly_plugin p{};
  p.struct_size = sizeof p;
  p.abi_major = MAYFLY_ABI_MAJOR;
  p.abi_minor = MAYFLY_ABI_MINOR;
  p.name = name;
  p.version = "1";
  p.summary = "For tests.";
  p.kind = kind;
  p.flags = flags;
  p.ports = {kPorts, 1, sizeof(mayfly_named)};
  return p;
}

}  // namespace mayfly::testing
