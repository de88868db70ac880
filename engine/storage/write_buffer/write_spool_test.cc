// The spool: what a crash leaves is written by the next buffer, once.
#include "mayfly/storage/write_buffer/write_spool.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <string>

#include "engine/storage/write_buffer/spool_fixture.h"

namespace mayfly {
namespace {

using testing::flush_one_batch;
using testing::Rows;
using testing::SpoolFixture;
using testing::WriteLock;
namespace fs = std::filesystem;

TEST_CASE("records are read as they were written; a changed or torn one isn't") {
  std::string bytes;
  const std::string_view blob("\0\1", 2);
  const ColumnValue data[] = {
      {"a", nullptr}, {"b", -5}, {"c", 0.5}, {"d", "text"}, {"e", std::as_bytes(std::span(blob))}};
  const std::string_view keys[] = {"b", "a"};
  const RecordKey key = {.length = 0x12345678, .crc = 0x9ABCDEF0};
  REQUIRE(append_record(bytes, key, 42, BufferedOp::kUpdate, "t", data, keys));
  SpooledCall call;
  const std::string longer = bytes + "more";
  REQUIRE(read_record(longer, key, call) == bytes.size());
  // Both halves of the key count.
  CHECK(read_record(longer, {.length = key.length, .crc = 0}, call) == 0);
  CHECK(read_record(longer, {.length = 0, .crc = key.crc}, call) == 0);
  CHECK(find_record("more" + bytes, key) == 4);
  CHECK(find_record("more" + bytes, {}) == std::string_view::npos);
  REQUIRE(read_record(longer, key, call) == bytes.size());
  CHECK(call.number == 42);
  CHECK(call.op == BufferedOp::kUpdate);
  CHECK(call.table == "t");
  REQUIRE(call.data.size() == 5);
  CHECK(call.data[1].value.int64() == -5);
  CHECK(call.data[2].value.float64() == 0.5);
  CHECK(call.data[4].value.kind() == Value::Kind::kBlob);
  CHECK(call.data[4].value.text() == blob);
  CHECK(call.keys == std::vector<std::string_view>{"b", "a"});
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    CHECK(read_record(std::string_view(bytes).substr(0, i), key, call) == 0);
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 0x10);
    CHECK(read_record(changed, key, call) == 0);
  }
  CHECK(crc32c("123456789") == 0xE3069283u);  // the check value of the literature
}

TEST_CASE("what a crash leaves is pending in the next buffer, and is written") {
  SpoolFixture f("ws_crash");
  f.open();
  f.upsert(1, "a");
  f.upsert(1, "b");
  REQUIRE(f.buffer->buffer_update("items", {{"id", 1}, {"w", 5}}, {"id"}).ok());
  f.upsert(2, "c");
  REQUIRE(f.buffer->buffer_delete("items", {{"id", 2}}).ok());
  f.crash();
  CHECK(f.rows("SELECT * FROM items").empty());
  f.open();
  CHECK(f.buffer->stats().pending == 2);
  CHECK(f.writer->sink().detect("buffer.spool.replayed:5calls"));
  CHECK(f.buffer->get_buffered_value("items", {{"id", 1}})->value("v")->text() == "b");
  CHECK(f.flush() == 2);
  CHECK(f.rows("SELECT * FROM items") == Rows{"1|b|5"});
  // All is committed: the file has nothing but its header.
  CHECK(f.buffer->stats().spool_bytes == SpoolFile::kHeaderBytes);
  CHECK_FALSE(fs::exists(f.path + ".old"));
}

TEST_CASE("what was committed before a crash isn't written again, be it a part of a flush") {
  SpoolFixture f("ws_once");
  f.open({.flush_batch_size = 2, .table_priorities = {{"items", 1}, {"others", 2}}});
  f.database.run(
      "CREATE TABLE others(id INTEGER PRIMARY KEY); CREATE TRIGGER o BEFORE INSERT ON "
      "others BEGIN SELECT RAISE(ABORT, 'not yet'); END");
  for (int i = 0; i < 5; ++i) f.upsert(i, "a");
  // Another connection takes the lock when three of the batches are committed.
  std::unique_ptr<WriteLock> lock;
  int transactions = 0;
  const auto listening =
      f.writer->sink().subscribe("write.transaction.commit", [&](const SignalEvent&) {
        if (++transactions == 2) lock = WriteLock::try_take(f.database.path());
      });
  CHECK_FALSE(f.buffer->force_flush().ok());
  REQUIRE(lock);
  CHECK(f.buffer->stats().pending == 1);
  f.upsert(0, "b");  // on top of what is committed
  f.upsert(4, "c");  // on top of what isn't
  lock.reset();
  f.crash();
  CHECK(f.rows("SELECT count(*) FROM log") == Rows{"4"});
  f.open();
  CHECK(f.buffer->stats().pending == 2);
  f.flush();
  CHECK(f.rows("SELECT id, v FROM items ORDER BY id") == Rows{"0|b", "1|a", "2|a", "3|a", "4|c"});
  CHECK(f.rows("SELECT count(*) FROM log") == Rows{"6"});
  CHECK(f.rows("SELECT count(*) FROM mayfly_buffer_rows") == Rows{"0"});
}

TEST_CASE("a row that was refused isn't written over a newer one of its key after a crash") {
  for (const bool rewritten : {false, true}) {
    SpoolFixture f("ws_outdated");
    f.database.run("CREATE UNIQUE INDEX w ON items(w); INSERT INTO items VALUES (9, '0', 7)");
    f.open({.flush_batch_size = 3, .spool_rewrite_bytes = 1000});
    WriteBuffer& b = *f.buffer;
    REQUIRE(b.buffer_upsert("items", {{"id", 1}, {"v", "1"}, {"w", 7}}, {"id"}).ok());
    REQUIRE(b.buffer_update("items", {{"w", 7}, {"v", "2"}}, {"w"}).ok());
    f.upsert(1, "3");
    REQUIRE(b.buffer_update("items", {{"id", 9}, {"w", 8}}, {"id"}).ok());
    flush_one_batch(f);
    for (int i = 0; i < 40 && rewritten; ++i) f.upsert(20, "4");
    CHECK(fs::exists(f.path + ".old") != rewritten);
    f.crash();
    f.open();
    f.flush();
    CHECK(f.rows("SELECT v FROM items WHERE id < 20 ORDER BY id") == Rows{"3", "2"});
  }
}

TEST_CASE("what a rewrite that was ended before its last step left is taken once, and goes") {
  SpoolFixture f("ws_superseded");
  f.open({.spool_rewrite_bytes = 1000});
  f.upsert(1, "a");
  f.upsert(1, "b");
  {
    const WriteLock lock(f.database.path());
    CHECK_FALSE(f.buffer->force_flush().ok());
  }
  fs::copy_file(f.path + ".old", f.path + ".kept");
  for (int i = 0; i < 40 && fs::exists(f.path + ".old"); ++i) f.upsert(2, std::to_string(i));
  REQUIRE_FALSE(fs::exists(f.path + ".old"));
  fs::rename(f.path + ".kept", f.path + ".old.late");
  f.crash();
  fs::rename(f.path + ".old.late", f.path + ".old");
  f.open();
  CHECK(f.writer->sink().detect("buffer.spool.replayed:2calls"));
  CHECK_FALSE(fs::exists(f.path + ".old"));
  f.flush();
  CHECK(f.rows("SELECT count(*) FROM log") == Rows{"2"});
}

// The last flush is of rows whose calls are older than others that are committed already.
TEST_CASE("a spool is whole after part of a flush, a crash and the rest, and after a rewrite") {
  for (const bool crashes_again : {false, true}) {
    SpoolFixture f("ws_part");
    f.open({.flush_batch_size = 2});
    for (int id = 5; id >= 1; --id) f.upsert(id, "a");
    std::unique_ptr<WriteLock> lock;
    {
      const auto listening = f.writer->sink().subscribe(
          "write.transaction.commit",
          [&](const SignalEvent&) { lock = WriteLock::try_take(f.database.path()); });
      CHECK_FALSE(f.buffer->force_flush().ok());
    }
    REQUIRE(lock);
    lock.reset();
    f.crash();
    f.open();
    CHECK(f.buffer->stats().pending == 3);
    f.flush();
    if (crashes_again) {
      f.crash();
    } else {
      f.buffer.reset();
    }
    f.open();
    CHECK(f.buffer->stats().pending == 0);
    CHECK(f.rows("SELECT count(*) FROM log") == Rows{"5"});
  }
  SpoolFixture f("ws_rewritten");
  f.open({.spool_rewrite_bytes = 300});
  f.upsert(1, "a");
  for (int i = 0; i < 8; ++i) f.upsert(2, "b");
  f.upsert(1, "c");
  f.upsert(2, "d");
  f.crash();
  for (int i = 0; i < 3; ++i) {
    f.open();
    CHECK(f.buffer->stats().pending == (i == 0 ? 2 : 0));
    f.flush();
    f.buffer.reset();
  }
  f.open();
  CHECK(f.rows("SELECT count(*) FROM log") == Rows{"2"});
}

}  // namespace
}  // namespace mayfly
