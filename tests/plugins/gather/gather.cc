// Makes one row, the sum, of a group of held rows that may span several batches. For tests.
//
// The lineage of the one row names rows of earlier calls of the same group.
#include <vector>

#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kGroup };

constexpr mayfly_option kOptions[] = {
    sdk::int_option("group", "100", {"1", "1000000"}, "Rows that become one."),
};
constexpr mayfly_named kPorts[] = {{"out", "One row a group: (id int64, rows int64)."}};

struct Gather : sdk::Node {
  void configure(const sdk::Options& options) {
    group = static_cast<std::uint64_t>(options.integer(kGroup));
  }

  mayfly_result open() {
    host.declare_column("id", MAYFLY_INT64);
    return host.declare_column("rows", MAYFLY_INT64);
  }

  mayfly_result process(sdk::Slice slice) {
    if (!slice.resumed()) {
      slice.hold_all(0);
      host.set_timer(0, slice.now_ns());
      return MAYFLY_OK;
    }
    mayfly_batch* made = nullptr;
    if (slice.end_of_group()) {
      made = host.new_batch();
      if (made == nullptr) return MAYFLY_BLOCKED;
    }
    for (const std::uint16_t row : slice.rows()) {
      sum += slice.batch().columns[0].cells[row].i64;
      lineage.push_back({mayfly::make_ref(slice.batch().id, row), 0, 0});
      slice.consume(row);
    }
    if (made == nullptr) return MAYFLY_OK;
    mayfly::put_int64(*made, 0, sum);
    mayfly::put_int64(*made, 1, static_cast<std::int64_t>(lineage.size()));
    mayfly::commit_row(*made, {});
    const mayfly_result result = host.emit(0, made, lineage);
    lineage.clear();
    sum = 0;
    return result;
  }

  void on_timer(std::uint32_t, std::int64_t) {
    while (host.held(0) >= group) host.resume(0, group);
  }

  void drain(std::int64_t) {
    if (host.held(0) > 0) host.resume(0, group);
  }

  std::uint64_t group = 1;
  std::int64_t sum = 0;
  std::vector<mayfly_lineage> lineage;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Gather>({
    .name = "gather",
    .version = "0.1.0",
    .summary = "Makes one row of a group.",
    .flags = MAYFLY_HOLDS | MAYFLY_TRANSFORMS | MAYFLY_DELAYS,
    .options = kOptions,
    .ports = kPorts,
}))
