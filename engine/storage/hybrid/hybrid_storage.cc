#include "mayfly/storage/hybrid/hybrid_storage.h"

#include <unistd.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "mayfly/base/thread_name.h"
#include "mayfly/storage/hybrid/stats_store.h"
#include "mayfly/storage/own_thread.h"
#include "mayfly/storage/thread_mark.h"

namespace mayfly {
namespace {

DbError prefixed(const char* doing, const DbError& error) noexcept {
  DbError made = copy_of(error);
  try {
    made.message = std::string(doing) + ": " + made.message;
  } catch (const std::bad_alloc&) {  // then it says why alone
  }
  return made;
}

// What a part's end may throw is its error: the others are to end, too.
template <class Part>
DbResult<void> stop_part(Part& part) noexcept {
  try {
    return part.stop();
  } catch (const std::bad_alloc&) {
    return no_memory("no memory");
  }
}

DbError from_within() {
  return {.message =
              "stopping: expected a call from outside of the callbacks and listeners of its parts, "
              "found one from within, which would wait for itself; stop later, or by another "
              "thread"};
}

}  // namespace

// In the order in which the parts need each other; destroyed the other way round.
struct HybridStorage::Impl {
  Impl(const HybridOptions& options, std::shared_ptr<SqliteSingleWriter> main)
      : clock(options.clock != nullptr ? *options.clock : static_cast<const Clock&>(system_clock)),
        metrics(options.lock_metrics != nullptr ? *options.lock_metrics : process_lock_metrics()),
        interval_ns(options.stats_interval_ns),
        writer(std::move(main)),
        store(*writer, clock, options.name) {}
  // What couldn't be written, the parts have told by their signals.
  ~Impl() {
    if (buffer != nullptr) static_cast<void>(stop().ok());
    stop_thread();
  }

  StorageStats stats() const {
    return {.writer = writer->stats(),
            .buffer = buffer->stats(),
            .logs = logs->stats(),
            .retry = metrics.get()};
  }
  void start();
  void stop_thread();
  bool would_wait_for_itself() const {
    return writer->is_within() || storing.is_here() || stopping_here.is_here() ||
           (logs != nullptr && logs->is_within()) || (buffer != nullptr && buffer->is_within());
  }
  DbResult<void> stop();

  const SystemClock system_clock;
  const Clock& clock;
  const DatabaseLockMetrics& metrics;
  const std::int64_t interval_ns;
  const std::shared_ptr<SqliteSingleWriter> writer;
  std::shared_ptr<LogDatabase> logs;
  std::unique_ptr<WriteBuffer> buffer;
  StatsStore store;  // its thread's, and behind its end stop()'s

  std::mutex stop_mutex;     // held while it stops
  ThreadMark stopping_here;  // who holds it
  bool stopped = false;      // guarded by stop_mutex
  std::mutex mutex;
  std::condition_variable wake;
  bool stopping = false;  // guarded by mutex
  ThreadMark storing;     // the thread, while it stores
  std::thread thread;
};

void HybridStorage::Impl::start() {
  if (interval_ns == 0) return;
  const auto next_ns = [this] { return deadline_after(clock.now_ns(), interval_ns); };
  // The first interval begins here, however late the thread does.
  thread = std::thread([this, next_ns, due_ns = next_ns()]() mutable {
    name_this_thread("mayfly-stats");
    std::unique_lock lock(mutex);
    while (!stopping) {
      clock.wait_until(lock, wake, due_ns);
      if (stopping || clock.now_ns() < due_ns) continue;
      due_ns = next_ns();
      lock.unlock();
      try {
        const ThreadMark::Here here(storing);
        // What fails is told by the writer's signals, too; the next interval tries again.
        static_cast<void>(store.store_if_changed(stats()));
      } catch (const std::bad_alloc&) {  // the next interval's may be
      }
      lock.lock();
    }
  });
}

void HybridStorage::Impl::stop_thread() {
  {
    const std::lock_guard lock(mutex);
    stopping = true;
  }
  wake.notify_all();
  if (thread.joinable()) thread.join();
}

DbResult<void> HybridStorage::Impl::stop() {
  // Before anything is stopped: from there a part couldn't be, and the order would be another.
  if (would_wait_for_itself()) return from_within();
  const std::lock_guard lock(stop_mutex);
  const ThreadMark::Here here(stopping_here);
  if (stopped) return {};
  DbResult<void> end;
  if (const auto done = stop_part(*buffer); !done.ok()) {
    end = prefixed("stopping the buffer", done.error());
  }
  stop_thread();
  if (const auto done = stop_part(*logs); !done.ok() && end.ok()) {
    end = prefixed("stopping the logs", done.error());
  }
  try {
    if (interval_ns != 0) {
      if (const auto done = store.store_if_changed(stats()); !done.ok() && end.ok()) {
        end = prefixed("storing the last stats", done.error());
      }
    }
  } catch (const std::bad_alloc&) {
    if (end.ok()) end = no_memory("storing the last stats");
  }
  stopped = end.ok();
  return end;
}

DbResult<std::unique_ptr<HybridStorage>> HybridStorage::open(HybridOptions options) {
  if (options.name.empty() || options.stats_interval_ns < 0) {
    return DbError{.kind = DbError::Kind::kParameter,
                   .message = options.name.empty()
                                  ? "name: expected one for its stats, found none"
                                  : "stats_interval_ns: expected at least 0, found " +
                                        std::to_string(options.stats_interval_ns)};
  }
  for (const Clock** clock : {&options.writer.clock, &options.buffer.clock, &options.logs.clock}) {
    if (*clock == nullptr) *clock = options.clock;
  }
  auto writer = SqliteSingleWriter::get_or_create(options.database, options.writer);
  if (!writer.ok()) return prefixed("opening the database", writer.error());
  auto impl = std::make_unique<Impl>(options, std::move(*writer));
  auto logs = LogDatabase::open(options.logs);
  if (!logs.ok()) return prefixed("opening the logs", logs.error());
  impl->logs = std::move(*logs);
  auto buffer = WriteBuffer::create(impl->writer, std::move(options.buffer));
  if (!buffer.ok()) return prefixed("opening the buffer", buffer.error());
  impl->buffer = std::move(*buffer);
  if (const auto started = impl->buffer->start(); !started.ok()) {
    return prefixed("starting the buffer", started.error());
  }
  try {
    impl->start();
  } catch (const std::exception& error) {
    return no_thread("storing the stats", error);
  }
  return std::unique_ptr<HybridStorage>(new HybridStorage(std::move(impl)));
}

HybridStorage::HybridStorage(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HybridStorage::~HybridStorage() {
  if (!impl_->would_wait_for_itself()) return;
  // Without a thread nobody can wait for it: it goes on working.
  (void)run_on_own_thread([impl = impl_.release()] { delete impl; });
}

SqliteSingleWriter& HybridStorage::writer() { return *impl_->writer; }
WriteBuffer& HybridStorage::buffer() { return *impl_->buffer; }
LogDatabase& HybridStorage::logs() { return *impl_->logs; }
std::shared_ptr<LogDatabase> HybridStorage::shared_logs() { return impl_->logs; }

DbResult<std::int64_t> HybridStorage::force_flush() {
  auto flushed = impl_->buffer->force_flush();
  if (!flushed.ok()) flushed = prefixed("flushing the buffer", flushed.error());
  const auto logged = impl_->logs->flush();
  if (!logged.ok() && flushed.ok()) flushed = prefixed("flushing the logs", logged.error());
  const Status written = impl_->writer->flush_writes();
  if (!written.ok() && flushed.ok()) {
    flushed = DbError{.message = "flushing the writes: " + written.message()};
  }
  return flushed;
}

StorageStats HybridStorage::stats() const { return impl_->stats(); }
std::string HybridStorage::stats_json() const { return to_json(impl_->stats()); }
DbResult<void> HybridStorage::stop() { return impl_->stop(); }

}  // namespace mayfly
