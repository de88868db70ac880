// Lets rows wait while an update is in progress, and tells the updater when none is on its way.
#include <algorithm>

#include "mayfly/base/clock.h"
#include "mayfly/policy/drain_patience.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::DrainPatience;

enum Option : std::uint32_t { kInProgress, kDone, kCheckInterval, kMaxWait };
enum Counter : std::uint32_t { kUpdates, kWaited, kExhausted };
enum Signal : std::uint32_t { kWaiting, kQuiesced, kResumed, kWaitExhausted };

constexpr std::uint32_t kTimer = 0;
constexpr std::uint64_t kTag = 0;

constexpr mayfly_option kOptions[] = {
    sdk::signals(sdk::list_option("in_progress", "update.in-progress,update.in-progress:*", {},
                                  "Each of these signals begins an update.")),
    sdk::signals(sdk::list_option("done", "update.done,update.done:*", {},
                                  "Each of these signals ends one.")),
    sdk::duration_option("check_interval", "20ms", {"1ms", "1h"},
                         "How often rows that wait look whether the signals of in_progress are "
                         "still present."),
    sdk::runtime(sdk::duration_option("max_wait", "10s", {"0s", "24h"},
                                      "No row waits for longer: then the updates count as over; "
                                      "0s: no limit.")),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows, in order."}};
constexpr mayfly_named kCounters[] = {
    {"updates", "Updates that rows were kept from."},
    {"waited", "Rows that had to wait."},
    {"exhausted", "Rows that waited for max_wait."},
};
constexpr mayfly_named kRaises[] = {
    {"read.waiting", "Rows wait for the end of an update; retracted when they go on."},
    {"read.quiesced",
     "During an update: every row that passed before is answered; retracted when "
     "rows go on."},
    {"read.resumed", "Rows go on; the argument is how many had waited."},
    {"read.wait.exhausted", "No end of an update was heard; the argument is how many rows waited."},
};

struct SignalCoordinatedReads : sdk::Node {
  void configure(const sdk::Options& options) {
    check_interval_ns = options.duration_ns(kCheckInterval);
    max_wait_ns = options.duration_ns(kMaxWait);
  }

  void open() {
    opened_ns = host.now_ns();
    const std::uint64_t begun = present(kInProgress);
    const std::uint64_t done = present(kDone);
    if (begun > done) begin(begun - done);
  }

  void process(sdk::Slice slice) {
    if (slice.resumed()) return;
    const std::int64_t now = slice.now_ns();
    // Nobody tells of retractions: whoever comes looks.
    if (updates > 0 && host.held(kTag) == 0) look(now);
    if (updates > 0 || host.held(kTag) > 0) {
      wait(slice, now);
    } else {
      on_their_way += slice.size();
    }
  }

  void wait(const sdk::Slice& slice, std::int64_t now) {
    slice.hold_all(kTag);
    host.count(kWaited, slice.size());
    if (since_ns == mayfly::kNever) {
      since_ns = now;
      host.raise(kWaiting);
    }
    host.set_timer(kTimer, now);  // once they are held
  }

  // An attempt that failed isn't on its way any more, either: such a row comes here again.
  void on_completion(sdk::Slice slice) {
    on_their_way -= std::min<std::uint64_t>(on_their_way, slice.size());
    tell_quiesced();
  }

  void on_signal(std::span<const mayfly_signal> signals) {
    for (const mayfly_signal& signal : signals) {
      if (signal.at_ns < opened_ns) continue;  // open has counted it
      if (signal.listen == sdk::listen_of(kInProgress)) {
        begin(1);
      } else if (updates > 0 && --updates == 0) {
        resume();
      }
    }
    update(host.now_ns());
  }

  void on_timer(std::uint32_t, std::int64_t now) {
    if (now >= look_at_ns) look(now);
    update(now);
  }

  // The end of an update may still come, but not until it is too late for the rows.
  void drain(std::int64_t deadline_ns) {
    const std::int64_t now = host.now_ns();
    patience.begin(now, deadline_ns);
    update(now);
  }

  void set_option(std::uint32_t, const sdk::Options& options) {
    max_wait_ns = options.duration_ns(kMaxWait);
    update(host.now_ns());
  }

  std::uint64_t present(Option option) const {
    return host.signals_present(sdk::listen_of(option));
  }

  void begin(std::uint64_t count) {
    if (updates == 0) host.count(kUpdates);
    updates += count;
    tell_quiesced();
  }

  void tell_quiesced() {
    if (updates == 0 || on_their_way > 0 || quiesced) return;
    quiesced = true;
    host.raise(kQuiesced);
  }

  // Who takes back what it raised has ended its update, too.
  void look(std::int64_t now) {
    look_at_ns = mayfly::deadline_after(now, check_interval_ns);
    if (present(kInProgress) == 0) resume();
  }

  void resume() {
    updates = 0;
    if (quiesced) host.retract(kQuiesced);
    quiesced = false;
    if (since_ns == mayfly::kNever) return;
    since_ns = mayfly::kNever;
    host.retract(kWaiting);
    // On their way from now on: the next update may begin before they have passed.
    const std::uint64_t rows = host.resume(kTag);
    on_their_way += rows;
    host.raise(kResumed, rows);
  }

  std::int64_t exhausted_ns() const {
    return max_wait_ns == 0 || since_ns == mayfly::kNever
               ? mayfly::kNever
               : mayfly::deadline_after(since_ns, max_wait_ns);
  }

  void update(std::int64_t now) {
    const std::uint64_t held = host.held(kTag);
    if (held > 0 && now >= std::min(exhausted_ns(), patience.until_ns())) {
      host.count(kExhausted, held);
      host.raise(kWaitExhausted, held);
      resume();
    }
    if (host.held(kTag) == 0) {
      host.cancel_timer(kTimer);
    } else {
      host.set_timer(kTimer, std::min({look_at_ns, exhausted_ns(), patience.until_ns()}));
    }
  }

  std::int64_t check_interval_ns = 1;
  std::int64_t max_wait_ns = 0;
  std::int64_t opened_ns = 0;
  std::uint64_t updates = 0;               // begun and not ended
  std::uint64_t on_their_way = 0;          // rows that passed and aren't answered
  std::int64_t since_ns = mayfly::kNever;  // the first of the rows that wait came then
  std::int64_t look_at_ns = 0;
  DrainPatience patience;  // when it is over, no row waits any more
  bool quiesced = false;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<SignalCoordinatedReads>({
    .name = "signal_coordinated_reads",
    .version = "0.1.0",
    .summary = "Lets rows wait while signals say that an update is in progress.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER | MAYFLY_WANTS_COMPLETIONS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .raises = kRaises,
}))
