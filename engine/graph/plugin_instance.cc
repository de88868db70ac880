#include "mayfly/graph/plugin_instance.h"

#include <fmt/format.h>

#include <cstdlib>
#include <cstring>
#include <utility>

#include "mayfly/plugin/from_abi.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {

// The C side: every function finds its instance in the context and goes there.
struct HostCalls {
  static PluginInstance& of(mayfly_context* ctx) { return *reinterpret_cast<PluginInstance*>(ctx); }

  static std::int64_t now_ns(mayfly_context* ctx) { return of(ctx).services_.clock.now_ns(); }
  static std::uint64_t random_u64(mayfly_context* ctx) { return of(ctx).rng_.next(); }
  static void log(mayfly_context* ctx, std::int32_t level, mayfly_text text) {
    PluginInstance& instance = of(ctx);
    if (instance.services_.log) instance.services_.log(level, instance.name_, view(text));
  }
  static mayfly_result fail(mayfly_context* ctx, std::int32_t failure_class, mayfly_text text) {
    return of(ctx).fail(failure_class, view(text));
  }
  static void counter_add(mayfly_context* ctx, std::uint32_t counter, std::uint64_t delta) {
    PluginInstance& instance = of(ctx);
    if (counter >= instance.plugin_.counters.count) {
      instance.misuse("counter_add with an index past counters[]");
      return;
    }
    // One writer, so no read-modify-write is needed.
    std::atomic<std::uint64_t>& value = instance.counters_[counter];
    value.store(value.load(std::memory_order_relaxed) + delta, std::memory_order_relaxed);
  }
  static void signal_raise(mayfly_context* ctx, std::uint32_t signal, mayfly_text argument) {
    of(ctx).raise(signal, view(argument));
  }
  static void signal_retract(mayfly_context* ctx, std::uint32_t signal, mayfly_text argument) {
    of(ctx).retract(signal, view(argument));
  }
  static mayfly_result declare_column(mayfly_context* ctx, mayfly_text name, std::int32_t type,
                                      std::uint32_t flags) {
    return of(ctx).declare_column(view(name), type, flags);
  }
  static void source_key(mayfly_context* ctx, mayfly_text key) { of(ctx).source_key(view(key)); }
  static void record_format(mayfly_context* ctx, mayfly_text format) {
    of(ctx).record_format(view(format));
  }
  static const mayfly_schema* schema(mayfly_context* ctx) { return of(ctx).input_schema(); }
  static void timer_set(mayfly_context* ctx, std::uint32_t timer, std::int64_t due_ns) {
    of(ctx).timer_set(timer, due_ns);
  }
  static void timer_cancel(mayfly_context* ctx, std::uint32_t timer) {
    of(ctx).timer_cancel(timer);
  }
  static std::uint64_t resume(mayfly_context* ctx, std::uint64_t tag, std::uint64_t max_rows) {
    return of(ctx).resume(tag, max_rows);
  }
  static std::uint64_t held(mayfly_context* ctx, std::uint64_t tag) { return of(ctx).held(tag); }
  static mayfly_result batch_reserve(mayfly_context* ctx, mayfly_batch* batch,
                                     std::uint64_t bytes) {
    return of(ctx).batch_reserve(batch, bytes);
  }
  static mayfly_result reject(mayfly_context* ctx, mayfly_batch* batch, std::uint64_t ordinal,
                              std::uint64_t byte_end, std::uint64_t line, std::uint32_t reason,
                              mayfly_text message, mayfly_text raw) {
    return of(ctx).reject(batch, raw, ordinal, byte_end, line, reason, message);
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
  static mayfly_result expr_test(mayfly_context* ctx, mayfly_expressions* expressions,
                                 const mayfly_slice* slice, std::uint8_t* truth) {
    return of(ctx).expr_test(expressions, slice, truth);
  }
  static mayfly_result expr_fill(mayfly_context* ctx, mayfly_expressions* expressions,
                                 const mayfly_slice* slice, std::uint32_t first, mayfly_batch* made,
                                 std::uint8_t* truth, std::uint32_t* taken) {
    return of(ctx).expr_fill(expressions, slice, first, made, truth, taken);
  }
  static void wake(mayfly_context* ctx) { of(ctx).wake(); }
  static std::int64_t unix_ns(mayfly_context* ctx) {
    return of(ctx).services_.clock.wall_us() * kMicrosecond;
  }
  static std::uint32_t metrics(mayfly_context* ctx, mayfly_metric* out, std::uint32_t capacity) {
    return of(ctx).metrics({out, capacity});
  }
  static mayfly_result store_open(mayfly_context* ctx, const mayfly_store_options* options) {
    return of(ctx).store_open(*options);
  }
  static void store_flush(mayfly_context* ctx) { of(ctx).store_flush(); }
  static mayfly_result store_stats(mayfly_context* ctx, mayfly_store_stats* out) {
    return of(ctx).store_stats(*out);
  }
  static mayfly_result expr_check(mayfly_context* ctx, std::uint32_t option,
                                  mayfly_text expression) {
    return of(ctx).expr_check(option, view(expression));
  }
};

namespace {

constexpr mayfly_host kHost = {
    .struct_size = sizeof(mayfly_host),
    .abi_major = MAYFLY_ABI_MAJOR,
    .abi_minor = MAYFLY_ABI_MINOR,
    .now_ns = &HostCalls::now_ns,
    .random_u64 = &HostCalls::random_u64,
    .log = &HostCalls::log,
    .fail = &HostCalls::fail,
    .counter_add = &HostCalls::counter_add,
    .signal_raise = &HostCalls::signal_raise,
    .signal_retract = &HostCalls::signal_retract,
    .declare_column = &HostCalls::declare_column,
    .source_key = &HostCalls::source_key,
    .schema = &HostCalls::schema,
    .timer_set = &HostCalls::timer_set,
    .timer_cancel = &HostCalls::timer_cancel,
    .resume = &HostCalls::resume,
    .held = &HostCalls::held,
    .batch_reserve = &HostCalls::batch_reserve,
    .reject = &HostCalls::reject,
    .batch_new = &HostCalls::batch_new,
    .emit = &HostCalls::emit,
    .signals_present = &HostCalls::signals_present,
    .expr_prepare = &HostCalls::expr_prepare,
    .expr_test = &HostCalls::expr_test,
    .expr_fill = &HostCalls::expr_fill,
    .wake = &HostCalls::wake,
    .unix_ns = &HostCalls::unix_ns,
    .metrics = &HostCalls::metrics,
    .store_open = &HostCalls::store_open,
    .store_flush = &HostCalls::store_flush,
    .store_stats = &HostCalls::store_stats,
    .expr_check = &HostCalls::expr_check,
    .record_format = &HostCalls::record_format,
};

}  // namespace

void PluginInstance::FreeState::operator()(void* state) const { std::free(state); }

PluginInstance::PluginInstance(const mayfly_plugin& plugin, std::string name, std::uint16_t index,
                               Services& services)
    : plugin_(plugin),
      name_(std::move(name)),
      index_(index),
      services_(services),
      rng_(Rng(services.seed + index).next()),
      counters_(std::make_unique<std::atomic<std::uint64_t>[]>(plugin.counters.count)) {
  const std::size_t align = plugin.state_align < sizeof(void*) ? sizeof(void*) : plugin.state_align;
  const std::size_t size = (plugin.state_size + align) / align * align;
  state_.reset(std::aligned_alloc(align, size));
  std::memset(state_.get(), 0, size);
  raises_.reserve(plugin.raises.count);
  for (std::uint32_t i = 0; i < plugin.raises.count; ++i) {
    raises_.push_back(services.signals.intern(NamedTable(plugin.raises)[i].name));
  }
}

PluginInstance::~PluginInstance() { destroy_plugin(); }

void PluginInstance::destroy_plugin() {
  if (std::exchange(configured_, false) && plugin_.destroy != nullptr) {
    plugin_.destroy(state_.get());
  }
}

mayfly_context* PluginInstance::context() { return reinterpret_cast<mayfly_context*>(this); }

Status PluginInstance::configure(const OptionValues& values) {
  configured_ = true;
  listens_ = listens_of(plugin_, values);
  if (plugin_.configure == nullptr) return {};
  if (plugin_.configure(state_.get(), &kHost, context(), values.data()) == MAYFLY_OK)
    return failure();
  if (const Status why = failure(); !why.ok()) return why;
  return {Code::kConfig,
          fmt::format("{}: {} refused its options without saying why", name_, plugin_.name)};
}

Status PluginInstance::open(const mayfly_position* position) {
  declared_.clear();
  const mayfly_result result =
      plugin_.open == nullptr ? MAYFLY_OK : plugin_.open(state_.get(), position);
  if (const Status why = failure(); !why.ok()) return why;
  if (result != MAYFLY_OK) {
    return {Code::kInternal,
            fmt::format("{}: {} could not be opened and did not say why", name_, plugin_.name)};
  }
  return {};
}

Status PluginInstance::failure() const {
  const std::lock_guard lock(failure_mutex_);
  return failure_;
}

mayfly_result PluginInstance::fail(std::int32_t failure_class, std::string_view text) {
  const std::lock_guard lock(failure_mutex_);
  // The first failure is the cause; later ones follow from it.
  if (failure_.ok()) failure_ = {code_of(failure_class), fmt::format("{}: {}", name_, text)};
  has_failed_.store(true, std::memory_order_relaxed);
  return MAYFLY_FAILED;
}

mayfly_result PluginInstance::misuse(std::string_view call) {
  return fail(
      MAYFLY_FAIL_INTERNAL,
      fmt::format("plugin {} called {}, which the host doesn't offer here", plugin_.name, call));
}

void PluginInstance::raise(std::uint32_t signal, std::string_view argument) {
  if (signal >= raises_.size()) {
    misuse("signal_raise with an index past raises[]");
    return;
  }
  services_.signals.raise(raises_[signal], argument);
}

void PluginInstance::retract(std::uint32_t signal, std::string_view argument) {
  if (signal >= raises_.size()) {
    misuse("signal_retract with an index past raises[]");
    return;
  }
  std::string name = NamedTable(plugin_.raises)[signal].name;
  if (!argument.empty()) name.append(":").append(argument);
  services_.signals.retract(name);
}

mayfly_result PluginInstance::declare_column(std::string_view name, std::int32_t type,
                                             std::uint32_t flags) {
  if (type < MAYFLY_INT64 || type > MAYFLY_ANY) {
    return fail(MAYFLY_FAIL_INTERNAL,
                fmt::format("column \"{}\" has the unknown type {}", name, type));
  }
  declared_.push_back({.name = std::string(name),
                       .type = static_cast<ColumnType>(type),
                       .not_null = (flags & MAYFLY_COLUMN_NOT_NULL) != 0,
                       .key = (flags & MAYFLY_COLUMN_KEY) != 0});
  return MAYFLY_OK;
}

void PluginInstance::source_key(std::string_view) { misuse("source_key"); }
void PluginInstance::record_format(std::string_view) { misuse("record_format"); }
const mayfly_schema* PluginInstance::input_schema() { return nullptr; }
void PluginInstance::timer_set(std::uint32_t, std::int64_t) { misuse("timer_set"); }
void PluginInstance::timer_cancel(std::uint32_t) { misuse("timer_cancel"); }
std::uint64_t PluginInstance::resume(std::uint64_t, std::uint64_t) {
  misuse("resume");
  return 0;
}
std::uint64_t PluginInstance::held(std::uint64_t) {
  misuse("held");
  return 0;
}
mayfly_result PluginInstance::batch_reserve(mayfly_batch*, std::uint64_t) {
  return misuse("batch_reserve");
}
mayfly_result PluginInstance::reject(mayfly_batch*, const mayfly_text&, std::uint64_t,
                                     std::uint64_t, std::uint64_t, std::uint32_t,
                                     const mayfly_text&) {
  return misuse("reject");
}
std::uint64_t PluginInstance::signals_present(std::uint32_t) {
  misuse("signals_present");
  return 0;
}
// Recorded by the next call: it may come from another thread.
void PluginInstance::wake() { misuse("wake"); }
std::uint32_t PluginInstance::metrics(std::span<mayfly_metric>) {
  misuse("metrics");
  return 0;
}
mayfly_result PluginInstance::store_open(const mayfly_store_options&) {
  return misuse("store_open");
}
void PluginInstance::store_flush() { misuse("store_flush"); }
mayfly_result PluginInstance::store_stats(mayfly_store_stats&) { return misuse("store_stats"); }
mayfly_result PluginInstance::expr_check(std::uint32_t, std::string_view) {
  return misuse("expr_check");
}
mayfly_expressions* PluginInstance::expr_prepare(std::span<const mayfly_text>) {
  misuse("expr_prepare");
  return nullptr;
}
mayfly_result PluginInstance::expr_test(mayfly_expressions*, const mayfly_slice*, std::uint8_t*) {
  return misuse("expr_test");
}
mayfly_result PluginInstance::expr_fill(mayfly_expressions*, const mayfly_slice*, std::uint32_t,
                                        mayfly_batch*, std::uint8_t*, std::uint32_t*) {
  return misuse("expr_fill");
}
mayfly_batch* PluginInstance::batch_new() {
  misuse("batch_new");
  return nullptr;
}
mayfly_result PluginInstance::emit(std::uint32_t, mayfly_batch*, const mayfly_lineage*,
                                   std::uint32_t) {
  return misuse("emit");
}

}  // namespace mayfly
