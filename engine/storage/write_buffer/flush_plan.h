// FlushPlan: in which order the rows of a generation are written.
//
// Tables by priority, then as they were named first. Within a table in the order of the calls that
// made the rows; but where a table's rows have one key of integers, which can't concern one row of
// the database twice, those of one column set together and by key: neighbours in the file are then
// written together, which is many times faster.
//
// THREADS  One at a time; the generation doesn't change.
#pragma once

#include <span>
#include <vector>

#include "mayfly/storage/write_buffer/pending_rows.h"

namespace mayfly {

// One table's rows that aren't gone.
struct TableRows {
  const BufferedTable* table = nullptr;
  std::vector<RowRef> rows;
};

std::vector<TableRows> plan_flush(const PendingRows& pending);

// As the calls made them, whatever their key.
void sort_by_order(const PendingRows& pending, std::span<RowRef> rows);

}  // namespace mayfly
