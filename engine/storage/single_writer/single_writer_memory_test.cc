// The single writer without memory: what can't throw doesn't, and what can't be ended stays.
#include <doctest/doctest.h>

#include <latch>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "mayfly/storage/single_writer/statement_run.h"
#include "tests/support/allocation_count.h"
#include "tests/support/database.h"
#include "tests/support/no_threads.h"

namespace mayfly {
namespace {

TEST_CASE("a statement that there is no memory to keep is gone, and prepared anew") {
  SqliteConnection connection;
  REQUIRE(SqliteConnection::open(":memory:", {}, connection).ok());
  StatementCache statements(connection, 4);
  for (const std::int64_t allocation : {1, 2, 3}) {
    const auto shown = query_sql(statements, "SELECT 'a text that is longer than a short one'", {},
                                 [&](const SqlRow&) {
                                   testing::fail_allocation(allocation);
                                   return true;
                                 });
    CHECK(testing::fail_allocation(0));
    CHECK(*shown == 1);
    CHECK(statements.size() == 0);
  }
  CHECK(query_sql(statements, "SELECT 1", {}, [](const SqlRow&) { return true; }).ok());
  CHECK(statements.size() == 1);
}

// Its own thread can't wait for itself, and there is no other: it goes on working.
TEST_CASE("single writer: the last one let go in a callback stays where no thread can end it") {
  const testing::Database database("sw_no_thread");
  database.run("CREATE TABLE items(value)");
  const SingleWriterOptions options = {.checkpoint_thread = false};
  auto writer = *SqliteSingleWriter::get_or_create(database.path(), options);
  static SqliteSingleWriter* const kept = writer.get();
  bool failed = false;
  std::latch done(1);
  const auto let_go = [&](const DbResult<std::int64_t>&) {
    testing::fail_allocation(1);
    writer.reset();
    failed = testing::fail_allocation(0);
    done.count_down();
  };
  REQUIRE(kept->write_async("INSERT INTO items VALUES (1)", {}, let_go).ok());
  done.wait();
  CHECK(failed);
  CHECK(kept->write("INSERT INTO items VALUES (2)").ok());
  const auto another = SqliteSingleWriter::get_or_create(database.path(), options);
  REQUIRE(another.ok());
  CHECK((*another)->write("INSERT INTO items VALUES (3)").ok());
  CHECK(database.integer("SELECT count(*) FROM items") == 3);
}

// Each allocation of each way in which a write is refused, one at a time.
TEST_CASE("single writer: a refusal that there is no memory for is a refusal all the same") {
  const testing::Database database("sw_refusal_memory");
  const auto writer =
      *SqliteSingleWriter::get_or_create(database.path(), {.busy_timeout_ns = kMillisecond});
  REQUIRE(writer->write("CREATE TABLE t(x UNIQUE)").ok());
  REQUIRE(writer->write("INSERT INTO t VALUES ('a text that is longer than a short one')").ok());
  const std::vector<SqlCommand> twice(2, {"INSERT INTO t VALUES (1)", {}});
  const auto end = [](SqlSession&) -> DbResult<void> {
    throw std::runtime_error("a text that is longer than a short one");
  };
  const auto refusals = [&](int way) -> DbError {
    switch (way) {
      case 0:
        return writer->write("INSERT INTO t SELECT x FROM t").error();
      case 1:
        return writer->write("INSERT INTO no_such_table VALUES (1)").error();
      case 2:
        return writer->write_batch(twice, true).error();
      case 3:
        return writer->execute_in_transaction(end).error();
      case 4:
        return writer->write("INSERT OR ROLLBACK INTO t SELECT x FROM t").error();
      case 5: {
        const testing::WriteLock lock(database.path());
        return writer->write("INSERT INTO t VALUES (1)").error();
      }
      default: {
        const testing::WriteLock lock(database.path());
        return writer->write_batch(twice, true).error();
      }
    }
  };
  for (int way = 0; way < 7; ++way) {
    CAPTURE(way);
    bool failed = true;
    for (std::int64_t allocation = 1; failed; ++allocation) {
      CAPTURE(allocation);
      REQUIRE(allocation < 1000);
      std::string said;
      testing::fail_allocation(allocation);
      try {
        said = refusals(way).message;
      } catch (const std::bad_alloc&) {
        said = "thrown to the caller";
      }
      failed = testing::fail_allocation(0);
      CHECK_FALSE(said.empty());
    }
  }
  CHECK(writer->write("INSERT INTO t VALUES (2)").ok());
  CHECK(database.integer("SELECT count(*) FROM t") == 2);
}

TEST_CASE("single writer: where no thread can be made opening says so, and the next one opens it") {
  const testing::Database database("sw_no_threads");
  {
    const testing::NoThreads none;
    const auto refused = SqliteSingleWriter::get_or_create(database.path(), {});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().kind == DbError::Kind::kNoMemory);
    CHECK(refused.error().message.find(": no thread for it: ") != std::string::npos);
  }
  const auto writer = SqliteSingleWriter::get_or_create(database.path(), {});
  REQUIRE(writer.ok());
  CHECK((*writer)->write("CREATE TABLE t(x)").ok());
}

// Each allocation of opening one, one at a time.
TEST_CASE("single writer: one that there is no memory to open is opened by the next call") {
  bool failed = true;
  for (std::int64_t allocation = 1; failed; ++allocation) {
    CAPTURE(allocation);
    REQUIRE(allocation < 1000);
    const testing::Database database("sw_open_memory" + std::to_string(allocation));
    testing::fail_allocation(allocation);
    try {
      static_cast<void>(SqliteSingleWriter::get_or_create(database.path(), {}).ok());
    } catch (const std::bad_alloc&) {
    }
    failed = testing::fail_allocation(0);
    const auto writer = SqliteSingleWriter::get_or_create(database.path(), {});
    REQUIRE(writer.ok());
    CHECK((*writer)->write("CREATE TABLE t(x)").ok());
  }
}

// Each allocation of writes that wake the thread that moves the log, one at a time: of this thread,
// and then of that one.
TEST_CASE("single writer: without memory for the checkpoints' thread the writer writes on") {
  for (const bool has_begun : {false, true}) {
    for (std::int64_t allocation = 1; allocation < 60; ++allocation) {
      CAPTURE(has_begun);
      CAPTURE(allocation);
      const testing::Database database("sw_checkpoint_memory" + std::to_string(allocation) +
                                       (has_begun ? "b" : ""));
      const auto writer =
          *SqliteSingleWriter::get_or_create(database.path(), {.checkpoint_pages = 8});
      REQUIRE(writer->write("CREATE TABLE t(x)").ok());
      const auto write = [&] {
        try {
          return writer->write("INSERT INTO t VALUES (zeroblob(40000))").ok();
        } catch (const std::bad_alloc&) {
          return false;
        }
      };
      if (has_begun) REQUIRE(write());
      testing::fail_allocation(allocation);
      static_cast<void>(write());
      testing::fail_allocation(0);
      CHECK(write());
    }
  }
}

TEST_CASE("single writer: a reader that there is no memory to keep is closed behind its read") {
  const testing::Database database("sw_reader_memory");
  const auto writer = *SqliteSingleWriter::get_or_create(database.path(), {});
  REQUIRE(writer->write("CREATE TABLE t(x)").ok());
  const auto count = [](SqlSession& session) -> DbResult<std::int64_t> {
    auto rows = session.for_each("SELECT 1", {}, [](const SqlRow&) { return true; });
    testing::fail_allocation(1);
    return rows;
  };
  static_cast<void>(writer->query(count));
  CHECK(testing::fail_allocation(0));
  CHECK(writer->query([](SqlSession& session) { return session.execute("SELECT 1"); }).ok());
}

}  // namespace
}  // namespace mayfly
