// Outcomes of rows: how many kinds there are, and which one a row has that is given up.
#pragma once

#include <cstddef>
#include <cstdint>

#include "mayfly/data/batch_view.h"

namespace mayfly {

// MAYFLY_PENDING to MAYFLY_UNKNOWN: the size of a table by outcome.
inline constexpr std::size_t kOutcomes = MAYFLY_UNKNOWN + 1;

// A row that won't be written: one that a producer appended is handed back to it; one that was read
// from a source is left for the next run, and so is one that was made from others.
inline std::uint8_t given_up_outcome(const mayfly_batch& batch, std::uint16_t row) {
  const bool from_producer =
      batch.source[row] == MAYFLY_ROW_NONE && batch.parent[row] == MAYFLY_REF_NONE;
  return from_producer ? MAYFLY_HANDED_BACK : MAYFLY_LEFT;
}

}  // namespace mayfly
