#include "tools/mayfly/outage_notice.h"

#include <doctest/doctest.h>

#include "mayfly/base/clock.h"
#include "tools/mayfly/fake_terminal.h"

using namespace mayfly;
using namespace mayfly::cli;

namespace {

struct Fixture {
  explicit Fixture(std::int64_t deadline_ns = kNever) : notice(console, deadline_ns) {}
  // What is said at that moment.
  std::string at(std::int64_t now_ns, std::int64_t since_ns) {
    err.written.clear();
    notice.update(now_ns, since_ns, [this] {
      ++asked;
      return std::string("it is locked");
    });
    return err.written;
  }

  FakeTerminal out{false}, err{false};
  ManualClock clock;
  Console console{out, err, clock, {}};
  OutageNotice notice;
  int asked = 0;
};

}  // namespace

TEST_CASE("outage: told after a second, then once a minute, and when it is over") {
  Fixture f;
  CHECK(f.at(5 * kSecond, 0).empty());
  CHECK(f.at(6 * kSecond, 5 * kSecond + 1).empty());
  CHECK(f.asked == 0);
  CHECK(f.at(6 * kSecond + 1, 5 * kSecond + 1) ==
        "mayfly: waiting for the database for 1.00 s: it is locked; what was written is safe, and "
        "it is tried again until it is free, or until a drain's deadline passes\n");
  CHECK(f.at(66 * kSecond, 5 * kSecond + 1).empty());
  CHECK(f.at(67 * kSecond, 5 * kSecond + 1).find("for 62") != std::string::npos);
  CHECK(f.at(70 * kSecond, 0) == "mayfly: the wait for the database is over, after 65.00 s\n");
  CHECK(f.at(71 * kSecond, 0).empty());
  CHECK(f.asked == 2);
}

TEST_CASE("outage: one that is over before it was told leaves no word, the next is its own") {
  Fixture f(5 * kSecond);
  CHECK(f.at(1 * kSecond, 900 * kMillisecond).empty());
  CHECK(f.at(2 * kSecond, 0).empty());
  CHECK(f.at(3 * kSecond, 2500 * kMillisecond).empty());
  CHECK(f.at(4 * kSecond, 2500 * kMillisecond).find("again for 5s, or until") != std::string::npos);
  // Another one, without a look between them.
  CHECK(f.at(6 * kSecond, 5500 * kMillisecond) ==
        "mayfly: the wait for the database is over, after 3.00 s\n");
  CHECK(f.at(6 * kSecond + 1, 0).empty());
}
