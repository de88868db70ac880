#include "tools/mayfly/letter_corrections.h"

#include <doctest/doctest.h>

#include "tests/support/database.h"
#include "tests/support/run_program.h"

using namespace mayfly;
using namespace mayfly::cli;
using mayfly::testing::Database;
using mayfly::testing::make_folder;
using mayfly::testing::write_file;

namespace {

std::string refusal(const std::string& text) {
  const std::string path = make_folder() + "/letters.ndjson";
  write_file(path, text);
  const auto read = read_corrections(path);
  REQUIRE_FALSE(read.ok());
  CHECK(read.status().code() == Code::kBadData);
  const std::string& message = read.status().message();
  const std::size_t line = message.find(".ndjson:");
  REQUIRE_MESSAGE(line != std::string::npos, message);
  return message.substr(line + 8, message.find("; each line") - line - 8);
}

}  // namespace

TEST_CASE("corrections: each letter's new values or bytes go to it, and to no other") {
  const Database database("corrections");
  database.run(
      "CREATE TABLE mayfly_dead_letters(id INTEGER PRIMARY KEY, columns TEXT, raw BLOB);"
      "INSERT INTO mayfly_dead_letters VALUES(1, NULL, 'a'), (2, '{}', NULL), (3, '{}', NULL),"
      "(4, NULL, 'd')");
  const std::string path = make_folder() + "/letters.ndjson";
  write_file(path,
             "{\"id\":1,\"columns\":{\"x\":1}}\n\n{\"id\":2,\"raw\":\"b\"}\r\n"
             "{\"id\":3,\"raw_base64\":\"/w==\"}\n{\"id\":4,\"raw\":\"other\"}");
  const auto read = read_corrections(path);
  REQUIRE_MESSAGE(read.ok(), read.status().message());
  CHECK(ids_of(*read) == std::vector<std::int64_t>{1, 2, 3, 4});
  SqliteConnection connection;
  REQUIRE(SqliteConnection::open(database.path(), {}, connection).ok());
  REQUIRE(correct_letters(connection, *read, {1, 2, 3}).ok());
  CHECK(database.rows("SELECT id, columns, hex(raw), typeof(raw) FROM mayfly_dead_letters") ==
        std::vector<std::string>{"1|{\"x\":1}||null", "2|NULL|62|blob", "3|NULL|FF|blob",
                                 "4|NULL|64|text"});
}

TEST_CASE("corrections: what isn't a letter is refused with its line") {
  CHECK(refusal("{\"id\":1,\"raw\":\"\"}\nnothing\n").starts_with("2: expected"));
  CHECK(refusal("\n\n{\"raw\":\"\"}") == "3: expected the letter's number as \"id\", found none");
  CHECK(refusal("{\"id\":1,\"raw\":\"\"}\n{\"id\":1,\"raw\":\"\"}") ==
        "2: expected each letter once, found letter 1 again");
  CHECK(refusal("{\"id\":1}") ==
        "1: expected one of \"columns\", \"raw\" and \"raw_base64\", found none");
}

TEST_CASE("corrections: a file that isn't there, or is a folder, is told") {
  const auto missing = read_corrections("/nowhere/letters.ndjson");
  REQUIRE_FALSE(missing.ok());
  CHECK(missing.status().code() == Code::kNoInput);
  CHECK(missing.status().message() ==
        "--from /nowhere/letters.ndjson: expected a file of corrected letters, found No such file "
        "or directory");
  const auto folder = read_corrections(make_folder());
  REQUIRE_FALSE(folder.ok());
  CHECK(
      folder.status().message().ends_with("expected a file of corrected letters, found a folder"));
}
