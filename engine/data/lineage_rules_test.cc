#include "mayfly/data/lineage_rules.h"

#include <doctest/doctest.h>

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
  std::string mistake(std::vector<mayfly_lineage> lineage) {
    return rules.mistake_in(pool, *made, lineage, from->id);
  }
  mayfly_lineage link(std::uint16_t parent, std::uint16_t child) const {
    return {make_ref(from->id, parent), child, 0};
  }

  BatchPool pool{{.rows = 4, .columns = 1, .heap_bytes = 40, .intake_batches = 3}};
  mayfly_batch* from = pool.try_acquire(BatchPool::Part::kIntake, kSchema);
  mayfly_batch* other = pool.try_acquire(BatchPool::Part::kIntake, kSchema);
  mayfly_batch* made = pool.try_acquire(BatchPool::Part::kIntake, kSchema);
  LineageRules rules;
};

TEST_CASE("lineage: copies, several children, and one child of several rows keep the rules") {
  Made m;
  CHECK(m.mistake({m.link(0, 0), m.link(1, 1), m.link(2, 2)}) == "");
  CHECK(m.mistake({m.link(0, 0), m.link(0, 1), m.link(0, 2)}) == "");
  CHECK(m.mistake({m.link(0, 0), m.link(1, 0), m.link(2, 0)}) == "");
  CHECK(m.mistake({m.link(0, 0), m.link(1, 0), m.link(2, 1), m.link(2, 2)}) == "");
}

TEST_CASE("lineage: rows that don't exist are refused") {
  Made m;
  CHECK(m.mistake({m.link(3, 0)}).find("one doesn't exist") != std::string::npos);
  CHECK(m.mistake({m.link(0, 3)}).find("one doesn't exist") != std::string::npos);
  CHECK(m.mistake({{make_ref(99, 0), 0, 0}}).find("one doesn't exist") != std::string::npos);
}

TEST_CASE("lineage: a row of another batch is consumed before something is made of it") {
  Made m;
  const std::vector<mayfly_lineage> lineage = {{make_ref(m.other->id, 1), 0, 0}};
  m.other->route[1] = MAYFLY_HOLD;
  CHECK(m.mistake(lineage) == "lineage 0: child 0 is made from a row that isn't consumed");
  m.other->route[1] = MAYFLY_CONSUME;
  CHECK(m.mistake(lineage) == "");
}

TEST_CASE("lineage: a row that shares a child is named once, and has no other") {
  Made m;
  const std::string twice = "lineage names a row twice that shares child 0 with others";
  CHECK(m.mistake({m.link(0, 0), m.link(0, 0)}) == twice);
  CHECK(m.mistake({m.link(0, 0), m.link(1, 0), m.link(0, 1)}) == twice);
  m.from->children[1] = 1;
  CHECK(m.mistake({m.link(0, 0), m.link(1, 0)}) == twice);
}

TEST_CASE("lineage: a batch has no more rows than it has room for") {
  Made m;
  m.made->rows = 5;
  CHECK(m.mistake({}) == "emitted 5 rows in a batch for 4");
  m.made->rows = 3;
}

}  // namespace
}  // namespace mayfly
