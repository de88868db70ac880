#include "mayfly/graph/signal_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "mayfly/plugin/from_abi.h"

namespace mayfly {
namespace {

// A flush that meets a lock is tried again, and each try is short: a drain's deadline is kept.
constexpr std::int64_t kBusyTimeoutNs = kSecond;
// Whatever busy timeout somebody else in the process has given the writer of that database.
constexpr int kOpenTries = static_cast<int>(SignalStore::kOpenWaitNs / kBusyTimeoutNs);

}  // namespace

Result<std::unique_ptr<SignalStore>> SignalStore::plan(const mayfly_store_options& options) {
  std::unique_ptr<SignalStore> store(new SignalStore());
  PersistentWindowOptions& window = store->options_;
  window.flush_interval_ns = options.flush_interval_ns;
  window.max_signals_per_flush = options.signals_per_flush;
  window.max_pending_signals = options.pending_max;
  window.max_stored_signals = options.keep_max;
  window.max_stored_age_ns = options.keep_age_ns;
  MAYFLY_RETURN_IF_ERROR(check_persistent_window_options(window));
  window.writer.busy_timeout_ns = kBusyTimeoutNs;
  store->restores_ = options.restore != 0;
  store->load_ = {.max_age_ns = options.restore_age_ns,
                  .pattern = std::string(view(options.restore_pattern)),
                  .raise_into_sink = true};
  store->database_ = view(options.database);
  return store;
}

Status SignalStore::open(const std::string& pipelines, SignalSink& signals, const Clock& clock,
                         std::int64_t stop_timeout_ns) {
  options_.signals = &signals;
  options_.clock = &clock;
  options_.stop_timeout_ns = stop_timeout_ns;
  path_ = database(pipelines);
  const std::int64_t began_ns = clock.now_ns();
  auto opened = PersistentSignalWindow::open(path_, options_);
  for (int tries = 1; !opened.ok() && opened.error().is_lock() && tries < kOpenTries &&
                      clock.now_ns() - began_ns < kOpenWaitNs;
       ++tries) {
    opened = PersistentSignalWindow::open(path_, options_);
  }
  if (!opened.ok()) {
    const Status why = to_status(opened.error());
    return {why.code(),
            fmt::format("the store of signals in {} can't be opened: {}", path_, why.message())};
  }
  window_ = std::move(*opened);
  if (!restores_) return {};
  const auto loaded = window_->load_from_disk(load_);
  if (!loaded.ok()) {
    const Status why = to_status(loaded.error());
    return {why.code(),
            fmt::format("the signals stored in {} can't be read: {}", path_, why.message())};
  }
  restored_ = *loaded;
  return {};
}

Status SignalStore::close() {
  if (window_ == nullptr) return {};
  const auto closed = window_->close();
  if (closed.ok()) return {};
  const Status why = to_status(closed.error());
  return {why.code(), fmt::format("not all signals were stored in {}: {}", path_, why.message())};
}

void SignalStore::flush_soon() {
  if (window_ != nullptr) window_->flush_soon();
}

void SignalStore::read_stats(mayfly_store_stats& stats) const {
  const WindowStats now = window_ == nullptr ? WindowStats() : window_->stats();
  // A plugin of an older minor has room for less.
  mayfly_store_stats all = {.struct_size = stats.struct_size,
                            .reserved = 0,
                            .pending = now.pending,
                            .flushed = now.total_flushed,
                            .dropped = now.dropped,
                            .stored = now.stored,
                            .pruned = now.pruned,
                            .restored = restored_,
                            .failures = now.flush_failures};
  std::memcpy(&stats, &all, std::min<std::size_t>(stats.struct_size, sizeof all));
}

}  // namespace mayfly
