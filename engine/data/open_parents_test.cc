#include "mayfly/data/open_parents.h"

#include <doctest/doctest.h>

#include <vector>

namespace mayfly {
namespace {

using Rows = std::vector<std::uint16_t>;

struct Open : OpenParents {
  Open() { attach(pool); }
  BatchPool pool{{.rows = 8, .columns = 1, .heap_bytes = 40, .intake_batches = 3}};
};

TEST_CASE("open parents: the slice's rows while it is processed, and no others of its batch") {
  Open open;
  const Rows slice = {1, 2, 5};
  open.begin_slice(2, slice);
  for (const std::uint16_t row : slice) CHECK(open.contains(make_ref(2, row)));
  CHECK_FALSE(open.contains(make_ref(2, 3)));
  CHECK_FALSE(open.contains(make_ref(1, 1)));
  CHECK_FALSE(open.contains(make_ref(1, 8 + 1)));  // would be row 1 of the next batch
  CHECK_FALSE(open.contains(make_ref(3, 0)));
  CHECK_FALSE(open.contains(MAYFLY_REF_NONE));
  open.end_slice();
  for (const std::uint16_t row : slice) CHECK_FALSE(open.contains(make_ref(2, row)));
}

TEST_CASE("open parents: a consumed row until it is answered") {
  Open open;
  open.keep(make_ref(0, 7));
  const Rows slice = {0, 1};
  open.begin_slice(0, slice);
  CHECK(open.contains(make_ref(0, 7)));
  open.end_slice();
  CHECK(open.contains(make_ref(0, 7)));
  open.forget(make_ref(0, 7));
  CHECK_FALSE(open.contains(make_ref(0, 7)));
}

}  // namespace
}  // namespace mayfly
