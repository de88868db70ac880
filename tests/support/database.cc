#include "tests/support/database.h"

#include <doctest/doctest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <filesystem>
#include <utility>

namespace mayfly::testing {
namespace {

sqlite3* open(const std::string& path) {
  sqlite3* connection = nullptr;
  REQUIRE(sqlite3_open(path.c_str(), &connection) == SQLITE_OK);
  sqlite3_busy_timeout(connection, 10'000);
  return connection;
}

}  // namespace

Database::Database(const std::string& name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  path_ = (std::filesystem::path(folder != nullptr ? folder : "/tmp") / (name + ".db")).string();
  for (const char* suffix : {"", "-wal", "-shm", "-mayfly.lock"}) {
    std::filesystem::remove(path_ + suffix);
  }
}

Database::~Database() {
  for (const char* suffix : {"", "-wal", "-shm", "-mayfly.lock"}) {
    std::error_code ignored;
    std::filesystem::remove(path_ + suffix, ignored);
  }
}

void Database::run(const std::string& sql) const {
  sqlite3* connection = open(path_);
  char* error = nullptr;
  const int result = sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, &error);
  REQUIRE_MESSAGE(result == SQLITE_OK, sql << ": " << std::string(error != nullptr ? error : ""));
  sqlite3_close(connection);
}

std::vector<std::string> Database::rows(const std::string& sql) const {
  sqlite3* connection = open(path_);
  sqlite3_stmt* statement = nullptr;
  const int prepared = sqlite3_prepare_v2(connection, sql.c_str(), -1, &statement, nullptr);
  REQUIRE_MESSAGE(prepared == SQLITE_OK, sql << ": " << std::string(sqlite3_errmsg(connection)));
  std::vector<std::string> rows;
  while (sqlite3_step(statement) == SQLITE_ROW) {
    std::string& row = rows.emplace_back();
    for (int c = 0; c < sqlite3_column_count(statement); ++c) {
      if (c > 0) row += '|';
      const unsigned char* text = sqlite3_column_text(statement, c);
      row += text == nullptr ? "NULL" : reinterpret_cast<const char*>(text);
    }
  }
  sqlite3_finalize(statement);
  sqlite3_close(connection);
  return rows;
}

std::string Database::text(const std::string& sql) const {
  const std::vector<std::string> found = rows(sql);
  REQUIRE_MESSAGE(found.size() == 1, sql << " gave " << found.size() << " rows");
  return found[0];
}

std::int64_t Database::integer(const std::string& sql) const { return std::stoll(text(sql)); }

WriteLock::WriteLock(const std::string& path) {
  sqlite3* connection = open(path);
  REQUIRE(sqlite3_exec(connection, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) == SQLITE_OK);
  connection_ = connection;
}

std::unique_ptr<WriteLock> WriteLock::try_take(const std::string& path) {
  sqlite3* connection = open(path);
  sqlite3_busy_timeout(connection, 0);
  if (sqlite3_exec(connection, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr) != SQLITE_OK) {
    sqlite3_close(connection);
    return nullptr;
  }
  std::unique_ptr<WriteLock> lock(new WriteLock());
  lock->connection_ = connection;
  return lock;
}

void WriteLock::release() {
  if (connection_ == nullptr) return;
  auto* connection = static_cast<sqlite3*>(std::exchange(connection_, nullptr));
  sqlite3_exec(connection, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(connection);
}

Snapshot::Snapshot(const std::string& path) : connection_(open(path)) {
  REQUIRE(sqlite3_exec(static_cast<sqlite3*>(connection_), "BEGIN; SELECT * FROM sqlite_schema",
                       nullptr, nullptr, nullptr) == SQLITE_OK);
}

Snapshot::~Snapshot() { sqlite3_close(static_cast<sqlite3*>(connection_)); }

}  // namespace mayfly::testing
