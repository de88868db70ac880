// PermitCounters: what a gate tells of its permits: the first five counters of every plugin that
// has one, so that they are called the same and mean the same everywhere.
//
//   constexpr auto kCounters = sdk::permit_counters("Rows that had to wait for a permit.",
//                                                   {{"drops", "Times that the limit dropped."}});
//   enum Counter : std::uint32_t { kDrops = sdk::kPermitCounters };
//
// THREADS  The calls of the node.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "mayfly/sdk/host.h"
#include "mayfly/sdk/slice.h"

#pragma GCC visibility push(hidden)

namespace mayfly::sdk {

constexpr std::uint32_t kPermitCounters = 5;

// Those five, then the plugin's own.
template <std::size_t kOwn>
constexpr std::array<mayfly_named, kPermitCounters + kOwn> permit_counters(
    const char* waited, const mayfly_named (&own)[kOwn]) {
  std::array<mayfly_named, kPermitCounters + kOwn> all = {{
      {"passed", "Rows that took a permit."},
      {"answered", "Permits given back; passed less answered are in flight."},
      {"failed", "Of those the ones whose attempt failed, or that ended as dead letters."},
      {"waited", waited},
      {"highest", "Most rows in flight at a time."},
  }};
  std::copy_n(own, kOwn, all.begin() + kPermitCounters);
  return all;
}
constexpr std::array<mayfly_named, kPermitCounters> permit_counters(const char* waited) {
  std::array<mayfly_named, kPermitCounters> five{};
  std::ranges::copy_n(permit_counters(waited, {{"", ""}}).begin(), kPermitCounters, five.begin());
  return five;
}

class PermitCounters {
 public:
  void add(std::uint64_t passed, std::uint64_t waited) {
    passed_ += passed;
    waited_ += waited;
  }
  // Of process, behind the rows. `highest`: most in flight so far.
  void tell(const Host& host, std::uint64_t highest) {
    if (passed_ > 0) host.count(kPassed, std::exchange(passed_, 0));
    if (waited_ > 0) host.count(kWaited, std::exchange(waited_, 0));
    if (highest > highest_) host.count(kHighest, highest - highest_);
    highest_ = highest;
  }
  // Of on_completion.
  void answered(const Host& host, const Slice& slice) const {
    host.count(kAnswered, slice.size());
    if (const std::uint64_t failed = slice.failed(); failed > 0) host.count(kFailed, failed);
  }

 private:
  enum Counter : std::uint32_t { kPassed, kAnswered, kFailed, kWaited, kHighest };

  // Of this call.
  std::uint64_t passed_ = 0;
  std::uint64_t waited_ = 0;
  std::uint64_t highest_ = 0;  // as it was counted
};

}  // namespace mayfly::sdk

#pragma GCC visibility pop
