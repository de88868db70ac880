#include "mayfly/plugin/configure_check.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "mayfly/base/clock.h"
#include "mayfly/base/rng.h"
#include "mayfly/plugin/from_abi.h"
#include "mayfly/plugin/option_mistake.h"

namespace mayfly {
namespace {

// One call of configure; what mayfly_context stands for here.
struct Trial {
  const mayfly_plugin& plugin;
  const CheckExpression& check_expression;
  ManualClock clock;
  Rng rng{1};
  std::vector<std::string> mistakes;

  static Trial& of(mayfly_context* ctx) { return *reinterpret_cast<Trial*>(ctx); }
};

mayfly_result fail(mayfly_context* ctx, std::int32_t, mayfly_text text) {
  Trial& trial = Trial::of(ctx);
  std::string mistake(view(text));
  // Behind the first, what isn't of an option may well follow from it.
  const bool is_apart =
      trial.mistakes.empty() ||
      !read_option_mistake(OptionTable(trial.plugin.options), mistake).option.empty();
  if (is_apart && std::ranges::find(trial.mistakes, mistake) == trial.mistakes.end()) {
    trial.mistakes.push_back(std::move(mistake));
  }
  return MAYFLY_FAILED;
}

mayfly_text text_of(const std::string& text) { return {text.data(), text.size()}; }

mayfly_result expr_check(mayfly_context* ctx, std::uint32_t option, mayfly_text expression) {
  Trial& trial = Trial::of(ctx);
  if (option >= trial.plugin.options.count) {
    return fail(ctx, MAYFLY_FAIL_INTERNAL,
                text_of(std::string("expr_check with an index past options[]")));
  }
  const Status checked = trial.check_expression(std::string(view(expression)));
  if (checked.ok()) return MAYFLY_OK;
  return fail(ctx, MAYFLY_FAIL_CONFIG, text_of(of_option(trial.plugin, option, checked.message())));
}

constexpr mayfly_host kHost = {
    .struct_size = sizeof(mayfly_host),
    .abi_major = MAYFLY_ABI_MAJOR,
    .abi_minor = MAYFLY_ABI_MINOR,
    .now_ns = [](mayfly_context* ctx) { return Trial::of(ctx).clock.now_ns(); },
    .random_u64 = [](mayfly_context* ctx) { return Trial::of(ctx).rng.next(); },
    .log = [](mayfly_context*, std::int32_t, mayfly_text) {},
    .fail = &fail,
    .counter_add = [](mayfly_context*, std::uint32_t, std::uint64_t) {},
    .signal_raise = [](mayfly_context*, std::uint32_t, mayfly_text) {},
    .signal_retract = [](mayfly_context*, std::uint32_t, mayfly_text) {},
    .declare_column = [](mayfly_context*, mayfly_text, std::int32_t,
                         std::uint32_t) -> mayfly_result { return MAYFLY_FAILED; },
    .source_key = [](mayfly_context*, mayfly_text) {},
    .schema = [](mayfly_context*) -> const mayfly_schema* { return nullptr; },
    .timer_set = [](mayfly_context*, std::uint32_t, std::int64_t) {},
    .timer_cancel = [](mayfly_context*, std::uint32_t) {},
    .resume = [](mayfly_context*, std::uint64_t, std::uint64_t) -> std::uint64_t { return 0; },
    .held = [](mayfly_context*, std::uint64_t) -> std::uint64_t { return 0; },
    .batch_reserve = [](mayfly_context*, mayfly_batch*, std::uint64_t) -> mayfly_result {
      return MAYFLY_FAILED;
    },
    .reject = [](mayfly_context*, mayfly_batch*, std::uint64_t, std::uint64_t, std::uint64_t,
                 std::uint32_t, mayfly_text,
                 mayfly_text) -> mayfly_result { return MAYFLY_FAILED; },
    .batch_new = [](mayfly_context*) -> mayfly_batch* { return nullptr; },
    .emit = [](mayfly_context*, std::uint32_t, mayfly_batch*, const mayfly_lineage*,
               std::uint32_t) -> mayfly_result { return MAYFLY_FAILED; },
    .signals_present = [](mayfly_context*, std::uint32_t) -> std::uint64_t { return 0; },
    .expr_prepare = [](mayfly_context*, const mayfly_text*, std::uint32_t) -> mayfly_expressions* {
      return nullptr;
    },
    .expr_test = [](mayfly_context*, mayfly_expressions*, const mayfly_slice*,
                    std::uint8_t*) -> mayfly_result { return MAYFLY_FAILED; },
    .expr_fill = [](mayfly_context*, mayfly_expressions*, const mayfly_slice*, std::uint32_t,
                    mayfly_batch*, std::uint8_t*,
                    std::uint32_t*) -> mayfly_result { return MAYFLY_FAILED; },
    .wake = [](mayfly_context*) {},
    .unix_ns = [](mayfly_context* ctx) { return Trial::of(ctx).clock.wall_us() * kMicrosecond; },
    .metrics = [](mayfly_context*, mayfly_metric*, std::uint32_t) -> std::uint32_t { return 0; },
    .store_open = [](mayfly_context*, const mayfly_store_options*) -> mayfly_result {
      return MAYFLY_FAILED;
    },
    .store_flush = [](mayfly_context*) {},
    .store_stats = [](mayfly_context*, mayfly_store_stats*) -> mayfly_result {
      return MAYFLY_FAILED;
    },
    .expr_check = &expr_check,
    .record_format = [](mayfly_context*, mayfly_text) {},
};

}  // namespace

std::vector<std::string> check_configure(const PluginLibrary& library, const OptionValues& values,
                                         const CheckExpression& check_expression) {
  const mayfly_plugin& plugin = library.plugin();
  if (plugin.configure == nullptr) return {};
  const std::size_t align = std::max<std::size_t>(plugin.state_align, sizeof(void*));
  const std::size_t size = (plugin.state_size + align) / align * align;
  const std::unique_ptr<void, decltype(&std::free)> state(std::aligned_alloc(align, size),
                                                          &std::free);
  std::memset(state.get(), 0, size);
  Trial trial{.plugin = plugin, .check_expression = check_expression, .mistakes = {}};
  const mayfly_result result = plugin.configure(
      state.get(), &kHost, reinterpret_cast<mayfly_context*>(&trial), values.data());
  if (plugin.destroy != nullptr) plugin.destroy(state.get());
  if (trial.mistakes.empty() && result != MAYFLY_OK) {
    trial.mistakes.push_back("the plugin refuses these options without saying why");
  }
  return std::move(trial.mistakes);
}

}  // namespace mayfly
