#include "mayfly/data/batch_pool.h"

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/data/outcome.h"

namespace mayfly {
namespace {

using Part = BatchPool::Part;

Schema two_columns() {
  return Schema({{.name = "id", .type = ColumnType::kInt64}, {.name = "name"}});
}

BatchPoolOptions small_pool() {
  return {.rows = 100,
          .columns = 2,
          .heap_bytes = 1000,
          .intake_batches = 3,
          .reserve_batches = 2,
          .oversize_bytes = 10'000};
}

TEST_CASE("an empty intake gives nothing and leaves the reserve as it was") {
  BatchPool pool(small_pool());
  const Schema schema = two_columns();
  std::set<std::uint32_t> ids;
  for (int i = 0; i < 3; ++i) ids.insert(pool.try_acquire(Part::kIntake, schema)->id);
  CHECK(ids.size() == 3);
  CHECK(pool.try_acquire(Part::kIntake, schema) == nullptr);
  CHECK(pool.acquire(Part::kIntake, schema, 1) == nullptr);
  CHECK(pool.free_batches(Part::kReserve) == 2);
  mayfly_batch* reserve = pool.try_acquire(Part::kReserve, schema);
  REQUIRE(reserve != nullptr);
  CHECK(pool.part_of(*reserve) == Part::kReserve);
}

TEST_CASE("what one node makes rows in is no other's, and neither intake's nor the reserve's") {
  BatchPoolOptions options = small_pool();
  options.maker_batches = {1, 2};
  BatchPool pool(options);
  const Schema schema = two_columns();
  CHECK(pool.size() == 8);
  const Part first = BatchPool::part_of_maker(0);
  const Part second = BatchPool::part_of_maker(1);
  mayfly_batch* made = pool.try_acquire(first, schema);
  REQUIRE(made != nullptr);
  CHECK(pool.part_of(*made) == first);
  CHECK(pool.try_acquire(first, schema) == nullptr);
  CHECK(pool.free_batches(second) == 2);
  pool.add_flight(made, 1);
  pool.settle(made, 1);
  CHECK(pool.free_batches(first) == 1);
  CHECK(pool.free_batches(Part::kIntake) == 3);
  CHECK(pool.part_batches(second) == 2);
}

TEST_CASE("a batch that left the reserve is intake's, and intake gives one back for it") {
  BatchPool pool(small_pool());
  const Schema schema = two_columns();
  std::vector<mayfly_batch*> taken;
  for (int i = 0; i < 3; ++i) taken.push_back(pool.try_acquire(Part::kIntake, schema));
  mayfly_batch* copies = pool.try_exchange(schema);
  REQUIRE(copies != nullptr);
  CHECK(pool.part_of(*copies) == Part::kIntake);
  CHECK(pool.free_batches(Part::kReserve) == 1);
  pool.release(taken[0]);
  CHECK(pool.free_batches(Part::kReserve) == 2);
  CHECK(pool.free_batches(Part::kIntake) == 0);
  pool.release(taken[1]);
  pool.release(copies);
  CHECK(pool.free_batches(Part::kIntake) == 2);
  CHECK(pool.free_batches(Part::kReserve) == 2);
}

TEST_CASE("a batch returns to its part when its last row is settled, and is empty again") {
  BatchPool pool(small_pool());
  const Schema schema = two_columns();
  mayfly_batch* batch = pool.try_acquire(Part::kIntake, schema);
  for (int i = 0; i < 10; ++i) {
    put_int64(*batch, 0, i);
    REQUIRE(put_text(*batch, 1, "name"));
    commit_row(*batch, {.ordinal = static_cast<std::uint64_t>(i)});
  }
  seal(*batch, 7, 0);
  pool.add_flight(batch, 10);
  pool.settle(batch, 4);
  CHECK(pool.free_batches(Part::kIntake) == 2);
  CHECK(pool.rows_in_flight() == 6);
  pool.settle(batch, 6);
  CHECK(pool.free_batches(Part::kIntake) == 3);

  mayfly_batch* again = pool.try_acquire(Part::kIntake, schema);
  CHECK(again == batch);  // last in, first out
  CHECK(again->rows == 0);
  CHECK(again->heap_used == 0);
  CHECK(is_null(again->columns[0], 3));
}

// Of a batch that was sent only what it used is made ready for the next use; of one that wasn't,
// anything may have been touched.
TEST_CASE("a batch's rows are as new, whatever they were used for before") {
  BatchPool pool(small_pool());
  const Schema schema = two_columns();
  for (const bool sent : {true, false}) {
    CAPTURE(sent);
    mayfly_batch* batch = pool.try_acquire(Part::kIntake, schema);
    const std::uint32_t capacity = batch->capacity;
    const std::uint32_t used = sent ? 3 : capacity;
    for (std::uint32_t row = 0; row < used; ++row) {
      put_int64(*batch, 0, 1);
      commit_row(*batch, {});
    }
    if (sent) put_int64(*batch, 0, 1);  // a row that was begun, and left
    for (std::uint32_t row = 0; row < used + (sent ? 1 : 0); ++row) {
      batch->key_hash[row] = batch->hold_tag[row] = batch->owed[row] = batch->passed[row] = 9;
      batch->attempt[row] = batch->reason[row] = 9;
      batch->outcome[row] = MAYFLY_WRITTEN;
      batch->parent[row] = 9;
    }
    if (sent) {
      pool.add_flight(batch, 3);
      pool.settle(batch, 3);
    } else {
      batch->rows = 0;
      pool.release(batch);
    }
    REQUIRE(pool.try_acquire(Part::kIntake, schema) == batch);  // last in, first out
    for (std::uint32_t row = 0; row < capacity; ++row) {
      CAPTURE(row);
      CHECK(is_null(batch->columns[0], row));
      CHECK((batch->key_hash[row] | batch->hold_tag[row] | batch->owed[row]) == 0);
      CHECK((batch->passed[row] | batch->attempt[row] | batch->reason[row]) == 0);
      CHECK(batch->outcome[row] == MAYFLY_PENDING);
      CHECK(batch->parent[row] == MAYFLY_REF_NONE);
    }
    pool.release(batch);
  }
}

TEST_CASE("a failed attempt counts beside those before it at the same place, elsewhere anew") {
  BatchPool pool(small_pool());
  mayfly_batch& batch = *pool.try_acquire(Part::kIntake, two_columns());
  batch.judge[0] = 5;  // of whatever was there before
  const auto after = [&batch](std::uint16_t judge) {
    count_failed_attempt(batch, 0, judge);
    CHECK(batch.judge[0] == judge);
    return batch.attempt[0];
  };
  CHECK(after(4) == 1);
  CHECK(after(4) == 2);
  CHECK(after(0xFFFF) == 1);
  CHECK(after(0xFFFF) == 2);
  batch.attempt[0] = UINT16_MAX;
  CHECK(after(0xFFFF) == UINT16_MAX);
}

TEST_CASE("a sealed batch is one dense slice of all its rows") {
  BatchPool pool(small_pool());
  mayfly_batch* batch = pool.try_acquire(Part::kIntake, two_columns());
  for (int i = 0; i < 5; ++i) commit_row(*batch, {});
  const RowRef head = seal(*batch, 42, 3);
  CHECK(row_of(head) == 0);
  CHECK(slice_rows(*batch, 0) == 5);
  std::vector<int> rows;
  for_each_row(*batch, 0, [&](std::uint16_t row) { rows.push_back(row); });
  CHECK(rows == std::vector<int>{0, 1, 2, 3, 4});
  batch->extent[0] &= ~MAYFLY_EXTENT_DENSE;  // by the links, too
  rows.clear();
  for_each_row(*batch, 0, [&](std::uint16_t row) { rows.push_back(row); });
  CHECK(rows == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(batch->source[4] == 3);
  CHECK(batch->enqueued_ns[4] == 42);
}

TEST_CASE("a record larger than the heap gets one of its own, within the budget") {
  BatchPool pool(small_pool());
  const Schema schema = two_columns();
  mayfly_batch* first = pool.try_acquire(Part::kIntake, schema);
  mayfly_batch* second = pool.try_acquire(Part::kIntake, schema);
  CHECK(pool.reserve_heap(first, 1000) == MAYFLY_OK);
  CHECK(pool.reserve_heap(first, 8000) == MAYFLY_OK);
  CHECK(put_text(*first, 1, std::string(8000, 'x')));
  commit_row(*first, {});
  CHECK(pool.reserve_heap(first, 1) == MAYFLY_FULL);
  CHECK(pool.reserve_heap(second, 8000) == MAYFLY_BLOCKED);
  CHECK(pool.reserve_heap(second, 10'001) == MAYFLY_FAILED);
  pool.add_flight(first, 1);
  pool.settle(first, 1);
  CHECK(pool.reserve_heap(second, 8000) == MAYFLY_OK);
}

TEST_CASE(
    "who waits for the oversize budget waits no longer than told, or until it is given back") {
  BatchPool pool(small_pool());
  const Schema schema = two_columns();
  mayfly_batch* first = pool.try_acquire(Part::kIntake, schema);
  REQUIRE(pool.reserve_heap(first, 8000) == MAYFLY_OK);
  CHECK_FALSE(pool.wait_for_heap(8000, 0));
  CHECK(pool.wait_for_heap(1000, 0));  // that much is left
  // Interleaving aimed at: the budget comes back just before, while or after the other looks.
  for (int i = 0; i < 200; ++i) {
    std::jthread returns([&] { pool.release(first); });
    CHECK(pool.wait_for_heap(8000, INT64_C(10'000'000'000)));
    returns.join();
    first = pool.try_acquire(Part::kIntake, schema);
    REQUIRE(pool.reserve_heap(first, 8000) == MAYFLY_OK);
  }
  pool.release(first);
}

TEST_CASE("text that doesn't fit is refused, and the abandoned row leaves no trace") {
  BatchPool pool(small_pool());
  mayfly_batch* batch = pool.try_acquire(Part::kIntake, two_columns());
  const std::uint32_t heap_used = batch->heap_used;
  put_int64(*batch, 0, 1);
  CHECK_FALSE(put_text(*batch, 1, std::string(1001, 'x')));
  abandon_row(*batch, heap_used);
  CHECK(is_null(batch->columns[0], 0));
  CHECK(batch->rows == 0);
}

TEST_CASE("a schema may be narrower than the pool") {
  BatchPool pool(small_pool());
  mayfly_batch* batch = pool.try_acquire(Part::kIntake, Schema({{.name = "only"}}));
  CHECK(batch->column_count == 1);
  CHECK(batch->columns[0].type == MAYFLY_TEXT);
}

// Interleaving aimed at: pops and pushes of the same few indices by four threads, the ABA case of a
// Treiber stack without a tag.
TEST_CASE("four threads that take and return batches never hold the same one") {
  BatchPool pool({.rows = 1, .columns = 1, .heap_bytes = 64, .intake_batches = 3});
  const Schema schema({{.name = "only"}});
  std::array<std::atomic<int>, 3> holders{};
  std::atomic<int> collisions{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 5000; ++i) {
          mayfly_batch* batch = pool.acquire(Part::kIntake, schema, INT64_C(1'000'000'000));
          if (batch == nullptr) continue;
          if (holders[batch->id].fetch_add(1) != 0) ++collisions;
          holders[batch->id].fetch_sub(1);
          pool.release(batch);
        }
      });
    }
  }
  CHECK(collisions == 0);
  CHECK(pool.free_batches(Part::kIntake) == 3);
}

}  // namespace
}  // namespace mayfly
