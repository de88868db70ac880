// Pending rows as calls again: for who looks at a row, and for a spool that is written anew.
//
// THREADS  While the rows don't change.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "mayfly/storage/write_buffer/buffered_row.h"
#include "mayfly/storage/write_buffer/pending_rows.h"
#include "mayfly/storage/write_buffer/spool_record.h"

namespace mayfly {

// What a row would become by rows of one key, the oldest first. False: none, or to be deleted.
bool merge_rows(std::span<const std::pair<const PendingRows*, RowRef>> rows, BufferedRow& out);

// Its columns, with the key's alone for a deletion.
BufferedRow row_values(const PendingRows& rows, const PendingRow& row);

// Records of calls that make these rows, in the order in which those were made, without those that
// are gone or outdated. False: one is too long.
bool append_rows(const PendingRows& rows, RecordKey key, std::string& out);

}  // namespace mayfly
