// A plugin of another workspace: makes two rows of each, with lineage.
#include <vector>

#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

constexpr mayfly_named kPorts[] = {{"out", "Each value, and its negative."}};

struct Double : sdk::Node {
  mayfly_result open() { return host.declare_column("value", MAYFLY_INT64); }

  mayfly_result process(sdk::Slice slice) {
    // Twice as many rows as came in may take two batches.
    mayfly_batch* made[2] = {host.new_batch(), nullptr};
    if (made[0] != nullptr && 2 * slice.size() > made[0]->capacity) made[1] = host.new_batch();
    if (made[0] == nullptr || (2 * slice.size() > made[0]->capacity && made[1] == nullptr)) {
      if (made[0] != nullptr) host.emit(0, made[0], {});  // empty: back to the pool
      return MAYFLY_BLOCKED;
    }
    int at = 0;
    lineage.clear();
    for (const std::uint16_t row : slice.rows()) {
      if (made[at]->rows + 2 > made[at]->capacity) {
        host.emit(0, made[at++], lineage);
        lineage.clear();
      }
      const std::int64_t value = slice.batch().columns[0].cells[row].i64;
      for (const std::int64_t copy : {value, -value}) {
        const auto child = static_cast<std::uint16_t>(made[at]->rows);
        mayfly::put_int64(*made[at], 0, copy);
        mayfly::commit_row(*made[at], {});
        lineage.push_back({mayfly::make_ref(slice.batch().id, row), child, 0});
      }
      slice.consume(row);
    }
    return host.emit(0, made[at], lineage);
  }

  std::vector<mayfly_lineage> lineage;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Double>({
    .name = "double",
    .version = "1.0.0",
    .summary = "Puts out each value and its negative.",
    .flags = MAYFLY_TRANSFORMS | MAYFLY_SPLITS,
    .ports = kPorts,
}))
