// A node that sends rows where they can't go: it is told, and its rows are left for whoever gave
// them, not lost. One that doesn't say why it rejects a row.
#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "mayfly/mayfly.h"
#include "tests/engine/pipeline_fixture.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using testing::Database;

// Where its row 7 goes.
std::uint16_t route_of_seven = 0;

mayfly_result process(void*, mayfly_slice* slice) {
  for (std::uint32_t i = 0; i < slice->count; ++i) {
    const std::uint16_t row = slice->rows[i];
    if (slice->batch->columns[0].cells[row].i64 == 7) slice->batch->route[row] = route_of_seven;
  }
  return MAYFLY_OK;
}

mayfly_plugin nonsense() {
  mayfly_plugin p = testing::plugin_of_test("nonsense", MAYFLY_NODE, MAYFLY_KEEPS_ORDER);
  p.process = &process;
  return p;
}

std::unique_ptr<Engine> engine_with(const mayfly_plugin& plugin, const Database& database) {
  PipelinePlan plan;
  plan.name = "p";
  plan.writer.database = database.path();
  plan.writer.table = "t";
  plan.sources.emplace_back().name = "producers";
  auto library = PluginLibrary::from_descriptor(&plugin, "nonsense");
  REQUIRE(library.ok());
  NodePlan& node = plan.nodes.emplace_back();
  node.name = "n";
  node.plugin = *library;
  node.inputs = {{Upstream::Kind::kSource, 0, 0}};
  plan.writer.inputs = {{Upstream::Kind::kNode, 0, 0}};
  EngineOptions options;
  options.inlet_schema = Schema({{.name = "id", .type = ColumnType::kInt64}});
  auto engine = Engine::open(plan, std::move(options));
  REQUIRE_MESSAGE(engine.ok(), engine.status().message());
  {
    auto producer = (*engine)->open_producer();
    REQUIRE(producer.ok());
    for (int id = 0; id < 20; ++id) REQUIRE((*producer)->append(id) == Append::kAccepted);
  }
  return std::move(engine).value();
}

TEST_CASE("a route that a node may not choose ends the pipeline, which names it and hands back") {
  struct Case {
    std::uint16_t route;
    const char* told;
  };
  const Case cases[] = {
      {1, "routed row 7 to 1, but plugin nonsense has 1 port(s)"},
      {MAYFLY_CONSUME, "routed row 7 to CONSUME, which is for nodes with MAYFLY_TRANSFORMS"},
      {MAYFLY_HOLD, "routed row 7 to HOLD, which is for nodes with MAYFLY_HOLDS"},
  };
  static const mayfly_plugin kPlugin = nonsense();
  for (const Case& c : cases) {
    CAPTURE(std::string(c.told));
    route_of_seven = c.route;
    const Database database("nonsense_" + std::to_string(c.route));
    const auto engine = engine_with(kPlugin, database);
    const Status end = engine->close();
    CHECK(end.message().find(c.told) != std::string::npos);
    const ConservationCounts rows = engine->stats().rows;
    CHECK(rows.balanced());
    CHECK(rows.answers[MAYFLY_CONSUMED] == 0);
    CHECK(rows.answers[MAYFLY_WRITTEN] + rows.answers[MAYFLY_HANDED_BACK] == 20);
    CHECK(rows.answers[MAYFLY_HANDED_BACK] > 0);
  }
}

TEST_CASE("a row that is rejected for a reason that isn't declared is a dead letter that says so") {
  static const mayfly_plugin kPlugin = nonsense();
  route_of_seven = MAYFLY_REJECT;
  const Database database("nonsense_reason");
  const auto engine = engine_with(kPlugin, database);
  const Status end = engine->close();
  CHECK_MESSAGE(end.ok(), end.message());
  CHECK(database.integer("SELECT count(*) FROM t") == 19);
  CHECK(database.integer("SELECT count(*) FROM mayfly_dead_letters WHERE node = 'n' AND "
                         "code = 'unspecified' AND "
                         "reason = 'the plugin gave a reason that it doesn''t declare'") == 1);
}

}  // namespace
}  // namespace mayfly
