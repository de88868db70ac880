// Lets rows pass for which an SQL expression is true; the others are dropped.
#include <string>
#include <vector>

#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kWhere };
enum Counter : std::uint32_t { kDropped, kErrors };
enum Reason : std::uint16_t { kFiltered, kExpression };

constexpr mayfly_option kOptions[] = {
    sdk::required(sdk::text_option("where", nullptr,
                                   "An SQL expression over the row's columns, as behind WHERE.")),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows for which it is true, in order."}};
constexpr mayfly_named kCounters[] = {
    {"dropped", "Rows for which it was false or NULL."},
    {"errors", "Rows for which it couldn't be evaluated."},
};
constexpr mayfly_named kReasons[] = {
    {"filtered", "the expression is false or NULL for it"},
    {"expression", "the expression can't be evaluated for it"},
};

struct Filter : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    where = options.text(kWhere);
    return host.check_expression(kWhere, where);
  }

  mayfly_result open() {
    const mayfly_text text = sdk::to_text(where);
    expression = host.prepare({&text, 1});
    return expression == nullptr ? MAYFLY_FAILED : MAYFLY_OK;
  }

  mayfly_result process(sdk::Slice slice) {
    truth.resize(slice.size());
    if (host.test(expression, slice.c(), truth.data()) != MAYFLY_OK) return MAYFLY_FAILED;
    std::uint64_t dropped = 0;
    std::uint64_t errors = 0;
    std::uint32_t i = 0;
    for (const std::uint16_t row : slice.rows()) {
      const std::uint8_t one = truth[i++];
      if (one == MAYFLY_TRUE) continue;
      if (one == MAYFLY_ERROR) {
        slice.reject(row, kExpression);
        ++errors;
      } else {
        slice.drop(row, kFiltered);
        ++dropped;
      }
    }
    if (dropped > 0) host.count(kDropped, dropped);
    if (errors > 0) host.count(kErrors, errors);
    return MAYFLY_OK;
  }

  std::string where;
  mayfly_expressions* expression = nullptr;
  std::vector<std::uint8_t> truth;  // kept for its memory
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Filter>({
    .name = "filter",
    .version = "0.1.0",
    .summary = "Lets rows pass for which an SQL expression is true.",
    .flags = MAYFLY_KEEPS_ORDER,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
}))
