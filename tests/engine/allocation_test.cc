// After warm-up, Mayfly's own code allocates nothing per row; without memory an engine doesn't
// open. SQLite and oneTBB have allocators of their own and aren't counted here.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <thread>

#include "mayfly/mayfly.h"
#include "tests/support/allocation_count.h"
#include "tests/support/database.h"
#include "tests/support/runfile.h"

namespace mayfly {
namespace {

EngineConfig config_for(const testing::Database& database) {
  EngineConfig config;
  config.database = database.path();
  config.table = "t";
  config.columns = {{.name = "id", .type = ColumnType::kInt64},
                    {.name = "name"},
                    {.name = "score", .type = ColumnType::kFloat64}};
  config.synchronous = WriterPlan::Synchronous::kNormal;
  return config;
}

void write(Engine& engine, Producer& producer, std::uint64_t rows) {
  const std::uint64_t until = engine.stats().rows.answered() + rows;
  for (std::uint64_t i = 0; i < rows; ++i) {
    REQUIRE(producer.append(static_cast<std::int64_t>(i),
                            "a name of some length, beyond any buffer", 0.5) == Append::kAccepted);
  }
  producer.flush();
  while (engine.stats().rows.answered() < until) std::this_thread::yield();
}

TEST_CASE("a hundred thousand rows through six nodes allocate nothing per row") {
  const testing::Database database("allocations");
  EngineConfig config = config_for(database);
  for (int i = 0; i < 6; ++i) {
    config.nodes.push_back(
        {"pass_" + std::to_string(i), testing::runfile(std::getenv("PASS")), {}});
  }
  auto opened = Engine::open(config);
  REQUIRE_MESSAGE(opened.ok(), opened.status().message());
  Engine& engine = **opened;
  {
    auto opened_producer = engine.open_producer();
    REQUIRE(opened_producer.ok());
    Producer& producer = **opened_producer;
    write(engine, producer, 50'000);  // warm-up

    // The writer works beside the appends, so its allocations are counted too.
    const std::uint64_t before = testing::allocation_count();
    for (int i = 0; i < 100'000; ++i) producer.append(i, "a name of some length, beyond any", 0.5);
    const std::uint64_t allocated = testing::allocation_count() - before;
    // Not by rows: once a second the writer describes itself in mayfly_stats.
    CHECK(allocated < 100);
  }
  CHECK(engine.close().ok());
}

TEST_CASE("an engine that there is no memory for says so, and opens when there is some") {
  const testing::Database database("no_memory");
  const EngineConfig config = config_for(database);
  // The pool's batches, the columns of one, what the plan is made of.
  for (const std::size_t bytes : {1u << 16, 1u << 13, 1u << 8}) {
    CAPTURE(bytes);
    testing::fail_allocations_over(bytes);
    const Status status = Engine::open(config).status();
    testing::fail_allocations_over(SIZE_MAX);
    CHECK(status.code() == Code::kTryAgain);
    CHECK(status.message() == "not enough memory; lower batches, batch_rows or tickets");
  }
  CHECK(Engine::open(config).ok());
}

}  // namespace
}  // namespace mayfly
