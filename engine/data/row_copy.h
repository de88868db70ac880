// copy_row: one row, values and meta, to the end of another batch of the same columns.
//
// The caller owns the row and the target. False, and nothing copied, when the target has no room.
#pragma once

#include "mayfly/data/batch_view.h"

namespace mayfly {

bool copy_row(const mayfly_batch& from, std::uint16_t row, mayfly_batch& to);

}  // namespace mayfly
