// An engine and SqliteSingleWriters that write to one database in one process.
#include <doctest/doctest.h>

#include <latch>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/mayfly.h"
#include "tests/support/database.h"

namespace mayfly {
namespace {

using testing::Database;

// A single writer that doesn't wait for locks, and an engine beside it, whose writer never does.
struct Both {
  explicit Both(const std::string& name) : database(name) {
    database.run("CREATE TABLE notes(id INTEGER PRIMARY KEY, text)");
    auto opened = SqliteSingleWriter::get_or_create(database.path(), {.busy_timeout_ns = 0});
    if (!opened.ok()) FAIL(opened.error().message);
    notes = *opened;
    EngineConfig config;
    config.database = database.path();
    config.table = "rows";
    config.columns = {{.name = "id", .type = ColumnType::kInt64}, {.name = "name"}};
    config.batch_rows = 64;
    auto made = Engine::open(config);
    REQUIRE_MESSAGE(made.ok(), made.status().message());
    engine = std::move(made).value();
    producer = std::move(engine->open_producer()).value();
  }

  void append(int rows) {
    for (int i = 0; i < rows; ++i) REQUIRE(producer->append(i, "row") == Append::kAccepted);
  }
  void close() {
    producer.reset();
    const Status end = engine->close();
    CHECK_MESSAGE(end.ok(), end.message());
    CHECK(engine->stats().writer.transient_failures == 0);
    CHECK_FALSE(engine->signals().detect("write.busy"));
    CHECK_FALSE(notes->sink().detect("write.busy"));
  }

  Database database;
  std::shared_ptr<SqliteSingleWriter> notes;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Producer> producer;
};

// Interleaving: transactions of the engine and of two callers, all the time; without turns each
// would meet the lock of the other within a few of them.
TEST_CASE("an engine and callers of a single writer write at once, and nobody meets a lock") {
  Both f("shared_at_once");
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 2; ++caller) {
    callers.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        const auto written = f.notes->write("INSERT INTO notes(text) VALUES (?)", {"note"});
        CHECK_MESSAGE(written.ok(), written.error().message);
      }
    });
  }
  f.append(20'000);
  for (std::thread& caller : callers) caller.join();
  f.close();
  CHECK(f.database.integer("SELECT count(*) FROM notes") == 600);
  CHECK(f.database.integer("SELECT count(*) FROM rows") == 20'000);
}

// Interleaving: the engine's transaction is due while a caller's is open, and waits for its end.
TEST_CASE("an engine waits for the turn of a caller's transaction, without a failed attempt") {
  Both f("shared_turn");
  std::latch inside(1);
  std::latch leave(1);
  std::thread caller([&] {
    const auto done = f.notes->execute_in_transaction([&](SqlSession& session) {
      inside.count_down();
      leave.wait();
      return session.execute("INSERT INTO notes(text) VALUES ('long')");
    });
    CHECK(done.ok());
  });
  inside.wait();
  Ticket ticket = f.producer->open_ticket();
  f.append(10);
  f.producer->close_ticket();
  CHECK_FALSE(ticket.done());
  leave.count_down();
  CHECK(ticket.wait().durable());
  caller.join();
  f.close();
}

TEST_CASE("an engine isn't opened from within a transaction or a callback of the database") {
  const Database database("shared_within");
  auto notes = *SqliteSingleWriter::get_or_create(database.path());
  const auto open = [&] {
    EngineConfig config;
    config.database = database.path();
    config.table = "rows";
    config.columns = {{.name = "id", .type = ColumnType::kInt64}};
    return Engine::open(config).status();
  };
  const auto refused = notes->execute_in_transaction([&](SqlSession&) { return open().code(); });
  CHECK(*refused == Code::kUsage);
  Status within;
  CHECK(notes
            ->write_async("CREATE TABLE t(x)", {},
                          [&](const DbResult<std::int64_t>&) { within = open(); })
            .ok());
  CHECK(notes->flush_writes().ok());
  CHECK(within.code() == Code::kUsage);
  CHECK(within.message().find("would wait for itself") != std::string::npos);
  CHECK(open().ok());
}

TEST_CASE("a single writer's last holder lets go while an engine writes on") {
  Both f("shared_let_go");
  f.append(1000);
  CHECK(f.notes->write("INSERT INTO notes(text) VALUES ('last')").ok());
  f.notes.reset();
  f.append(1000);
  auto again = SqliteSingleWriter::get_or_create(f.database.path());
  REQUIRE(again.ok());
  f.notes = *again;
  f.close();
  CHECK(f.database.integer("SELECT count(*) FROM rows") == 2000);
  CHECK(f.database.integer("SELECT count(*) FROM notes") == 1);
}

}  // namespace
}  // namespace mayfly
