#include "mayfly/signal/text_ring.h"

#include <doctest/doctest.h>

#include <string_view>

namespace mayfly {
namespace {

TEST_CASE("text ring: a text comes back whole, also across the ring's end") {
  TextRing ring(32);
  ring.append("0123456789");  // 16 bytes of the ring
  const std::uint64_t offset = ring.append("abcdefghijklmnopqrs");
  NameBuffer out;
  out.append("stem:");
  REQUIRE(ring.read(offset, 19, out));
  CHECK(out.view() == "stem:abcdefghijklmnopqrs");
}

TEST_CASE("text ring: an overwritten text is refused and the output left alone") {
  TextRing ring(32);
  const std::uint64_t first = ring.append("first");
  for (int i = 0; i < 4; ++i) ring.append("newer");
  NameBuffer out;
  out.append("stem:");
  CHECK_FALSE(ring.read(first, 5, out));
  CHECK(out.view() == "stem:");
}

TEST_CASE("text ring: a larger ring keeps the offsets of what it took over, and nothing older") {
  TextRing small(16);
  const std::uint64_t overwritten = small.append("gone");
  const std::uint64_t kept = small.append("kept");
  small.append("last");
  TextRing large(64);
  large.adopt(small);

  NameBuffer out;
  CHECK_FALSE(large.read(overwritten, 4, out));
  REQUIRE(large.read(kept, 4, out));
  CHECK(out.view() == "kept");
}

}  // namespace
}  // namespace mayfly
