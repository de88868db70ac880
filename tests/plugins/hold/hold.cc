// Holds every row: by tag until enough of its tag wait, or until a due time. For tests.
#include <array>

#include "mayfly/sdk/plugin.h"
#include "mayfly/sdk/rows.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kTags, kGroup, kDelay, kForget };

constexpr mayfly_option kOptions[] = {
    sdk::int_option("tags", "4", {"1", "1000000"}, "Rows are held under ordinal modulo this."),
    sdk::int_option("group", "3", {"1", "1000000"}, "Rows of a tag that are let go together."),
    sdk::duration_option("delay", "0s", {"0s", "24h"},
                         "Not 0: rows are held for this long instead of by tag."),
    sdk::bool_option("forget", "false", "Hold a row again as soon as it is let go: a loop."),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows, group by group."}};
constexpr mayfly_named kCounters[] = {{"held", "Rows held."}};
constexpr mayfly_named kListens[] = {{"hold.release*", "Lets everything go."}};

struct Hold : sdk::Node {
  void configure(const sdk::Options& options) {
    tags = static_cast<std::uint64_t>(options.integer(kTags));
    group = static_cast<std::uint64_t>(options.integer(kGroup));
    delay_ns = options.duration_ns(kDelay);
    forget = options.flag(kForget);
  }

  void process(sdk::Slice slice) {
    if (slice.resumed() && !forget) return;
    for (const std::uint16_t row : slice.rows()) {
      const std::uint64_t tag = slice.batch().ordinal[row] % tags;
      slice.hold(row, tag, delay_ns == 0 ? 0 : slice.now_ns() + delay_ns);
    }
    host.count(0, slice.size());
    if (delay_ns == 0) host.set_timer(0, slice.now_ns());
  }

  void on_timer(std::uint32_t, std::int64_t) {
    for (std::uint64_t tag = 0; tag < tags; ++tag) {
      if (forget) {
        host.resume(tag);
      } else {
        host.resume(tag, host.held(tag) / group * group);
      }
    }
  }

  void on_signal(std::span<const mayfly_signal>) { drain(0); }

  void drain(std::int64_t) {
    for (std::uint64_t tag = 0; tag < tags; ++tag) host.resume(tag);
  }

  std::uint64_t tags = 1;
  std::uint64_t group = 1;
  std::int64_t delay_ns = 0;
  bool forget = false;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Hold>({
    .name = "hold",
    .version = "0.1.0",
    .summary = "Holds rows by tag or by due time.",
    .flags = MAYFLY_HOLDS | MAYFLY_DELAYS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .listens = kListens,
}))
