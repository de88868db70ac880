// The embedding API: producers, tickets, backpressure, drain.
#include <doctest/doctest.h>

#include <atomic>
#include <coroutine>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/mayfly.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using testing::Database;

EngineConfig config_for(const Database& database) {
  EngineConfig config;
  config.database = database.path();
  config.table = "t";
  config.columns = {{.name = "id", .type = ColumnType::kInt64},
                    {.name = "name"},
                    {.name = "score", .type = ColumnType::kFloat64}};
  config.synchronous = WriterPlan::Synchronous::kNormal;
  config.batch_rows = 64;
  config.batches = 8;
  return config;
}

std::unique_ptr<Engine> open(const EngineConfig& config, EngineOptions options = {}) {
  auto engine = Engine::open(config, std::move(options));
  REQUIRE_MESSAGE(engine.ok(), engine.status().message());
  return std::move(engine).value();
}

std::unique_ptr<Producer> producer_of(Engine& engine) {
  auto producer = engine.open_producer();
  REQUIRE_MESSAGE(producer.ok(), producer.status().message());
  return std::move(producer).value();
}

void check_balanced(const Engine& engine) {
  const ConservationCounts counts = engine.stats().rows;
  CHECK(counts.balanced());
  CHECK(counts.in_flight == 0);
}

TEST_CASE("rows that were appended are in the table once the engine is closed") {
  const Database database("appended");
  const auto engine = open(config_for(database));
  {
    const auto producer = producer_of(*engine);
    for (int i = 0; i < 1000; ++i)
      REQUIRE(producer->append(i, "row", i * 0.5) == Append::kAccepted);
    CHECK(producer->append(nullptr, std::nullopt, 7) == Append::kAccepted);
  }
  CHECK(engine->close().ok());
  check_balanced(*engine);
  CHECK(database.integer("SELECT count(*) FROM t") == 1001);
  CHECK(database.integer("SELECT sum(id) FROM t") == 499500);
  CHECK(database.text("SELECT id, name, score, typeof(score) FROM t WHERE id IS NULL") ==
        "NULL|NULL|7.0|real");
}

TEST_CASE("a value that isn't of its column's type is kept as its text") {
  const Database database("exceptions");
  const auto engine = open(config_for(database));
  {
    const auto producer = producer_of(*engine);
    CHECK(producer->append("seven", 8, "x") == Append::kAccepted);
  }
  CHECK(engine->close().ok());
  CHECK(database.text("SELECT id, typeof(id), name, typeof(name), score FROM t") ==
        "seven|text|8|text|x");
}

TEST_CASE("a row of another shape is refused and nothing of it is kept") {
  const Database database("shape");
  const auto engine = open(config_for(database));
  const auto producer = producer_of(*engine);
  CHECK(producer->append(1, "two") == Append::kBadShape);
  producer->flush();
  CHECK(engine->stats().rows.accepted == 0);
}

TEST_CASE("a ticket is done when its rows are committed, and says what became of them") {
  const Database database("ticket");
  const auto engine = open(config_for(database));
  const auto producer = producer_of(*engine);
  Ticket ticket = producer->open_ticket();
  REQUIRE(ticket.valid());
  for (int i = 0; i < 150; ++i) REQUIRE(producer->append(i, "row", 0.0) == Append::kAccepted);
  CHECK_FALSE(ticket.done());  // it may get more rows
  producer->close_ticket();
  const TicketResult result = ticket.wait();
  CHECK(result.durable());
  CHECK(result.rows[MAYFLY_WRITTEN] == 150);
  CHECK(database.integer("SELECT count(*) FROM t") == 150);
}

TEST_CASE("a ticket names the first of its rows that a constraint rejected") {
  const Database database("ticket_rejected");
  database.run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, score REAL)");
  const auto engine = open(config_for(database));
  const auto producer = producer_of(*engine);
  Ticket ticket = producer->open_ticket();
  for (const int id : {1, 2, 2, 3, 1}) producer->append(id, "row", 0.0);
  producer->close_ticket();
  const TicketResult result = ticket.wait();
  CHECK_FALSE(result.durable());
  CHECK(result.rows[MAYFLY_WRITTEN] == 3);
  CHECK(result.rows[MAYFLY_DEAD_LETTERED] == 2);
  CHECK(result.first_failed == 2);
  CHECK(result.first_outcome == MAYFLY_DEAD_LETTERED);
}

TEST_CASE("a callback comes once, off the writer's thread, and may append") {
  const Database database("callback");
  const auto engine = open(config_for(database));
  const auto producer = producer_of(*engine);
  const auto second = producer_of(*engine);
  std::atomic<int> calls{0};
  Ticket ticket = producer->open_ticket();
  producer->append(1, "first", 0.0);
  std::move(ticket).on_done([&](const TicketResult& result) {
    CHECK(result.durable());
    CHECK(second->try_append(2, "second", 0.0) == Append::kAccepted);
    second->flush();
    ++calls;
    calls.notify_all();
  });
  producer->close_ticket();
  calls.wait(0);
  CHECK(engine->close().ok());
  CHECK(calls == 1);
  CHECK(database.integer("SELECT count(*) FROM t") == 2);
}

struct Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Task write_and_wait(Producer& producer, std::atomic<int>& written) {
  Ticket ticket = producer.open_ticket();
  for (int i = 0; i < 10; ++i) producer.append(i, "awaited", 0.0);
  producer.close_ticket();
  const TicketResult result = co_await ticket;
  written = static_cast<int>(result.rows[MAYFLY_WRITTEN]);
  written.notify_all();
}

TEST_CASE("a coroutine goes on once its rows are committed") {
  const Database database("coroutine");
  const auto engine = open(config_for(database));
  const auto producer = producer_of(*engine);
  std::atomic<int> written{0};
  write_and_wait(*producer, written);
  written.wait(0);
  CHECK(written == 10);
  CHECK(database.integer("SELECT count(*) FROM t") == 10);
}

TEST_CASE("an idle producer's rows are sent by the linger timer") {
  const Database database("linger");
  const auto engine = open(config_for(database));
  const auto producer = producer_of(*engine);
  Ticket ticket = producer->open_ticket();
  REQUIRE(producer->append(1, "lingers", 0.0) == Append::kAccepted);
  while (engine->stats().rows.answers[MAYFLY_WRITTEN] < 1) std::this_thread::yield();
  CHECK(database.integer("SELECT count(*) FROM t") == 1);
  // The producer goes on with a new batch.
  REQUIRE(producer->append(2, "after", 0.0) == Append::kAccepted);
  producer->close_ticket();
  CHECK(ticket.wait().rows[MAYFLY_WRITTEN] == 2);
}

TEST_CASE("an empty pool is told by try_append, waited for by append, and loses nothing") {
  const Database database("backpressure");
  database.run("CREATE TABLE t(id INTEGER, name TEXT, score REAL)");
  EngineConfig config = config_for(database);
  const auto engine = open(config);
  const auto producer = producer_of(*engine);
  int accepted = 0;
  {
    testing::WriteLock lock(database.path());
    while (producer->try_append(accepted, "row", 0.0) == Append::kAccepted) ++accepted;
    // The pool is the one bound: 8 batches of 64 rows.
    CHECK(accepted <= 8 * 64);
    CHECK(accepted >= 7 * 64);
    CHECK(producer->try_append(accepted, "row", 0.0) == Append::kNoRoom);
  }
  CHECK(producer->append(accepted, "row", 0.0) == Append::kAccepted);
  CHECK(engine->close().ok());
  check_balanced(*engine);
  CHECK(database.integer("SELECT count(*) FROM t") == accepted + 1);
}

TEST_CASE("a row larger than a batch's heap gets through, one beyond max_row_bytes is refused") {
  const Database database("big");
  const auto engine = open(config_for(database));
  const auto producer = producer_of(*engine);
  const std::string megabyte(1 << 20, 'x');
  CHECK(producer->append(1, "small", 0.0) == Append::kAccepted);
  for (int i = 0; i < 20; ++i) CHECK(producer->append(2, megabyte, 0.0) == Append::kAccepted);
  CHECK(producer->append(3, std::string(40 << 20, 'x'), 0.0) == Append::kTooBig);
  CHECK(producer->append(4, "small", 0.0) == Append::kAccepted);
  CHECK(engine->close().ok());
  CHECK(database.integer("SELECT count(*) FROM t") == 22);
  CHECK(database.integer("SELECT sum(length(name)) FROM t WHERE id = 2") == 20 << 20);
}

TEST_CASE("a closed engine refuses rows and tickets, and closing again changes nothing") {
  const Database database("closed");
  const auto engine = open(config_for(database));
  const auto producer = producer_of(*engine);
  producer->append(1, "row", 0.0);
  CHECK(engine->close().ok());
  CHECK(producer->append(2, "row", 0.0) == Append::kClosed);
  CHECK_FALSE(producer->open_ticket().valid());
  CHECK(engine->close().ok());
  CHECK(database.integer("SELECT count(*) FROM t") == 1);
}

// Interleaving aimed at: close() seals open batches while four producers append into them.
TEST_CASE("every row that was accepted before or during close is written, and no other") {
  for (int round = 0; round < 10; ++round) {
    const Database database("race_" + std::to_string(round));
    const auto engine = open(config_for(database));
    std::atomic<std::int64_t> accepted{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        const auto producer = producer_of(*engine);
        std::int64_t mine = 0;
        while (producer->append(mine, "raced", 0.0) == Append::kAccepted) ++mine;
        accepted += mine;
      });
    }
    while (engine->stats().rows.accepted < 500) std::this_thread::yield();
    CHECK(engine->close().ok());
    for (std::thread& thread : threads) thread.join();
    check_balanced(*engine);
    CHECK(database.integer("SELECT count(*) FROM t") == accepted);
  }
}

TEST_CASE("an engine without columns, or of an unknown plugin, doesn't open and says why") {
  const Database database("refused");
  EngineConfig config = config_for(database);
  config.columns.clear();
  CHECK(Engine::open(config).status().code() == Code::kUsage);
  config = config_for(database);
  config.nodes = {{.name = "x", .plugin = "no_such_plugin", .options = {}}};
  const auto engine = Engine::open(config);
  REQUIRE_FALSE(engine.ok());
  CHECK(engine.status().message().find("no_such_plugin") != std::string::npos);
}

TEST_CASE("limits that no engine can have are refused at open, all of them at once") {
  const Database database("limits");
  const auto refusal = [&](std::uint32_t batch_rows, std::uint32_t batches) {
    EngineConfig config = config_for(database);
    config.batch_rows = batch_rows;
    config.batches = batches;
    const auto opened = Engine::open(config);
    return opened.ok() ? std::string() : opened.status().message();
  };
  CHECK(refusal(65'534, 8).empty());
  CHECK(refusal(65'535, 8) == "pipeline.batch_rows: expected 1 to 65534, found 65535");
  const std::string both = refusal(0, 70'000);
  CHECK(both.find("batch_rows: expected 1 to 65534, found 0; ") != std::string::npos);
  CHECK(both.find("pipeline.batches: expected 3 to 65535") != std::string::npos);
  EngineConfig config = config_for(database);
  config.columns = {{""}};
  CHECK(Engine::open(config).status().message() ==
        "columns: expected a name, found none at column 1");
  config.columns = {{"a"}, {"b"}, {"A"}};
  CHECK(Engine::open(config).status().message() ==
        "columns: expected different names (SQLite takes upper and lower case for the same), found "
        "\"A\" twice");
  config = config_for(database);
  CHECK(Engine::open(config, {.signals = {.capacity = 0}}).status().code() == Code::kUsage);
}

TEST_CASE("a plan whose inputs or plugins don't exist is refused; keys match in any case") {
  const Database database("links");
  PipelinePlan plan;
  plan.sources.emplace_back().name = "producers";
  plan.writer.database = database.path();
  plan.writer.table = "t";
  plan.writer.inputs = {{Upstream::Kind::kNode, 7, 0}};
  CHECK(Engine::open(plan).status().message() ==
        "writer: expected an input of 0 that there are, found number 7");
  plan.nodes.emplace_back().name = "nothing";
  plan.nodes[0].inputs = {{Upstream::Kind::kSource, 0, 0}};
  plan.writer.inputs = {{Upstream::Kind::kNode, 0, 0}};
  CHECK(Engine::open(plan).status().message() == "nothing: expected a plugin, found none");
  EngineConfig config = config_for(database);
  config.primary_key = {"ID"};
  CHECK(Engine::open(config).ok());
}

// Nothing is left to write but the end itself, for which the database isn't free.
TEST_CASE("closing waits for another's lock until the drain's deadline, aborting tries once") {
  const Database database("closing_locked");
  for (const bool abort : {false, true}) {
    CAPTURE(abort);
    PipelinePlan plan;
    plan.sources.emplace_back().name = "producers";
    plan.writer.database = database.path();
    plan.writer.table = "t";
    plan.writer.inputs = {{Upstream::Kind::kSource, 0, 0}};
    plan.drain_deadline_ns = 100 * kMillisecond;
    auto opened = Engine::open(plan, {.inlet_schema = Schema(config_for(database).columns)});
    REQUIRE_MESSAGE(opened.ok(), opened.status().message());
    const auto engine = std::move(opened).value();
    {
      const auto producer = producer_of(*engine);
      Ticket ticket = producer->open_ticket();
      REQUIRE(producer->append(1, "row", 0.5) == Append::kAccepted);
      producer->close_ticket();
      CHECK(ticket.wait().durable());
    }
    const testing::WriteLock lock(database.path());
    const Status status = abort ? engine->abort() : engine->close();
    CHECK(status.code() == Code::kTryAgain);
    CHECK_MESSAGE(status.message().find("gave up") != std::string::npos, status.message());
  }
  CHECK(database.integer("SELECT count(*) FROM t") == 2);
}

TEST_CASE("closing after aborting doesn't wait") {
  const Database database("abort_close");
  const auto engine = open(config_for(database));
  static_cast<void>(engine->abort());
  static_cast<void>(engine->close());
  static_cast<void>(engine->close());
}

TEST_CASE("an engine that is destroyed while it runs answers what it accepted") {
  const Database database("destroyed");
  {
    const auto engine = open(config_for(database));
    const auto producer = producer_of(*engine);
    for (int i = 0; i < 20'000; ++i) {
      REQUIRE(producer->append(i, "row", 0.5) == Append::kAccepted);
    }
  }
  CHECK(database.integer("SELECT count(*) FROM t") == 20'000);
}

TEST_CASE("a ticket that wasn't taken is done, covers no row and can be waited for in every way") {
  const Database database("no_ticket");
  const auto engine = open(config_for(database));
  const auto producer = producer_of(*engine);
  REQUIRE(engine->close().ok());

  Ticket ticket = producer->open_ticket();
  CHECK_FALSE(ticket.valid());
  CHECK(ticket.done());
  CHECK(ticket.wait_for(0));
  CHECK_FALSE(ticket.wait().durable());
  CHECK_FALSE(ticket.result().taken);
  CHECK(ticket.result().total() == 0);
  int calls = 0;
  std::move(ticket).on_done([&](const TicketResult& result) { calls += result.taken ? 100 : 1; });
  CHECK(calls == 1);
  bool resumed = false;
  const auto wait = [&](Ticket waited) -> Task {
    const TicketResult result = co_await waited;
    resumed = !result.taken;
  };
  wait(Ticket());
  CHECK(resumed);
}

TEST_CASE("aborting hands back what isn't written, through the ticket") {
  const Database database("abort");
  database.run("CREATE TABLE t(id INTEGER, name TEXT, score REAL)");
  const auto engine = open(config_for(database));
  const auto producer = producer_of(*engine);
  testing::WriteLock lock(database.path());
  Ticket ticket = producer->open_ticket();
  for (int i = 0; i < 100; ++i) producer->append(i, "row", 0.0);
  producer->close_ticket();
  static_cast<void>(engine->abort());
  CHECK(ticket.done());
  CHECK(ticket.result().rows[MAYFLY_HANDED_BACK] == 100);
  check_balanced(*engine);
}

}  // namespace
}  // namespace mayfly
