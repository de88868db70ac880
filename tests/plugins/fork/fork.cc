// Makes rows from rows, with lineage: copies of each, or one of each pair. For tests.
//
// Puts out (id int64, copy int64); takes the first column of what comes in, an int64.
#include <array>
#include <vector>

#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kMode, kCopies };
enum Mode : std::uint32_t { kCopy, kPair };

constexpr mayfly_option kOptions[] = {
    sdk::choice_option("mode", "copy", "copy|pair",
                       "copy: each row becomes several; pair: two rows become one, the sum."),
    sdk::int_option("copies", "2", {"0", "16"},
                    "Rows made from each; 0: it is consumed for nothing."),
};
constexpr mayfly_named kPorts[] = {{"out", "What was made."}};

struct Fork : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    mode = options.choice(kMode);
    copies = mode == kPair ? 1 : static_cast<std::uint32_t>(options.integer(kCopies));
    return MAYFLY_OK;
  }

  mayfly_result open() {
    if (host.schema().columns[0].type != MAYFLY_INT64) {
      return host.fail(sdk::Failure::kConfig, "fork: expected an int64 as the first column");
    }
    host.declare_column("id", MAYFLY_INT64);
    return host.declare_column("copy", MAYFLY_INT64);
  }

  // One call takes what fits one batch per copy, so that siblings travel together.
  mayfly_result process(sdk::Slice slice) {
    for (const std::uint16_t row : slice.rows()) slice.consume(row);
    if (copies == 0) return MAYFLY_OK;
    std::array<mayfly_batch*, 16> made{};
    for (std::uint32_t i = 0; i < batches_for(slice); ++i) {
      made[i] = host.new_batch();
      if (made[i] == nullptr) return give_back(made);
    }
    mode == kPair ? pair(slice, *made[0]) : copy(slice, made);
    return MAYFLY_OK;
  }

  std::uint32_t batches_for(const sdk::Slice& slice) const {
    const std::uint32_t per_batch = slice.batch().capacity / copies;
    return mode == kPair ? 1 : (slice.size() + per_batch - 1) / per_batch;
  }

  // An empty emit returns the batch to the pool.
  mayfly_result give_back(const std::array<mayfly_batch*, 16>& made) {
    for (mayfly_batch* batch : made) {
      if (batch != nullptr) host.emit(0, batch, {});
    }
    return MAYFLY_BLOCKED;
  }

  void copy(const sdk::Slice& slice, const std::array<mayfly_batch*, 16>& made) {
    std::uint32_t at = 0;
    lineage.clear();
    for (const std::uint16_t row : slice.rows()) {
      if (made[at]->rows + copies > made[at]->capacity) {
        host.emit(0, made[at++], lineage);
        lineage.clear();
      }
      for (std::uint32_t c = 0; c < copies; ++c) {
        add(*made[at], slice.batch().columns[0].cells[row].i64, c);
        lineage.push_back({mayfly::make_ref(slice.batch().id, row),
                           static_cast<std::uint16_t>(made[at]->rows - 1), 0});
      }
    }
    host.emit(0, made[at], lineage);
  }

  void pair(const sdk::Slice& slice, mayfly_batch& made) {
    lineage.clear();
    const auto rows = slice.rows();
    for (std::size_t i = 0; i < rows.size(); i += 2) {
      std::int64_t sum = 0;
      for (std::size_t j = i; j < i + 2 && j < rows.size(); ++j) {
        sum += slice.batch().columns[0].cells[rows[j]].i64;
        lineage.push_back({mayfly::make_ref(slice.batch().id, rows[j]),
                           static_cast<std::uint16_t>(made.rows), 0});
      }
      add(made, sum, 0);
    }
    host.emit(0, &made, lineage);
  }

  static void add(mayfly_batch& batch, std::int64_t id, std::int64_t copy) {
    mayfly::put_int64(batch, 0, id);
    mayfly::put_int64(batch, 1, copy);
    mayfly::commit_row(batch, {});
  }

  std::uint32_t mode = kCopy;
  std::uint32_t copies = 2;
  std::vector<mayfly_lineage> lineage;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Fork>({
    .name = "fork",
    .version = "0.1.0",
    .summary = "Makes several rows of one, or one of two.",
    .flags = MAYFLY_TRANSFORMS | MAYFLY_SPLITS,
    .options = kOptions,
    .ports = kPorts,
}))
