// What the tests of the single writer share: a database with one table, and its writer.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "tests/support/database.h"

namespace mayfly::testing {

using Kind = DbError::Kind;
using Writer = std::shared_ptr<SqliteSingleWriter>;

inline Writer open(const std::string& database, const SingleWriterOptions& options = {}) {
  auto writer = SqliteSingleWriter::get_or_create(database, options);
  if (!writer.ok()) FAIL(writer.error().message);
  return *writer;
}

struct Fixture {
  explicit Fixture(const std::string& name, SingleWriterOptions options = {}) : database(name) {
    database.run("CREATE TABLE items(id INTEGER PRIMARY KEY, value UNIQUE)");
    options.clock = &clock;
    writer = open(database.path(), options);
  }
  std::int64_t count() { return database.integer("SELECT count(*) FROM items"); }

  Database database;
  ManualClock clock;
  Writer writer;
};

inline DbResult<std::int64_t> count_items(SqlSession& session) {
  return session.scalar<std::int64_t>("SELECT count(*) FROM items");
}

}  // namespace mayfly::testing
