// Collects rows into groups: lets them go when enough wait or the first has waited long enough.
#include <algorithm>

#include "mayfly/sdk/plugin.h"
#include "plugins/batch/row_group.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::batch::RowGroup;

enum Option : std::uint32_t { kRows, kTimeout };
enum Counter : std::uint32_t { kGroups, kEarly };
enum Signal : std::uint32_t { kFull, kTimedOut };

constexpr std::uint32_t kTimer = 0;
constexpr std::uint64_t kTag = 0;

constexpr mayfly_option kOptions[] = {
    sdk::int_option("rows", "1024", {"1", "1000000"}, "Rows of a full group."),
    sdk::duration_option("timeout", "1s", {"1ms", "24h"},
                         "How long the first row of a group waits for the others."),
};
constexpr mayfly_named kPorts[] = {{"out", "The rows, in order, group by group."}};
constexpr mayfly_named kCounters[] = {
    {"groups", "Groups let go."},
    {"early", "Times that groups were let go since there was no room for more rows."},
};
constexpr mayfly_named kListens[] = {
    {"pool.stalled", "Nothing moves, since there is no free batch: groups go as they are."}};
constexpr mayfly_named kRaises[] = {
    {"batch.full", "A full group was let go; the argument is its number of rows."},
    {"batch.timeout", "A group was let go by its timeout; the argument is its number of rows."},
};

struct Batch : sdk::Node {
  void configure(const sdk::Options& options) {
    group =
        RowGroup(static_cast<std::uint64_t>(options.integer(kRows)), options.duration_ns(kTimeout));
  }

  void process(sdk::Slice slice) {
    if (slice.resumed()) return;
    // All are held, also those that complete a group: they must not overtake the others.
    slice.hold_all(kTag);
    group.add(slice.size(), slice.now_ns());
    wait(slice.now_ns());
  }

  void on_timer(std::uint32_t, std::int64_t now_ns) {
    for (;;) {
      const bool full = group.full();
      const std::uint64_t rows = group.take(now_ns);
      if (rows == 0) break;
      release(rows, full ? kFull : kTimedOut);
    }
    wait(now_ns);
  }

  // There is no room for the rows that a group waits for: none comes unless it goes.
  void on_signal(std::span<const mayfly_signal>) {
    if (host.held(kTag) > 0) host.count(kEarly);
    let_go();
  }

  void drain(std::int64_t) { let_go(); }

  void let_go() {
    for (;;) {
      const bool full = group.full();
      const std::uint64_t rows = group.take_some();
      if (rows == 0) break;
      release(rows, full ? kFull : kTimedOut);
    }
    host.cancel_timer(kTimer);
  }

  void release(std::uint64_t rows, Signal signal) {
    host.resume(kTag, rows);
    host.count(kGroups);
    host.raise(signal, rows);
  }

  void wait(std::int64_t now_ns) {
    if (group.due_ns() == RowGroup::kNever) {
      host.cancel_timer(kTimer);
    } else {
      host.set_timer(kTimer, std::max(group.due_ns(), now_ns));
    }
  }

  RowGroup group;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Batch>({
    .name = "batch",
    .version = "0.1.0",
    .summary = "Collects rows into groups of a size, or by a timeout, and keeps their order.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER | MAYFLY_DELAYS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .raises = kRaises,
    .listens = kListens,
}))
