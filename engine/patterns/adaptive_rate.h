// AdaptiveRate: work at a rate that backs off when it is told that it is too much.
//
//   AdaptiveRate<Request> requests(
//       [](Request& request) {
//         const Reply reply = send(request);
//         if (reply.code == 429) throw RateLimitError("too many requests", reply.retry_after);
//       },
//       {.rate = 100, .burst = 10});
//
// An item whose body throws RateLimitError isn't failed: nothing begins before its retry-after has
// passed, and then it is tried again. Each such error, and each signal rate-limit or
// rate-limit:<N>ms on the sink (of which the second says how long to wait), also cuts the rate;
// while none comes it goes back step by step (aimd_rate.h). Without a rate there is only the
// waiting.
//
// THREADS  Any may call anything. The node of the same kind is the plugin `adaptive_rate`.
#pragma once

#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "mayfly/patterns/atom.h"
#include "mayfly/policy/aimd_rate.h"
#include "mayfly/policy/gcra.h"
#include "mayfly/work/work_coordinator.h"

namespace mayfly {

// Thrown by a body: the other side wants less.
class RateLimitError : public std::runtime_error {
 public:
  explicit RateLimitError(const std::string& message,
                          std::optional<std::chrono::nanoseconds> retry_after = {})
      : std::runtime_error(message), retry_after_(retry_after) {}
  std::optional<std::chrono::nanoseconds> retry_after() const { return retry_after_; }

 private:
  std::optional<std::chrono::nanoseconds> retry_after_;
};

// "rate-limit:250ms" -> 250 ms. Nothing: no whole number of milliseconds follows the colon.
std::optional<std::chrono::nanoseconds> try_parse_retry_after(std::string_view signal);

// How fast at most, and how it gives way.
struct AdaptiveRateOptions {
  int max_concurrency = 8;
  double rate = 0;      // items a second that begin; 0: no limit
  double min_rate = 0;  // no cut goes below; 0: a hundredth of the rate
  std::uint64_t burst = 1;
  double cut = 0.5;                                  // of the rate, each time
  double step = 0.1;                                 // of the rate, each time that it goes back
  std::int64_t quiet_ns = 5 * kSecond;               // without a cut: before each step back
  std::int64_t retry_after_ns = 100 * kMillisecond;  // where nobody says how long
  std::uint32_t max_tries = 100;                     // of one item
  SignalSink* signals = nullptr;                     // borrowed; null: one of its own
  const Clock* clock = nullptr;                      // borrowed; null: the machine's
};

// When the next item may begin: the arithmetic for many threads.
class AdaptivePace {
 public:
  // std::invalid_argument: a value out of its range.
  AdaptivePace(const AdaptiveRateOptions& options, const Clock& clock);

  // Waits for its turn. False: stopped.
  bool wait_for_turn(const std::function<bool()>& stopped);
  // Too much: how long nothing is to begin.
  void limited(std::optional<std::chrono::nanoseconds> retry_after);
  double rate() const;  // 0: no limit
  std::int64_t blocked_until_ns() const;

 private:
  // mutex_ is held.
  void follow(std::int64_t now_ns);
  static Rate rate_of(double a_second, std::uint64_t burst);

  const AdaptiveRateOptions options_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<AimdRate> aimd_;
  std::optional<Gcra> gcra_;
  std::int64_t blocked_until_ns_ = 0;
};

template <class Item>
class AdaptiveRate : public Atom<WorkCoordinator<Item>> {
 public:
  template <BodyOf<Item> Body>
  explicit AdaptiveRate(Body body, const AdaptiveRateOptions& options = {})
      : AdaptiveRate(std::make_shared<AdaptivePace>(
                         options, options.clock != nullptr ? *options.clock : machine_clock()),
                     std::move(body), options) {}

  // Now; 0: no limit.
  double rate() const { return pace_->rate(); }
  // The end of the longest retry-after that it was told, by its clock.
  std::int64_t blocked_until_ns() const { return pace_->blocked_until_ns(); }

 private:
  template <class Body>
  AdaptiveRate(std::shared_ptr<AdaptivePace> pace, Body body, const AdaptiveRateOptions& options)
      : Atom<WorkCoordinator<Item>>(std::in_place,
                                    WorkOptions{.max_concurrency = options.max_concurrency,
                                                .signals = options.signals,
                                                .clock = options.clock},
                                    [pace, tries = options.max_tries, call = std::move(body)](
                                        Item& item, Operation& op) mutable {
                                      return attempt(*pace, tries, op,
                                                     [&] { return call_body(call, item, op); });
                                    }),
        pace_(std::move(pace)),
        limits_(this->signals().subscribe("rate-limit,rate-limit:*",
                                          [pace = pace_](const SignalEvent& event) {
                                            pace->limited(try_parse_retry_after(event.name()));
                                          })) {}

  static const Clock& machine_clock();
  template <class Call>
  static Status attempt(AdaptivePace& pace, std::uint32_t tries, Operation& op, Call call) {
    for (std::uint32_t i = 1;; ++i) {
      if (!pace.wait_for_turn([&] { return op.stop_requested(); })) {
        return {Code::kTryAgain, "cancelled while it waited for its turn"};
      }
      try {
        return status_of_limited(call);
      } catch (const RateLimitError& error) {
        if (i >= tries) {
          return {Code::kTryAgain,
                  std::string(error.what()) + "; tried " + std::to_string(i) + " times"};
        }
        // The subscription hears of it, and paces.
        if (const auto wait = error.retry_after()) {
          op.raise("rate-limit:" +
                   std::to_string(std::chrono::ceil<std::chrono::milliseconds>(*wait).count()) +
                   "ms");
        } else {
          op.raise("rate-limit");
        }
      }
    }
  }
  // As status_of, but a RateLimitError passes.
  template <class Call>
  static Status status_of_limited(Call& call) {
    std::optional<RateLimitError> limited;
    const Status status = status_of([&]() -> Status {
      try {
        if constexpr (std::is_same_v<decltype(call()), Status>) {
          return call();
        } else {
          call();
          return {};
        }
      } catch (const RateLimitError& error) {
        limited.emplace(error);
        return {};
      }
    });
    if (limited) throw *limited;
    return status;
  }

  const std::shared_ptr<AdaptivePace> pace_;
  SignalSubscription limits_;
};

// Never destroyed: work of a static may end after main().
const Clock& adaptive_rate_clock();
template <class Item>
const Clock& AdaptiveRate<Item>::machine_clock() {
  return adaptive_rate_clock();
}

}  // namespace mayfly
