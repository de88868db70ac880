#include "mayfly/graph/held_rows.h"

#include <doctest/doctest.h>

#include <deque>
#include <map>
#include <string>
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

// A pool of batches of 100 rows, and rows of it that are held.
struct Pooled {
  BatchPool pool{{.rows = 100,
                  .columns = 1,
                  .heap_bytes = 64,
                  .intake_batches = 8,
                  .reserve_batches = 2,
                  .maker_batches = {8}}};
  Schema schema{{{.name = "x"}}};
  HeldRows held{pool};
  std::uint64_t next = 0;

  // A batch with so many rows that are held; other rows were answered.
  void hold(std::uint32_t rows, BatchPool::Part part = BatchPool::Part::kIntake,
            const std::string& text = "") {
    mayfly_batch* batch = pool.try_acquire(part, schema);
    REQUIRE(batch != nullptr);
    for (std::uint32_t i = 0; i < rows; ++i) {
      if (!text.empty()) REQUIRE(put_text(*batch, 0, text));
      commit_row(*batch, {.ordinal = next++});
    }
    pool.add_flight(batch, rows);
    for (std::uint32_t i = 0; i < rows; ++i) held.hold(make_ref(batch->id, i));
  }
  std::uint32_t free(BatchPool::Part part = BatchPool::Part::kIntake) const {
    return pool.free_batches(part);
  }
  // All that is held, in order; answered.
  void expect_all() {
    std::uint64_t expected = 0;
    held.release(0, UINT64_MAX, [&](RowRef ref) {
      CHECK(pool.batch(ref)->ordinal[row_of(ref)] == expected++);
      pool.settle(pool.batch(ref), 1);
    });
    CHECK(expected == next);
    CHECK(free() == 8);
    CHECK(free(BatchPool::Part::kReserve) == 2);
    CHECK(free(BatchPool::part_of_maker(0)) == 8);
  }
};

TEST_CASE("sparse rows are copied together, and the copies are of intake from then on") {
  Pooled p;
  for (int i = 0; i < 8; ++i) p.hold(10);
  CHECK(p.free() == 0);
  p.held.compact(p.schema);
  // One batch has all of them, and intake gave the reserve another one for it.
  CHECK(p.free() == 7);
  CHECK(p.free(BatchPool::Part::kReserve) == 2);
  p.expect_all();
}

TEST_CASE("copies that are sparse are copied again, so that intake never fills with them") {
  Pooled p;
  for (int round = 0; round < 24; ++round) {
    for (int i = 0; i < 2; ++i) p.hold(6);
    p.held.compact(p.schema);
  }
  // 288 rows in batches that are half full at least.
  CHECK(p.free() >= 2);
  CHECK(p.free(BatchPool::Part::kReserve) == 2);
  p.expect_all();
}

TEST_CASE("rows of batches that nodes made are copied, too, and their part has them back") {
  Pooled p;
  for (int i = 0; i < 8; ++i) p.hold(2, BatchPool::part_of_maker(0));
  CHECK(p.free(BatchPool::part_of_maker(0)) == 0);
  p.held.compact(p.schema);
  CHECK(p.free(BatchPool::part_of_maker(0)) == 8);
  CHECK(p.free() == 8);
  // The next batch that comes back to intake is the reserve's.
  CHECK(p.free(BatchPool::Part::kReserve) == 1);
  p.pool.release(p.pool.try_acquire(BatchPool::Part::kIntake, p.schema));
  CHECK(p.free(BatchPool::Part::kReserve) == 2);
  CHECK(p.free() == 7);
  p.expect_all();
}

TEST_CASE("one sparse batch stays as it is, and a copy that is full of bytes isn't copied again") {
  Pooled p;
  p.hold(5);
  p.held.compact(p.schema);
  CHECK(p.free() == 7);
  CHECK_FALSE(p.held.may_compact());
  // 60 of 64 bytes each: a batch has room for one row.
  for (int i = 0; i < 3; ++i) p.hold(1, BatchPool::Part::kIntake, std::string(60, 'x'));
  p.held.compact(p.schema);
  const std::uint32_t free = p.free();
  std::vector<RowRef> where;
  p.held.relocate([&](RowRef ref) {
    where.push_back(ref);
    return ref;
  });
  p.hold(1, BatchPool::Part::kIntake, std::string(60, 'x'));
  p.held.compact(p.schema);
  CHECK(p.free() == free - 1);
  p.expect_all();
}

TEST_CASE("sparse rows for whose copies there was no room are tried again once there is") {
  Pooled p;
  p.hold(1);
  p.hold(1);
  std::vector<mayfly_batch*> taken;
  for (int i = 0; i < 2; ++i) {
    taken.push_back(p.pool.try_acquire(BatchPool::Part::kReserve, p.schema));
  }
  p.held.compact(p.schema);
  CHECK(p.free() == 6);
  CHECK_FALSE(p.held.may_compact());  // it would find no room again
  p.pool.release(taken[0]);
  CHECK(p.held.may_compact());
  p.held.compact(p.schema);
  CHECK(p.free() == 7);
  CHECK_FALSE(p.held.may_compact());
  p.pool.release(taken[1]);
  p.expect_all();
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
