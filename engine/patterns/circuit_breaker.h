// SignalBasedCircuitBreaker, CircuitBreaker: whether to call what has been failing, for programs.
//
//   SignalBasedCircuitBreaker breaker({.failure_signal = "api.failure", .threshold = 5});
//   if (breaker.is_open(sink)) throw CircuitOpenError("api", breaker.time_until_close(sink));
//
//   CircuitBreaker api({.threshold = 5, .open_ns = 10 * kSecond}, clock, &sink);
//   const auto answer = api.execute([&] { return client.get("/orders"); });
//
// The first keeps nothing: what it says is what the sink's window says now, so it survives a
// restart with a persistent window, and any number of them agree. It has no half-open state: when
// the window slides on, all callers come at once. The second is circuit_breaker_policy.h for many
// threads: it lets a bounded number of probes try, and raises the signals that the plugin
// `circuit_breaker` does.
//
// THREADS    Any may call anything.
// OWNERSHIP  Sinks and clocks are borrowed, and outlive the breaker.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "mayfly/base/clock.h"
#include "mayfly/policy/circuit_breaker_policy.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/coordinator.h"

namespace mayfly {

// A call that wasn't made.
class CircuitOpenError : public std::runtime_error {
 public:
  explicit CircuitOpenError(const std::string& message,
                            std::optional<std::chrono::nanoseconds> retry_after = {})
      : std::runtime_error(message), retry_after_(retry_after) {}

  // How long none will be made, if that is known.
  std::optional<std::chrono::nanoseconds> retry_after() const { return retry_after_; }

 private:
  std::optional<std::chrono::nanoseconds> retry_after_;
};

// Says what the window of a sink, or of a coordinator, says now; keeps nothing.
class SignalBasedCircuitBreaker {
 public:
  struct Options {
    std::string failure_signal = "failure";  // a glob, such as "api.failure:*"
    std::size_t threshold = 5;
    std::chrono::nanoseconds window = std::chrono::seconds(30);
  };

  // std::invalid_argument: a blank signal, a threshold or a window that isn't positive.
  explicit SignalBasedCircuitBreaker(Options options);

  // Whether `threshold` failures or more were raised within the window. The second form asks for
  // what the coordinator's operations raised, the third for other signals than the failure's.
  bool is_open(const SignalSink& sink) const { return failure_count(sink) >= options_.threshold; }
  bool is_open(const Coordinator& work) const { return failure_count(work) >= options_.threshold; }
  bool is_open_matching(const SignalSink& sink, std::string_view glob) const;

  std::size_t failure_count(const SignalSink& sink) const;
  std::size_t failure_count(const Coordinator& work) const;
  // Until the newest failures but threshold - 1 have left the window; nothing when it is closed.
  std::optional<std::chrono::nanoseconds> time_until_close(const SignalSink& sink) const;
  std::optional<std::chrono::nanoseconds> time_until_close(const Coordinator& work) const;

  const Options& options() const { return options_; }

 private:
  std::optional<std::chrono::nanoseconds> time_until_close(std::vector<Signal> failures,
                                                           std::int64_t now_ns) const;

  Options options_;
};

class CircuitBreaker {
 public:
  // `name` is the argument of its signals. std::invalid_argument: an option out of range.
  explicit CircuitBreaker(const BreakerOptions& options, const Clock& clock,
                          SignalSink* signals = nullptr, std::string name = {});
  // Since whoever shares the breaker shares its mutex.
  CircuitBreaker(const CircuitBreaker&) = delete;
  CircuitBreaker& operator=(const CircuitBreaker&) = delete;

  // A call that may begin; tells how it ended, at the latest when it is destroyed: then nothing is
  // known of it.
  class Permit {
   public:
    explicit operator bool() const { return breaker_ != nullptr; }
    void succeeded() { end(&CircuitBreaker::on_success); }
    void failed() { end(&CircuitBreaker::on_failure); }
    ~Permit() { end(&CircuitBreaker::on_abandoned); }
    Permit(Permit&& other) noexcept
        : breaker_(std::exchange(other.breaker_, nullptr)), began_ns_(other.began_ns_) {}
    Permit& operator=(Permit&&) = delete;

   private:
    friend class CircuitBreaker;
    Permit(CircuitBreaker* breaker, std::int64_t began_ns)
        : breaker_(breaker), began_ns_(began_ns) {}
    void end(void (CircuitBreaker::*how)(std::int64_t)) {
      if (CircuitBreaker* breaker = std::exchange(breaker_, nullptr)) (breaker->*how)(began_ns_);
    }

    CircuitBreaker* breaker_;
    std::int64_t began_ns_;
  };
  // False when no call may begin now.
  Permit try_begin();

  // Calls and returns what it returns; what it throws counts as a failure, and passes through.
  // CircuitOpenError: it wasn't called.
  template <class Call>
  std::invoke_result_t<Call&> execute(Call call) {
    Permit permit = try_begin();
    if (!permit) throw open_error();
    try {
      if constexpr (std::is_void_v<std::invoke_result_t<Call&>>) {
        call();
        permit.succeeded();
      } else {
        std::invoke_result_t<Call&> result = call();
        permit.succeeded();
        return result;
      }
    } catch (...) {
      permit.failed();
      throw;
    }
  }

  BreakerState state();
  bool is_open();
  // Of kForcedOpen: nothing.
  std::optional<std::chrono::nanoseconds> retry_after();
  std::uint64_t failure_count();
  void force(BreakerState forced);  // kForcedOpen or kForcedClosed
  void release();

 private:
  void on_success(std::int64_t began_ns);
  void on_failure(std::int64_t began_ns);
  void on_abandoned(std::int64_t began_ns);
  CircuitOpenError open_error();
  // Raises what has changed, outside the lock. `lock` is held.
  void tell(std::unique_lock<std::mutex>& lock, bool failure);
  void raise(std::string_view stem);

  const Clock& clock_;
  SignalSink* const signals_;
  const std::string name_;
  std::mutex mutex_;
  CircuitBreakerPolicy policy_;
  BreakerState told_ = BreakerState::kClosed;
  std::uint64_t probes_lost_told_ = 0;
};

}  // namespace mayfly
