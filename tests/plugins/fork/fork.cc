// Makes rows from rows, with lineage: copies of each, or one of each pair. For tests.
//
// Puts out (id int64, copy int64); takes the first column of what comes in, an int64.
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;

enum Option : std::uint32_t { kMode, kCopies };
enum Mode : std::uint32_t { kCopy, kPair };

// Of one call.
constexpr std::size_t kBatches = 2;
// To the next call: within one, a row may be held but a few times.
constexpr std::int64_t kTurnNs = 1'000'000;

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

  // One call takes what fits two batches, which are sure to come free, so that siblings travel
  // together. The rows behind wait for the next.
  mayfly_result process(sdk::Slice slice) {
    if (copies == 0) {
      for (const std::uint16_t row : slice.rows()) slice.consume(row);
      return MAYFLY_OK;
    }
    const std::uint32_t capacity = slice.batch().capacity;
    if (copies > capacity) {
      return host.fail(sdk::Failure::kConfig,
                       "copies: expected no more than batch_rows (" + std::to_string(capacity) +
                           "), so that siblings travel together, found " + std::to_string(copies) +
                           "; lower it, or raise batch_rows");
    }
    const std::size_t per_batch = mode == kPair ? slice.size() : capacity / copies;
    const std::size_t taken = std::min<std::size_t>(slice.size(), kBatches * per_batch);
    std::array<mayfly_batch*, kBatches> made{};
    for (std::size_t i = 0; i * per_batch < taken; ++i) {
      made[i] = host.new_batch();
      if (made[i] == nullptr) return give_back(made);
    }
    const auto rows = slice.rows();
    for (const std::uint16_t row : rows.first(taken)) slice.consume(row);
    for (const std::uint16_t row : rows.subspan(taken)) slice.hold(row, 0);
    if (taken < rows.size()) host.set_timer(0, slice.now_ns() + kTurnNs);
    for (std::size_t i = 0; i * per_batch < taken; ++i) {
      const auto some = rows.subspan(i * per_batch, std::min(per_batch, taken - i * per_batch));
      lineage.clear();
      mode == kPair ? pair(slice, some, *made[i]) : copy(slice, some, *made[i]);
      host.emit(0, made[i], lineage);
    }
    return MAYFLY_OK;
  }

  void on_timer(std::uint32_t, std::int64_t) { host.resume(0); }
  void drain(std::int64_t) { host.resume(0); }

  // An empty emit returns the batch to the pool.
  mayfly_result give_back(const std::array<mayfly_batch*, kBatches>& made) {
    for (mayfly_batch* batch : made) {
      if (batch != nullptr) host.emit(0, batch, {});
    }
    return MAYFLY_BLOCKED;
  }

  void copy(const sdk::Slice& slice, std::span<const std::uint16_t> rows, mayfly_batch& made) {
    for (const std::uint16_t row : rows) {
      for (std::uint32_t c = 0; c < copies; ++c) {
        add(made, slice.batch().columns[0].cells[row].i64, c);
        lineage.push_back({mayfly::make_ref(slice.batch().id, row),
                           static_cast<std::uint16_t>(made.rows - 1), 0});
      }
    }
  }

  void pair(const sdk::Slice& slice, std::span<const std::uint16_t> rows, mayfly_batch& made) {
    for (std::size_t i = 0; i < rows.size(); i += 2) {
      std::int64_t sum = 0;
      for (std::size_t j = i; j < i + 2 && j < rows.size(); ++j) {
        sum += slice.batch().columns[0].cells[rows[j]].i64;
        lineage.push_back({mayfly::make_ref(slice.batch().id, rows[j]),
                           static_cast<std::uint16_t>(made.rows), 0});
      }
      add(made, sum, 0);
    }
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
    .flags = MAYFLY_TRANSFORMS | MAYFLY_SPLITS | MAYFLY_HOLDS,
    .options = kOptions,
    .ports = kPorts,
}))
