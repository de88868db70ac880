#include "mayfly/data/uniform.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>

#include "mayfly/data/batch_pool.h"

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
  batch.extent[2] = 4;  // linked rows may be anywhere
  CHECK_FALSE(slice_is_all(batch, 2, batch.outcome, pending));
}

}  // namespace
}  // namespace mayfly
