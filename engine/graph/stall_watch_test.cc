#include "mayfly/graph/stall_watch.h"

#include <doctest/doctest.h>

#include <vector>

namespace mayfly {
namespace {

constexpr std::int64_t kMs = kMillisecond;

// At which milliseconds it tells, when it is looked at whenever it wants to be.
std::vector<std::int64_t> told(StallWatch& watch, std::int64_t from_ns, std::int64_t to_ns) {
  std::vector<std::int64_t> at;
  std::int64_t now = from_ns;
  while (now <= to_ns) {
    if (watch.look(now, true, false, 7)) at.push_back((now - from_ns) / kMs);
    now = watch.next_look_ns();
  }
  return at;
}

TEST_CASE("stall watch: told after 20 ms, then ever less often, at least each second") {
  StallWatch watch;
  CHECK(told(watch, 5 * kMs, 5 * kSecond) ==
        std::vector<std::int64_t>{20, 60, 140, 300, 620, 1260, 2260, 3260, 4260});
  CHECK(watch.stands_for_ns(kSecond + 5 * kMs) == kSecond);
}

TEST_CASE("stall watch: where rows move or there is room nothing is told, and it begins anew") {
  StallWatch watch;
  CHECK_FALSE(watch.look(0, true, false, 1));
  CHECK_FALSE(watch.look(30 * kMs, true, false, 2));  // moved
  CHECK_FALSE(watch.look(49 * kMs, true, false, 2));
  CHECK(watch.look(50 * kMs, true, false, 2));
  CHECK_FALSE(watch.look(60 * kMs, false, false, 2));  // room
  CHECK(watch.next_look_ns() == kNever);
  CHECK(watch.stands_for_ns(60 * kMs) == 0);
  CHECK_FALSE(watch.look(70 * kMs, true, false, 2));
  CHECK_FALSE(watch.look(89 * kMs, true, false, 2));
  CHECK(watch.look(90 * kMs, true, false, 2));
}

TEST_CASE("stall watch: while somebody is at work it begins anew each time, and looks again") {
  StallWatch watch;
  for (int ms = 0; ms < 100; ms += 20) {
    CHECK_FALSE(watch.look(ms * kMs, true, true, 1));
    CHECK(watch.next_look_ns() == (ms + 20) * kMs);
  }
  CHECK(watch.look(100 * kMs, true, false, 1));
}

}  // namespace
}  // namespace mayfly
