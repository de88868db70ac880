// Bounds the rows in flight beyond it, in all and of each key; rows of a higher lane go first.
#include <optional>
#include <string>
#include <utility>

#include "mayfly/sdk/keyed_gate.h"
#include "mayfly/sdk/plugin.h"
#include "plugins/keyed_priority_fanout/row_lane.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::keyed_priority_fanout::RowLane;

enum Option : std::uint32_t {
  kKey,
  kPriorityColumn,
  kLanes,
  kLimit,
  kPerKey,
  kMaxPriorityDepth,
  kOnSaturated,
  kRefusePriorityOn,
  kName,
};
enum Counter : std::uint32_t { kPriority = sdk::kPermitCounters, kPriorityRefused };
enum Reason : std::uint16_t { kPrioritySaturated };
enum Signal : std::uint32_t { kSaturated };
enum class OnSaturated : std::uint32_t { kNormal, kDeadLetter, kDrop };

constexpr std::uint32_t kLanesMax = 4;
constexpr std::uint32_t kTimer = 0;
// How often it looks whether the signals that refuse priority are gone: nobody tells.
constexpr std::int64_t kLookAgainNs = 100'000'000;

constexpr mayfly_option kOptions[] = {
    sdk::key_option("key", "Columns; rows in which they are equal have the same key."),
    sdk::text_option("priority_column", "",
                     "A column of numbers, or of true and false: 0 or NULL for normal rows, else "
                     "the lane; empty: the priority that came with the row."),
    sdk::int_option("lanes", "2", {"2", "4"},
                    "Normal, and above it one or more; a higher number is the highest lane."),
    sdk::runtime(sdk::int_option("limit", "256", {"1", "1000000000"},
                                 "Rows of all keys that may be in flight beyond it at a time.")),
    sdk::runtime(sdk::int_option("per_key", "1", {"1", "1000000000"},
                                 "Rows of a key that may be in flight beyond it at a time.")),
    sdk::runtime(sdk::int_option("max_priority_depth", "0", {"0", "1000000000"},
                                 "Rows that may wait in the lanes above normal; 0: any number.")),
    sdk::choice_option("on_saturated", "normal", "normal|dead_letter|drop",
                       "What becomes of a priority row beyond that: it is a normal row, goes to "
                       "the dead-letter table, or is dropped."),
    sdk::signals(sdk::list_option("refuse_priority_on", nullptr, {},
                                  "While one of these signals is present, priority rows that come "
                                  "are treated as those beyond max_priority_depth.")),
    sdk::text_option("name", "", "The argument of its signal, to tell several nodes apart."),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows; those of a key and lane in order."}};
constexpr auto kCounters = sdk::permit_counters(
    "Rows that had to wait for one of their key, or for the limit.",
    {{"priority", "Rows that came for a lane above normal."},
     {"priority_refused", "Of those the ones that on_saturated took care of."}});
constexpr mayfly_named kReasons[] = {
    {"priority_saturated", "too many rows of priority waited already, or a signal refused them"},
};
constexpr mayfly_named kRaises[] = {
    {"priority.saturated", "A priority row was refused; retracted when one finds room again."},
};

struct KeyedPriorityFanout : sdk::Node {
  void configure(const sdk::Options& options) {
    key.configure(options, kKey, "key");
    lane.configure(options.text(kPriorityColumn),
                   static_cast<std::uint32_t>(options.integer(kLanes)));
    gate.emplace(static_cast<std::uint64_t>(options.integer(kLimit)),
                 static_cast<std::uint64_t>(options.integer(kPerKey)));
    depth_max = static_cast<std::uint64_t>(options.integer(kMaxPriorityDepth));
    on_saturated = static_cast<OnSaturated>(options.choice(kOnSaturated));
    refuses_by_signal = options.list_size(kRefusePriorityOn) > 0;
    name = options.text(kName);
  }

  mayfly_result open() {
    if (const mayfly_result result = key.open(host); result != MAYFLY_OK) return result;
    look(host.now_ns());
    return lane.open(host);
  }

  void process(sdk::Slice slice) {
    if (slice.resumed()) return gate->admit_resumed(host, slice);
    for (const std::uint16_t row : slice.rows()) enter(slice, row);
    gate->tell(host);
    if (priority > 0) host.count(kPriority, std::exchange(priority, 0));
  }

  void enter(const sdk::Slice& slice, std::uint16_t row) {
    std::uint32_t in = lane.of(slice.batch(), row);
    if (in > 0) {
      ++priority;
      const bool refused = is_refused(slice, row, in);
      tell_saturated(refused);
      if (refused) {
        host.count(kPriorityRefused);
        if (on_saturated == OnSaturated::kDeadLetter) return slice.reject(row, kPrioritySaturated);
        if (on_saturated == OnSaturated::kDrop) return slice.drop(row, kPrioritySaturated);
        in = 0;
      }
    }
    gate->admit(key, slice, row, in);
  }

  // A row that needn't wait takes no room.
  bool is_refused(const sdk::Slice& slice, std::uint16_t row, std::uint32_t in) const {
    if (signal_refuses) return true;
    return depth_max > 0 && depth() >= depth_max && !gate->can_pass(key, slice, row, in);
  }
  std::uint64_t depth() const {
    std::uint64_t waiting = 0;
    for (std::uint32_t above = 1; above < kLanesMax; ++above) {
      waiting += gate->permits().waiting(above);
    }
    return waiting;
  }

  void on_completion(sdk::Slice slice) {
    gate->answered(host, key, slice);
    gate->tell(host);
  }

  void on_signal(std::span<const mayfly_signal>) { look(host.now_ns()); }
  void on_timer(std::uint32_t, std::int64_t now_ns) { look(now_ns); }
  void look(std::int64_t now_ns) {
    signal_refuses =
        refuses_by_signal && host.signals_present(sdk::listen_of(kRefusePriorityOn)) > 0;
    if (signal_refuses) host.set_timer(kTimer, now_ns + kLookAgainNs);
  }

  void drain(std::int64_t) { gate->let_go(host); }

  void set_option(std::uint32_t option, const sdk::Options& options) {
    const auto value = static_cast<std::uint64_t>(options.integer(option));
    if (option == kLimit) gate->set_limit(host, value);
    if (option == kPerKey) gate->set_per_key(host, value);
    if (option == kMaxPriorityDepth) depth_max = value;
  }

  void tell_saturated(bool refused) {
    if (refused == saturated) return;
    saturated = refused;
    refused ? host.raise(kSaturated, name) : host.retract(kSaturated, name);
  }

  sdk::KeyColumns key;
  RowLane lane;
  std::optional<sdk::KeyedGate<kLanesMax>> gate;
  std::uint64_t depth_max = 0;
  OnSaturated on_saturated = OnSaturated::kNormal;
  std::string name;
  bool refuses_by_signal = false;  // there are such signals
  bool signal_refuses = false;     // one of them is present
  bool saturated = false;          // as it was told
  std::uint64_t priority = 0;      // of this call, for the counter
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<KeyedPriorityFanout>({
    .name = "keyed_priority_fanout",
    .version = "0.1.0",
    .summary = "Bounds the rows in flight beyond it, of each key and in all; priority goes first.",
    // Not KEEPS_KEY_ORDER: a priority row overtakes the normal ones of its key.
    .flags = MAYFLY_HOLDS | MAYFLY_WANTS_COMPLETIONS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
    .raises = kRaises,
}))
