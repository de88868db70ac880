#include "mayfly/storage/persistent_window/stored_time.h"

#include <doctest/doctest.h>

#include <string>

#include "mayfly/base/rng.h"
#include "mayfly/storage/timestamp.h"

namespace mayfly {
namespace {

constexpr std::int64_t kMicros = 1'000'000;

TEST_CASE("a time is rendered as the other tables do, and read back") {
  Rng rng(3);
  StoredTime time;
  std::int64_t us = 0;
  for (int i = 0; i < 20'000; ++i) {
    // Years 1900 to 2100, in steps within a second and beyond.
    us = i % 3 == 0 ? static_cast<std::int64_t>(rng.below(6'300'000'000)) * kMicros -
                          2'200'000'000 * kMicros + static_cast<std::int64_t>(rng.below(kMicros))
                    : us + static_cast<std::int64_t>(rng.below(300'000));
    const std::string text(time.text(us));
    CHECK(text == iso8601(us));
    CHECK(parse_time(text) == us);
  }
}

TEST_CASE("the order of the texts is that of the times, and all have the same length") {
  StoredTime time;
  std::string before(time.text(INT64_MIN));
  CHECK(before == "0000-01-01T00:00:00.000000Z");
  for (const std::int64_t us : {-kMicros * 3'000'000'000, std::int64_t{-1}, std::int64_t{0},
                                std::int64_t{1}, kMicros, kMicros * 4'102'444'800, INT64_MAX}) {
    const std::string text(time.text(us));
    CHECK(text.size() == StoredTime::kBytes);
    CHECK(before < text);
    before = text;
  }
  CHECK(before == "9999-12-31T23:59:59.999999Z");
}

TEST_CASE("times are read as people and other programs write them") {
  const std::int64_t us = 1'700'000'001 * kMicros;
  CHECK(parse_time("2023-11-14T22:13:21Z") == us);
  CHECK(parse_time("2023-11-14 22:13:21") == us);
  CHECK(parse_time("2023-11-14T22:13:21.5Z") == us + 500'000);
  CHECK(parse_time("2023-11-15T00:13:21.0000000+02:00") == us);
  CHECK(parse_time("2023-11-14T16:43:21-0530") == us);
  CHECK(parse_time("2023-11-14T22:13") == us - 21 * kMicros);
  CHECK(parse_time("2023-11-14") == us - (22 * 3600 + 13 * 60 + 21) * kMicros);
}

TEST_CASE("what isn't a time is none") {
  for (const char* text :
       {"", "now", "2023", "2023-11", "2023-13-01", "2023-02-29", "2023-11-14T", "2023-11-14T25:00",
        "2023-11-14T22:13:", "2023-11-14T22:13:21.", "2023-11-14T22:13:21X", "2023-11-14x",
        "2023-11-14T22:13:21+25:00", "2023-11-14T22:13:21+02:00x", "23-11-14", "2023-1-14"}) {
    CAPTURE(text);
    CHECK(!parse_time(text));
  }
}

}  // namespace
}  // namespace mayfly
