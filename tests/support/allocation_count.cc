#include "tests/support/allocation_count.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> allocations{0};
std::atomic<std::size_t> largest{SIZE_MAX};
std::atomic<std::int64_t> until_failure{0};
std::atomic<bool> has_failed{false};

bool is_to_fail() noexcept {
  if (until_failure.load(std::memory_order_relaxed) <= 0) return false;
  if (until_failure.fetch_sub(1, std::memory_order_relaxed) != 1) return false;
  has_failed.store(true, std::memory_order_relaxed);
  return true;
}

void* counted(std::size_t bytes, std::size_t alignment) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (bytes > largest.load(std::memory_order_relaxed) || is_to_fail()) return nullptr;
  // aligned_alloc demands a multiple of the alignment.
  return alignment == 0 ? std::malloc(bytes)
                        : std::aligned_alloc(alignment, (bytes + alignment - 1) & -alignment);
}
void* or_throw(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// All forms: the defaults call each other, but a sanitizer's don't, and must match.
void* operator new(std::size_t bytes) { return or_throw(counted(bytes, 0)); }
void* operator new[](std::size_t bytes) { return or_throw(counted(bytes, 0)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return or_throw(counted(bytes, static_cast<std::size_t>(alignment)));
}
void* operator new[](std::size_t bytes, std::align_val_t alignment) {
  return or_throw(counted(bytes, static_cast<std::size_t>(alignment)));
}
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes, 0); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept {
  return counted(bytes, 0);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace mayfly::testing {

std::uint64_t allocation_count() { return allocations.load(std::memory_order_relaxed); }
void fail_allocations_over(std::size_t bytes) { largest.store(bytes, std::memory_order_relaxed); }
bool fail_allocation(std::int64_t n) {
  until_failure.store(n, std::memory_order_relaxed);
  return has_failed.exchange(false, std::memory_order_relaxed);
}

}  // namespace mayfly::testing
