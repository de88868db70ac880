// for_each on oneTBB's threads: its own file, so that nothing else of engine/work knows of oneTBB.
#pragma once

#include "mayfly/base/function_ref.h"

namespace mayfly {

// Calls work(0) ... work(workers - 1) on the threads of an arena of that many places, the caller's
// thread among them, and returns when all have returned. Fewer may run at once; then each of those
// that do finds less left to do. `work` doesn't throw and doesn't wait.
void run_on_tbb(int workers, FunctionRef<void(int)> work);

}  // namespace mayfly
