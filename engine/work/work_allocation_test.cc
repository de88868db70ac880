// What coordinators allocate once they are warm: nothing.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "mayfly/work/keyed_work_coordinator.h"
#include "mayfly/work/work_coordinator.h"

namespace {

std::atomic<std::uint64_t> allocations{0};

void* counted(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  std::abort();
}

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace mayfly {
namespace {

template <class Work>
std::uint64_t allocations_of(Work& work, int items) {
  const auto run = [&](int count) {
    for (int i = 0; i < count; ++i) REQUIRE(work.enqueue(i).ok());
    CHECK(work.wait_until_idle().ok());
  };
  run(items);  // slots, threads, lists
  run(items);
  const std::uint64_t before = allocations.load();
  run(items);
  return allocations.load() - before;
}

// Threads leave and come only after ten idle seconds, and slots are those of the fullest moment,
// which the second round may still raise: so a few, but not one for every thousand items.
TEST_CASE("P21: a warm coordinator allocates nothing for an item") {
  WorkCoordinator<int> work({.max_concurrency = 2, .queue_capacity = 64}, [](int) {});
  CHECK(allocations_of(work, 20'000) < 20);
}

TEST_CASE("P21: a warm keyed coordinator allocates nothing for an item, nor for its key") {
  KeyedWorkCoordinator<int, int> work(
      {.max_concurrency = 2, .queue_capacity = 64}, [](const int& item) { return item; },
      [](int) {});
  CHECK(allocations_of(work, 20'000) < 20);
}

}  // namespace
}  // namespace mayfly
