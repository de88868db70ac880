// Sends rows one by one over its four ports, drops and rejects some. For tests.
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kDrop, kReject };

constexpr mayfly_option kOptions[] = {
    sdk::int_option("drop", "0", {"0", "1000000"}, "Every so many rows one is dropped; 0: none."),
    sdk::int_option("reject", "0", {"0", "1000000"},
                    "Every so many rows one is rejected; 0: none."),
};
constexpr mayfly_named kPorts[] = {{"a", "Rows 0, 4, 8, ..."},
                                   {"b", "Rows 1, 5, ..."},
                                   {"c", "Rows 2, 6, ..."},
                                   {"d", "The rest."}};
constexpr mayfly_named kReasons[] = {{"unwanted", "dropped, as asked"},
                                     {"bad", "rejected, as asked"}};

struct Spread : sdk::Node {
  void configure(const sdk::Options& options) {
    drop = static_cast<std::uint64_t>(options.integer(kDrop));
    reject = static_cast<std::uint64_t>(options.integer(kReject));
  }

  void process(sdk::Slice slice) {
    for (const std::uint16_t row : slice.rows()) {
      ++seen;
      if (drop != 0 && seen % drop == 0) {
        slice.drop(row, 0);
      } else if (reject != 0 && seen % reject == 0) {
        slice.reject(row, 1);
      } else {
        slice.send(row, static_cast<std::uint16_t>(seen % 4));
      }
    }
  }

  std::uint64_t drop = 0;
  std::uint64_t reject = 0;
  std::uint64_t seen = 0;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Spread>({
    .name = "spread",
    .version = "0.1.0",
    .summary = "Spreads rows over four ports.",
    .flags = MAYFLY_OPTIONAL_PORTS,
    .options = kOptions,
    .ports = kPorts,
    .reasons = kReasons,
}))
