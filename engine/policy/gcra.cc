#include "mayfly/policy/gcra.h"

#include <algorithm>
#include <stdexcept>

namespace mayfly {
namespace {

constexpr std::uint64_t kEventsMax = 1'000'000'000;
constexpr std::int64_t kPerMax = 365 * 24 * 3600 * kSecond;

const Rate& checked(const Rate& rate) {
  const auto expect = [](bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(std::string("rate: expected ") + what);
  };
  expect(rate.events >= 1 && rate.events <= kEventsMax, "1 to 1,000,000,000 events");
  expect(rate.per_ns >= 1 && rate.per_ns <= kPerMax, "a time of 1 ns to 365 days");
  expect(rate.events <= static_cast<std::uint64_t>(rate.per_ns), "at most one event a nanosecond");
  expect(rate.burst >= 1 && rate.burst <= kEventsMax, "a burst of 1 to 1,000,000,000");
  return rate;
}

}  // namespace

Rate rate_of(double events, std::int64_t per_ns, std::uint64_t burst) {
  Rate rate{.events = 1,
            .per_ns = std::clamp<std::int64_t>(per_ns, 1, kPerMax),
            .burst = std::clamp<std::uint64_t>(burst, 1, kEventsMax)};
  std::int64_t scale = 100;
  while (scale > 1 && (rate.per_ns > kPerMax / scale ||
                       events > static_cast<double>(kEventsMax) / static_cast<double>(scale))) {
    scale /= 10;
  }
  rate.per_ns *= scale;
  const double scaled = events * static_cast<double>(scale) + 0.5;
  // Written so that a NaN is the least.
  if (scaled >= 1) {
    rate.events =
        scaled < static_cast<double>(kEventsMax) ? static_cast<std::uint64_t>(scaled) : kEventsMax;
  }
  rate.events = std::min(rate.events, static_cast<std::uint64_t>(rate.per_ns));
  return rate;
}

Gcra::Gcra(const Rate& rate) { apply(checked(rate)); }

void Gcra::apply(const Rate& rate) {
  rate_ = rate;
  burst_units_ = static_cast<std::int64_t>(rate.burst) * kUnits;
  // units a nanosecond, between 2^-45 and 2^10, as a number of 62 bits and a shift.
  const auto units = static_cast<unsigned __int128>(rate.events) * kUnits;
  const auto per = static_cast<unsigned __int128>(rate.per_ns);
  shift_ = 0;
  while (shift_ < 120 &&
         ((units << (shift_ + 1)) / per) < (static_cast<unsigned __int128>(1) << 62) &&
         (units >> (127 - shift_ - 1)) == 0) {
    ++shift_;
  }
  multiplier_ = static_cast<std::uint64_t>(((units << shift_) + per / 2) / per);
}

std::uint64_t Gcra::acquire_some(std::int64_t now_ns, std::uint64_t events) {
  const std::int64_t now = units_at(now_ns);
  std::int64_t arrival = arrival_.load(std::memory_order_relaxed);
  for (;;) {
    const std::int64_t from = std::max(arrival, now);
    const std::int64_t room = (burst_units_ - (from - now)) / kUnits;
    if (room <= 0) return 0;
    const std::uint64_t taken = std::min(events, static_cast<std::uint64_t>(room));
    if (taken == 0) return 0;
    const std::int64_t next = from + static_cast<std::int64_t>(taken) * kUnits;
    if (arrival_.compare_exchange_weak(arrival, next, std::memory_order_relaxed)) return taken;
  }
}

std::int64_t Gcra::wait_ns(std::int64_t now_ns, std::uint64_t events) const {
  const std::int64_t now = units_at(now_ns);
  const std::int64_t from = std::max(arrival_.load(std::memory_order_relaxed), now);
  const std::int64_t over = from - now + static_cast<std::int64_t>(events) * kUnits - burst_units_;
  if (over <= 0) return 0;
  // One unit more for what the conversions cut off.
  const auto ns =
      (static_cast<unsigned __int128>(over + 1) * static_cast<std::uint64_t>(rate_.per_ns)) /
          (static_cast<unsigned __int128>(rate_.events) * kUnits) +
      1;
  return ns > static_cast<unsigned __int128>(kNever) ? kNever : static_cast<std::int64_t>(ns);
}

void Gcra::set_rate(const Rate& rate, std::int64_t now_ns) {
  checked(rate);
  // How far ahead the TAT is stays as it is, in emissions.
  const std::int64_t ahead =
      std::max<std::int64_t>(arrival_.load(std::memory_order_relaxed) - units_at(now_ns), 0);
  apply(rate);
  arrival_.store(units_at(now_ns) + ahead, std::memory_order_relaxed);
}

void Gcra::block_until(std::int64_t until_ns) {
  // One may happen at until_ns when the TAT is the burst less one ahead of it.
  const std::int64_t wanted = units_at(until_ns) + burst_units_ - kUnits;
  std::int64_t arrival = arrival_.load(std::memory_order_relaxed);
  while (arrival < wanted &&
         !arrival_.compare_exchange_weak(arrival, wanted, std::memory_order_relaxed)) {
  }
}

}  // namespace mayfly
