// A plugin of somebody who has the installed headers alone: passes every row on, and raises a
// signal for each value of a column that hasn't come before. With containers, strings and all
// headers of the SDK, so that what a compiler exports of them is in the library.
#include <string>
#include <unordered_set>
#include <vector>

#include "mayfly/sdk/key_columns.h"
#include "mayfly/sdk/keyed_gate.h"
#include "mayfly/sdk/permit_gate.h"
#include "mayfly/sdk/plugin.h"
#include "mayfly/sdk/rows.h"

#ifdef LEAKS
namespace leaks {
// Neither hidden nor in a namespace without a name.
inline int count(const std::string& text) { return static_cast<int>(text.size()); }
}  // namespace leaks
#endif

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kColumn };
enum Counter : std::uint32_t { kNew };
enum Signal : std::uint32_t { kCame };

constexpr mayfly_option kOptions[] = {
    sdk::required(sdk::text_option("column", nullptr, "Where to look.")),
};
constexpr mayfly_named kPorts[] = {{"out", "Every row, in order."}};
constexpr mayfly_named kCounters[] = {{"new", "Values that hadn't come before."}};
constexpr mayfly_named kRaises[] = {{"newcomer.came", "A value that hadn't come before."}};

struct Newcomer : sdk::Node {
  void configure(const sdk::Options& options) { name = std::string(options.text(kColumn)); }

  mayfly_result open() {
    const auto found = sdk::find_column(host.schema(), name);
    if (!found) {
      return host.fail(sdk::Failure::kConfig, sdk::KeyColumns::unknown(host.schema(), name));
    }
    column = *found;
    return MAYFLY_OK;
  }

  void process(sdk::Slice slice) {
    for (const std::uint16_t row : slice.rows()) {
      std::string text(sdk::cell_text(slice.batch(), column, row));
#ifdef LEAKS
      if (leaks::count(text) < 0) continue;
#endif
      if (text.empty() || !known.insert(text).second) continue;
      order.push_back(text);
      host.count(kNew);
      host.raise(kCame, text);
    }
  }

  std::string name;
  std::uint32_t column = 0;
  std::unordered_set<std::string> known;
  std::vector<std::string> order;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Newcomer>({
    .name = "newcomer",
    .version = "1.0.0",
    .summary = "Raises a signal for each value that hasn't come before.",
    .flags = MAYFLY_KEEPS_ORDER,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .raises = kRaises,
}))
