// Outcomes of rows: how many kinds there are, which one a row has that is given up, and attempts
// that led to none.
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

// An attempt failed at `judge`: a sink, or the writer. A place that follows another begins anew, so
// that what a row has cost before doesn't take its retries there.
inline void count_failed_attempt(mayfly_batch& batch, std::uint16_t row, std::uint16_t judge) {
  std::uint16_t& attempts = batch.attempt[row];
  if (attempts > 0 && batch.judge[row] != judge) attempts = 0;
  if (attempts != UINT16_MAX) ++attempts;
  batch.judge[row] = judge;
}

}  // namespace mayfly
