// Passes every row on: routes are preset to port 0, so there is nothing to do.
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

struct Pass : sdk::Node {
  void process(sdk::Slice) {}
};

constexpr mayfly_named kPorts[] = {{"out", "Every row, in order."}};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Pass>({
    .name = "pass",
    .version = "0.1.0",
    .summary = "Passes every row on, in order.",
    .flags = MAYFLY_KEEPS_ORDER,
    .ports = kPorts,
}))
