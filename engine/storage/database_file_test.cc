#include "mayfly/storage/database_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

TEST_CASE("a database is a regular file, or none yet") {
  const std::string folder = fresh_folder();
  std::ofstream(folder + "/a.db").put('x');
  std::filesystem::create_symlink("a.db", folder + "/link.db");
  CHECK(check_database_file(folder + "/a.db").ok());
  CHECK(check_database_file(folder + "/link.db").ok());
  CHECK(check_database_file(folder + "/none.db").ok());
  CHECK(check_database_file(folder + "/none/none.db").ok());
}

TEST_CASE("what is no regular file is refused with what it is") {
  const std::string folder = fresh_folder();
  const std::string pipe = folder + "/pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(check_database_file(pipe).code() == Code::kIo);
  CHECK(check_database_file(pipe).message() ==
        pipe + ": expected a file for the database, found a pipe; name another path");
  CHECK(check_database_file(folder).code() == Code::kCannotCreate);
  CHECK(check_database_file("/dev/null").message().find("found a device") != std::string::npos);
}

}  // namespace
}  // namespace mayfly
