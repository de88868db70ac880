// Node's side of mayfly_host: what its plugin may ask for.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/graph/node.h"
#include "mayfly/plugin/from_abi.h"
#include "mayfly/plugin/option_mistake.h"
#include "mayfly/storage/batch_expressions.h"

namespace mayfly {

mayfly_result Node::declare_column(std::string_view name, std::int32_t type, std::uint32_t flags) {
  if (!has(MAYFLY_TRANSFORMS)) {
    return fail(MAYFLY_FAIL_INTERNAL,
                fmt::format("plugin {} declares columns without MAYFLY_TRANSFORMS", plugin().name));
  }
  return PluginInstance::declare_column(name, type, flags);
}

std::uint64_t Node::signals_present(std::uint32_t listen) {
  std::uint64_t present = 0;
  for (const Listen& heard : listens()) {
    if (heard.id == listen) present += services().signals.count(heard.glob);
  }
  return present;
}

void Node::timer_set(std::uint32_t timer, std::int64_t due_ns) {
  if (timer >= Timers::kCount) {
    fail(MAYFLY_FAIL_INTERNAL, fmt::format("timer {} set; ids are 0 to 63", timer));
    return;
  }
  timers_.set(timer, due_ns);
  // Set in open, or while it drains, no activation follows that would notice.
  if (due_ns < next_due_ns()) next_due_ns_.store(due_ns, std::memory_order_relaxed);
}

void Node::timer_cancel(std::uint32_t timer) {
  if (timer < Timers::kCount) timers_.cancel(timer);
}

std::uint64_t Node::resume(std::uint64_t tag, std::uint64_t max_rows) {
  if (held_ == nullptr) return 0;  // asked in open
  const std::uint64_t count =
      held_->release(tag, max_rows, [&](RowRef ref) { collect_released(ref, tag); });
  if (count > 0) {
    finish_released(true);
    driver_.schedule(driver_index_);  // when called outside an activation, by drain
  }
  return count;
}

// ---- expressions --------------------------------------------------------------------------------

mayfly_result Node::expr_check(std::uint32_t option, std::string_view expression) {
  if (option >= plugin().options.count) {
    return fail(MAYFLY_FAIL_INTERNAL, "expr_check with an index past options[]");
  }
  option_of_.emplace(expression, option);
  const Status checked = BatchExpressions::check_without_columns(std::string(expression));
  return checked.ok() ? MAYFLY_OK
                      : fail(MAYFLY_FAIL_CONFIG, of_option(plugin(), option, checked.message()));
}

mayfly_expressions* Node::expr_prepare(std::span<const mayfly_text> expressions) {
  std::vector<std::string> texts;
  for (const mayfly_text& text : expressions) texts.emplace_back(view(text));
  if (texts.empty()) {
    fail(MAYFLY_FAIL_INTERNAL, "expr_prepare without an expression");
    return nullptr;
  }
  auto made = BatchExpressions::make(input_, texts);
  if (!made.ok()) {
    // Those of one call are of one option.
    const auto option = option_of_.find(texts.front());
    fail(MAYFLY_FAIL_CONFIG, option == option_of_.end()
                                 ? made.status().message()
                                 : of_option(plugin(), option->second, made.status().message()));
    return nullptr;
  }
  expressions_.push_back(std::move(made).value());
  return reinterpret_cast<mayfly_expressions*>(expressions_.back().get());
}

mayfly_result Node::expr_test(mayfly_expressions* expressions, const mayfly_slice* slice,
                              std::uint8_t* truth) {
  if (expressions == nullptr) return fail_null_expressions();
  auto& prepared = *reinterpret_cast<RowExpressions*>(expressions);
  const Status tested = prepared.test(*slice->batch, {slice->rows, slice->count}, truth);
  if (!tested.ok()) return fail(MAYFLY_FAIL_INTERNAL, tested.message());
  tell_errors(prepared, *slice, {truth, slice->count});
  return MAYFLY_OK;
}

mayfly_result Node::expr_fill(mayfly_expressions* expressions, const mayfly_slice* slice,
                              std::uint32_t first, mayfly_batch* made, std::uint8_t* truth,
                              std::uint32_t* taken) {
  if (expressions == nullptr) return fail_null_expressions();
  auto& prepared = *reinterpret_cast<RowExpressions*>(expressions);
  const auto reserve = [&](std::uint64_t bytes) {
    return services().pool->reserve_heap(made, bytes) == MAYFLY_OK;
  };
  const auto filled = prepared.fill(*slice->batch, {slice->rows + first, slice->count - first},
                                    *made, truth + first, reserve);
  if (!filled.ok()) return fail(MAYFLY_FAIL_INTERNAL, filled.status().message());
  *taken = *filled;
  tell_errors(prepared, *slice, {truth, first + *filled});
  return MAYFLY_OK;
}

mayfly_result Node::fail_null_expressions() {
  return fail(MAYFLY_FAIL_INTERNAL,
              fmt::format("plugin {} has expressions evaluated that are NULL: expr_prepare has "
                          "failed, or was never called",
                          plugin().name));
}

// A reason of reasons[] is one text for all rows; what SQLite said of this one is in the log alone.
void Node::tell_errors(const RowExpressions& expressions, const mayfly_slice& slice,
                       std::span<const std::uint8_t> truth) {
  if (slice.now_ns < next_error_told_ns_ || !services().log) return;
  const auto last = std::find(truth.rbegin(), truth.rend(), MAYFLY_ERROR);
  if (last == truth.rend()) return;
  next_error_told_ns_ = slice.now_ns + 60 * kSecond;
  const std::uint16_t row = slice.rows[truth.rend() - last - 1];
  // Only rows of a source have a place.
  const std::string which =
      slice.batch->source[row] == MAYFLY_ROW_NONE
          ? "a row"
          : fmt::format("row {} (line {})", slice.batch->ordinal[row], slice.batch->line[row]);
  services().log(MAYFLY_LOG_WARN, name(),
                 fmt::format("{} can't be evaluated: {}; further errors are counted for a minute",
                             which, expressions.last_error()));
}

// Any thread.
void Node::wake() {
  woken_.store(true, std::memory_order_release);
  driver_.schedule(driver_index_);
}

std::uint32_t Node::metrics(std::span<mayfly_metric> out) {
  if (services().pool == nullptr) return PluginInstance::metrics(out);  // asked in open
  return services().metrics(out);
}

mayfly_result Node::store_open(const mayfly_store_options& options) {
  if (store_ != nullptr || services().pool != nullptr) {
    return fail(MAYFLY_FAIL_INTERNAL, "store_open is for open, once");
  }
  auto planned = SignalStore::plan(options);
  if (!planned.ok()) return fail(MAYFLY_FAIL_CONFIG, planned.status().message());
  store_ = std::move(planned).value();
  return MAYFLY_OK;
}

void Node::store_flush() {
  if (store_ == nullptr) return PluginInstance::store_flush();
  store_->flush_soon();
}

mayfly_result Node::store_stats(mayfly_store_stats& out) {
  if (store_ == nullptr) return PluginInstance::store_stats(out);
  store_->read_stats(out);
  return MAYFLY_OK;
}

mayfly_batch* Node::batch_new() {
  if (services().pool == nullptr) return nullptr;  // asked in open
  mayfly_batch* const batch = services().pool->try_acquire(part_, schema());
  if (batch != nullptr) made_.lend(*batch);
  return batch;
}

mayfly_result Node::batch_reserve(mayfly_batch* batch, std::uint64_t bytes) {
  if (services().pool == nullptr) return PluginInstance::batch_reserve(batch, bytes);
  return services().pool->reserve_heap(batch, bytes);
}

mayfly_result Node::emit(std::uint32_t port, mayfly_batch* batch, const mayfly_lineage* lineage,
                         std::uint32_t count) {
  if (services().pool == nullptr) return PluginInstance::emit(port, batch, lineage, count);
  const std::string wrong =
      made_.emit(port, wiring_.ports.size(), batch, lineage, count, services().clock.now_ns());
  return wrong.empty() ? MAYFLY_OK : fail(MAYFLY_FAIL_INTERNAL, wrong);
}

}  // namespace mayfly
