// After warm-up the writer allocates nothing for a row: what one transaction allocates doesn't grow
// with its rows. SQLite's own memory goes through malloc and isn't counted.
#include <doctest/doctest.h>

#include "mayfly/storage/writer_fixture.h"
#include "tests/support/allocation_count.h"

namespace mayfly {
namespace {

std::uint64_t allocations_of(WriterFixture& f, std::span<const RowRef> heads) {
  const std::uint64_t before = testing::allocation_count();
  const GroupResult result = f.writer->write(heads);
  const std::uint64_t after = testing::allocation_count();
  REQUIRE(result.kind == GroupResult::Kind::kCommitted);
  return after - before;
}

void check_constant(WriterFixture& f, std::vector<Row> (*rows)(std::int64_t, std::int64_t)) {
  f.open();
  f.add_source();
  std::uint64_t small = 0;
  std::uint64_t large = 0;
  for (int i = 0; i < 5; ++i) {
    const auto few = f.fill(rows(i * 10'000, 10));
    small = allocations_of(f, few);
    f.settle(few);
    const auto many = f.fill(rows(i * 10'000 + 1000, 8 * 1024));
    large = allocations_of(f, many);
    f.settle(many);
  }
  CHECK(large <= small);
  CHECK(large < 10);
}

TEST_CASE("8,192 rows allocate no more than ten") {
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  check_constant(f, &WriterFixture::numbered);
}

TEST_CASE("an upsert allocates nothing for a row") {
  WriterFixture f(
      Schema({{.name = "id", .type = ColumnType::kInt64, .key = true}, {.name = "name"}}), 1024);
  f.options.mode = WriteMode::kUpsert;
  check_constant(f, &WriterFixture::numbered);
}

TEST_CASE("looking at values that affinity may change allocates nothing for a row") {
  WriterFixture f(WriterFixture::id_and_name(), 1024);
  f.run("CREATE TABLE t(id INTEGER, name NUMERIC)");
  check_constant(f, &WriterFixture::numbered);
}

}  // namespace
}  // namespace mayfly
