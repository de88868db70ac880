// Keeps the signals of the pipeline in a database, and brings back those that a restart needs.
#include <cstdint>
#include <span>
#include <string>

#include "mayfly/base/clock.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t {
  kDatabase,
  kRestore,
  kRestoreAge,
  kFlushInterval,
  kFlushOn,
  kSignalsPerFlush,
  kPending,
  kKeep,
  kKeepAge,
};
enum Counter : std::uint32_t { kStored, kRestored, kDropped, kPruned, kFailures };

constexpr std::uint32_t kTimer = 0;
// How often the store's figures become counters.
constexpr std::int64_t kLookEveryNs = mayfly::kSecond;

constexpr mayfly_option kOptions[] = {
    sdk::text_option("database", "",
                     "The file in which signals are kept; empty: the writer's database."),
    sdk::list_option("restore", "circuit-failure,circuit-failure:*", {},
                     "Globs of signals of earlier runs that are raised again before the first "
                     "row, each at its own time. What was retracted counts as raised."),
    sdk::duration_option("restore_age", "10m", {"1ms", "8760h"}, "Older ones are left alone."),
    sdk::duration_option("flush_interval", "1s", {"1ms", "24h"},
                         "How long a signal is in memory alone, at most."),
    sdk::signals(sdk::list_option("flush_on", nullptr, {},
                                  "Each of these signals asks for a flush at once.")),
    sdk::int_option("signals_per_flush", "1000", {"1", "1000000"}, "In one transaction."),
    sdk::int_option("pending", "200000", {"100", "10000000"},
                    "Signals in memory that aren't stored yet; beyond, the newest aren't stored, "
                    "and counted."),
    sdk::int_option("keep", "1000000", {"0", "1000000000"},
                    "Signals in the database; the oldest are deleted beyond. 0: any number."),
    sdk::duration_option("keep_age", "720h", {"0s", "87600h"},
                         "Older ones are deleted; 0s: at any age none is."),
};
constexpr mayfly_named kPorts[] = {{"out", "Every row, in order."}};
constexpr mayfly_named kCounters[] = {
    {"stored", "Signals stored so far."},
    {"restored", "Signals of earlier runs that were raised again."},
    {"dropped", "Signals that won't be stored, for want of room."},
    {"pruned", "Signals deleted for their number or age."},
    {"failures", "Flushes that failed; what they had is tried again."},
};

struct PersistentWindow : sdk::Node {
  void configure(const sdk::Options& options) {
    database = options.text(kDatabase);
    for (std::size_t i = 0; i < options.list_size(kRestore); ++i) {
      restore += (i == 0 ? "" : ",") + std::string(options.list_at(kRestore, i));
    }
    const std::int64_t keep_age_ns = options.duration_ns(kKeepAge);
    store = {
        .struct_size = 0,
        .restore = restore.empty() ? 0u : 1u,
        .database = sdk::to_text(database),
        .restore_pattern = sdk::to_text(restore),
        .restore_age_ns = options.duration_ns(kRestoreAge),
        .flush_interval_ns = options.duration_ns(kFlushInterval),
        .signals_per_flush = static_cast<std::uint64_t>(options.integer(kSignalsPerFlush)),
        .pending_max = static_cast<std::uint64_t>(options.integer(kPending)),
        .keep_max = static_cast<std::uint64_t>(options.integer(kKeep)),
        .keep_age_ns = keep_age_ns == 0 ? mayfly::kNever : keep_age_ns,
    };
  }

  mayfly_result open() {
    host.set_timer(kTimer, host.now_ns());
    is_open = true;
    return host.store_open(store);
  }

  // The store is closed by now, with the last of what it had to write.
  ~PersistentWindow() {
    if (is_open) count();
  }

  void process(sdk::Slice) {}

  void on_timer(std::uint32_t, std::int64_t now_ns) {
    count();
    host.set_timer(kTimer, now_ns + kLookEveryNs);
  }

  void on_signal(std::span<const mayfly_signal>) { host.store_flush(); }

  void drain(std::int64_t) {
    host.store_flush();
    count();
  }

  void count() {
    const mayfly_store_stats now = host.store_stats();
    const auto tell = [this](Counter counter, std::uint64_t before, std::uint64_t value) {
      if (value > before) host.count(counter, value - before);
    };
    tell(kStored, counted.flushed, now.flushed);
    tell(kRestored, counted.restored, now.restored);
    tell(kDropped, counted.dropped, now.dropped);
    tell(kPruned, counted.pruned, now.pruned);
    tell(kFailures, counted.failures, now.failures);
    counted = now;
  }

  std::string database;
  std::string restore;
  mayfly_store_options store{};  // its texts are those above
  mayfly_store_stats counted{};
  bool is_open = false;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<PersistentWindow>({
    .name = "persistent_window",
    .version = "0.1.0",
    .summary = "Keeps the pipeline's signals in a database, and brings back what a restart needs.",
    .flags = MAYFLY_KEEPS_ORDER | MAYFLY_KEEPS_SIGNALS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
}))
