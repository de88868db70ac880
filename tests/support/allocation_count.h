// Counts what a program allocates: linking it replaces every operator new. What goes through malloc
// alone (SQLite, oneTBB) isn't counted.
//
// THREADS  Any; the counts are of all threads together.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mayfly::testing {

// Calls of operator new since the program began.
std::uint64_t allocation_count();

// From now on operator new fails for more bytes; SIZE_MAX: for none.
void fail_allocations_over(std::size_t bytes);

}  // namespace mayfly::testing
