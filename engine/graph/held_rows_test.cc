#include "mayfly/graph/held_rows.h"

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/graph/tag_table.h"

namespace mayfly {
namespace {

struct Rows {
  BatchPool pool{{.rows = 1000, .columns = 1, .heap_bytes = 64, .intake_batches = 2}};
  Schema schema{{{.name = "x"}}};
  mayfly_batch* batch = pool.try_acquire(BatchPool::Part::kIntake, schema);
  HeldRows held{pool};

  void hold(std::uint16_t row, std::uint64_t tag, std::int64_t due_ns = 0) {
    batch->hold_tag[row] = tag;
    batch->due_ns[row] = due_ns;
    held.hold(make_ref(batch->id, row));
  }
  std::vector<int> release(std::uint64_t tag, std::uint64_t max) {
    std::vector<int> rows;
    held.release(tag, max, [&](RowRef ref) { rows.push_back(row_of(ref)); });
    return rows;
  }
};

TEST_CASE("rows of a tag leave in the order in which they were held, other tags stay") {
  Rows rows;
  rows.hold(5, 1);
  rows.hold(3, 2);
  rows.hold(4, 1);
  CHECK(rows.release(1, 10) == std::vector<int>{5, 4});
  CHECK(rows.held.count(2) == 1);
  CHECK(rows.held.total() == 1);
  CHECK(rows.release(7, 1).empty());
}

TEST_CASE("no more rows are released than asked for, and the rest keeps its order") {
  Rows rows;
  for (std::uint16_t i = 0; i < 5; ++i) rows.hold(i, 9);
  CHECK(rows.release(9, 2) == std::vector<int>{0, 1});
  rows.hold(8, 9);
  CHECK(rows.release(9, UINT64_MAX) == std::vector<int>{2, 3, 4, 8});
}

TEST_CASE("due rows leave by due time, and by order of holding when it is the same") {
  Rows rows;
  rows.hold(1, 0, 30);
  rows.hold(2, 0, 10);
  rows.hold(3, 0, 10);
  CHECK(rows.held.next_due_ns() == 10);
  CHECK(rows.held.pop_due(9) == MAYFLY_REF_NONE);
  CHECK(row_of(rows.held.pop_due(10)) == 2);
  CHECK(row_of(rows.held.pop_due(10)) == 3);
  CHECK(rows.held.pop_due(29) == MAYFLY_REF_NONE);
  CHECK(row_of(rows.held.pop_due(30)) == 1);
  CHECK(rows.held.next_due_ns() == kNever);
}

TEST_CASE("relocated rows keep their place in their queues") {
  Rows rows;
  for (std::uint16_t i = 0; i < 4; ++i) rows.hold(i, i % 2);
  rows.hold(4, 0, 50);
  mayfly_batch* other = rows.pool.try_acquire(BatchPool::Part::kIntake, rows.schema);
  rows.held.relocate([&](RowRef ref) {
    return row_of(ref) % 2 == 0 ? make_ref(other->id, row_of(ref) + 100u) : ref;
  });
  rows.hold(6, 0);
  CHECK(rows.release(0, 10) == std::vector<int>{100, 102, 6});
  CHECK(rows.release(1, 10) == std::vector<int>{1, 3});
  CHECK(row_of(rows.held.pop_due(50)) == 104);
}

TEST_CASE("what is held is walked for compaction only after rows came or went") {
  Rows rows;
  CHECK_FALSE(rows.held.may_compact());
  for (std::uint16_t i = 0; i < 400; ++i) rows.hold(i, 1);
  CHECK(rows.held.may_compact());
  rows.held.compact(rows.schema);  // a batch that is held for the most part stays
  CHECK_FALSE(rows.held.may_compact());
  rows.hold(500, 2, 50);
  CHECK(rows.held.may_compact());
  rows.held.compact(rows.schema);
  CHECK(rows.held.pop_due(49) == MAYFLY_REF_NONE);
  CHECK_FALSE(rows.held.may_compact());
  rows.release(1, 1);
  CHECK(rows.held.may_compact());
  while (rows.held.pop_any() != MAYFLY_REF_NONE) {
  }
  CHECK_FALSE(rows.held.may_compact());
}

TEST_CASE("sparse rows for whose copies there was no room are tried again once there is") {
  BatchPool pool(
      {.rows = 100, .columns = 1, .heap_bytes = 64, .intake_batches = 2, .reserve_batches = 3});
  const Schema schema({{.name = "x"}});
  HeldRows held(pool);
  mayfly_batch* batch = pool.try_acquire(BatchPool::Part::kIntake, schema);
  commit_row(*batch, {.ordinal = 7});
  pool.add_flight(batch, 1);
  held.hold(make_ref(batch->id, 0));
  std::vector<mayfly_batch*> taken;
  for (int i = 0; i < 2; ++i) taken.push_back(pool.try_acquire(BatchPool::Part::kReserve, schema));
  held.compact(schema);
  CHECK(pool.free_batches(BatchPool::Part::kIntake) == 1);
  CHECK_FALSE(held.may_compact());  // it would find no room again
  pool.release(taken[0]);
  CHECK(held.may_compact());
  held.compact(schema);
  CHECK(pool.free_batches(BatchPool::Part::kIntake) == 2);
  CHECK_FALSE(held.may_compact());
  const RowRef moved = held.pop_any();
  CHECK(pool.batch(moved)->ordinal[row_of(moved)] == 7);
  pool.settle(pool.batch(moved), 1);
  pool.release(taken[1]);
}

TEST_CASE("pop_any empties what is held") {
  Rows rows;
  for (std::uint16_t i = 0; i < 6; ++i) rows.hold(i, i, i < 3 ? 0 : 100 + i);
  int popped = 0;
  while (rows.held.pop_any() != MAYFLY_REF_NONE) ++popped;
  CHECK(popped == 6);
  CHECK(rows.held.total() == 0);
}

TEST_CASE("held rows agree with a map of deques over random holds and releases") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    Rows rows;
    std::map<std::uint64_t, std::deque<int>> model;
    std::vector<std::uint16_t> free;
    for (std::uint16_t i = 0; i < 1000; ++i) free.push_back(i);
    for (int step = 0; step < 5000; ++step) {
      // Tags that collide in the table: multiples of a power of two as well as small ones.
      const std::uint64_t tag = rng.below(2) == 0 ? rng.below(40) : rng.below(300) << 26;
      if (rng.below(3) > 0 && !free.empty()) {
        rows.hold(free.back(), tag);
        model[tag].push_back(free.back());
        free.pop_back();
      } else {
        const std::uint64_t max = rng.below(4);
        for (const int row : rows.release(tag, max)) {
          REQUIRE(!model[tag].empty());
          REQUIRE(model[tag].front() == row);
          model[tag].pop_front();
          free.push_back(static_cast<std::uint16_t>(row));
        }
        REQUIRE(rows.held.count(tag) == model[tag].size());
      }
    }
    REQUIRE(rows.held.total() + free.size() == 1000);
  }
}

}  // namespace
}  // namespace mayfly
