// How much a coordinator remembers: never more than its window, all where the window is long
// enough.
#include <cstdio>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using example::shown;

namespace {

std::size_t tracked(int items, int window) {
  mayfly::WorkCoordinator<int> work({.max_concurrency = 4, .max_tracked_operations = window},
                                    [](int&) {});
  for (int i = 0; i < items; ++i)
    if (!work.enqueue(i).ok()) shown(false, "an item is taken");
  work.complete();
  shown(work.drain().ok(), "drained");
  const std::size_t remembered = work.snapshot().size();
  std::printf("%5d items, window %5d: %5zu remembered, %llu done\n", items, window, remembered,
              static_cast<unsigned long long>(work.counts().succeeded));
  return remembered;
}

}  // namespace

// Conformance case C147.
int main() {
  const std::size_t few = tracked(200, 10);
  shown(few >= 1 && few <= 10, "a short window remembers the newest");
  shown(tracked(1000, 1200) == 1000, "a long one remembers all");
}
