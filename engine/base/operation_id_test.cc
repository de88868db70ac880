#include "mayfly/base/operation_id.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace mayfly {
namespace {

// C073. Aims at threads that take a block at the same time.
TEST_CASE("operation ids: those of eight threads are all distinct and above 0") {
  constexpr std::size_t kThreads = 8;
  constexpr std::size_t kIds = 100'000;
  std::vector<OperationId> ids(kThreads * kIds);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&ids, t] {
        OperationIds mine;
        for (std::size_t i = 0; i < kIds; ++i) ids[t * kIds + i] = mine.next();
      });
    }
  }

  std::ranges::sort(ids);
  CHECK(ids.front() > 0);
  CHECK(std::ranges::adjacent_find(ids) == ids.end());
}

}  // namespace
}  // namespace mayfly
