// What a write buffer's calls become in the database, and what is read of them before.
#include "mayfly/storage/write_buffer/write_buffer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "engine/storage/write_buffer/write_buffer_fixture.h"
#include "mayfly/base/rng.h"

namespace mayfly {
namespace {

using testing::BufferFixture;
using testing::Rows;

constexpr const char* kDownloads =
    "CREATE TABLE downloads(id INTEGER PRIMARY KEY, status TEXT, progress INTEGER DEFAULT -1)";
constexpr const char* kAll = "SELECT * FROM downloads ORDER BY id";

// C202
TEST_CASE("C202: three upserts of one row are one pending row, and the last values are stored") {
  BufferFixture f("wb_three", kDownloads);
  for (int i = 1; i <= 3; ++i) {
    REQUIRE(f.buffer->buffer_upsert("downloads", {{"id", 7}, {"progress", i}}, {"id"}).ok());
  }
  CHECK(f.buffer->stats().pending == 1);
  CHECK(f.buffer->stats().total_buffered == 3);
  CHECK(f.buffer->stats().total_coalesced == 2);
  CHECK(f.rows(kAll).empty());
  CHECK(f.flush() == 1);
  CHECK(f.rows(kAll) == Rows{"7|NULL|3"});
  const WriteBufferStats stats = f.buffer->stats();
  CHECK(stats.pending == 0);
  CHECK(stats.total_flushed == 1);
  CHECK(stats.flush_count == 1);
  CHECK(stats.pending_high == 1);
  CHECK(f.flush() == 0);
  CHECK(f.buffer->stats().flush_count == 1);
}

// C204
TEST_CASE("C204: upsert then delete leaves no row; delete then upsert leaves the row") {
  BufferFixture f("wb_delete", std::string(kDownloads) +
                                   "; INSERT INTO downloads VALUES (1, 'old', 1), (2, 'old', 2)");
  WriteBuffer& b = *f.buffer;
  REQUIRE(b.buffer_upsert("downloads", {{"id", 1}, {"status", "new"}}, {"id"}).ok());
  REQUIRE(b.buffer_delete("downloads", {{"id", 1}}, {"id"}).ok());
  REQUIRE(b.buffer_delete("downloads", {{"id", 2}}).ok());
  REQUIRE(b.buffer_upsert("downloads", {{"id", 2}, {"status", "new"}}, {"id"}).ok());
  CHECK(f.flush() == 2);
  // Inserted anew: the other column has its default.
  CHECK(f.rows(kAll) == Rows{"2|new|-1"});
}

// C205
TEST_CASE("C205: rows with different columns each keep their own, and what isn't given stays") {
  BufferFixture f("wb_columns",
                  std::string(kDownloads) + "; INSERT INTO downloads VALUES (1, 'old', 1)");
  WriteBuffer& b = *f.buffer;
  REQUIRE(b.buffer_upsert("downloads", {{"id", 1}, {"progress", 10}}, {"id"}).ok());
  REQUIRE(b.buffer_upsert("downloads", {{"status", "new"}, {"id", 2}}, {"id"}).ok());
  REQUIRE(b.buffer_upsert("Downloads", {{"ID", 3}}, {"Id"}).ok());
  REQUIRE(b.buffer_upsert("downloads", {{"progress", 4}, {"id", 4}, {"status", "x"}}, {"id"}).ok());
  CHECK(f.flush() == 4);
  CHECK(f.rows(kAll) == Rows{"1|old|10", "2|new|-1", "3|NULL|-1", "4|x|4"});
  CHECK(b.stats().pending_by_table.empty());
}

TEST_CASE("calls for one row do what they would have done one after another") {
  BufferFixture f("wb_merge", std::string(kDownloads) +
                                  "; INSERT INTO downloads VALUES (1,'a',1),(2,'b',2),(3,'c',3)");
  WriteBuffer& b = *f.buffer;
  const auto update = [&](int id, ColumnValue value) {
    REQUIRE(b.buffer_update("downloads", {{"id", id}, value}, {"id"}).ok());
  };
  const auto upsert = [&](int id, ColumnValue value) {
    REQUIRE(b.buffer_upsert("downloads", {{"id", id}, value}, {"id"}).ok());
  };
  upsert(10, {"status", "u"});  // upsert, update: inserted with both
  update(10, {"progress", 5});
  update(11, {"progress", 5});  // nothing to update
  REQUIRE(b.buffer_delete("downloads", {{"id", 1}}).ok());
  update(1, {"status", "x"});  // stays deleted
  update(2, {"status", "x"});  // update, upsert: both columns where there is a row
  upsert(2, {"progress", 20});
  update(12, {"status", "x"});  // and the upsert's alone where there is none
  upsert(12, {"progress", 20});
  update(3, {"status", "x"});
  REQUIRE(b.buffer_delete("downloads", {{"id", 3}}).ok());
  CHECK(b.stats().pending == 6);
  f.flush();
  CHECK(f.rows(kAll) == Rows{"2|x|20", "10|u|5", "12|NULL|20"});
}

// C206
TEST_CASE("C206: tables are written by priority, those without one last") {
  BufferFixture f("wb_priority",
                  "CREATE TABLE downloads(id INTEGER PRIMARY KEY);"
                  "CREATE TABLE tracks(id INTEGER PRIMARY KEY);"
                  "CREATE TABLE others(id INTEGER PRIMARY KEY);"
                  "CREATE TABLE log(n INTEGER PRIMARY KEY, t TEXT);"
                  "CREATE TRIGGER a AFTER INSERT ON downloads BEGIN INSERT INTO log(t) VALUES "
                  "('downloads'); END;"
                  "CREATE TRIGGER b AFTER INSERT ON tracks BEGIN INSERT INTO log(t) VALUES "
                  "('tracks'); END;"
                  "CREATE TRIGGER c AFTER INSERT ON others BEGIN INSERT INTO log(t) VALUES "
                  "('others'); END;",
                  {.table_priorities = {{"Downloads", 1}, {"tracks", 2}}});
  for (const char* table : {"others", "tracks", "downloads"}) {
    REQUIRE(f.buffer->buffer_upsert(table, {{"id", 1}}, {"id"}).ok());
  }
  CHECK(f.buffer->stats().pending_by_table.at("tracks") == 1);
  f.flush();
  CHECK(f.rows("SELECT t FROM log ORDER BY n") == Rows{"downloads", "tracks", "others"});
}

// C208
TEST_CASE("C208: what is pending can be read: the data after an upsert, none after a delete") {
  BufferFixture f("wb_read", kDownloads);
  WriteBuffer& b = *f.buffer;
  CHECK_FALSE(b.get_buffered_value("downloads", {{"id", 1}}, {"id"}));
  CHECK_FALSE(b.is_key_buffered("downloads", {{"id", 1}}));
  REQUIRE(b.buffer_upsert("downloads", {{"id", 1}, {"status", "new"}}, {"id"}).ok());
  REQUIRE(b.buffer_update("downloads", {{"id", 1}, {"progress", 3}}, {"id"}).ok());
  const auto row = b.get_buffered_value("downloads", {{"id", 1}}, {"id"});
  REQUIRE(row);
  CHECK(row->columns.size() == 3);
  CHECK(row->value("STATUS")->text() == "new");
  CHECK(row->value("progress")->int64() == 3);
  CHECK_FALSE(row->value("other"));
  REQUIRE(b.buffer_delete("downloads", {{"id", 1}}).ok());
  CHECK_FALSE(b.get_buffered_value("downloads", {{"id", 1}}, {"id"}));
  CHECK(b.is_key_buffered("downloads", {{"id", 1}}));
  f.flush();
  CHECK_FALSE(b.is_key_buffered("downloads", {{"id", 1}}));
}

// C210
TEST_CASE("C210: keys are compared as values: no text joins them, NULL is no 'None'") {
  BufferFixture f("wb_keys", "CREATE TABLE t(a, b, v, UNIQUE(a, b), UNIQUE(a))");
  WriteBuffer& b = *f.buffer;
  REQUIRE(b.buffer_upsert("t", {{"a", "a|b"}, {"b", "c"}}, {"a", "b"}).ok());
  REQUIRE(b.buffer_upsert("t", {{"a", "a"}, {"b", "b|c"}}, {"b", "a"}).ok());
  CHECK(b.stats().pending == 2);
  REQUIRE(b.buffer_upsert("t", {{"a", "None"}, {"b", 1}}, {"a", "b"}).ok());
  REQUIRE(b.buffer_upsert("t", {{"a", nullptr}, {"b", 1}}, {"a", "b"}).ok());
  REQUIRE(b.buffer_upsert("t", {{"a", "1"}, {"b", 1}}, {"a", "b"}).ok());
  REQUIRE(b.buffer_upsert("t", {{"a", 1}, {"b", 1}}, {"a", "b"}).ok());
  CHECK(b.stats().pending == 6);
  REQUIRE(b.buffer_upsert("t", {{"b", 1.0}, {"a", 1.0}, {"v", "same"}}, {"a", "b"}).ok());
  CHECK(b.stats().pending == 6);
  const std::string_view bytes("1");
  REQUIRE(
      b.buffer_upsert("t", {{"a", std::as_bytes(std::span(bytes))}, {"b", 1}}, {"a", "b"}).ok());
  CHECK(b.stats().pending == 7);
  // Another set of key columns is another key.
  REQUIRE(b.buffer_update("t", {{"a", "a"}, {"v", "by a"}}, {"a"}).ok());
  CHECK(b.stats().pending == 8);
  CHECK(f.flush() == 8);
  CHECK(f.rows("SELECT quote(a), b, v FROM t ORDER BY rowid") ==
        Rows{"'a|b'|c|NULL", "'a'|b|c|by a", "'None'|1|NULL", "NULL|1|NULL", "'1'|1|NULL",
             "1|1|same", "X'31'|1|NULL"});
}

TEST_CASE("NULL in a key is equal to NULL, in the buffer and in the database") {
  BufferFixture f("wb_null", "CREATE TABLE t(a, b, v, UNIQUE(a, b))");
  const auto upsert = [&](int v) {
    REQUIRE(f.buffer->buffer_upsert("t", {{"a", nullptr}, {"b", 1}, {"v", v}}, {"a", "b"}).ok());
  };
  upsert(1);
  upsert(2);
  CHECK(f.flush() == 1);
  upsert(3);
  f.flush();
  CHECK(f.rows("SELECT * FROM t") == Rows{"NULL|1|3"});
  REQUIRE(f.buffer->buffer_delete("t", {{"a", nullptr}, {"b", 1}}).ok());
  f.flush();
  CHECK(f.rows("SELECT * FROM t").empty());
}

TEST_CASE("two keys of one table: calls keep their order, and aren't merged across another's") {
  BufferFixture f("wb_two_keys",
                  "CREATE TABLE t(id INTEGER PRIMARY KEY, owner INTEGER, v INTEGER)");
  WriteBuffer& b = *f.buffer;
  REQUIRE(b.buffer_upsert("t", {{"id", 1}, {"owner", 5}, {"v", 1}}, {"id"}).ok());
  REQUIRE(b.buffer_upsert("t", {{"id", 3}, {"owner", 5}, {"v", 3}}, {"id"}).ok());
  REQUIRE(b.buffer_delete("t", {{"owner", 5}}).ok());
  REQUIRE(b.buffer_update("t", {{"id", 3}, {"v", 9}}, {"id"}).ok());
  REQUIRE(b.buffer_upsert("t", {{"id", 1}, {"v", 2}}, {"id"}).ok());
  REQUIRE(b.buffer_upsert("t", {{"id", 1}, {"owner", 6}}, {"id"}).ok());
  CHECK(b.stats().pending == 5);
  // By its own key all of it can be read.
  CHECK(b.get_buffered_value("t", {{"id", 1}})->value("v")->int64() == 2);
  f.flush();
  CHECK(f.rows("SELECT * FROM t") == Rows{"1|6|2"});
  CHECK(b.stats().pending == 0);
}

TEST_CASE("an upsert doesn't delete: what refers to the row stays") {
  BufferFixture f("wb_children",
                  "CREATE TABLE parents(id INTEGER PRIMARY KEY, name TEXT);"
                  "CREATE TABLE children(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES "
                  "parents(id) ON DELETE CASCADE);"
                  "INSERT INTO parents VALUES (1, 'a'); INSERT INTO children VALUES (1, 1)");
  REQUIRE(f.buffer->buffer_upsert("parents", {{"id", 1}, {"name", "b"}}, {"id"}).ok());
  f.flush();
  CHECK(f.rows("SELECT name FROM parents") == Rows{"b"});
  CHECK(f.rows("SELECT count(*) FROM children") == Rows{"1"});
}

TEST_CASE("names are quoted: a table with SQL for a name is a table, and harmless") {
  const std::string evil = "x\"; DROP TABLE y; --";
  BufferFixture f("wb_quoted",
                  "CREATE TABLE y(a); CREATE TABLE \"x\"\"; DROP TABLE y; --\"(\"k\"\"\" INTEGER "
                  "PRIMARY KEY, \"select\")");
  REQUIRE(f.buffer->buffer_upsert(evil, {{"k\"", 1}, {"select", "v"}}, {"k\""}).ok());
  REQUIRE(f.buffer->buffer_upsert("y\"(a) VALUES (1); --", {{"a", 1}}, {"a"}).ok());
  CHECK(f.flush() == 1);
  CHECK(f.rows("SELECT count(*) FROM y") == Rows{"0"});
  CHECK(f.rows("SELECT \"select\" FROM \"x\"\"; DROP TABLE y; --\"") == Rows{"v"});
  CHECK(f.buffer->stats().rejected == 1);
}

TEST_CASE("all types of values arrive as they are") {
  BufferFixture f("wb_types", "CREATE TABLE t(k INTEGER PRIMARY KEY, v)");
  const std::string_view bytes("\0x", 2);
  const Value values[] = {Value(nullptr),
                          Value(INT64_MIN),
                          Value(0.1),
                          Value(""),
                          Value("a\0b"),
                          Value(std::as_bytes(std::span(bytes))),
                          Value(std::as_bytes(std::span<const char>()))};
  int k = 0;
  for (const Value& value : values) {
    REQUIRE(f.buffer->buffer_upsert("t", {{"k", ++k}, {"v", value}}, {"k"}).ok());
  }
  f.flush();
  CHECK(f.rows("SELECT quote(v) FROM t ORDER BY k") ==
        Rows{"NULL", "-9223372036854775808", "0.1", "''", "'a'", "X'0078'", "X''"});
}

TEST_CASE("calls whose names or values don't fit are refused, and nothing of them is buffered") {
  BufferFixture f("wb_misuse", kDownloads);
  WriteBuffer& b = *f.buffer;
  const auto refused = [](const DbResult<void>& done, std::string_view why) {
    REQUIRE_FALSE(done.ok());
    CHECK(done.error().kind == DbError::Kind::kParameter);
    CHECK_MESSAGE(done.error().message.find(why) != std::string::npos, done.error().message);
  };
  refused(b.buffer_upsert("", {{"id", 1}}, {"id"}), "the name of a table");
  refused(b.buffer_upsert("downloads", {{"id", 1}}, {}), "columns that tell its rows");
  refused(b.buffer_upsert("downloads", {{"status", 1}}, {"id"}), "a value for key column 'id'");
  refused(b.buffer_upsert("downloads", {{"id", 1}, {"ID", 2}}, {"id"}), "'ID' twice");
  refused(b.buffer_upsert("downloads", {{"id", 1}}, {"id", "id"}), "each key column once");
  refused(b.buffer_update("downloads", {{"id", 1}}, {"id"}), "a column besides the key's");
  refused(b.buffer_delete("downloads", {{"id", 1}, {"status", 2}}, {"id"}), "no others");
  refused(b.buffer_upsert("downloads", {{"id", 1}, {"progress", std::nan("")}}, {"id"}), "NaN");
  CHECK(b.stats().pending == 0);
  CHECK(b.stats().total_buffered == 0);
}

TEST_CASE("a buffer with options out of range, or without a writer, isn't made") {
  BufferFixture f("wb_options", kDownloads);
  const auto refused = [&](WriteBufferOptions options, std::string_view why) {
    const auto made = WriteBuffer::create(f.writer, std::move(options));
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().kind == DbError::Kind::kParameter);
    CHECK(made.error().message.find(why) != std::string::npos);
  };
  refused({.max_buffer_size = 0}, "max_buffer_size");
  refused({.flush_interval_ns = 0}, "flush_interval_ns");
  refused({.flush_batch_size = 0}, "flush_batch_size");
  refused({.full_timeout_ns = -1}, "full_timeout_ns");
  refused({.stop_timeout_ns = -1}, "stop_timeout_ns");
  refused({.retry = {.multiplier = 0}}, "multiplier");
  CHECK_FALSE(WriteBuffer::create(nullptr).ok());
}

TEST_CASE("signals say what a buffer does, by the writer's sink") {
  BufferFixture f("wb_signals", kDownloads);
  REQUIRE(f.buffer->buffer_upsert("downloads", {{"id", 1}}, {"id"}).ok());
  f.flush();
  std::vector<std::string> names;
  for (const Signal& signal : f.writer->signals("buffer.*")) names.push_back(signal.name);
  CHECK(names == Rows{"buffer.flush.start", "buffer.flush.done:1rows:0ms"});
}

// What any sequence of calls leaves is what the same statements leave, one after another.
TEST_CASE("random calls leave what the statements would have left, flushed at random moments") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    const std::string schema =
        "CREATE TABLE t(k INTEGER PRIMARY KEY, a DEFAULT 'da', b DEFAULT 'db')";
    BufferFixture f("wb_random" + std::to_string(seed), schema, {.flush_batch_size = 3});
    testing::Database plain("wb_plain" + std::to_string(seed));
    plain.run(schema);
    Rng rng(seed);
    std::string sql;
    for (int i = 0; i < 300; ++i) {
      const auto k = static_cast<std::int64_t>(rng.below(8));
      const std::string column = rng.below(2) == 0 ? "a" : "b";
      const std::string value(rng.below(30), static_cast<char>('a' + i % 26));
      const std::string key = std::to_string(k);
      switch (rng.below(4)) {
        case 0:
          REQUIRE(f.buffer->buffer_delete("t", {{"k", k}}).ok());
          sql += "DELETE FROM t WHERE k = " + key + ";";
          break;
        case 1:
          REQUIRE(f.buffer->buffer_update("t", {{"k", k}, {column, value}}, {"k"}).ok());
          sql += "UPDATE t SET " + column + " = '" + value + "' WHERE k = " + key + ";";
          break;
        default:
          REQUIRE(f.buffer->buffer_upsert("t", {{column, value}, {"k", k}}, {"k"}).ok());
          sql += "INSERT INTO t(k, " + column + ") VALUES (" + key + ", '" + value +
                 "') ON CONFLICT(k) DO UPDATE SET " + column + " = excluded." + column + ";";
      }
      if (rng.below(40) == 0) f.flush();
    }
    f.flush();
    plain.run("BEGIN;" + sql + "COMMIT");
    CHECK(f.rows("SELECT * FROM t ORDER BY k") == plain.rows("SELECT * FROM t ORDER BY k"));
    CHECK(f.buffer->stats().pending == 0);
  }
}

TEST_CASE("a name with a NUL in it is refused at once, and told whole") {
  BufferFixture f("wb_nul", "CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  const std::string table("t\0x", 3);
  const std::string column("v\0w", 3);
  const auto by_table = f.buffer->buffer_upsert(table, {{"id", 1}}, {"id"});
  CHECK(by_table.error().kind == DbError::Kind::kParameter);
  CHECK(by_table.error().message ==
        "buffering for table 't\\0x': expected a name without a NUL, found 't\\0x'");
  const auto by_column = f.buffer->buffer_update("t", {{"id", 1}, {column, 3}}, {"id"});
  CHECK(by_column.error().message ==
        "buffering for table 't': expected a name without a NUL, found 'v\\0w'");
  const auto by_key = f.buffer->buffer_delete("t", {{column, 3}}, {column});
  CHECK(by_key.error().kind == DbError::Kind::kParameter);
  const auto by_another = f.buffer->buffer_delete("t", {{"id", 1}}, {column});
  CHECK(by_another.error().message == by_column.error().message);
  CHECK(f.buffer->stats().pending == 0);
}

}  // namespace
}  // namespace mayfly
