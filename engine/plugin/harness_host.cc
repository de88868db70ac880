// The host's side of NodeHarness: every function of mayfly_host.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mayfly/base/glob.h"
#include "mayfly/plugin/from_abi.h"
#include "mayfly/plugin/node_harness.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {

struct HarnessCalls {
  static NodeHarness& of(mayfly_context* ctx) { return *reinterpret_cast<NodeHarness*>(ctx); }

  static std::int64_t now_ns(mayfly_context* ctx) { return of(ctx).clock_.now_ns(); }
  static std::uint64_t random_u64(mayfly_context* ctx) { return of(ctx).rng_.next(); }
  static void log(mayfly_context* ctx, std::int32_t level, mayfly_text text) {
    of(ctx).logged_.push_back({level, std::string(view(text))});
  }
  static mayfly_result fail(mayfly_context* ctx, std::int32_t failure_class, mayfly_text text) {
    if (of(ctx).failure_.ok()) {
      of(ctx).failure_ = {code_of(failure_class), std::string(view(text))};
    }
    return MAYFLY_FAILED;
  }
  static void counter_add(mayfly_context* ctx, std::uint32_t counter, std::uint64_t delta) {
    NodeHarness& harness = of(ctx);
    if (counter < harness.counters_.size()) {
      harness.counters_[counter] += delta;
    } else {
      harness.violate(
          fmt::format("counter_add({}) of {} counters", counter, harness.counters_.size()));
    }
  }
  static void signal_raise(mayfly_context* ctx, std::uint32_t signal, mayfly_text argument) {
    of(ctx).raise(signal, view(argument), false);
  }
  static void signal_retract(mayfly_context* ctx, std::uint32_t signal, mayfly_text argument) {
    of(ctx).raise(signal, view(argument), true);
  }
  static mayfly_result declare_column(mayfly_context* ctx, mayfly_text name, std::int32_t type,
                                      std::uint32_t flags) {
    NodeHarness& harness = of(ctx);
    if (harness.open_) harness.violate("declare_column outside open");
    if (type < MAYFLY_INT64 || type > MAYFLY_ANY) {
      harness.violate(fmt::format("declare_column with type {}", type));
      return MAYFLY_FAILED;
    }
    harness.declared_.push_back({.name = std::string(view(name)),
                                 .type = static_cast<ColumnType>(type),
                                 .not_null = (flags & MAYFLY_COLUMN_NOT_NULL) != 0,
                                 .key = (flags & MAYFLY_COLUMN_KEY) != 0});
    return MAYFLY_OK;
  }
  static void source_key(mayfly_context* ctx, mayfly_text) {
    of(ctx).violate("source_key from a node");
  }
  static void record_format(mayfly_context* ctx, mayfly_text) {
    of(ctx).violate("record_format from a node");
  }
  static const mayfly_schema* schema(mayfly_context* ctx) { return &of(ctx).input_.c(); }
  static void timer_set(mayfly_context* ctx, std::uint32_t timer, std::int64_t due_ns) {
    set_timer(of(ctx), timer, due_ns);
  }
  static void timer_cancel(mayfly_context* ctx, std::uint32_t timer) {
    set_timer(of(ctx), timer, kNever);
  }
  static void set_timer(NodeHarness& harness, std::uint32_t timer, std::int64_t due_ns) {
    if (timer < harness.timers_.size()) {
      harness.timers_[timer] = due_ns;
    } else {
      harness.violate(fmt::format("timer {}; ids are 0 to 63", timer));
    }
  }
  static std::uint64_t resume(mayfly_context* ctx, std::uint64_t tag, std::uint64_t rows_max) {
    return of(ctx).resume(tag, rows_max);
  }
  static std::uint64_t held(mayfly_context* ctx, std::uint64_t tag) {
    const auto queue = of(ctx).held_by_tag_.find(tag);
    return queue == of(ctx).held_by_tag_.end() ? 0 : queue->second.size();
  }
  static mayfly_result batch_reserve(mayfly_context* ctx, mayfly_batch* batch,
                                     std::uint64_t bytes) {
    return of(ctx).pool_->reserve_heap(batch, bytes);
  }
  static mayfly_result reject(mayfly_context* ctx, mayfly_batch*, std::uint64_t, std::uint64_t,
                              std::uint64_t, std::uint32_t, mayfly_text, mayfly_text) {
    of(ctx).violate("host->reject from a node; it routes to MAYFLY_REJECT");
    return MAYFLY_FAILED;
  }
  static mayfly_batch* batch_new(mayfly_context* ctx) { return of(ctx).batch_new(); }
  static mayfly_result emit(mayfly_context* ctx, std::uint32_t port, mayfly_batch* batch,
                            const mayfly_lineage* lineage, std::uint32_t count) {
    return of(ctx).emit(port, batch, lineage, count);
  }
  static std::uint64_t signals_present(mayfly_context* ctx, std::uint32_t listen) {
    return of(ctx).signals_present(listen);
  }
  static mayfly_expressions* expr_prepare(mayfly_context* ctx, const mayfly_text* expressions,
                                          std::uint32_t count) {
    return of(ctx).expr_prepare({expressions, count});
  }
  static mayfly_result fail_null(mayfly_context* ctx) {
    return fail(ctx, MAYFLY_FAIL_INTERNAL,
                text_of("expressions that are NULL were to be evaluated: expr_prepare has failed"));
  }
  static mayfly_result expr_test(mayfly_context* ctx, mayfly_expressions* expressions,
                                 const mayfly_slice* slice, std::uint8_t* truth) {
    if (expressions == nullptr) return fail_null(ctx);
    const Status tested = reinterpret_cast<RowExpressions*>(expressions)
                              ->test(*slice->batch, {slice->rows, slice->count}, truth);
    return tested.ok() ? MAYFLY_OK : fail(ctx, MAYFLY_FAIL_INTERNAL, text_of(tested.message()));
  }
  static mayfly_result expr_fill(mayfly_context* ctx, mayfly_expressions* expressions,
                                 const mayfly_slice* slice, std::uint32_t first, mayfly_batch* made,
                                 std::uint8_t* truth, std::uint32_t* taken) {
    if (expressions == nullptr) return fail_null(ctx);
    const auto reserve = [&](std::uint64_t bytes) {
      return of(ctx).pool_->reserve_heap(made, bytes) == MAYFLY_OK;
    };
    const auto filled = reinterpret_cast<RowExpressions*>(expressions)
                            ->fill(*slice->batch, {slice->rows + first, slice->count - first},
                                   *made, truth + first, reserve);
    if (!filled.ok()) return fail(ctx, MAYFLY_FAIL_INTERNAL, text_of(filled.status().message()));
    *taken = *filled;
    return MAYFLY_OK;
  }
  // What can't be read is told by open, which knows the columns, too.
  static mayfly_result expr_check(mayfly_context* ctx, std::uint32_t option, mayfly_text) {
    NodeHarness& harness = of(ctx);
    if (harness.open_) harness.violate("expr_check outside of configure");
    if (option >= harness.plugin().options.count) {
      harness.violate(fmt::format("expr_check of option {}", option));
    }
    return MAYFLY_OK;
  }
  static void wake(mayfly_context* ctx) {
    NodeHarness& harness = of(ctx);
    const std::lock_guard lock(harness.wake_mutex_);
    harness.woken_ = true;
    harness.wake_.notify_all();
  }
  static std::int64_t unix_ns(mayfly_context* ctx) {
    return of(ctx).clock_.wall_us() * kMicrosecond;
  }
  static std::uint32_t metrics(mayfly_context* ctx, mayfly_metric* out, std::uint32_t capacity) {
    return of(ctx).read_metrics({out, capacity});
  }
  static mayfly_result store_open(mayfly_context* ctx, const mayfly_store_options* options) {
    return of(ctx).store_open(*options);
  }
  static void store_flush(mayfly_context* ctx) {
    if (!of(ctx).store_) of(ctx).violate("store_flush without a store");
    ++of(ctx).store_flushes_;
  }
  static mayfly_result store_stats(mayfly_context* ctx, mayfly_store_stats* out) {
    if (!of(ctx).store_) of(ctx).violate("store_stats without a store");
    *out = of(ctx).store_figures_;
    return MAYFLY_OK;
  }
  static mayfly_text text_of(std::string_view text) { return {text.data(), text.size()}; }
};

const mayfly_host& NodeHarness::host_table() {
  static constexpr mayfly_host kHost = {
      .struct_size = sizeof(mayfly_host),
      .abi_major = MAYFLY_ABI_MAJOR,
      .abi_minor = MAYFLY_ABI_MINOR,
      .now_ns = &HarnessCalls::now_ns,
      .random_u64 = &HarnessCalls::random_u64,
      .log = &HarnessCalls::log,
      .fail = &HarnessCalls::fail,
      .counter_add = &HarnessCalls::counter_add,
      .signal_raise = &HarnessCalls::signal_raise,
      .signal_retract = &HarnessCalls::signal_retract,
      .declare_column = &HarnessCalls::declare_column,
      .source_key = &HarnessCalls::source_key,
      .schema = &HarnessCalls::schema,
      .timer_set = &HarnessCalls::timer_set,
      .timer_cancel = &HarnessCalls::timer_cancel,
      .resume = &HarnessCalls::resume,
      .held = &HarnessCalls::held,
      .batch_reserve = &HarnessCalls::batch_reserve,
      .reject = &HarnessCalls::reject,
      .batch_new = &HarnessCalls::batch_new,
      .emit = &HarnessCalls::emit,
      .signals_present = &HarnessCalls::signals_present,
      .expr_prepare = &HarnessCalls::expr_prepare,
      .expr_test = &HarnessCalls::expr_test,
      .expr_fill = &HarnessCalls::expr_fill,
      .wake = &HarnessCalls::wake,
      .unix_ns = &HarnessCalls::unix_ns,
      .metrics = &HarnessCalls::metrics,
      .store_open = &HarnessCalls::store_open,
      .store_flush = &HarnessCalls::store_flush,
      .store_stats = &HarnessCalls::store_stats,
      .expr_check = &HarnessCalls::expr_check,
      .record_format = &HarnessCalls::record_format,
  };
  return kHost;
}

void NodeHarness::violate(std::string what) { violations_.push_back(std::move(what)); }

std::uint64_t NodeHarness::resume(std::uint64_t tag, std::uint64_t rows_max) {
  const auto found = held_by_tag_.find(tag);
  if (found == held_by_tag_.end()) return 0;
  std::deque<RowRef>& queue = found->second;
  std::vector<RowRef> refs;
  while (!queue.empty() && refs.size() < rows_max) {
    refs.push_back(queue.front());
    queue.pop_front();
  }
  if (queue.empty()) held_by_tag_.erase(found);
  release(refs, tag);
  return refs.size();
}

// Slices are of one batch each; the last ends the group.
void NodeHarness::release(const std::vector<RowRef>& refs, std::uint64_t tag) {
  if (refs.empty()) return;
  held_count_ -= refs.size();
  Pending* slice = nullptr;
  for (const RowRef ref : refs) {
    mayfly_batch* batch = pool_->batch(ref);
    if (slice == nullptr || slice->batch != batch) {
      released_.push_back({batch, {}, MAYFLY_SLICE_RESUMED, 0, tag});
      slice = &released_.back();
    }
    slice->rows.push_back(row_of(ref));
  }
  slice->flags |= MAYFLY_SLICE_END_OF_GROUP;
}

void NodeHarness::raise(std::uint32_t signal, std::string_view argument, bool retract) {
  const NamedTable raises(plugin().raises);
  if (signal >= raises.size()) {
    violate(fmt::format("signal {} of {} in raises[]", signal, raises.size()));
    return;
  }
  std::string name = retract ? "-" : "";
  name += raises[signal].name;
  if (!argument.empty()) name.append(":").append(argument);
  retract ? retracted(name.substr(1)) : static_cast<void>(present_.push_back(name));
  signals_.push_back(std::move(name));
}

void NodeHarness::retracted(std::string_view name) { std::erase(present_, name); }

std::uint64_t NodeHarness::signals_present(std::uint32_t listen) const {
  std::uint64_t present = 0;
  for (const Listen& heard : listens_) {
    if (heard.id != listen) continue;
    const Glob glob(heard.glob);
    present += static_cast<std::uint64_t>(std::ranges::count_if(
        present_, [&](const std::string& name) { return glob.matches(name); }));
  }
  return present;
}

mayfly_expressions* NodeHarness::expr_prepare(std::span<const mayfly_text> expressions) {
  std::vector<std::string> texts;
  for (const mayfly_text& text : expressions) texts.emplace_back(view(text));
  Result<std::unique_ptr<RowExpressions>> made =
      settings_.expressions ? settings_.expressions(input_, texts)
                            : Status(Code::kConfig, "nobody here evaluates SQL");
  if (!made.ok()) {
    if (failure_.ok()) failure_ = made.status();
    return nullptr;
  }
  expressions_.push_back(std::move(made).value());
  return reinterpret_cast<mayfly_expressions*>(expressions_.back().get());
}

// Its own counters, and what it holds.
std::uint32_t NodeHarness::read_metrics(std::span<mayfly_metric> out) const {
  const NamedTable counters(plugin().counters);
  const auto put = [&](std::uint32_t i, std::string_view name, std::uint32_t kind,
                       std::uint64_t value) {
    constexpr std::string_view kInstance = "harness";
    if (i >= out.size()) return;
    out[i] = {.instance = {kInstance.data(), kInstance.size()},
              .name = {name.data(), name.size()},
              .kind = kind,
              .reserved = 0,
              .value = value};
  };
  for (std::uint32_t i = 0; i < counters.size(); ++i) {
    put(i, counters[i].name, MAYFLY_METRIC_COUNTER, counters_[i]);
  }
  put(counters.size(), "rows.held", MAYFLY_METRIC_GAUGE, held_count_);
  return counters.size() + 1;
}

mayfly_result NodeHarness::store_open(const mayfly_store_options& options) {
  if (open_ || store_) violate("store_open outside of open, or twice");
  store_ = HarnessStore{.options = options,
                        .database = std::string(view(options.database)),
                        .restore_pattern = std::string(view(options.restore_pattern))};
  return MAYFLY_OK;
}

mayfly_batch* NodeHarness::batch_new() {
  if (!library_->has(MAYFLY_TRANSFORMS)) violate("batch_new without MAYFLY_TRANSFORMS");
  mayfly_batch* const batch = batches_blocked_ || pool_ == nullptr  // none in open
                                  ? nullptr
                                  : pool_->try_acquire(BatchPool::Part::kReserve, output_);
  if (batch == nullptr) found_no_batch_in_call_ = true;
  if (batch != nullptr) lent_.insert(batch);
  return batch;
}

// As the engine does: the node has failed.
mayfly_result NodeHarness::refuse(std::string why) {
  if (failure_.ok()) failure_ = {Code::kInternal, std::move(why)};
  return MAYFLY_FAILED;
}

namespace {

// The engine doesn't look: whoever is given such a row reads what isn't there.
std::string text_mistake(const mayfly_batch& batch) {
  if (batch.heap_used > batch.heap_capacity) {
    return fmt::format("emitted a batch of which {} bytes of the heap are used, and it has {}",
                       batch.heap_used, batch.heap_capacity);
  }
  for (std::uint32_t c = 0; c < batch.column_count; ++c) {
    const mayfly_column& column = batch.columns[c];
    for (std::uint32_t row = 0; row < batch.rows; ++row) {
      if (is_null(column, row)) continue;
      const std::int32_t kind = kind_of(column, row);
      const bool text = is_exception(column, row) || kind == MAYFLY_TEXT || kind == MAYFLY_BLOB ||
                        kind == MAYFLY_JSON;
      const mayfly_span span = column.cells[row].span;
      if (!text || std::uint64_t{span.offset} + span.size <= batch.heap_used) continue;
      return fmt::format(
          "emitted row {} whose column {} has {} bytes from byte {} of the heap on, "
          "of which {} are used",
          row, c, span.size, span.offset, batch.heap_used);
    }
  }
  return "";
}

}  // namespace

// A row that is made stands where those stood that it was made from.
void NodeHarness::check_order(std::uint32_t port, std::span<const mayfly_lineage> lineage) {
  std::vector<std::pair<std::uint32_t, std::uint64_t>> made;  // child and parent's ordinal
  for (const mayfly_lineage& link : lineage) {
    made.emplace_back(link.child, pool_->batch(link.parent)->ordinal[row_of(link.parent)]);
  }
  std::ranges::sort(made);
  std::uint64_t& last = last_ordinal_out(port);
  for (const auto& [child, ordinal] : made) {
    if (ordinal < last) {
      violate(
          fmt::format("KEEPS_ORDER, but what was made of row {} comes behind what was made of "
                      "row {}",
                      ordinal, last));
    }
    last = std::max(last, ordinal);
  }
}

mayfly_result NodeHarness::emit(std::uint32_t port, mayfly_batch* batch,
                                const mayfly_lineage* lineage, std::uint32_t count) {
  if (!library_->has(MAYFLY_TRANSFORMS)) violate("emit without MAYFLY_TRANSFORMS");
  if (batch == nullptr) return MAYFLY_OK;
  if (lent_.erase(batch) == 0) {
    return refuse("emitted a batch that batch_new didn't give it, or that was emitted before");
  }
  if (batch->rows == 0) {
    pool_->release(batch);
    return MAYFLY_OK;
  }
  emitted_in_call_ = true;
  std::string wrong = port < plugin().ports.count
                          ? rules_.mistake_in(*pool_, *batch, {lineage, count}, open_parents_,
                                              library_->has(MAYFLY_SPLITS))
                          : fmt::format("emitted to port {} of {}", port, plugin().ports.count);
  if (wrong.empty()) wrong = text_mistake(*batch);
  if (!wrong.empty()) {
    batch->rows = std::min(batch->rows, batch->capacity);
    pool_->release(batch);
    return refuse(wrong);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    const RowRef parent = lineage[i].parent;
    parents_in_call_.push_back(parent);
    ++pool_->batch(parent)->children[row_of(parent)];
  }
  if (library_->has(MAYFLY_KEEPS_ORDER)) check_order(port, {lineage, count});
  pool_->add_flight(batch, batch->rows);
  rows_in_ += batch->rows;
  for (std::uint32_t row = 0; row < batch->rows; ++row) {
    pass(*batch, static_cast<std::uint16_t>(row), port, true);
  }
  return MAYFLY_OK;
}

}  // namespace mayfly
