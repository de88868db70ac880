// Makes rows of other columns: each an SQL expression over the row's.
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/data/schema.h"
#include "mayfly/sdk/plugin.h"
#include "mayfly/sdk/rows.h"
#include "plugins/map/column_expression.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::map::ColumnExpression;

enum Option : std::uint32_t { kColumns };
enum Counter : std::uint32_t { kErrors };
enum Reason : std::uint16_t { kExpression };

constexpr mayfly_option kOptions[] = {
    sdk::required(sdk::list_option(
        "columns", nullptr, {"1", "2000"},
        "The columns to make, each NAME = EXPRESSION or NAME:TYPE = EXPRESSION, or NAME alone for "
        "one "
        "that stays; types are int64, float64, text, blob, bool, timestamp, json and any.")),
};
constexpr mayfly_named kPorts[] = {{"out", "The rows that were made, in order."}};
constexpr mayfly_named kCounters[] = {
    {"errors", "Rows for which an expression can't be evaluated."}};
constexpr mayfly_named kReasons[] = {
    {"expression", "an expression can't be evaluated for it, or what it makes is too large"}};

struct Map : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    mayfly_result result = MAYFLY_OK;
    std::vector<std::string_view> entries;  // of `columns`
    for (std::uint64_t i = 0; i < options.list_size(kColumns); ++i) {
      const std::string_view entry = options.list_at(kColumns, i);
      auto parsed = mayfly::map::parse_column(entry);
      if (!parsed.ok()) {
        result = host.fail(sdk::Failure::kConfig, parsed.status().message());
        continue;
      }
      for (std::size_t k = 0; k < columns.size(); ++k) {
        if (!sdk::same_column_name(columns[k].name, parsed->name)) continue;
        result = host.fail(sdk::Failure::kConfig, twice(entries[k], entry));
        break;
      }
      entries.push_back(entry);
      columns.push_back(std::move(parsed).value());
      const mayfly_result checked = host.check_expression(kColumns, columns.back().expression);
      if (checked != MAYFLY_OK) result = checked;
    }
    return result;
  }
  static std::string twice(std::string_view first, std::string_view second) {
    return "columns: expected names that differ in more than case, found \"" + std::string(first) +
           "\" and \"" + std::string(second) + "\"";
  }

  mayfly_result open() {
    std::vector<mayfly_text> texts;
    for (const ColumnExpression& column : columns) {
      texts.push_back(sdk::to_text(column.expression));
      host.declare_column(column.name, type_of(column));
    }
    expressions = host.prepare(texts);
    return expressions == nullptr ? MAYFLY_FAILED : MAYFLY_OK;
  }
  // One that stays keeps its type.
  std::int32_t type_of(const ColumnExpression& column) const {
    if (column.type) return static_cast<std::int32_t>(*column.type);
    if (!column.stays) return MAYFLY_ANY;
    const auto found = sdk::find_column(host.schema(), column.name);
    return found ? host.schema().columns[*found].type : std::int32_t{MAYFLY_ANY};
  }

  mayfly_result process(sdk::Slice slice) {
    const std::span<const std::uint16_t> rows = slice.rows();
    // Some of an earlier slice wait for a batch: these go behind them.
    if (host.held(0) > 0) {
      for (const std::uint16_t row : rows) slice.hold(row, 0);
      return MAYFLY_OK;
    }
    truth.resize(rows.size());
    std::uint64_t errors = 0;
    for (std::uint32_t first = 0; first < rows.size();) {
      mayfly_batch* made = host.new_batch();
      if (made == nullptr) {
        if (first == 0) return MAYFLY_BLOCKED;
        // Two batches at a time are sure to come free: what is left waits.
        for (; first < rows.size(); ++first) slice.hold(rows[first], 0);
        host.set_timer(0, slice.now_ns() + mayfly::kMillisecond);
        break;
      }
      std::uint32_t taken = 0;
      if (host.fill(expressions, slice.c(), first, *made, truth.data(), taken) != MAYFLY_OK) {
        return MAYFLY_FAILED;
      }
      lineage.clear();
      for (std::uint32_t i = first; i < first + taken; ++i) {
        if (truth[i] == MAYFLY_TRUE) {
          lineage.push_back({slice.ref(rows[i]), static_cast<std::uint16_t>(lineage.size()), 0});
          slice.consume(rows[i]);
        } else {
          slice.reject(rows[i], kExpression);
          ++errors;
        }
      }
      first += taken;
      if (host.emit(0, made, lineage) != MAYFLY_OK) return MAYFLY_FAILED;
    }
    if (errors > 0) host.count(kErrors, errors);
    return MAYFLY_OK;
  }

  void on_timer(std::uint32_t, std::int64_t) { host.resume(0); }
  void drain(std::int64_t) { host.resume(0); }

  std::vector<ColumnExpression> columns;
  mayfly_expressions* expressions = nullptr;
  std::vector<std::uint8_t> truth;  // these two are kept for their memory
  std::vector<mayfly_lineage> lineage;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Map>({
    .name = "map",
    .version = "0.1.0",
    .summary = "Makes rows of other columns, each an SQL expression over the row's.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER | MAYFLY_TRANSFORMS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
}))
