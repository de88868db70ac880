// Flushes that fail, rows that are refused, a buffer that is full, and the ends of a buffer.
#include <doctest/doctest.h>
#include <sqlite3.h>

#include <string>
#include <vector>

#include "engine/storage/write_buffer/write_buffer_fixture.h"
#include "mayfly/storage/write_buffer/write_buffer.h"
#include "tests/support/allocation_count.h"

namespace mayfly {
namespace {

using testing::BufferFixture;
using testing::Rows;
using testing::WriteLock;

constexpr const char* kItems =
    "CREATE TABLE items(id INTEGER PRIMARY KEY, v INTEGER CHECK(v < 1000), u TEXT UNIQUE)";

void upsert(WriteBuffer& buffer, std::int64_t id, std::int64_t v) {
  REQUIRE(buffer.buffer_upsert("items", {{"id", id}, {"v", v}}, {"id"}).ok());
}
std::string count(const BufferFixture& f) { return f.rows("SELECT count(*) FROM items").front(); }

// Keeps a reader's lock: with a rollback journal, whoever commits finds the database locked.
class Reader {
 public:
  explicit Reader(const std::string& path) {
    REQUIRE(sqlite3_open(path.c_str(), &db_) == SQLITE_OK);
    REQUIRE(sqlite3_exec(db_, "BEGIN; SELECT * FROM items", nullptr, nullptr, nullptr) ==
            SQLITE_OK);
  }
  ~Reader() { sqlite3_close(db_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

 private:
  sqlite3* db_ = nullptr;
};

// C201
TEST_CASE("C201: a commit that fails as locked keeps all rows; the next flush writes them") {
  BufferFixture f("wbf_locked", kItems, {}, {.write_ahead_log = false});
  for (int i = 0; i < 10; ++i) upsert(*f.buffer, i, i);
  {
    const Reader reader(f.database.path());
    const auto flushed = f.buffer->force_flush();
    REQUIRE_FALSE(flushed.ok());
    CHECK(flushed.error().is_lock());
    CHECK(flushed.error().message.find("committing") != std::string::npos);
  }
  CHECK(f.buffer->stats().pending == 10);
  CHECK(f.buffer->stats().total_flushed == 0);
  CHECK(f.buffer->stats().flush_failures == 1);
  CHECK(count(f) == "0");
  CHECK(f.writer->sink().detect_matching("buffer.flush.error:*"));
  CHECK(f.flush() == 10);
  CHECK(count(f) == "10");
  CHECK(f.buffer->stats().total_flushed == 10);
}

TEST_CASE("what is written after a failed flush goes on top of it, and can be read so") {
  BufferFixture f("wbf_on_top", kItems);
  WriteBuffer& b = *f.buffer;
  upsert(b, 1, 1);
  upsert(b, 2, 2);
  {
    const WriteLock lock(f.database.path());
    CHECK_FALSE(b.force_flush().ok());
  }
  REQUIRE(b.buffer_update("items", {{"id", 1}, {"u", "x"}}, {"id"}).ok());
  REQUIRE(b.buffer_delete("items", {{"id", 2}}).ok());
  // The same rows: no more of them are pending.
  CHECK(b.stats().pending == 2);
  const auto row = b.get_buffered_value("items", {{"id", 1}});
  REQUIRE(row);
  CHECK(row->value("v")->int64() == 1);
  CHECK(row->value("u")->text() == "x");
  CHECK_FALSE(b.get_buffered_value("items", {{"id", 2}}));
  f.flush();
  CHECK(f.rows("SELECT * FROM items") == Rows{"1|1|x"});
  CHECK(b.stats().pending == 0);
}

// P22
TEST_CASE("P22: stop flushes everything, however many batches that is") {
  BufferFixture f("wbf_stop", kItems, {.flush_batch_size = 100});
  for (int i = 0; i < 250; ++i) upsert(*f.buffer, i, i);
  REQUIRE(f.buffer->start().ok());
  CHECK(f.buffer->start().ok());
  CHECK(f.buffer->stats().is_running);
  REQUIRE(f.buffer->stop().ok());
  CHECK(count(f) == "250");
  CHECK_FALSE(f.buffer->stats().is_running);
  const auto late = f.buffer->buffer_upsert("items", {{"id", 1}}, {"id"});
  REQUIRE_FALSE(late.ok());
  CHECK(late.error().kind == DbError::Kind::kClosed);
  CHECK(f.buffer->stop().ok());
  REQUIRE(f.buffer->start().ok());
  CHECK(f.buffer->buffer_upsert("items", {{"id", 1}}, {"id"}).ok());
}

// C218
TEST_CASE("C218: the buffer's end writes what is pending, also when its user let the writer go") {
  BufferFixture f("wbf_end", kItems);
  upsert(*f.buffer, 1, 1);
  f.writer.reset();  // the buffer holds it
  CHECK(count(f) == "0");
  f.buffer.reset();
  CHECK(count(f) == "1");
}

TEST_CASE(
    "a stop with a time limit says how many rows a locked database leaves, and can be repeated") {
  BufferFixture f("wbf_stop_locked", kItems, {.stop_timeout_ns = 0});
  upsert(*f.buffer, 1, 1);
  upsert(*f.buffer, 2, 2);
  {
    const WriteLock lock(f.database.path());
    const auto stopped = f.buffer->stop();
    REQUIRE_FALSE(stopped.ok());
    CHECK(stopped.error().is_lock());
    CHECK(stopped.error().message.find("found 2 that couldn't be, and stay") != std::string::npos);
    CHECK(f.writer->sink().detect("buffer.stop.left:2rows"));
  }
  CHECK(f.buffer->stats().pending == 2);
  CHECK(f.buffer->stop().ok());
  CHECK(count(f) == "2");
}

TEST_CASE("one bad row among many leaves alone, with its error; the others are written") {
  std::vector<RejectedRow> told;
  BufferFixture f("wbf_bad", kItems, {.on_rejected = [&](const RejectedRow& row) {
                    told.push_back(row);
                    throw 1;  // the caller's own business
                  }});
  for (int i = 0; i < 100; ++i) upsert(*f.buffer, i, i == 50 ? 5000 : i);
  REQUIRE(f.buffer->buffer_upsert("items", {{"id", "no number"}}, {"id"}).ok());
  CHECK(f.flush() == 99);
  CHECK(count(f) == "99");
  const WriteBufferStats stats = f.buffer->stats();
  CHECK(stats.rejected == 2);
  CHECK(stats.pending == 0);
  CHECK(stats.flush_failures == 0);
  REQUIRE(told.size() == 2);
  CHECK(told[0].table == "items");
  CHECK(told[0].row.value("id")->int64() == 50);
  CHECK(told[0].error.kind == DbError::Kind::kConstraint);
  CHECK(told[0].error.message.find("CHECK") != std::string::npos);
  CHECK(told[1].error.message.find("datatype mismatch") != std::string::npos);
  CHECK(f.writer->sink().count("buffer.row.rejected:items: *") == 2);
  CHECK(f.buffer->rejected().size() == 2);
  CHECK(f.buffer->take_rejected().size() == 2);
  CHECK(f.buffer->rejected().empty());
}

TEST_CASE("of rejected rows the newest are kept") {
  BufferFixture f("wbf_bounded", kItems, {.rejected_max = 3});
  for (int i = 0; i < 10; ++i) upsert(*f.buffer, i, 5000);
  CHECK(f.flush() == 0);
  CHECK(f.buffer->stats().rejected == 10);
  const auto rejected = f.buffer->rejected();
  REQUIRE(rejected.size() == 3);
  CHECK(rejected.back().row.value("id")->int64() == 9);
}

TEST_CASE("rows for a table or a column that isn't there are rejected, and block no others") {
  BufferFixture f("wbf_missing", kItems, {.table_priorities = {{"missing", 1}}});
  REQUIRE(f.buffer->buffer_upsert("missing", {{"id", 1}}, {"id"}).ok());
  REQUIRE(f.buffer->buffer_upsert("items", {{"id", 1}, {"colour", 1}}, {"id"}).ok());
  // No constraint on this key.
  REQUIRE(f.buffer->buffer_upsert("items", {{"v", 1}, {"id", 2}}, {"v"}).ok());
  upsert(*f.buffer, 3, 3);
  CHECK(f.flush() == 1);
  CHECK(count(f) == "1");
  const auto rejected = f.buffer->rejected();
  REQUIRE(rejected.size() == 3);
  CHECK(rejected[0].error.message.find("no such table: missing") != std::string::npos);
  CHECK(rejected[1].error.message.find("no column named colour") != std::string::npos);
  CHECK(rejected[2].error.message.find("ON CONFLICT clause") != std::string::npos);
}

TEST_CASE("a row that others are in the way of is tried again behind them") {
  BufferFixture f("wbf_in_the_way",
                  std::string(kItems) +
                      "; INSERT INTO items VALUES (1, 1, 'x'); CREATE TABLE parts(id INTEGER "
                      "PRIMARY KEY, item INTEGER REFERENCES items(id))",
                  {.table_priorities = {{"parts", 1}}});
  WriteBuffer& b = *f.buffer;
  // By key, 0 comes before 1, which has to give 'x' away first; the part before its item.
  REQUIRE(b.buffer_update("items", {{"id", 1}, {"u", "y"}}, {"id"}).ok());
  REQUIRE(b.buffer_upsert("items", {{"id", 0}, {"u", "x"}}, {"id"}).ok());
  REQUIRE(b.buffer_upsert("items", {{"id", 2}, {"u", "z"}}, {"id"}).ok());
  REQUIRE(b.buffer_upsert("parts", {{"id", 1}, {"item", 2}}, {"id"}).ok());
  CHECK(f.flush() == 4);
  CHECK(b.stats().rejected == 0);
  CHECK(f.rows("SELECT id, u FROM items ORDER BY id") == Rows{"0|x", "1|y", "2|z"});
}

TEST_CASE("a row that was refused isn't written over a newer one of its key") {
  for (const bool locked : {false, true}) {
    BufferFixture f("wbf_outdated", std::string(kItems) + "; INSERT INTO items VALUES (9, 0, 'x')",
                    {.flush_batch_size = 4});
    WriteBuffer& b = *f.buffer;
    // 9 has 'x'; the call by another key ends the merging of rows.
    REQUIRE(b.buffer_upsert("items", {{"id", 1}, {"v", 1}, {"u", "x"}}, {"id"}).ok());
    REQUIRE(b.buffer_update("items", {{"u", "x"}, {"v", 2}}, {"u"}).ok());
    upsert(b, 1, 3);
    REQUIRE(b.buffer_update("items", {{"id", 9}, {"u", "y"}}, {"id"}).ok());
    upsert(b, 20, 4);
    if (locked) {
      // Between the batches; the next flush begins anew.
      std::unique_ptr<WriteLock> lock;
      const auto listening = f.writer->sink().subscribe(
          "write.transaction.commit",
          [&](const SignalEvent&) { lock = WriteLock::try_take(f.database.path()); });
      CHECK_FALSE(b.force_flush().ok());
      REQUIRE(lock);
    }
    f.flush();
    CHECK(f.rows("SELECT id, v, u FROM items ORDER BY id") ==
          Rows{"1|3|NULL", "9|2|y", "20|4|NULL"});
    CHECK(b.stats().pending == 0);
    const auto rejected = b.rejected();
    REQUIRE(rejected.size() == 1);
    CHECK(rejected[0].row.value("v")->int64() == 1);
    CHECK(rejected[0].error.kind == DbError::Kind::kConstraint);
  }
}

TEST_CASE(
    "a flush for which there is no memory at some moment writes no row twice, and loses none") {
  bool failed = true;
  for (int n = 1; failed; ++n) {
    BufferFixture f("wbf_memory",
                    std::string(kItems) +
                        "; CREATE TABLE log(id); CREATE TRIGGER i AFTER INSERT ON items BEGIN "
                        "INSERT INTO log VALUES (new.id); END; CREATE TRIGGER u AFTER UPDATE ON "
                        "items BEGIN INSERT INTO log VALUES (new.id); END");
    for (int id = 0; id < 4; ++id) upsert(*f.buffer, id, id == 2 ? 5000 : id);
    testing::fail_allocation(n);
    const auto flushed = f.buffer->force_flush();
    failed = testing::fail_allocation(0);
    CAPTURE(n);
    CHECK((failed || flushed.ok()));
    f.flush();
    CHECK(f.rows("SELECT id FROM log") == Rows{"0", "1", "3"});
    CHECK(f.buffer->stats().total_flushed == 3);
    CHECK(f.buffer->stats().rejected == 1);
    CHECK(f.buffer->stats().pending == 0);
    REQUIRE(n < 10'000);
  }
}

TEST_CASE("a constraint deferred to the commit, and a row that ends the transaction, leave alone") {
  BufferFixture f("wbf_deferred",
                  "CREATE TABLE items(id INTEGER PRIMARY KEY, up INTEGER REFERENCES items(id) "
                  "DEFERRABLE INITIALLY DEFERRED, once INTEGER UNIQUE ON CONFLICT ROLLBACK)");
  for (int i = 0; i < 70; ++i) {
    const bool orphan = i == 13 || i == 44;
    const Value up = orphan ? Value(1000) : Value(nullptr);
    const Value once = i == 20 || i == 60 ? Value(7) : Value(100 + i);
    REQUIRE(f.buffer->buffer_upsert("items", {{"id", i}, {"up", up}, {"once", once}}, {"id"}).ok());
  }
  CHECK(f.flush() == 67);
  CHECK(f.buffer->stats().rejected == 3);
  CHECK(f.rows("SELECT count(*) FROM items WHERE up IS NOT NULL") == Rows{"0"});
  CHECK(f.rows("SELECT count(*) FROM items") == Rows{"67"});
}

// P23, C207
TEST_CASE("P23, C207: with a database that fails, 40 writes to a buffer of 10 leave 10 pending") {
  BufferFixture f("wbf_full", kItems, {.max_buffer_size = 10, .when_full = WhenFull::kRefuse});
  const WriteLock lock(f.database.path());
  int refused = 0;
  for (int i = 0; i < 40; ++i) {
    const auto done = f.buffer->buffer_upsert("items", {{"id", i}, {"v", i}}, {"id"});
    if (!done.ok()) {
      ++refused;
      CHECK(done.error().kind == DbError::Kind::kBusy);
    }
    if (i % 7 == 0) CHECK_FALSE(f.buffer->force_flush().ok());
    CHECK(f.buffer->stats().pending <= 10);
  }
  CHECK(refused == 30);
  CHECK(f.buffer->stats().refusals == 30);
  CHECK(f.buffer->stats().pending_high == 10);
  CHECK(f.writer->sink().count("buffer.full") == 1);
  // Rows that are pending are always taken.
  CHECK(f.buffer->buffer_upsert("items", {{"id", 3}, {"v", 33}}, {"id"}).ok());
  CHECK(f.buffer->stats().pending == 10);
}

TEST_CASE("without a thread, whoever meets a full buffer makes room, or has the error") {
  BufferFixture f("wbf_no_thread", kItems, {.max_buffer_size = 2});
  for (int i = 0; i < 5; ++i) upsert(*f.buffer, i, i);
  CHECK(count(f) == "4");
  CHECK(f.buffer->stats().waits == 2);
  upsert(*f.buffer, 5, 5);
  const WriteLock lock(f.database.path());
  const auto done = f.buffer->buffer_upsert("items", {{"id", 9}}, {"id"});
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().is_lock());
}

TEST_CASE("a buffer whose thread there is no memory for isn't running, and makes room by itself") {
  BufferFixture f("wbf_no_thread", kItems, {.max_buffer_size = 2});
  for (std::int64_t allocation = 1;; ++allocation) {
    REQUIRE(allocation < 100);
    testing::fail_allocation(allocation);
    const auto started = f.buffer->start();
    testing::fail_allocation(0);
    if (started.ok()) break;
    CHECK(started.error().kind == DbError::Kind::kNoMemory);
    CHECK_FALSE(f.buffer->stats().is_running);
    for (int i = 0; i < 3; ++i) upsert(*f.buffer, allocation * 10 + i, i);
  }
  CHECK(f.buffer->stats().is_running);
}

// Each allocation of a flush that refuses a row, one at a time.
TEST_CASE("a row whose refusal there is no memory to tell is told by a later flush") {
  bool failed = true;
  for (std::int64_t allocation = 1; failed; ++allocation) {
    CAPTURE(allocation);
    REQUIRE(allocation < 300);
    BufferFixture f("wbf_reject_memory" + std::to_string(allocation), kItems);
    upsert(*f.buffer, 1, 5000);
    upsert(*f.buffer, 2, 1);
    testing::fail_allocation(allocation);
    try {
      static_cast<void>(f.buffer->force_flush().ok());
    } catch (const std::bad_alloc&) {
    }
    failed = testing::fail_allocation(0);
    CHECK(f.buffer->force_flush().ok());
    CHECK(f.buffer->stats().pending == 0);
    CHECK(f.buffer->stats().rejected == 1);
    CHECK(f.buffer->rejected().size() == 1);
    CHECK(count(f) == "1");
  }
}

TEST_CASE("a stop of a buffer that is heard within its stop is refused") {
  BufferFixture f("wbf_stop_within", kItems, {.stop_timeout_ns = 0}, {.busy_timeout_ns = 0});
  upsert(*f.buffer, 1, 1);
  std::vector<DbError::Kind> heard;
  const auto subscription =
      f.writer->sink().subscribe("buffer.stop.left:*", [&](const SignalEvent&) {
        heard.push_back(f.buffer->stop().error().kind);
        heard.push_back(f.buffer->start().error().kind);
      });
  {
    const WriteLock lock(f.database.path());
    CHECK_FALSE(f.buffer->stop().ok());
  }
  CHECK(heard == std::vector(2, DbError::Kind::kOther));
  CHECK(f.buffer->stop().ok());
  CHECK(count(f) == "1");
}

TEST_CASE("from within the writer's and the buffer's own callbacks nothing waits for itself") {
  WriteBuffer* buffer = nullptr;
  std::vector<DbError> refused;
  const auto try_all = [&] {
    if (const auto done = buffer->force_flush(); !done.ok()) refused.push_back(done.error());
    if (const auto done = buffer->stop(); !done.ok()) refused.push_back(done.error());
  };
  BufferFixture f("wbf_within", kItems,
                  {.max_buffer_size = 1, .on_rejected = [&](const RejectedRow&) { try_all(); }});
  buffer = f.buffer.get();
  upsert(*buffer, 1, 5000);
  CHECK(f.flush() == 0);
  CHECK(refused.size() == 2);
  upsert(*buffer, 1, 1);
  const auto done = f.writer->execute_in_transaction([&](SqlSession&) {
    try_all();
    const auto full = buffer->buffer_upsert("items", {{"id", 2}}, {"id"});
    if (!full.ok()) refused.push_back(full.error());
  });
  CHECK(done.ok());
  REQUIRE(refused.size() == 5);
  for (const DbError& error : refused) {
    CHECK(error.message.find("would wait for itself") != std::string::npos);
  }
}

// Only what runs looks at the schema: a statement that is refused while it is prepared doesn't.
TEST_CASE("a row is written by the table as another process has altered it") {
  BufferFixture f("wbf_altered", "CREATE TABLE plain(id INTEGER, v)");
  REQUIRE(f.writer->write("INSERT INTO plain VALUES (100, 1)").ok());
  f.database.run("CREATE UNIQUE INDEX by_id ON plain(id)");
  REQUIRE(f.buffer->buffer_upsert("plain", {{"id", 1}, {"v", 5}}, {"id"}).ok());
  CHECK(f.flush() == 1);
  f.database.run("ALTER TABLE plain ADD COLUMN w");
  REQUIRE(f.buffer->buffer_upsert("plain", {{"id", 1}, {"w", 6}}, {"id"}).ok());
  CHECK(f.flush() == 1);
  CHECK(f.buffer->stats().rejected == 0);
  CHECK(f.rows("SELECT * FROM plain WHERE id = 1") == Rows{"1|5|6"});
}

TEST_CASE("what a row's own FAIL leaves of its statement goes with the row") {
  BufferFixture f("wbf_fail",
                  "CREATE TABLE items(id INTEGER PRIMARY KEY, v INTEGER);"
                  "CREATE TRIGGER f AFTER INSERT ON items WHEN new.v < 0 BEGIN "
                  "SELECT RAISE(FAIL, 'no'); END");
  for (const std::int64_t rows : {5, 100}) {
    for (std::int64_t id = 0; id < rows; ++id) upsert(*f.buffer, id, id == 3 ? -1 : id);
    CHECK(f.flush() == rows - 1);
    CHECK(count(f) == std::to_string(rows - 1));
    CHECK(f.rows("SELECT * FROM items WHERE id = 3").empty());
  }
  CHECK(f.buffer->stats().rejected == 2);
  CHECK(f.buffer->rejected().back().error.message.find("no (SQLite error") != std::string::npos);
}

TEST_CASE("what a trigger did before a row's FAIL goes with the row") {
  BufferFixture f("wbf_fail_before",
                  "CREATE TABLE items(id INTEGER PRIMARY KEY, v INTEGER); CREATE TABLE log(id);"
                  "CREATE TRIGGER f BEFORE INSERT ON items WHEN new.v < 0 BEGIN "
                  "INSERT INTO log VALUES (new.id); SELECT RAISE(FAIL, 'no'); END");
  for (std::int64_t id = 0; id < 5; ++id) upsert(*f.buffer, id, id == 2 ? -1 : id);
  CHECK(f.flush() == 4);
  CHECK(count(f) == "4");
  CHECK(f.rows("SELECT count(*) FROM log") == Rows{"0"});
  CHECK(f.buffer->stats().rejected == 1);
}

}  // namespace
}  // namespace mayfly
