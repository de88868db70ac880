#include "mayfly/work/for_each_tbb.h"

#include <oneapi/tbb/parallel_for.h>
#include <oneapi/tbb/partitioner.h>
#include <oneapi/tbb/task_arena.h>

namespace mayfly {

void run_on_tbb(int workers, FunctionRef<void(int)> work) {
  tbb::task_arena arena(workers);
  arena.execute([&] {
    tbb::parallel_for(
        0, workers, 1, [&](int number) { work(number); }, tbb::simple_partitioner());
  });
}

}  // namespace mayfly
