#include "mayfly/storage/lock_file.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

std::string existing_file() {
  const std::string path = fresh_folder() + "/a.db";
  std::ofstream(path).put('x');
  return path;
}

TEST_CASE("a second writer in the same process is refused, and told so") {
  const std::string path = existing_file();
  LockFile first;
  LockFile second;
  REQUIRE(first.acquire(path, 0).ok());
  const Status refused = second.acquire(path, 0);
  CHECK(refused.code() == Code::kTryAgain);
  CHECK(refused.message().find("in this process") != std::string::npos);
  first.release();
  CHECK(second.acquire(path, 0).ok());
}

TEST_CASE("a link to the database is the same database") {
  const std::string path = existing_file();
  std::filesystem::create_symlink(path, path + ".link");
  LockFile first;
  LockFile second;
  REQUIRE(first.acquire(path, 0).ok());
  CHECK(second.acquire(path + ".link", 0).code() == Code::kTryAgain);
}

TEST_CASE("another process's id is named, and its death frees the lock") {
  const std::string path = existing_file();
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const pid_t child = fork();
  if (child == 0) {
    LockFile lock;
    const char ok = lock.acquire(path, 0).ok() ? 'y' : 'n';
    if (write(ready[1], &ok, 1) != 1) _exit(1);
    pause();
    _exit(0);
  }
  char ok = 0;
  REQUIRE(read(ready[0], &ok, 1) == 1);
  REQUIRE(ok == 'y');
  LockFile mine;
  const Status refused = mine.acquire(path, 0);
  CHECK(refused.code() == Code::kTryAgain);
  CHECK(refused.message().find("process " + std::to_string(child) + ",") != std::string::npos);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  CHECK(mine.acquire(path, 0).ok());
  close(ready[0]);
  close(ready[1]);
}

TEST_CASE("where no lock file can be made, the writer isn't opened") {
  LockFile lock;
  CHECK(lock.acquire("/proc/nowhere/x.db", 0).code() == Code::kCannotCreate);
}

TEST_CASE("two writers of one database: the second is refused before it writes") {
  WriterFixture f;
  f.open();
  WriterFixture second;
  second.options.database = f.options.database;
  second.options.table = "u";
  CHECK(second.try_open().code() == Code::kTryAgain);
  CHECK(f.query("SELECT count(*) FROM sqlite_schema WHERE name = 'u'") == "0");
}

}  // namespace
}  // namespace mayfly
