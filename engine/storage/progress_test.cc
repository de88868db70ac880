// Positions: what was answered is recorded with the rows, and a later run goes on behind it.
#include <doctest/doctest.h>

#include "mayfly/data/slice_chain.h"
#include "mayfly/storage/writer_fixture.h"

namespace mayfly {
namespace {

using Kind = GroupResult::Kind;

TEST_CASE("rows that were given up are no answers: the mark stays before them") {
  WriterFixture f;
  f.open();
  f.add_source();
  const auto heads = f.fill(f.numbered(0, 5));
  f.pool.batch(heads[0])->outcome[2] = MAYFLY_LEFT;
  REQUIRE(f.writer->write(heads).kind == Kind::kCommitted);
  CHECK(f.query("SELECT low, read FROM mayfly_offsets") == "2|4");
  CHECK(f.query("SELECT first, last FROM mayfly_offset_ranges") == "3|4");
}

TEST_CASE("resume goes on at the mark, with ranges, totals and the fingerprint") {
  struct Print final : SourceFingerprint {
    std::string at(std::uint64_t byte) const override { return "print@" + std::to_string(byte); }
  } print;
  WriterFixture f;
  f.open();
  REQUIRE(f.writer->add_source(0, {.key = "a.csv", .fingerprint = &print}).ok());
  auto heads = f.fill(f.numbered(0, 20));
  mayfly_batch& batch = *f.pool.batch(heads[0]);
  // Row 4 is held: the rest of the batch goes on without it.
  SliceChain rest;
  for (std::uint16_t row = 0; row < 20; ++row) {
    if (row != 4 && row != 10) rest.append(batch, row);
  }
  const RowRef slice[] = {rest.finish(batch)};
  REQUIRE(f.writer->write(slice).kind == Kind::kCommitted);
  REQUIRE(f.writer->finish(true).ok());

  f.open();
  const auto start =
      f.writer->add_source(0, {.key = "a.csv", .resume = true, .fingerprint = &print});
  REQUIRE(start.ok());
  CHECK(start->resumed);
  CHECK(start->ordinal == 4);
  CHECK(start->byte == 40);
  CHECK(start->line == 6);
  CHECK(start->fingerprint == "print@40");
  CHECK(start->answered == std::vector<AnsweredRange>{{5, 9}, {11, 19}});
  CHECK(start->totals.read == 18);
  CHECK(start->totals.written == 18);
  CHECK_FALSE(start->finished);
  // The held row is answered: the mark jumps over the range behind it.
  SliceChain held;
  held.append(batch, 4);
  const RowRef again[] = {held.finish(batch)};
  REQUIRE(f.writer->write(again).kind == Kind::kCommitted);
  CHECK(f.query("SELECT low, read FROM mayfly_offsets") == "10|19");
  CHECK(f.query("SELECT first, last FROM mayfly_offset_ranges") == "11|19");
  CHECK(f.writer->totals().rows.written == 19);
}

TEST_CASE("without resume a source starts a new generation") {
  WriterFixture f;
  f.open();
  f.add_source();
  f.write(f.numbered(0, 3));
  REQUIRE(f.writer->finish(false).ok());
  f.open();
  const SourceStart start = f.add_source(false);
  CHECK_FALSE(start.resumed);
  CHECK(start.generation == 2);
  CHECK(start.ordinal == 0);
  CHECK(start.totals == RowTotals{});
  f.next_ordinal = 0;
  f.write(f.numbered(0, 2));
  CHECK(f.query("SELECT generation, low, read FROM mayfly_offsets") == "1|3|3\n2|2|2");
}

TEST_CASE("a source that can't go back starts anew, and two of one name are refused") {
  WriterFixture f;
  f.open();
  f.add_source(false, "-");
  f.write(f.numbered(0, 3));
  REQUIRE(f.writer->finish(false).ok());
  f.open();
  const auto start = f.writer->add_source(0, {.key = "-", .replayable = false, .resume = true});
  CHECK_FALSE(start->resumed);
  CHECK(f.writer->add_source(1, {.key = "-"}).status().code() == Code::kConfig);
}

TEST_CASE("several sources in one batch keep marks of their own") {
  WriterFixture f;
  f.open();
  f.add_source(false, "a");
  REQUIRE(f.writer->add_source(1, {.key = "b"}).ok());
  const auto heads = f.fill(f.numbered(0, 6));
  mayfly_batch& batch = *f.pool.batch(heads[0]);
  for (std::uint16_t row = 0; row < 6; ++row) {
    batch.source[row] = row % 2;
    batch.ordinal[row] = row / 2u;
  }
  REQUIRE(f.writer->write(heads).kind == Kind::kCommitted);
  CHECK(f.query("SELECT source, low, written FROM mayfly_offsets ORDER BY source") ==
        "a|3|3\nb|3|3");
}

TEST_CASE("a source is finished when it has ended and all its rows are answered") {
  WriterFixture f;
  f.open();
  f.add_source();
  f.writer->source_ended(0, 5);
  f.write(f.numbered(0, 3));
  CHECK(f.query("SELECT finished FROM mayfly_offsets") == "0");
  f.write(f.numbered(3, 2));
  CHECK(f.query("SELECT finished FROM mayfly_offsets") == "1");
  // Known only afterwards: a transaction of its own.
  REQUIRE(f.writer->add_source(1, {.key = "late"}).ok());
  f.next_ordinal = 0;
  f.write(f.numbered(5, 2), 1);
  f.writer->source_ended(1, 2);
  CHECK(f.writer->flush().kind == Kind::kCommitted);
  CHECK(f.query("SELECT finished FROM mayfly_offsets WHERE source = 'late'") == "1");
  const std::uint64_t transactions = f.writer->totals().transactions;
  CHECK(f.writer->flush().kind == Kind::kCommitted);
  CHECK(f.writer->totals().transactions == transactions);
}

}  // namespace
}  // namespace mayfly
