// What a file's options say of the shape of its rows: which fields become which columns, and which
// are NULL. Where a run goes on with others than those of the run before, the table has rows of two
// shapes. Types say nothing of it: they are the table's, once that is there.
//
// Pure; any thread.
#pragma once

#include <cstdint>

#include "mayfly/file/file_options.h"

namespace mayfly::file {

// Equal for equal options, whatever types and limits are; else another, but by chance.
std::uint64_t row_shape_of(const FileOptions& options);

}  // namespace mayfly::file
