#include "mayfly/plugin/conformance_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "mayfly/base/rng.h"
#include "mayfly/plugin/node_harness.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

Status failed(std::string why) { return {Code::kConfig, std::move(why)}; }

Status check_rules(const NodeHarness& node, const std::string& when) {
  if (!node.failure().ok()) return failed(fmt::format("{}: {}", when, node.failure().message()));
  if (!node.violations().empty()) {
    return failed(fmt::format("{}: {}{}", when, node.violations().front(),
                              node.violations().size() > 1
                                  ? fmt::format(", and {} more", node.violations().size() - 1)
                                  : ""));
  }
  if (!node.conserves()) return failed(fmt::format("{}: rows were lost or doubled", when));
  return {};
}

// Plays the engine around the node: rows that were passed are owed an answer, given in random
// order.
class Play {
 public:
  Play(NodeHarness& node, const PluginLibrary& library, std::uint64_t seed)
      : node_(node), library_(library), rng_(seed) {}

  void step() {
    switch (rng_.below(10)) {
      case 0:
      case 1:
      case 2:
        node_.push_rows(static_cast<std::uint32_t>(1 + rng_.below(rng_.below(8) == 0 ? 1024 : 32)),
                        static_cast<std::uint32_t>(rng_.below(2)));
        break;
      case 3:
      case 4:
        answer(1 + rng_.below(64), false);
        break;
      case 5:
        answer(1 + rng_.below(8), true);
        break;
      case 6:
        signal();
        break;
      case 7:
        if (library_.has(MAYFLY_TRANSFORMS)) node_.block_batches(rng_.below(2) == 0);
        break;
      case 8:
        finish();
        break;
      default:
        node_.advance(static_cast<std::int64_t>(1 + rng_.below(1ull << rng_.below(32))));
    }
    collect();
  }

  // Drains as the engine does: answers go on coming, until nothing is held.
  std::uint64_t drain() {
    node_.block_batches(false);
    std::uint64_t held = node_.drain();
    for (;;) {
      collect();
      if (held == 0 || unanswered_.empty()) return held;
      finish();
      held = node_.drain();
    }
  }

 private:
  static constexpr std::uint64_t kAll = UINT64_MAX;

  // Answers every row, also those that pass because others were answered.
  void finish() {
    for (collect(); !unanswered_.empty(); collect()) answer(kAll, false);
    node_.clear();
    seen_ = 0;
    collect();
  }

  void collect() {
    const std::vector<NodeHarness::Passed>& passed = node_.passed();
    for (; seen_ < passed.size(); ++seen_) {
      if (!passed[seen_].emitted) unanswered_.push_back(passed[seen_].ordinal);
    }
  }

  void answer(std::uint64_t rows, bool attempt_failed) {
    collect();
    rows = std::min<std::uint64_t>(rows, unanswered_.size());
    if (rows == 0) return;
    const std::size_t first = rng_.below(unanswered_.size() - rows + 1);
    const auto begin = unanswered_.begin() + static_cast<std::ptrdiff_t>(first);
    const std::vector<std::uint64_t> ordinals(begin, begin + static_cast<std::ptrdiff_t>(rows));
    if (attempt_failed) {
      // Still unanswered; the engine may send them in again.
      node_.complete(ordinals, MAYFLY_PENDING);
      return;
    }
    unanswered_.erase(begin, begin + static_cast<std::ptrdiff_t>(rows));
    constexpr std::uint8_t kOutcomes[] = {MAYFLY_WRITTEN, MAYFLY_WRITTEN, MAYFLY_IGNORED,
                                          MAYFLY_DEAD_LETTERED};
    node_.complete(ordinals, kOutcomes[rng_.below(std::size(kOutcomes))]);
  }

  void signal() {
    const std::vector<Listen>& listens = node_.listens();
    if (listens.empty()) return;
    std::string name = listens[rng_.below(listens.size())].glob;
    std::replace(name.begin(), name.end(), '*', 'x');
    std::replace(name.begin(), name.end(), '?', 'x');
    rng_.below(3) == 0 ? node_.retract(name) : node_.signal(name);
  }

  NodeHarness& node_;
  const PluginLibrary& library_;
  Rng rng_;
  std::size_t seen_ = 0;  // of passed()
  std::vector<std::uint64_t> unanswered_;
};

}  // namespace

std::vector<RawOption> made_up_options(const PluginLibrary& library,
                                       std::span<const RawOption> given) {
  std::vector<RawOption> options(given.begin(), given.end());
  for (const mayfly_option& option : OptionTable(library.plugin().options)) {
    const bool is_given =
        std::ranges::any_of(given, [&](const RawOption& o) { return o.name == option.name; });
    if (is_given || (option.flags & MAYFLY_OPTION_REQUIRED) == 0) continue;
    std::string value = "id";
    if (option.type == MAYFLY_OPTION_BOOL) value = "true";
    if (option.type == MAYFLY_OPTION_CHOICE) value = split_choices(option.choices).front();
    if (option.type == MAYFLY_OPTION_INT || option.type == MAYFLY_OPTION_FLOAT) value = "1";
    if (option.type == MAYFLY_OPTION_DURATION) value = "1s";
    if (option.type == MAYFLY_OPTION_SIZE) value = "1MiB";
    const bool is_number = option.type != MAYFLY_OPTION_TEXT && option.type != MAYFLY_OPTION_LIST;
    if (is_number && option.minimum != nullptr) value = option.minimum;
    options.push_back({option.name, std::move(value)});
  }
  return options;
}

Status check_batches(const std::shared_ptr<const PluginLibrary>& library,
                     std::span<const RawOption> options, const MakeExpressions& expressions) {
  for (const std::uint32_t rows : {1u, 255u, 256u, 1024u}) {
    MAYFLY_ASSIGN_OR_RETURN(const auto node,
                            NodeHarness::create(library, options, {.expressions = expressions}));
    node->push_rows(rows);
    MAYFLY_RETURN_IF_ERROR(check_rules(*node, fmt::format("a batch of {} rows", rows)));
  }
  return {};
}

Status check_drains(const std::shared_ptr<const PluginLibrary>& library,
                    std::span<const RawOption> options, const MakeExpressions& expressions) {
  MAYFLY_ASSIGN_OR_RETURN(const auto node,
                          NodeHarness::create(library, options, {.expressions = expressions}));
  for (const std::uint32_t rows : {1u, 700u, 1024u}) node->push_rows(rows);
  const std::uint64_t held = Play(*node, *library, 1).drain();
  MAYFLY_RETURN_IF_ERROR(check_rules(*node, "draining"));
  if (held == 0) return {};
  return failed(
      fmt::format("{} of 1725 rows are still held after draining; `drain` must resume "
                  "what is held without a due time",
                  held));
}

Status check_random_calls(const std::shared_ptr<const PluginLibrary>& library,
                          std::span<const RawOption> options, const MakeExpressions& expressions,
                          std::uint64_t seed, std::uint32_t calls) {
  MAYFLY_ASSIGN_OR_RETURN(
      const auto node,
      NodeHarness::create(library, options,
                          {.batches = 16, .seed = seed, .expressions = expressions}));
  Play play(*node, *library, seed);
  for (std::uint32_t call = 0; call < calls; ++call) {
    play.step();
    MAYFLY_RETURN_IF_ERROR(check_rules(*node, fmt::format("seed {}, call {}", seed, call)));
  }
  const std::uint64_t held = play.drain();
  MAYFLY_RETURN_IF_ERROR(check_rules(*node, fmt::format("seed {}, at the end", seed)));
  if (held == 0) return {};
  return failed(fmt::format("seed {}: {} rows are still held after draining", seed, held));
}

}  // namespace mayfly
