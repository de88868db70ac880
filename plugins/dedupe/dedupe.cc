// Lets each key pass once within a time; the rows that repeat it go another way.
#include <optional>
#include <string>
#include <vector>

#include "mayfly/policy/recent_keys.h"
#include "mayfly/sdk/plugin.h"
#include "mayfly/sdk/rows.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::RecentKeys;

enum Option : std::uint32_t { kKeys, kWindow, kMaxKeys, kNulls, kDuplicates };
enum Counter : std::uint32_t { kDuplicated, kForgotten };
enum Reason : std::uint16_t { kDuplicate };
enum Port : std::uint16_t { kOut, kDuplicatesPort };
enum class Nulls : std::uint32_t { kDistinct, kEqual };
enum class Duplicates : std::uint32_t { kDrop, kPort };

constexpr mayfly_option kOptions[] = {
    sdk::required(sdk::list_option("keys", nullptr, {"1", "64"},
                                   "Columns; rows that are alike in all of them are duplicates.")),
    sdk::duration_option("window", "10m", {"1ms", "8760h"},
                         "How long a key is remembered, from the row that passed with it."),
    sdk::int_option("max_keys", "100000", {"1", "100000000"},
                    "Keys that are remembered, 32 to 40 bytes each; beyond, the oldest is "
                    "forgotten."),
    sdk::choice_option("nulls", "distinct", "distinct|equal",
                       "Whether a row with NULL in a key is never a duplicate, as in SQL, or NULL "
                       "is a value like others."),
    sdk::choice_option("duplicates", "drop", "drop|port",
                       "Duplicates are dropped, or leave by the port duplicates."),
};
constexpr mayfly_named kPorts[] = {
    {"out", "The first row with each key, in order."},
    {"duplicates", "The others, with duplicates = \"port\"; else none."},
};
constexpr mayfly_named kCounters[] = {
    {"duplicates", "Rows whose key had come before."},
    {"forgotten", "Keys forgotten before their time, for want of room."},
};
constexpr mayfly_named kReasons[] = {{"duplicate", "a row with the same key came before"}};

struct Dedupe : sdk::Node {
  void configure(const sdk::Options& options) {
    for (std::uint64_t i = 0; i < options.list_size(kKeys); ++i) {
      names.emplace_back(options.list_at(kKeys, i));
    }
    window_ns = options.duration_ns(kWindow);
    keys_max = static_cast<std::size_t>(options.integer(kMaxKeys));
    nulls_are_equal = static_cast<Nulls>(options.choice(kNulls)) == Nulls::kEqual;
    to_port = static_cast<Duplicates>(options.choice(kDuplicates)) == Duplicates::kPort;
  }

  mayfly_result open() {
    columns.clear();
    for (const std::string& name : names) {
      const auto column = sdk::find_column(host.schema(), name);
      if (!column) {
        return host.fail(sdk::Failure::kConfig,
                         "keys: " + sdk::unknown_column(host.schema(), name));
      }
      columns.push_back(*column);
    }
    // Not in configure: `validate` needs no memory.
    recent.emplace(keys_max, window_ns);
    // Others can't choose keys that are taken for one.
    low_seed = host.random();
    high_seed = host.random();
    return MAYFLY_OK;
  }

  void process(sdk::Slice slice) {
    std::uint64_t duplicates = 0;
    const std::uint64_t forgotten = recent->pushed_out();
    for (const std::uint16_t row : slice.rows()) {
      if (!is_duplicate(slice.batch(), row, slice.now_ns())) continue;
      ++duplicates;
      if (to_port) {
        slice.send(row, kDuplicatesPort);
      } else {
        slice.drop(row, kDuplicate);
      }
    }
    if (duplicates > 0) host.count(kDuplicated, duplicates);
    if (recent->pushed_out() > forgotten) host.count(kForgotten, recent->pushed_out() - forgotten);
  }

  bool is_duplicate(const mayfly_batch& batch, std::uint16_t row, std::int64_t now) {
    RecentKeys::Hash key{.low = low_seed, .high = high_seed};
    for (const std::uint32_t column : columns) {
      const std::uint64_t kind = kind_at(batch.columns[column], row);
      if (kind == kNull && !nulls_are_equal) return false;
      key.low = sdk::hash_cell(batch, column, row, key.low + kind);
      key.high = sdk::hash_cell(batch, column, row, key.high + kind);
    }
    return !recent->add(key, now);
  }

  // hash_cell takes a value's bits alone: what differs in kind begins from somewhere else.
  static constexpr std::uint64_t kNull = 0;
  static std::uint64_t kind_at(const mayfly_column& column, std::uint16_t row) {
    if (mayfly::is_null(column, row)) return kNull;
    const std::int32_t kind =
        mayfly::is_exception(column, row) ? MAYFLY_TEXT : mayfly::kind_of(column, row);
    return (static_cast<std::uint64_t>(kind) + 1) * 0xD6E8FEB86659FD93u;
  }

  std::vector<std::string> names;
  std::vector<std::uint32_t> columns;  // from open on
  std::optional<RecentKeys> recent;    // from open on
  std::int64_t window_ns = 1;
  std::size_t keys_max = 1;
  std::uint64_t low_seed = 0;
  std::uint64_t high_seed = 0;
  bool nulls_are_equal = false;
  bool to_port = false;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Dedupe>({
    .name = "dedupe",
    .version = "0.1.0",
    .summary = "Lets each key pass once within a time.",
    // One that comes again after a failed attempt would be its own duplicate.
    .flags = MAYFLY_KEEPS_ORDER | MAYFLY_OPTIONAL_PORTS | MAYFLY_ASKED_ONCE,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
}))
