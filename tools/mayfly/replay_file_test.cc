#include "tools/mayfly/replay_file.h"

#include <doctest/doctest.h>

#include <filesystem>

#include "tests/support/database.h"
#include "tests/support/run_program.h"

using namespace mayfly;
using namespace mayfly::cli;
using mayfly::testing::Database;
using mayfly::testing::make_folder;
using mayfly::testing::read_file;

TEST_CASE("replay file: what is still to be written, by rank, in a file without a name") {
  const Database database("replay_file");
  database.run(
      "CREATE TABLE mayfly_dead_letters(id INTEGER PRIMARY KEY, columns TEXT, raw BLOB);"
      "INSERT INTO mayfly_dead_letters VALUES(1, NULL, 'a'), (2, '{\"x\":1}', NULL), (3, '{}', "
      "NULL), (4, NULL, x'ff');"
      "CREATE TABLE mayfly_replays(key, rank, letter, pending);"
      "INSERT INTO mayfly_replays VALUES('k', 0, 4, 1), ('k', 1, 3, 0), ('k', 2, 2, 1), ('k', 3, 9,"
      " 1), ('other', 0, 1, 1)");
  SqliteConnection connection;
  REQUIRE(SqliteConnection::open(database.path(), {}, connection).ok());
  const std::string folder = make_folder();
  const auto file = ReplayFile::write(connection, folder + "/a.db", "k");
  REQUIRE_MESSAGE(file.ok(), file.status().message());
  CHECK(std::filesystem::is_empty(folder));
  const std::string expected =
      "{\"rank\":0,\"id\":4,\"raw_base64\":\"/"
      "w==\"}\n{\"rank\":2,\"id\":2,\"columns\":{\"x\":1}}\n";
  CHECK(read_file(file->path()) == expected);
  CHECK(read_file(file->path()) == expected);  // from its beginning, each time

  const auto nowhere = ReplayFile::write(connection, folder + "/none/a.db", "k");
  REQUIRE_FALSE(nowhere.ok());
  CHECK(nowhere.status().code() == Code::kCannotCreate);
}
