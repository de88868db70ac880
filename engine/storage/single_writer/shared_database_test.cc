// Who writes to one database stands in one queue.
#include "mayfly/storage/single_writer/shared_database.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/database.h"

namespace mayfly {
namespace {

TEST_CASE("a database is one, by whatever name it is called, while somebody has it") {
  const auto one = shared_database_of({.path = "some.db"});
  CHECK(one == shared_database_of({.path = "./some.db"}));
  CHECK(one != shared_database_of({.path = "other.db"}));
  const std::string link = testing::Database("shared_link").path();
  std::filesystem::create_symlink("not_there_yet.db", link);
  const auto target = std::filesystem::path(link).replace_filename("not_there_yet.db").string();
  CHECK(shared_database_of({.path = link}) == shared_database_of({.path = target}));
  const auto held = shared_database_of({.path = link});
  std::ofstream(target) << "";
  CHECK(held == shared_database_of({.path = link}));
  std::filesystem::remove(target);
  std::filesystem::remove(link);
  CHECK(one != shared_database_of({.path = "some.db", .mode = DatabaseName::Mode::kMemory}));
}

TEST_CASE("a database has one connection for all who write, and another for who only reads") {
  const auto one = shared_database_of({.path = "some.db"});
  SharedConnection& connection = one->connection();
  CHECK(&connection == &shared_database_of({.path = "some.db"})->connection());
  CHECK(&connection != &one->connection("", true));
  CHECK(&connection != &one->connection("unix-dotfile"));
}

TEST_CASE("a connection that became one user's alone isn't given to others") {
  struct User final : SharedConnection::User {
    void let_go() noexcept override {}
  };
  const testing::Database file("shared_alone");
  const auto one = shared_database_of({.path = file.path()});
  SharedConnection& connection = one->connection();
  User user;
  REQUIRE(connection.open(user, file.path(), true).ok());
  connection.keep_for(user);
  SharedConnection& other = one->connection();
  CHECK(&connection != &other);
  CHECK(&other == &one->connection());
  connection.leave(user);
  CHECK(&connection == &one->connection());
}

}  // namespace
}  // namespace mayfly
