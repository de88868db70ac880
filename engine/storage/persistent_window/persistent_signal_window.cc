#include "mayfly/storage/persistent_window/persistent_signal_window.h"

#include <algorithm>
#include <atomic>
#include <new>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "mayfly/base/glob.h"
#include "mayfly/storage/persistent_window/capture_buffer.h"
#include "mayfly/storage/persistent_window/own_raise.h"
#include "mayfly/storage/persistent_window/restored_signals.h"
#include "mayfly/storage/persistent_window/signal_flusher.h"
#include "mayfly/storage/persistent_window/signal_keys.h"
#include "mayfly/storage/persistent_window/signal_table.h"
#include "mayfly/storage/persistent_window/stored_time.h"
#include "mayfly/storage/single_writer/checkpoint_relay.h"

namespace mayfly {
namespace {

constexpr std::string_view kOwnStems[] = {
    "window.initialized", "window.raise",       "window.load.done", "window.flush.start",
    "window.flush.done",  "window.flush.error", "window.dropped",   "window.pruned",
};

bool is_own(std::string_view stem) {
  return stem.starts_with("window.") && std::ranges::find(kOwnStems, stem) != std::end(kOwnStems);
}

SignalSinkOptions sink_options(const PersistentWindowOptions& options) {
  // Long arguments shouldn't push signals out before their number does.
  constexpr std::size_t kTextBytes = 256;
  SignalSinkOptions sink{.capacity = options.max_window_size,
                         .max_age_ns = options.window_max_age_ns};
  sink.text_bytes = std::max(sink.text_bytes, kTextBytes * options.max_window_size);
  return sink;
}

SingleWriterOptions writer_options(const PersistentWindowOptions& options) {
  SingleWriterOptions writer = options.writer;
  if (options.clock != nullptr) writer.clock = options.clock;
  return writer;
}

}  // namespace

struct PersistentSignalWindow::Impl {
  Impl(std::string_view database, const PersistentWindowOptions& options_given,
       std::shared_ptr<SqliteSingleWriter> writer_got)
      : options(options_given),
        clock(options.clock != nullptr ? *options.clock : machine),
        own_sink(options.signals == nullptr
                     ? std::make_unique<SignalSink>(clock, sink_options(options))
                     : nullptr),
        sink(own_sink != nullptr ? *own_sink : *options.signals),
        captured(options.max_pending_signals, options.max_pending_bytes),
        keys(options.max_window_size, options.window_max_age_ns),
        restored(options.max_window_size),
        checkpoints(writer_got, sink, database),
        writer(std::move(writer_got)),
        flusher(database, writer, captured, sink, clock, options),
        // Of its own sink the first of all, so that it hears of signals in the order in which they
        // are raised.
        capture(sink.subscribe("*", [this](const SignalEvent& event) { listen(event); })) {}

  void listen(const SignalEvent& event);
  void raise(const WindowSignal& signal, const OwnRaise& own);
  WindowSignal restore(const StoredSignal& row) const;
  DbResult<std::vector<WindowSignal>> load(const WindowLoadOptions& wanted, std::size_t limit);
  void raise_young(std::vector<WindowSignal>& loaded);

  const PersistentWindowOptions options;
  const SystemClock machine;
  const Clock& clock;
  const std::unique_ptr<SignalSink> own_sink;  // null: it was given one
  SignalSink& sink;
  CaptureBuffer captured;
  SignalKeys keys;
  RestoredSignals restored;
  const CheckpointRelay checkpoints;
  std::shared_ptr<SqliteSingleWriter> writer;
  SignalFlusher flusher;
  std::atomic<std::uint64_t> raises{0};  // by the window, to sample them
  bool close_was_called = false;
  SignalSubscription capture;  // ends first: what follows it would be listened to no more
};

// On the raising thread.
void PersistentSignalWindow::Impl::listen(const SignalEvent& event) {
  if (is_own(event.stem())) return;
  const OwnRaise* own = OwnRaise::take(sink, event);
  CapturedSignal signal{
      .name = event.name(), .at_ns = event.at_ns(), .operation = event.operation()};
  if (own != nullptr) signal.key = own->key();
  const bool from_disk = own != nullptr && own->restored();
  if (!from_disk && captured.add(signal) != CaptureBuffer::Added::kKept) flusher.hurry();
  // The last: where there is no memory for it, it is missing in the memory alone.
  keys.keep(signal.name, signal.operation, signal.at_ns, signal.key);
}

PersistentSignalWindow::PersistentSignalWindow(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

// One that failed has waited for stop_timeout_ns, and would once more.
PersistentSignalWindow::~PersistentSignalWindow() {
  if (!impl_->close_was_called) static_cast<void>(close());
}

DbResult<std::unique_ptr<PersistentSignalWindow>> PersistentSignalWindow::open(
    std::string_view database, const PersistentWindowOptions& options) {
  if (const Status status = check_persistent_window_options(options); !status.ok()) {
    return DbError{.kind = DbError::Kind::kParameter, .message = status.message()};
  }
  auto writer = SqliteSingleWriter::get_or_create(database, writer_options(options));
  if (!writer.ok()) return writer.error();
  const auto prepared = signal_table::prepare(**writer);
  if (!prepared.ok()) return prepared.error();
  auto impl = std::make_unique<Impl>(database, options, std::move(*writer));
  const auto started = impl->flusher.start();
  if (!started.ok()) return started.error();
  impl->sink.raise("window.initialized");
  return std::unique_ptr<PersistentSignalWindow>(new PersistentSignalWindow(std::move(impl)));
}

void PersistentSignalWindow::raise(std::string_view name, std::optional<std::string_view> key) {
  {
    const OwnRaise own(impl_->sink, name, 0, key, false);
    impl_->sink.raise(name);
  }
  if (impl_->raises.fetch_add(1, std::memory_order_relaxed) % impl_->options.sample_rate == 0) {
    impl_->sink.raise("window.raise");
  }
}

void PersistentSignalWindow::raise(const WindowSignal& signal) {
  {
    const OwnRaise own(impl_->sink, signal.name, signal.operation, signal.key, false);
    impl_->raise(signal, own);
  }
  if (impl_->raises.fetch_add(1, std::memory_order_relaxed) % impl_->options.sample_rate == 0) {
    impl_->sink.raise("window.raise");
  }
}

// `own` stands while it is raised.
void PersistentSignalWindow::Impl::raise(const WindowSignal& signal, const OwnRaise&) {
  const StemId stem = signal.at_ns == 0 ? StemId{} : sink.intern(signal.stem());
  // A name that can't be interned is raised as text, now.
  if (stem == StemId{}) return sink.raise(signal.name, signal.operation);
  sink.raise_at(std::min(signal.at_ns, clock.now_ns()), stem, signal.argument(), signal.operation);
}

std::vector<WindowSignal> PersistentSignalWindow::sense(std::string_view glob,
                                                        std::int64_t since_ns) const {
  std::vector<WindowSignal> found;
  for (Signal& signal : impl_->sink.sense(glob, since_ns)) found.emplace_back(std::move(signal));
  impl_->keys.attach(found);
  const auto raised = static_cast<std::ptrdiff_t>(found.size());
  const Glob compiled(glob);
  impl_->restored.visit(impl_->clock.now_ns(), [&](const WindowSignal& signal) {
    if (signal.at_ns >= since_ns && compiled.matches(signal.name)) found.push_back(signal);
    return true;
  });
  // What was restored is older, but for signals that were raised with a time of their own.
  std::ranges::rotate(found, found.begin() + raised);
  std::ranges::stable_sort(found, {}, [](const WindowSignal& signal) { return signal.at_ns; });
  return found;
}

std::vector<WindowSignal> PersistentSignalWindow::sense(
    FunctionRef<bool(const WindowSignal&)> predicate) const {
  std::vector<WindowSignal> found = sense();
  std::erase_if(found, [&](const WindowSignal& signal) { return !predicate(signal); });
  return found;
}

bool PersistentSignalWindow::detect(std::string_view name) const {
  if (impl_->sink.detect(name)) return true;
  bool found = false;
  impl_->restored.visit(impl_->clock.now_ns(), [&](const WindowSignal& signal) {
    found = signal.name == name;
    return !found;
  });
  return found;
}

DbResult<void> PersistentSignalWindow::flush() { return impl_->flusher.flush(); }

void PersistentSignalWindow::flush_soon() noexcept { impl_->flusher.hurry(); }

WindowSignal PersistentSignalWindow::Impl::restore(const StoredSignal& row) const {
  WindowSignal signal(row.name, {}, row.operation);
  if (row.key) signal.key.emplace(*row.key);
  signal.id = row.id;
  // A time that isn't one is kept as long as possible ago.
  const std::int64_t now_us = clock.now_ns() / kMicrosecond;
  const std::int64_t wall_us = parse_time(row.timestamp).value_or(0);
  signal.at_ns = (wall_us - clock.wall_us() + now_us) * kMicrosecond;
  return signal;
}

// By time.
DbResult<std::vector<WindowSignal>> PersistentSignalWindow::Impl::load(
    const WindowLoadOptions& wanted, std::size_t limit) {
  StoredSignalQuery query{.up_to_id = flusher.id_at_start(),
                          .order = StoredSignalQuery::Order::kNewestTimeFirst};
  if (wanted.max_age_ns != kNever) {
    query.since = StoredTime().text(clock.wall_us() - wanted.max_age_ns / kMicrosecond);
  }
  const GlobSet globs(wanted.pattern);
  return writer->query([&](SqlSession& session) -> DbResult<std::vector<WindowSignal>> {
    std::vector<WindowSignal> found;
    const auto visited = signal_table::visit(session.borrow(), query, [&](const StoredSignal& row) {
      if (globs.matches_any(row.name)) found.push_back(restore(row));
      return found.size() < limit;
    });
    if (!visited.ok()) return visited.error();
    std::ranges::reverse(found);
    return found;
  });
}

// Takes those out that the sink can show.
void PersistentSignalWindow::Impl::raise_young(std::vector<WindowSignal>& loaded) {
  const std::int64_t max_age_ns = sink.max_age_ns();
  const std::int64_t oldest_ns = max_age_ns == kNever ? INT64_MIN : clock.now_ns() - max_age_ns;
  const auto young = std::ranges::find_if(
      loaded, [oldest_ns](const WindowSignal& signal) { return signal.at_ns >= oldest_ns; });
  auto raised = young;
  const auto raise_them = [&]() noexcept {
    try {
      for (; raised != loaded.end(); ++raised) {
        const OwnRaise own(sink, raised->name, raised->operation, raised->key, true);
        raise(*raised, own);
      }
    } catch (const std::bad_alloc&) {
      // The others stand beside the sink, as if they were too old for it.
    }
  };
  // By a thread that raised nothing yet: its times don't go back.
  std::thread(raise_them).join();
  loaded.erase(young, raised);
}

DbResult<std::size_t> PersistentSignalWindow::load_from_disk(const WindowLoadOptions& options) {
  const std::size_t most = impl_->options.max_window_size;
  const std::size_t limit = options.limit == 0 ? most : std::min(options.limit, most);
  auto loaded = impl_->load(options, limit);
  if (!loaded.ok()) return loaded.error();
  std::vector<WindowSignal> fresh = impl_->restored.take_new(std::move(*loaded));
  const std::size_t count = fresh.size();
  try {
    if (options.raise_into_sink) impl_->raise_young(fresh);
  } catch (const std::system_error&) {
    // No thread: they stand beside the sink.
  }
  impl_->restored.show(std::move(fresh), std::max(options.max_age_ns, impl_->sink.max_age_ns()));
  impl_->sink.raise("window.load.done:" + std::to_string(count));
  return count;
}

DbResult<void> PersistentSignalWindow::close() {
  impl_->close_was_called = true;
  impl_->capture.reset();
  return impl_->flusher.stop();
}

WindowStats PersistentSignalWindow::stats() const {
  WindowStats stats;
  impl_->restored.visit(impl_->clock.now_ns(), [&](const WindowSignal&) {
    ++stats.restored;
    return true;
  });
  stats.in_memory_count = impl_->sink.count() + stats.restored;
  stats.total_raised = impl_->captured.added();
  stats.pending = impl_->captured.held();
  stats.dropped = impl_->captured.dropped() + impl_->flusher.refused();
  stats.last_flushed_id = impl_->flusher.last_flushed_id();
  stats.total_flushed = impl_->flusher.total_flushed();
  stats.stored = impl_->flusher.stored();
  stats.pruned = impl_->flusher.pruned();
  stats.flush_failures = impl_->flusher.failures();
  return stats;
}

SignalSink& PersistentSignalWindow::sink() { return impl_->sink; }

}  // namespace mayfly
