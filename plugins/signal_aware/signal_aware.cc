// Lets rows pass, wait or go, as signals say.
#include <algorithm>
#include <optional>

#include "mayfly/policy/drain_patience.h"
#include "mayfly/policy/waiting_rows.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::DrainPatience;
using mayfly::WaitingRows;

enum Option : std::uint32_t {
  kCancelOn,
  kDeferOn,
  kResumeOn,
  kCheckInterval,
  kMaxDefer,
  kOnMaxDefer,
};
enum Counter : std::uint32_t { kCancelled, kDeferred, kExhausted };
enum Reason : std::uint16_t { kCancelledBySignal, kDeferredTooLong };
enum Signal : std::uint32_t { kDeferring, kResumed, kDeferExhausted };
enum class OnMaxDefer : std::uint32_t { kPass, kDrop, kDeadLetter };

constexpr std::uint32_t kTimer = 0;
constexpr std::uint64_t kTag = 0;

constexpr mayfly_option kOptions[] = {
    sdk::signals(sdk::list_option("cancel_on", nullptr, {},
                                  "While one of these signals is present, rows are dropped.")),
    sdk::signals(sdk::list_option("defer_on", nullptr, {},
                                  "While one of these signals is present, rows wait.")),
    sdk::signals(sdk::list_option("resume_on", nullptr, {},
                                  "Each of these signals ends the wait, until the next signal of "
                                  "defer_on.")),
    sdk::duration_option("check_interval", "100ms", {"1ms", "1h"},
                         "How often rows that wait look whether the signal is still present."),
    sdk::runtime(sdk::duration_option("max_defer", "5s", {"0s", "24h"},
                                      "No row waits for longer; 0s: no limit.")),
    sdk::choice_option("on_max_defer", "pass", "pass|drop|dead_letter",
                       "What becomes of a row that has waited for so long."),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows, in order."}};
constexpr mayfly_named kCounters[] = {
    {"cancelled", "Rows dropped while a signal of cancel_on was present."},
    {"deferred", "Rows that had to wait."},
    {"exhausted", "Rows that waited for max_defer."},
};
constexpr mayfly_named kReasons[] = {
    {"cancelled_by_signal", "a signal of cancel_on was present"},
    {"deferred_too_long", "a signal of defer_on was present for longer than max_defer"},
};
constexpr mayfly_named kRaises[] = {
    {"rows.deferring", "Rows wait from now on; retracted when they go on."},
    {"rows.resumed", "Rows go on; the argument is how many had waited."},
    {"rows.defer.exhausted", "Rows have waited for max_defer; the argument is how many."},
};

struct SignalAware : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    if (options.list_size(kResumeOn) > 0 && options.list_size(kDeferOn) == 0) {
      return host.fail(sdk::Failure::kConfig,
                       "resume_on: expected defer_on beside it, found none; name the signals that "
                       "make rows wait");
    }
    check_interval_ns = options.duration_ns(kCheckInterval);
    on_max_defer = static_cast<OnMaxDefer>(options.choice(kOnMaxDefer));
    limit(options.duration_ns(kMaxDefer));
    return MAYFLY_OK;
  }

  void open() {
    cancelling = present(kCancelOn);
    // Whichever of both came last isn't known: they may be long there.
    if (present(kDeferOn) && !present(kResumeOn)) defer();
  }

  void process(sdk::Slice slice) {
    const std::int64_t now = slice.now_ns();
    if (slice.resumed()) {
      let_go(slice);
      return;
    }
    // Nobody tells of retractions: whoever comes looks.
    if (cancelling) cancelling = present(kCancelOn);
    if (deferring && host.held(kTag) == 0) look(now);
    if (cancelling) {
      cancel(slice);
    } else if (deferring || host.held(kTag) > 0) {
      slice.hold_all(kTag);
      waiting.add(slice.size(), now);
      host.count(kDeferred, slice.size());
      host.set_timer(kTimer, now);  // once they are held
    }
  }

  void cancel(const sdk::Slice& slice) {
    for (const std::uint16_t row : slice.rows()) slice.drop(row, kCancelledBySignal);
    host.count(kCancelled, slice.size());
  }

  // Rows that waited for too long are the oldest, and so the first of those that were let go.
  void let_go(const sdk::Slice& slice) {
    if (cancelling) {
      overdue -= std::min<std::uint64_t>(overdue, slice.size());
      cancel(slice);
      return;
    }
    for (const std::uint16_t row : slice.rows()) {
      if (overdue == 0) return;
      --overdue;
      if (on_max_defer == OnMaxDefer::kDrop) slice.drop(row, kDeferredTooLong);
      if (on_max_defer == OnMaxDefer::kDeadLetter) slice.reject(row, kDeferredTooLong);
    }
  }

  void on_signal(std::span<const mayfly_signal> signals) {
    // They may have been retracted meanwhile; then nobody waits for them. One look for all.
    cancelling = present(kCancelOn);
    std::optional<bool> may_defer;
    for (const mayfly_signal& signal : signals) {
      if (signal.listen == sdk::listen_of(kResumeOn)) resume();
      if (signal.listen != sdk::listen_of(kDeferOn) || deferring) continue;
      if (!may_defer) may_defer = present(kDeferOn);
      if (*may_defer) defer();
    }
    // What waits would be dropped at last: then at once.
    if (cancelling) release(host.held(kTag));
    update(host.now_ns());
  }

  void on_timer(std::uint32_t, std::int64_t now) {
    if (now >= look_at_ns) look(now);
    update(now);
  }

  // Rows that wait at the end may still be told to go on, but not until it is too late for them.
  void drain(std::int64_t deadline_ns) {
    const std::int64_t now = host.now_ns();
    patience.begin(now, deadline_ns);
    update(now);
  }

  void set_option(std::uint32_t, const sdk::Options& options) {
    const std::int64_t now = host.now_ns();
    limit(options.duration_ns(kMaxDefer));
    waiting.add(host.held(kTag), now);  // the new limit counts from now on
    update(now);
  }
  void limit(std::int64_t max_defer_ns) {
    waiting = WaitingRows(max_defer_ns == 0 ? mayfly::kNever : max_defer_ns);
  }

  bool present(Option option) const { return host.signals_present(sdk::listen_of(option)) > 0; }

  void look(std::int64_t now) {
    look_at_ns = mayfly::deadline_after(now, check_interval_ns);
    if (deferring && !present(kDeferOn)) resume();
  }

  void defer() {
    if (patience.is_over(host.now_ns())) return;
    deferring = true;
    host.raise(kDeferring);
  }

  void resume() {
    const std::uint64_t rows = release(host.held(kTag));
    if (!deferring) return;
    deferring = false;
    host.retract(kDeferring);
    host.raise(kResumed, rows);
  }

  std::uint64_t release(std::uint64_t rows) {
    if (rows == 0) return 0;
    waiting.take(rows);
    return host.resume(kTag, rows);
  }

  // Lets go what may go or has waited for too long, and comes back for the others.
  void update(std::int64_t now) {
    if (!deferring || patience.is_over(now)) resume();
    if (const std::uint64_t late = waiting.overdue(now); late > 0) {
      overdue += release(late);
      host.count(kExhausted, late);
      host.raise(kDeferExhausted, late);
    }
    if (host.held(kTag) == 0) {
      host.cancel_timer(kTimer);
    } else {
      host.set_timer(kTimer, std::min({look_at_ns, waiting.due_ns(), patience.until_ns()}));
    }
  }

  WaitingRows waiting;
  std::int64_t check_interval_ns = 1;
  std::int64_t look_at_ns = 0;
  DrainPatience patience;     // when it is over, no row waits any more
  std::uint64_t overdue = 0;  // let go, and not yet here
  OnMaxDefer on_max_defer = OnMaxDefer::kPass;
  bool cancelling = false;
  bool deferring = false;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<SignalAware>({
    .name = "signal_aware",
    .version = "0.1.0",
    .summary = "Lets rows pass, wait, or go for good, as the signals say that are present.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
    .raises = kRaises,
}))
