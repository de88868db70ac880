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

// The n-th call of operator new from now on fails (1: the next one), and none after it; 0: none
// does. Returns whether the one that was to fail before has failed.
bool fail_allocation(std::int64_t n);

}  // namespace mayfly::testing
