// A hit of a cached read allocates nothing, told or not.
#include <doctest/doctest.h>

#include <string>

#include "engine/storage/single_writer/single_writer_fixture.h"
#include "tests/support/allocation_count.h"

namespace mayfly::testing {
namespace {

TEST_CASE("single writer: a hit of a cached read allocates nothing, be it told or not") {
  for (const std::uint32_t rate : {1u, 1000u}) {
    CAPTURE(rate);
    Fixture f("sw_hits_" + std::to_string(rate), {.sample_rate = rate});
    // Longer than what a string holds within itself.
    const std::string key = "customers:by-name:" + std::string(20, 'x');
    const auto hit = [&] { return f.writer->read_shared<std::int64_t>(key, count_items).ok(); };
    // Warm: the thread's shard of the sink, and the key hot.
    for (int i = 0; i < 100; ++i) REQUIRE(hit());
    const std::size_t before = allocation_count();
    int hits = 0;
    for (int i = 0; i < 1'000; ++i) hits += hit() ? 1 : 0;
    CHECK(allocation_count() - before == 0);
    CHECK(hits == 1'000);
  }
}

}  // namespace
}  // namespace mayfly::testing
