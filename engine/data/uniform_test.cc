#include "mayfly/data/uniform.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "mayfly/data/batch_pool.h"
#include "mayfly/data/slice_chain.h"

namespace mayfly {
namespace {

TEST_CASE("a run is uniform when each of its values is the given one, whichever stands out") {
  std::uint32_t values[9];
  for (std::uint32_t count = 0; count <= 9; ++count) {
    std::fill(values, values + 9, 7u);
    CHECK(all_are(values, count, 7u));
    CHECK(all_are(values, count, 8u) == (count == 0));
    for (std::uint32_t odd = 0; odd < 9; ++odd) {
      values[odd] = 0x01000007;  // differs in its last byte alone
      CHECK(all_are(values, count, 7u) == (odd >= count));
      values[odd] = 7;
    }
  }
}

TEST_CASE("bits are all set up to the count, whatever follows") {
  for (std::uint32_t count = 0; count <= 130; ++count) {
    std::uint64_t bits[3] = {};
    for (std::uint32_t i = 0; i < count; ++i) set_bit(bits, i);
    CHECK(all_set(bits, count));
    CHECK_FALSE(all_set(bits, count + 1));
    for (std::uint32_t i = 0; i < count; ++i) {
      clear_bit(bits, i);
      CHECK_FALSE(all_set(bits, count));
      set_bit(bits, i);
    }
  }
}

TEST_CASE("a slice is uniform by its own rows, not by those around it") {
  const Schema schema({{.name = "id", .type = ColumnType::kInt64}});
  BatchPool pool({.rows = 8, .columns = 1, .intake_batches = 1});
  mayfly_batch& batch = *pool.try_acquire(BatchPool::Part::kIntake, schema);
  for (int i = 0; i < 8; ++i) commit_row(batch, {});
  batch.outcome[1] = MAYFLY_WRITTEN;
  batch.outcome[6] = MAYFLY_WRITTEN;
  batch.extent[2] = 4 | MAYFLY_EXTENT_DENSE;
  const std::uint8_t pending = MAYFLY_PENDING;
  CHECK(slice_is_all(batch, 2, batch.outcome, pending));
  batch.extent[2] = 5 | MAYFLY_EXTENT_DENSE;
  CHECK_FALSE(slice_is_all(batch, 2, batch.outcome, pending));
}

// Rows 2, 3, 5, 4 and 0 of eight, one of which is another.
TEST_CASE("a slice of linked rows is uniform by each of its runs") {
  const Schema schema({{.name = "id", .type = ColumnType::kInt64}});
  BatchPool pool({.rows = 8, .columns = 1, .intake_batches = 1});
  mayfly_batch& batch = *pool.try_acquire(BatchPool::Part::kIntake, schema);
  for (int i = 0; i < 8; ++i) commit_row(batch, {});
  SliceChain chain;
  for (const int row : {2, 3, 5, 4, 0}) chain.append(batch, static_cast<std::uint16_t>(row));
  chain.finish(batch);
  std::vector<std::pair<int, int>> runs;
  const auto note = [&runs](std::uint16_t first, std::uint32_t rows) {
    runs.emplace_back(first, rows);
    return first != 5;
  };
  CHECK_FALSE(all_of_runs(batch, 2, note));
  CHECK(runs == std::vector<std::pair<int, int>>{{2, 2}, {5, 1}});
  for (int odd = 0; odd < 8; ++odd) {
    batch.outcome[odd] = MAYFLY_WRITTEN;
    const bool is_around = odd == 1 || odd >= 6;
    CHECK(slice_is_all(batch, 2, batch.outcome, std::uint8_t{MAYFLY_PENDING}) == is_around);
    batch.outcome[odd] = MAYFLY_PENDING;
  }
}

}  // namespace
}  // namespace mayfly
