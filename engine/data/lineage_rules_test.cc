#include "mayfly/data/lineage_rules.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

namespace mayfly {
namespace {

const Schema kSchema({{.name = "i", .type = ColumnType::kInt64}});

struct Made {
  Made() {
    for (mayfly_batch* batch : {from, other, made}) {
      for (int row = 0; row < 3; ++row)
        commit_row(*batch, {.ordinal = 1, .byte_end = 1, .line = 1});
    }
  }
  std::string mistake(std::vector<mayfly_lineage> lineage, bool splits = true) {
    made->rows = 0;
    for (const mayfly_lineage& link : lineage) {
      made->rows = std::max<std::uint16_t>(made->rows, link.child + 1);
    }
    return check(lineage, splits);
  }
  std::string check(const std::vector<mayfly_lineage>& lineage, bool splits = true) {
    const std::vector<std::uint16_t> slice = {0, 1, 2};
    open.attach(pool);
    open.begin_slice(from->id, slice);
    const std::string told = rules.mistake_in(pool, *made, lineage, open, splits);
    open.end_slice();
    return told;
  }
  mayfly_lineage link(std::uint16_t parent, std::uint16_t child) const {
    return {make_ref(from->id, parent), child, 0};
  }

  BatchPool pool{{.rows = 4, .columns = 1, .heap_bytes = 40, .intake_batches = 3}};
  mayfly_batch* from = pool.try_acquire(BatchPool::Part::kIntake, kSchema);
  mayfly_batch* other = pool.try_acquire(BatchPool::Part::kIntake, kSchema);
  mayfly_batch* made = pool.try_acquire(BatchPool::Part::kIntake, kSchema);
  OpenParents open;
  LineageRules rules;
};

TEST_CASE("lineage: copies, several children, and one child of several rows keep the rules") {
  Made m;
  CHECK(m.mistake({m.link(0, 0), m.link(1, 1), m.link(2, 2)}) == "");
  CHECK(m.mistake({m.link(0, 0), m.link(0, 1), m.link(0, 2)}) == "");
  CHECK(m.mistake({m.link(0, 0), m.link(1, 0), m.link(2, 0)}) == "");
  CHECK(m.mistake({m.link(0, 0), m.link(1, 0), m.link(2, 1), m.link(2, 2)}) == "");
}

TEST_CASE("lineage: a child that isn't there is refused") {
  Made m;
  m.made->rows = 3;
  CHECK(m.check({m.link(0, 3)}) == "lineage 0 names child 3 of 3 rows");
}

TEST_CASE("lineage: a row of another slice is consumed, and not answered, while it is named") {
  Made m;
  const RowRef elsewhere = make_ref(m.other->id, 1);
  const std::vector<mayfly_lineage> lineage = {{elsewhere, 0, 0}};
  const std::string told = "neither of the slice at hand nor consumed and without an answer";
  CHECK(m.mistake(lineage).find(told) != std::string::npos);
  CHECK(m.mistake({m.link(3, 0)}).find(told) != std::string::npos);
  CHECK(m.mistake({{make_ref(99, 0), 0, 0}}).find(told) != std::string::npos);
  m.open.attach(m.pool);
  m.open.keep(elsewhere);
  CHECK(m.mistake(lineage) == "");
  m.open.forget(elsewhere);
  CHECK(m.mistake(lineage).find(told) != std::string::npos);
}

TEST_CASE("lineage: each row that is made has a parent") {
  Made m;
  m.made->rows = 3;
  CHECK(m.check({m.link(0, 0), m.link(1, 2)}) ==
        "emitted 3 rows, of which 1 are made from no row: lineage names a parent for each");
  CHECK(m.check({}).starts_with("emitted 3 rows, of which 3 are made from no row"));
}

TEST_CASE("lineage: several children of a row are for plugins that say so") {
  Made m;
  const std::string told = "which is for nodes with MAYFLY_SPLITS";
  CHECK(m.mistake({m.link(0, 0), m.link(0, 1)}, false).find(told) != std::string::npos);
  CHECK(m.mistake({m.link(0, 0), m.link(1, 1), m.link(0, 2)}, false).find(told) !=
        std::string::npos);
  CHECK(m.mistake({m.link(1, 0), m.link(0, 1)}, false) == "");
  m.from->children[1] = 1;
  CHECK(m.mistake({m.link(1, 0)}, false).find(told) != std::string::npos);
  CHECK(m.mistake({m.link(1, 0)}) == "");
}

TEST_CASE("lineage: a row that shares a child is named once, and has no other") {
  Made m;
  const std::string twice = "lineage names a row twice that shares child 0 with others";
  CHECK(m.mistake({m.link(0, 0), m.link(0, 0)}) == twice);
  CHECK(m.mistake({m.link(0, 0), m.link(1, 0), m.link(0, 1)}) == twice);
  m.from->children[1] = 1;
  CHECK(m.mistake({m.link(0, 0), m.link(1, 0)}) == twice);
}

TEST_CASE("lineage: a row that shares a child has no other in a later batch either") {
  Made m;
  m.open.attach(m.pool);
  const std::vector<std::uint16_t> slice = {0, 1, 2};
  m.open.begin_slice(m.from->id, slice);
  m.made->rows = 1;
  const std::vector<mayfly_lineage> shared = {m.link(0, 0), m.link(1, 0)};
  REQUIRE(m.rules.mistake_in(m.pool, *m.made, shared, m.open, true) == "");
  const std::vector<mayfly_lineage> alone = {m.link(1, 0)};
  CHECK(m.rules.mistake_in(m.pool, *m.made, alone, m.open, true)
            .starts_with("lineage 0: child 0 is made from row"));
  const std::vector<mayfly_lineage> other = {m.link(2, 0)};
  CHECK(m.rules.mistake_in(m.pool, *m.made, other, m.open, true) == "");
  m.open.end_slice();
}

TEST_CASE("lineage: a batch has no more rows than it has room for") {
  Made m;
  m.made->rows = 5;
  CHECK(m.check({}) == "emitted 5 rows in a batch for 4");
  m.made->rows = 3;
}

}  // namespace
}  // namespace mayfly
