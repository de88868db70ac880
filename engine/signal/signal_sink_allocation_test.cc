// Replaces operator new for this binary, to count.
#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>
#include <string>

#include "mayfly/signal/signal_sink.h"

namespace {
std::atomic<std::size_t> allocations{0};
}  // namespace

void* operator new(std::size_t bytes) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* memory = std::malloc(bytes)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace mayfly {
namespace {

void raise_every_form(SignalSink& sink, StemId stem, std::string_view long_name) {
  sink.raise(stem);
  sink.raise(stem, "argument");
  sink.raise(stem, 3, "rows", 12, "ms");
  sink.raise("write.done:7rows");
  sink.raise(long_name);
}

TEST_CASE("sink: after warm-up a raise of any form allocates nothing") {
  ManualClock clock;
  SignalSink sink(clock, {.capacity = 100});
  const StemId stem = sink.intern("write.done");
  const std::string long_name = "cache.hit:" + std::string(150, 'k');
  for (int i = 0; i < 1'000; ++i) raise_every_form(sink, stem, long_name);

  const std::size_t before = allocations.load();
  for (int i = 0; i < 10'000; ++i) raise_every_form(sink, stem, long_name);

  CHECK(allocations.load() == before);
}

}  // namespace
}  // namespace mayfly
