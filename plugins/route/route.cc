// Sends each row one way or the other, by an SQL expression.
#include <string>
#include <vector>

#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kWhen };
enum Port : std::uint16_t { kYes, kNo };
enum Counter : std::uint32_t { kYesRows, kNoRows, kErrors };
enum Reason : std::uint16_t { kExpression };

constexpr mayfly_option kOptions[] = {
    sdk::required(sdk::text_option("when", nullptr,
                                   "An SQL expression over the row's columns, as behind WHERE.")),
};
constexpr mayfly_named kPorts[] = {
    {"yes", "Rows for which it is true, in order."},
    {"no", "Rows for which it is false or NULL, in order."},
};
constexpr mayfly_named kCounters[] = {
    {"yes", "Rows for which it was true."},
    {"no", "Rows for which it was false or NULL."},
    {"errors", "Rows for which it couldn't be evaluated."},
};
constexpr mayfly_named kReasons[] = {{"expression", "the expression can't be evaluated for it"}};

struct Route : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    when = options.text(kWhen);
    return host.check_expression(kWhen, when);
  }

  mayfly_result open() {
    const mayfly_text text = sdk::to_text(when);
    expression = host.prepare({&text, 1});
    return expression == nullptr ? MAYFLY_FAILED : MAYFLY_OK;
  }

  mayfly_result process(sdk::Slice slice) {
    truth.resize(slice.size());
    if (host.test(expression, slice.c(), truth.data()) != MAYFLY_OK) return MAYFLY_FAILED;
    std::uint64_t no = 0;
    std::uint64_t errors = 0;
    std::uint32_t i = 0;
    for (const std::uint16_t row : slice.rows()) {
      const std::uint8_t one = truth[i++];
      if (one == MAYFLY_TRUE) continue;  // routes are preset to the first port
      if (one == MAYFLY_ERROR) {
        slice.reject(row, kExpression);
        ++errors;
      } else {
        slice.send(row, kNo);
        ++no;
      }
    }
    host.count(kYesRows, slice.size() - no - errors);
    host.count(kNoRows, no);
    if (errors > 0) host.count(kErrors, errors);
    return MAYFLY_OK;
  }

  std::string when;
  mayfly_expressions* expression = nullptr;
  std::vector<std::uint8_t> truth;  // kept for its memory
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Route>({
    .name = "route",
    .version = "0.1.0",
    .summary = "Sends each row one way or the other, by an SQL expression.",
    .flags = MAYFLY_KEEPS_ORDER,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
}))
