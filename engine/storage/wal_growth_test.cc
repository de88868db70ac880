#include "mayfly/storage/wal_growth.h"

#include <doctest/doctest.h>

namespace mayfly {
namespace {

constexpr std::int64_t kOld = WalGrowth::kOldNs;

TEST_CASE("a log is told of once two checkpoints find the same frame hindered long enough apart") {
  WalGrowth growth(100);
  growth.checkpointed(40, 60, 0);
  CHECK_FALSE(growth.is_told(100));
  CHECK_FALSE(growth.asks(100, kOld - 1));
  CHECK_FALSE(growth.asks(99, kOld));
  REQUIRE(growth.asks(100, kOld));
  growth.checkpointed(40, 100, kOld);
  CHECK(growth.is_told(100));
  CHECK_FALSE(growth.is_told(100));
}

TEST_CASE("it is told again at each doubling") {
  WalGrowth growth(100);
  growth.checkpointed(40, 60, 0);
  growth.checkpointed(40, 110, kOld);
  REQUIRE(growth.is_told(110));
  CHECK_FALSE(growth.asks(219, 2 * kOld));
  REQUIRE(growth.asks(220, 2 * kOld));
  growth.checkpointed(40, 220, 2 * kOld);
  CHECK(growth.is_told(220));
}

TEST_CASE("readers that come and go are told of when the log never begins anew") {
  WalGrowth growth(100);
  std::int64_t now_ns = 0;
  for (std::uint32_t pages = 100; pages < 2000; pages += 100) {
    growth.checkpointed(pages - 60, pages, now_ns);
    CHECK(growth.is_told(pages) == (pages == 400 || pages == 800 || pages == 1600));
    now_ns += kOld;
  }
}

TEST_CASE("a single transaction that makes the log long isn't told of before a checkpoint saw it") {
  WalGrowth growth(100);
  growth.checkpointed(40, 60, 0);
  CHECK_FALSE(growth.is_told(1000));
  CHECK(growth.asks(1000, kOld));
  growth.checkpointed(1000, 1000, kOld);
  CHECK_FALSE(growth.is_told(1000));
}

TEST_CASE("two checkpoints that meet the same short reader tell nothing") {
  WalGrowth growth(100);
  growth.checkpointed(40, 100, 0);
  growth.checkpointed(40, 200, kOld - 1);
  CHECK_FALSE(growth.is_told(200));
}

TEST_CASE("a log that begins anew is as new") {
  WalGrowth growth(100);
  growth.checkpointed(40, 100, 0);
  growth.checkpointed(40, 200, kOld);
  REQUIRE(growth.is_told(200));
  growth.restarted();
  CHECK_FALSE(growth.asks(1000, 10 * kOld));
  growth.checkpointed(40, 100, 10 * kOld);
  growth.checkpointed(40, 110, 11 * kOld);
  CHECK(growth.is_told(110));
}

TEST_CASE("a checkpoint that moves all has nobody to tell of") {
  WalGrowth growth(100);
  growth.checkpointed(40, 100, 0);
  growth.checkpointed(200, 200, kOld);
  CHECK_FALSE(growth.is_told(200));
  CHECK_FALSE(growth.asks(300, 2 * kOld));
}

}  // namespace
}  // namespace mayfly
