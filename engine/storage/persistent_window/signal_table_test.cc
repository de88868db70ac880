#include "mayfly/storage/persistent_window/signal_table.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/support/database.h"

namespace mayfly {
namespace {

using Names = std::vector<std::string>;

struct Fixture {
  explicit Fixture(const std::string& name) : database(name) {
    auto opened = SqliteSingleWriter::get_or_create(database.path());
    REQUIRE(opened.ok());
    writer = *opened;
    REQUIRE(signal_table::prepare(*writer).ok());
  }

  testing::Database database;
  std::shared_ptr<SqliteSingleWriter> writer;
};

TEST_CASE("the table is the seed's") {
  const Fixture f("pwt_schema");
  CHECK(f.database.rows("SELECT name, type, \"notnull\", dflt_value, pk FROM "
                        "pragma_table_info('signals')") ==
        Names{"id|INTEGER|0|NULL|1", "operation_id|INTEGER|1|NULL|0", "signal|TEXT|1|NULL|0",
              "key|TEXT|0|NULL|0", "timestamp|TEXT|1|NULL|0",
              "created_at|TEXT|0|CURRENT_TIMESTAMP|0"});
  CHECK(f.database.rows("SELECT name, tbl_name FROM sqlite_master WHERE type = 'index' "
                        "ORDER BY name") ==
        Names{"idx_signals_signal|signals", "idx_signals_timestamp|signals"});
}

TEST_CASE("preparing a table that is there takes no lock") {
  const Fixture f("pwt_again");
  const testing::WriteLock lock(f.database.path());
  CHECK(signal_table::prepare(*f.writer).ok());
}

// What a COMMIT leaves behind whose result nobody learnt.
TEST_CASE("rows whose commit seemed to fail are found again, and others aren't taken for them") {
  const Fixture f("pwt_holds");
  const std::vector<CapturedSignal> signals = {
      {.name = "a", .key = "k", .at_ns = 1'000, .operation = 1}, {.name = "b", .at_ns = 2'000}};
  const auto inserted = f.writer->execute_in_transaction([&](SqlSession& session) {
    return signal_table::insert(session, signals, 5, {.offset_us = 10, .now_us = 20});
  });
  REQUIRE(inserted.ok());
  CHECK(inserted->last_id() == 6);
  CHECK(f.database.rows("SELECT * FROM signals ORDER BY id") ==
        Names{"5|1|a|k|1970-01-01T00:00:00.000011Z|1970-01-01 00:00:00",
              "6|0|b|NULL|1970-01-01T00:00:00.000012Z|1970-01-01 00:00:00"});
  const auto holds = [&](const std::vector<CapturedSignal>& looked_for,
                         const signal_table::Inserted& as) {
    const auto found = f.writer->query(
        [&](SqlSession& session) { return signal_table::holds(session, looked_for, as); });
    REQUIRE(found.ok());
    return *found;
  };
  CHECK(holds(signals, *inserted));
  signal_table::Inserted other = *inserted;
  other.first_id = 6;
  CHECK(!holds(signals, other));
  other = *inserted;
  other.wall.offset_us = 11;
  CHECK(!holds(signals, other));
  for (std::size_t i = 0; i < 2; ++i) {
    std::vector<CapturedSignal> changed = signals;
    changed[i].key = "other";
    CHECK(!holds(changed, *inserted));
    changed = signals;
    changed[i].operation = 9;
    CHECK(!holds(changed, *inserted));
  }
}

TEST_CASE("names and keys are kept byte by byte") {
  const Fixture f("pwt_bytes");
  using namespace std::string_view_literals;
  const std::vector<CapturedSignal> signals = {
      {.name = "x\"; DROP TABLE signals; --", .key = "a\0b"sv}, {.name = "\xff\xfe"}, {.name = ""}};
  REQUIRE(f.writer
              ->execute_in_transaction([&](SqlSession& session) {
                return signal_table::insert(session, signals, 1, {});
              })
              .ok());
  std::size_t seen = 0;
  const auto visited = f.writer->query([&](SqlSession& session) {
    return signal_table::visit(session.borrow(), {}, [&](const StoredSignal& row) {
      CHECK(row.name == signals[seen].name);
      CHECK(row.key == signals[seen].key);
      ++seen;
      return true;
    });
  });
  CHECK(visited.ok());
  CHECK(seen == 3);
}

}  // namespace
}  // namespace mayfly
