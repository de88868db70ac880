// The spool: what a crash leaves is written by the next buffer, once.
#include "mayfly/storage/write_buffer/write_spool.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "engine/storage/write_buffer/write_buffer_fixture.h"
#include "mayfly/base/rng.h"
#include "mayfly/storage/write_buffer/write_buffer.h"
#include "tests/support/allocation_count.h"
#include "tests/support/working_folder.h"

namespace {

// What the system is asked to do, in the place of the C library's functions.
struct SystemCalls {
  int renames = 0;
  int fails_from = 0;  // these renames fail; 0: none
  int fails_upto = 0;
  int no_memory_after = 0;  // the allocation behind this rename fails; 0: none
  int syncs = 0;
  int syncs_before_rename = 0;  // the first one
};
SystemCalls system_calls;

}  // namespace

extern "C" int rename(const char* from, const char* to) noexcept {
  SystemCalls& calls = system_calls;
  if (++calls.renames == 1) calls.syncs_before_rename = calls.syncs;
  if (calls.fails_from != 0 && calls.renames >= calls.fails_from &&
      calls.renames <= calls.fails_upto) {
    errno = EIO;
    return -1;
  }
  const int done = ::renameat(AT_FDCWD, from, AT_FDCWD, to);
  if (calls.renames == calls.no_memory_after) mayfly::testing::fail_allocation(1);
  return done;
}

extern "C" int fdatasync(int fd) {
  ++system_calls.syncs;
  return static_cast<int>(::syscall(SYS_fdatasync, fd));
}

namespace mayfly {
namespace {

using testing::BufferFixture;
using testing::Rows;
using testing::WriteLock;
namespace fs = std::filesystem;

constexpr const char* kItems =
    "CREATE TABLE items(id INTEGER PRIMARY KEY, v TEXT, w INTEGER);"
    "CREATE TABLE log(id INTEGER, v TEXT);"
    "CREATE TRIGGER i AFTER INSERT ON items BEGIN INSERT INTO log VALUES (new.id, new.v); END;"
    "CREATE TRIGGER u AFTER UPDATE ON items BEGIN INSERT INTO log VALUES (new.id, new.v); END;";

// A buffer whose process ends as if by SIGKILL: its files are copied away, and back once it is
// gone.
struct SpoolFixture : BufferFixture {
  explicit SpoolFixture(const std::string& name)
      : BufferFixture(name, kItems), path(database.path() + ".spool") {
    buffer.reset();
    remove();
  }
  ~SpoolFixture() {
    buffer.reset();
    remove();
  }
  void remove() const {
    for (const char* suffix : {"", ".old", ".new", ".made", ".lock"}) {
      fs::remove(path + suffix);
      fs::remove(path + suffix + ".kept");
    }
  }
  void open(WriteBufferOptions options = {}) {
    options.spool_path = path;
    options.stop_timeout_ns = 0;
    make(std::move(options));
  }
  void crash() {
    for (const char* suffix : {"", ".old", ".new"}) {
      if (fs::exists(path + suffix)) fs::copy_file(path + suffix, path + suffix + ".kept");
    }
    {
      const WriteLock lock(database.path());
      buffer.reset();
    }
    for (const char* suffix : {"", ".old", ".new"}) {
      fs::remove(path + suffix);
      if (fs::exists(path + suffix + ".kept")) {
        fs::rename(path + suffix + ".kept", path + suffix);
      }
    }
  }
  void upsert(std::int64_t id, const std::string& v) const {
    REQUIRE(buffer->buffer_upsert("items", {{"id", id}, {"v", v}}, {"id"}).ok());
  }
  const std::string path;
};

// The next buffer, whose spool isn't whole.
std::string refusal(const SpoolFixture& f) {
  const auto made = WriteBuffer::create(f.writer, {.spool_path = f.path});
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().kind == DbError::Kind::kCorrupt);
  return made.error().message;
}

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

TEST_CASE("a torn end of the file is cut off, and what stands before it is kept") {
  SpoolFixture f("ws_torn");
  f.open();
  f.upsert(1, "a");
  f.upsert(2, "b");
  f.crash();
  fs::resize_file(f.path, fs::file_size(f.path) - 3);
  f.open();
  CHECK(f.writer->sink().detect_matching("buffer.spool.torn:*bytes"));
  f.upsert(3, "c");
  f.flush();
  CHECK(f.rows("SELECT id FROM items") == Rows{"1", "3"});
}

TEST_CASE(
    "damage in the middle of a spool is refused, and costs the damaged call alone when asked") {
  SpoolFixture f("ws_damage");
  f.open();
  f.upsert(1, "a");
  const std::size_t first_end = f.buffer->stats().spool_bytes;
  f.upsert(2, "b");
  const std::size_t second_end = f.buffer->stats().spool_bytes;
  for (int id = 3; id <= 5; ++id) f.upsert(id, "c");
  f.crash();
  {
    std::fstream file(f.path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(second_end - 1));
    file.put('#');
  }
  fs::resize_file(f.path, fs::file_size(f.path) - 1);
  const auto size = fs::file_size(f.path);
  CHECK(refusal(f) ==
        "opening spool " + f.path +
            ": expected every call that was taken and isn't in the database, found 1 missing, the "
            "first of them call 2, and " +
            std::to_string(second_end - first_end) + " bytes that are no record, at byte " +
            std::to_string(first_end) + " of " + f.path +
            "; put back the file as it was, or set accept_spool_loss to go on with what is there");
  CHECK(fs::file_size(f.path) == size);
  f.open({.accept_spool_loss = true});
  CHECK(f.writer->sink().detect(
      "buffer.spool.lost:1calls:" + std::to_string(second_end - first_end) + "bytes"));
  CHECK(f.writer->sink().detect_matching("buffer.spool.torn:*bytes"));
  f.crash();
  f.open();  // what was given up isn't missed again
  CHECK(f.buffer->stats().pending == 3);
  f.flush();
  CHECK(f.rows("SELECT id FROM items") == Rows{"1", "3", "4"});
}

TEST_CASE("damage in what is committed costs nothing") {
  SpoolFixture f("ws_damage_committed");
  f.open();
  f.upsert(1, "a");
  f.upsert(2, "b");
  const std::size_t end = f.buffer->stats().spool_bytes;
  f.upsert(3, "c");
  f.crash();
  f.database.run("UPDATE mayfly_buffer SET seq = 2");
  std::fstream(f.path, std::ios::in | std::ios::out | std::ios::binary)
      .seekp(static_cast<std::streamoff>(end - 1))
      .put('#');
  f.open();
  f.flush();
  CHECK(f.rows("SELECT id FROM items") == Rows{"3"});
}

TEST_CASE("numbers of calls that are in the database aren't given again, whatever was lost") {
  SpoolFixture f("ws_numbers");
  f.open();
  f.upsert(1, "a");
  f.upsert(2, "b");
  f.crash();
  // The second is in, by a flush that didn't come to the first; its record is gone. Were it a call
  // for the same row as the first, that would be made again now.
  f.database.run(
      "INSERT INTO mayfly_buffer_rows SELECT spool, x'0200000000000000' FROM mayfly_buffer");
  fs::resize_file(f.path, fs::file_size(f.path) - 1);
  f.open({.accept_spool_loss = true});
  f.upsert(3, "c");
  f.crash();
  f.open();
  CHECK(f.buffer->stats().pending == 2);
  f.flush();
  CHECK(f.rows("SELECT id FROM items") == Rows{"1", "3"});
}

// A flush of which another connection lets the first transaction be committed alone.
void flush_one_batch(const SpoolFixture& f) {
  std::unique_ptr<WriteLock> lock;
  const auto listening = f.writer->sink().subscribe(
      "write.transaction.commit",
      [&](const SignalEvent&) { lock = WriteLock::try_take(f.database.path()); });
  CHECK_FALSE(f.buffer->force_flush().ok());
  REQUIRE(lock);
}

TEST_CASE("a committed call's record is missed while earlier calls may be for its row") {
  SpoolFixture f("ws_committed_missing");
  f.open({.flush_batch_size = 1});
  f.upsert(1, "a");
  f.upsert(2, "x");
  const std::size_t end = f.buffer->stats().spool_bytes;
  f.upsert(1, "b");
  flush_one_batch(f);
  f.crash();
  REQUIRE(f.rows("SELECT id, v FROM items") == Rows{"1|b"});
  fs::resize_file(f.path + ".old", end);
  CHECK(refusal(f).find("found 1 missing, the first of them call 3;") != std::string::npos);
  f.open({.accept_spool_loss = true});
  CHECK(f.writer->sink().detect("buffer.spool.lost:1calls:0bytes"));
  f.crash();
  f.open();  // told once
  f.flush();
}

TEST_CASE("a committed call isn't missed where a spool was written anew, or nothing is before it") {
  {
    SpoolFixture f("ws_committed_anew");
    f.open({.flush_batch_size = 1, .spool_rewrite_bytes = 1000});
    f.upsert(1, "a");
    f.upsert(2, "x");
    f.upsert(1, "b");
    flush_one_batch(f);
    for (int i = 0; i < 40; ++i) f.upsert(3, std::to_string(i));
    REQUIRE_FALSE(fs::exists(f.path + ".old"));
    f.crash();
    f.open();
    CHECK(f.buffer->stats().pending == 2);
    f.flush();
    CHECK(f.rows("SELECT id, v FROM items") == Rows{"1|b", "2|x", "3|39"});
  }
  SpoolFixture f("ws_committed_first");
  f.open({.flush_batch_size = 1});
  f.upsert(1, "a");
  const std::size_t end = f.buffer->stats().spool_bytes;
  f.upsert(2, "b");
  flush_one_batch(f);
  f.crash();
  // As if it were the second that is in, and the first that never was.
  f.database.run(
      "UPDATE mayfly_buffer SET seq = 1; DELETE FROM mayfly_buffer_rows;"
      "INSERT INTO mayfly_buffer_rows SELECT spool, x'0200000000000000' FROM "
      "mayfly_buffer");
  fs::resize_file(f.path + ".old", end);
  f.open();
  CHECK(f.buffer->stats().pending == 0);
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

TEST_CASE("the newest file of a spool is missed, but where a rotation had just taken it") {
  for (const bool rotation : {true, false}) {
    SpoolFixture f("ws_newest");
    f.open();
    f.upsert(1, "a");
    {
      const WriteLock lock(f.database.path());
      CHECK_FALSE(f.buffer->force_flush().ok());
    }
    f.crash();
    REQUIRE(fs::exists(f.path + ".old"));
    if (rotation) {
      fs::rename(f.path, f.path + ".new");
    } else {
      fs::resize_file(f.path, 10);
      CHECK(refusal(f).find("no whole file at its path") != std::string::npos);
      fs::remove(f.path);
      for (int i = 0; i < 2; ++i) {
        CHECK(refusal(f).find("no whole file at its path") != std::string::npos);
      }
      CHECK(f.rows("SELECT count(*) FROM mayfly_buffer") == Rows{"1"});
      CHECK_FALSE(fs::exists(f.path));
      CHECK_FALSE(fs::exists(f.path + ".made"));
    }
    f.open({.accept_spool_loss = !rotation});
    f.flush();
    CHECK(f.rows("SELECT id FROM items") == Rows{"1"});
  }
}

TEST_CASE("a spool that is refused for its lost file leaves nothing in the database") {
  SpoolFixture f("ws_lost");
  f.open();
  f.upsert(1, "a");
  f.crash();
  fs::resize_file(f.path, 10);
  for (int i = 0; i < 2; ++i) {
    CHECK(refusal(f).find("no whole file at its path") != std::string::npos);
  }
  CHECK(f.rows("SELECT count(*) FROM mayfly_buffer") == Rows{"1"});
}

TEST_CASE("a torn record is found to be the last at once, whatever it looks like within") {
  std::string bytes;
  std::string values;
  for (int i = 0; i < 100'000; ++i) {
    const std::int32_t value = i % 16;
    values.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  const ColumnValue data[] = {{"blob", std::as_bytes(std::span(values))}};
  REQUIRE(append_record(bytes, {}, 1, BufferedOp::kUpsert, "t", data, {}));
  bytes.pop_back();
  // Byte by byte with a checksum each it would take minutes.
  CHECK(find_record(bytes, {}) == std::string_view::npos);
}

// A blob may be the bytes of another spool.
TEST_CASE("records within what a caller gave aren't taken for calls, wherever the file is torn") {
  SpoolFixture f("ws_within");
  f.database.run("CREATE TABLE others(id INTEGER PRIMARY KEY); INSERT INTO others VALUES (1)");
  f.open();
  for (int id = 1; id <= 7; ++id) f.upsert(id, "a");
  f.flush();
  std::string blob;
  const ColumnValue data[] = {{"id", 1}};
  const std::string_view keys[] = {"id"};
  for (std::uint64_t number = 1; number <= 50; ++number) {
    REQUIRE(append_record(blob, {}, number, BufferedOp::kDelete, "others", data, keys));
  }
  blob += std::string(5000, 'z');
  const auto bytes = std::as_bytes(std::span(blob));
  REQUIRE(f.buffer->buffer_upsert("items", {{"id", 99}, {"v", bytes}}, {"id"}).ok());
  f.crash();
  fs::resize_file(f.path, fs::file_size(f.path) - 4000);
  f.open();
  CHECK(f.buffer->stats().pending == 0);
  CHECK(f.writer->sink().detect_matching("buffer.spool.torn:*bytes"));
  f.flush();
  CHECK(f.rows("SELECT count(*) FROM others") == Rows{"1"});
}

// One byte of a file, another one.
void damage(const std::string& path, std::size_t at) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const int was = file.get();
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(was ^ 0x10));
}

TEST_CASE("a damaged byte of a header costs nothing, wherever it is") {
  SpoolFixture f("ws_header");
  f.open();
  f.upsert(1, "a");
  f.crash();
  for (std::size_t at = 0; at < SpoolFile::kHeaderBytes; ++at) {
    damage(f.path, at);
    f.open();
    REQUIRE(f.buffer->stats().pending == 1);
    f.crash();
    damage(f.path, at);
  }
}

TEST_CASE("a spool with no whole header is refused as damaged, and given up when asked") {
  SpoolFixture f("ws_headers");
  f.open();
  f.upsert(1, "a");
  f.crash();
  // The numbers, and one of the two magics.
  for (const std::size_t at : {3, 20, 68}) damage(f.path, at);
  CHECK(refusal(f).find("no whole file at its path") != std::string::npos);
  f.open({.accept_spool_loss = true});
  CHECK(f.writer->sink().detect_matching("buffer.spool.lost:*"));
  f.upsert(2, "b");
  f.crash();
  f.open();
  f.flush();
  CHECK(f.rows("SELECT id FROM items") == Rows{"2"});
}

// Another thread's sync came between the record and its undoing.
TEST_CASE("a call in the place of one that was undone is synced, though its number was") {
  const SpoolFixture f("ws_undone");
  const auto spool = WriteSpool::open(f.path, SpoolSync::kEachWrite, {.high = 1, .low = 2});
  REQUIRE(spool.ok());
  system_calls = {};
  for (const char* record : {"first", "second"}) {
    REQUIRE((*spool)->append(record, 1).ok());
    REQUIRE((*spool)->sync(1).ok());
    if (*record == 'f') (*spool)->undo();
  }
  CHECK(system_calls.syncs == 2);
  REQUIRE((*spool)->sync(1).ok());
  REQUIRE((*spool)->append("third", 2).ok());
  REQUIRE((*spool)->append("fourth", 3).ok());
  REQUIRE((*spool)->sync(3).ok());
  REQUIRE((*spool)->sync(2).ok());
  CHECK(system_calls.syncs == 3);
}

TEST_CASE("a spool that is made is on disk before it has its name, or power lost would refuse it") {
  SpoolFixture f("ws_made");
  system_calls = {};
  f.open();
  CHECK(system_calls.renames == 1);
  CHECK(system_calls.syncs_before_rename == 1);
}

TEST_CASE("an empty file is taken for a new spool where the database knows none, and only there") {
  SpoolFixture f("ws_blank");
  std::ofstream(f.path).close();
  f.open();
  CHECK_FALSE(fs::exists(f.path + ".made"));
  f.upsert(1, "a");
  f.crash();
  f.open();
  CHECK(f.buffer->stats().pending == 1);
  f.crash();
  fs::resize_file(f.path, 0);
  CHECK(refusal(f).find("no whole file at its path") != std::string::npos);
  f.database.run("DELETE FROM mayfly_buffer");
  std::ofstream(f.path + ".old") << "m";
  CHECK(refusal(f).find("no whole file at its path") != std::string::npos);
}

TEST_CASE("an emptied spool that another database had becomes another one, and is known as that") {
  SpoolFixture f("ws_emptied");
  f.open();
  for (int id = 1; id <= 5; ++id) f.upsert(id, "a");
  f.flush();
  for (int id = 1; id <= 5; ++id) f.upsert(id, "b");
  f.flush();
  f.buffer.reset();
  testing::Database elsewhere("ws_emptied_elsewhere");
  elsewhere.run(kItems);
  const auto other = SqliteSingleWriter::get_or_create(elsewhere.path());
  REQUIRE(other.ok());
  const auto own = std::exchange(f.writer, *other);
  f.open();
  f.upsert(1, "c");
  {
    const WriteLock lock(elsewhere.path());
    f.crash();
  }
  const auto back = WriteBuffer::create(own, {.spool_path = f.path});
  REQUIRE_FALSE(back.ok());
  CHECK(back.error().kind == DbError::Kind::kParameter);
  f.open();
  CHECK(f.buffer->stats().pending == 1);
  f.flush();
  CHECK(elsewhere.rows("SELECT v FROM items") == Rows{"c"});
  f.buffer.reset();
  f.writer = own;
}

TEST_CASE("an emptied spool stays what it was for its database") {
  SpoolFixture f("ws_emptied_own");
  for (int i = 0; i < 3; ++i) {
    f.open();
    f.upsert(i, "a");
    f.flush();
    f.buffer.reset();
  }
  CHECK(f.rows("SELECT count(*) FROM mayfly_buffer") == Rows{"1"});
}

TEST_CASE("a spool of an earlier format is refused by its name, and stays as it is") {
  SpoolFixture f("ws_format");
  const std::string old = "mfspool1" + std::string(100, '\1');
  std::ofstream(f.path, std::ios::binary) << old;
  CHECK(refusal(f).find("found one of format 1, which an earlier Mayfly made") !=
        std::string::npos);
  CHECK(fs::file_size(f.path) == old.size());
}

TEST_CASE(
    "a spool of which a file, or the end of one, was taken away is refused until one says so") {
  for (const bool all : {true, false}) {
    SpoolFixture f("ws_taken");
    f.open();
    f.upsert(1, "a");
    f.upsert(2, "b");
    {
      const WriteLock lock(f.database.path());
      CHECK_FALSE(f.buffer->force_flush().ok());
    }
    f.upsert(3, "c");
    f.crash();
    REQUIRE(fs::exists(f.path + ".old"));
    if (all) {
      fs::remove(f.path + ".old");
    } else {
      fs::resize_file(f.path + ".old", fs::file_size(f.path + ".old") - 1);
    }
    CHECK(refusal(f).find(all ? "found 2 missing, the first of them call 1;"
                              : "found 1 missing, the first of them call 2;") != std::string::npos);
    f.open({.accept_spool_loss = true});
    f.flush();
    CHECK(f.rows("SELECT id FROM items") == (all ? Rows{"3"} : Rows{"1", "3"}));
    f.crash();
    f.open();
  }
}

TEST_CASE("a rotation whose names can't be given, or taken back, loses nothing") {
  for (const int fails_upto : {3, 1000}) {
    SpoolFixture f("ws_names");
    f.open();
    f.upsert(1, "a");
    system_calls = {.fails_from = 2, .fails_upto = fails_upto};
    f.flush();
    CHECK(fs::exists(f.path + ".old"));
    f.upsert(2, "b");
    f.flush();
    f.upsert(3, "c");
    f.upsert(4, "d");
    system_calls = {};
    f.crash();
    f.open();
    CHECK(f.buffer->stats().pending == 2);
    f.flush();
    CHECK(f.rows("SELECT id FROM items") == Rows{"1", "2", "3", "4"});
    CHECK_FALSE(fs::exists(f.path + ".old"));
  }
}

TEST_CASE("a spool grows past its limit, and isn't written anew, while a name can't be given") {
  SpoolFixture f("ws_names_rewrite");
  f.open({.spool_rewrite_bytes = 300});
  f.upsert(1, "a");
  system_calls = {.fails_from = 2, .fails_upto = 1000};
  f.flush();
  for (int i = 0; i < 100; ++i) f.upsert(2, std::to_string(i));
  CHECK(fs::exists(f.path + ".new"));
  system_calls = {};
  f.crash();
  f.open();
  CHECK(f.buffer->stats().pending == 1);
  f.flush();
  CHECK(f.rows("SELECT v FROM items") == Rows{"a", "99"});
}

TEST_CASE("no memory between the names of a rotation loses nothing") {
  SpoolFixture f("ws_memory");
  f.open();
  f.upsert(1, "a");
  system_calls = {.no_memory_after = 1};
  CHECK_FALSE(f.buffer->force_flush().ok());
  CHECK(testing::fail_allocation(0));
  f.flush();
  f.upsert(2, "b");
  f.crash();
  f.open();
  CHECK(f.buffer->stats().pending == 1);
  f.flush();
  CHECK(f.rows("SELECT id FROM items") == Rows{"1", "2"});
}

TEST_CASE("a spool that is in use, is something else, or is another database's is refused") {
  SpoolFixture f("ws_refused");
  f.open();
  f.upsert(1, "a");
  const auto refused = [&](const std::shared_ptr<SqliteSingleWriter>& writer, DbError::Kind kind) {
    const auto made = WriteBuffer::create(writer, {.spool_path = f.path});
    REQUIRE_FALSE(made.ok());
    CHECK(made.error().kind == kind);
  };
  refused(f.writer, DbError::Kind::kBusy);
  f.crash();
  const auto other = SqliteSingleWriter::get_or_create(":memory:");
  REQUIRE(other.ok());
  refused(*other, DbError::Kind::kParameter);
  fs::rename(f.path, f.path + ".kept");
  std::ofstream(f.path) << "a letter to somebody, and more than forty bytes of it";
  refused(f.writer, DbError::Kind::kCorrupt);
  CHECK(fs::file_size(f.path) == 53);
  fs::rename(f.path + ".kept", f.path);
  CHECK(WriteBuffer::create(f.writer, {.spool_path = "/nowhere/at/all"}).error().kind ==
        DbError::Kind::kCannotOpen);
  f.open();
  CHECK(f.buffer->stats().pending == 1);
}

TEST_CASE("a spool that grows while the database is locked is written anew, and loses nothing") {
  SpoolFixture f("ws_grows");
  f.open({.spool_rewrite_bytes = 20'000});
  {
    const WriteLock lock(f.database.path());
    for (int i = 0; i < 3'000; ++i) {
      f.upsert(i % 10, std::string(20, 'x') + std::to_string(i));
      if (i % 3 == 0)
        REQUIRE(f.buffer->buffer_update("items", {{"id", 100}, {"w", i}}, {"id"}).ok());
      if (i % 5 == 0) REQUIRE(f.buffer->buffer_delete("items", {{"id", 50}}).ok());
      if (i % 1'000 == 500) CHECK_FALSE(f.buffer->force_flush().ok());
      CHECK(f.buffer->stats().spool_bytes < 21'000);
    }
  }
  f.crash();
  f.open();
  CHECK(f.buffer->stats().pending == 12);
  f.flush();
  CHECK(f.rows("SELECT v FROM items WHERE id = 9") == Rows{std::string(20, 'x') + "2999"});
  CHECK(f.rows("SELECT count(*) FROM log") == Rows{"10"});
}

TEST_CASE("a call whose record can't be written is refused, and nothing of it stays") {
  SpoolFixture f("ws_full");
  f.open();
  f.upsert(1, "a");
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = ::signal(SIGXFSZ, SIG_IGN);
  struct rlimit small = before;
  small.rlim_cur = f.buffer->stats().spool_bytes + 10;
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto done = f.buffer->buffer_upsert("items", {{"id", 2}, {"v", "b"}}, {"id"});
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  ::signal(SIGXFSZ, handler);
  REQUIRE_FALSE(done.ok());
  CHECK(done.error().kind == DbError::Kind::kFull);
  CHECK(f.buffer->stats().pending == 1);
  f.upsert(3, "c");
  f.crash();
  f.open({.spool_sync = SpoolSync::kEachWrite});
  CHECK(f.buffer->stats().pending == 2);
  f.flush();
  CHECK(f.rows("SELECT id FROM items") == Rows{"1", "3"});
}

TEST_CASE("write spool: its files stay in their folder when the process goes to another") {
  SpoolFixture f("spool_folder");
  {
    const testing::WorkingFolder folder(fs::path(f.path).parent_path());
    WriteBufferOptions options;
    options.spool_path = fs::path(f.path).filename().string();
    f.make(std::move(options));
  }
  const auto kept = f.buffer->buffer_upsert("items", {{"id", 1}, {"v", "a"}}, {"id"});
  REQUIRE_MESSAGE(kept.ok(), kept.error().message);
  {
    const WriteLock lock(f.database.path());
    CHECK_FALSE(f.buffer->force_flush().ok());
    CHECK(fs::exists(f.path + ".old"));
  }
  CHECK(f.flush() == 1);
  CHECK(fs::exists(f.path));
  CHECK_FALSE(fs::exists(f.path + ".old"));
}

}  // namespace
}  // namespace mayfly
