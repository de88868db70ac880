// Lets one row in so many pass, or a share of them by chance.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/sdk/plugin.h"
#include "mayfly/sdk/rows.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::Rng;

enum Option : std::uint32_t { kEvery, kRatio, kBy, kSeed, kOthers };
enum Counter : std::uint32_t { kSampled, kLeft };
enum Reason : std::uint16_t { kNotSampled };
enum Port : std::uint16_t { kOut, kRest };
enum class Others : std::uint32_t { kDrop, kRest };

constexpr mayfly_option kOptions[] = {
    sdk::runtime(sdk::int_option("every", nullptr, {"1", "1000000000"},
                                 "The first row passes, and then one in so many.")),
    sdk::runtime(sdk::float_option("ratio", nullptr, {"0", "1"},
                                   "The share of the rows that passes, by chance.")),
    sdk::list_option("by", nullptr, {},
                     "With ratio: columns; rows that are alike in all of them pass together, or "
                     "none does."),
    sdk::int_option("seed", "1", {"0", nullptr}, "With ratio: another seed, other rows."),
    sdk::choice_option("others", "drop", "drop|rest",
                       "The other rows are dropped, or leave by the port rest."),
};
constexpr mayfly_named kPorts[] = {
    {"out", "The rows that were chosen, in order."},
    {"rest", "The others, with others = \"rest\"; else none."},
};
constexpr mayfly_named kCounters[] = {
    {"sampled", "Rows that were chosen."},
    {"left", "Rows that weren't."},
};
constexpr mayfly_named kReasons[] = {{"not_sampled", "it wasn't chosen"}};

struct Sample : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    if (options.is_set(kEvery) == options.is_set(kRatio)) {
      return host.fail(sdk::Failure::kConfig,
                       std::string("every: expected either every or ratio, found ") +
                           (options.is_set(kEvery) ? "both; remove one" : "none; set one"));
    }
    for (std::uint64_t i = 0; i < options.list_size(kBy); ++i)
      by.emplace_back(options.list_at(kBy, i));
    if (!by.empty() && options.is_set(kEvery)) {
      return host.fail(sdk::Failure::kConfig,
                       "by: expected ratio beside it, found every; keys aren't chosen in turn");
    }
    if (options.is_set(kEvery)) every = static_cast<std::uint64_t>(options.integer(kEvery));
    if (options.is_set(kRatio)) ratio = options.number(kRatio);
    others = static_cast<Others>(options.choice(kOthers));
    rng.emplace(static_cast<std::uint64_t>(options.integer(kSeed)));
    key_seed = rng->next();
    return MAYFLY_OK;
  }

  mayfly_result open() {
    columns.clear();
    for (const std::string& name : by) {
      const auto column = sdk::find_column(host.schema(), name);
      if (!column) {
        return host.fail(sdk::Failure::kConfig, "by: " + sdk::unknown_column(host.schema(), name));
      }
      columns.push_back(*column);
    }
    return MAYFLY_OK;
  }

  void process(sdk::Slice slice) {
    const mayfly_batch& batch = slice.batch();
    std::uint64_t left = 0;
    for (const std::uint16_t row : slice.rows()) {
      if (chooses(batch, row)) continue;
      ++left;
      if (others == Others::kRest) {
        slice.send(row, kRest);
      } else {
        slice.drop(row, kNotSampled);
      }
    }
    host.count(kSampled, slice.size() - left);
    host.count(kLeft, left);
  }

  bool chooses(const mayfly_batch& batch, std::uint16_t row) {
    if (!ratio) {
      const bool chosen = turn == 0;
      if (++turn >= every) turn = 0;
      return chosen;
    }
    if (columns.empty()) return rng->unit() < *ratio;
    return Rng(sdk::hash_row(batch, columns, row) ^ key_seed).unit() < *ratio;
  }

  // Whichever was set last counts.
  void set_option(std::uint32_t option, const sdk::Options& options) {
    if (option == kRatio) {
      ratio = options.number(kRatio);
    } else {
      ratio.reset();
      every = static_cast<std::uint64_t>(options.integer(kEvery));
      turn = 0;
    }
  }

  std::vector<std::string> by;
  std::vector<std::uint32_t> columns;  // of `by`, from open on
  std::optional<double> ratio;
  std::uint64_t every = 1;
  std::uint64_t turn = 0;
  std::optional<Rng> rng;  // from configure on
  std::uint64_t key_seed = 0;
  Others others = Others::kDrop;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Sample>({
    .name = "sample",
    .version = "0.1.0",
    .summary = "Lets one row in so many pass, or a share of them by chance.",
    .flags = MAYFLY_KEEPS_ORDER | MAYFLY_OPTIONAL_PORTS | MAYFLY_ASKED_ONCE,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
}))
