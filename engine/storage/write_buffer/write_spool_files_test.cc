// The files of a spool: their names, their syncs, their folder, and what the system refuses of
// them.
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

#include "engine/storage/write_buffer/spool_fixture.h"
#include "mayfly/storage/write_buffer/write_spool.h"
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

using testing::Rows;
using testing::SpoolFixture;
using testing::WriteLock;
namespace fs = std::filesystem;

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
