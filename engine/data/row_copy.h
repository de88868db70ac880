// Rows, values and meta, to the end of another batch of the same columns.
//
// The caller owns the rows and the target. False, and nothing copied, when the target has no room.
#pragma once

#include "mayfly/data/batch_view.h"

namespace mayfly {

bool copy_row(const mayfly_batch& from, std::uint16_t row, mayfly_batch& to);

// All of `from`, in order, behind those of `to`; both are sealed, and so is `to` afterwards.
bool append_rows(const mayfly_batch& from, mayfly_batch& to);

}  // namespace mayfly
