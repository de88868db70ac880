// A spool that isn't whole: what is refused, what is missed, and what costs nothing.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "engine/storage/write_buffer/spool_fixture.h"
#include "mayfly/base/rng.h"
#include "mayfly/storage/write_buffer/write_spool.h"

namespace mayfly {
namespace {

using testing::flush_one_batch;
using testing::kItems;
using testing::refusal;
using testing::Rows;
using testing::SpoolFixture;
using testing::WriteLock;
namespace fs = std::filesystem;

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

}  // namespace
}  // namespace mayfly
