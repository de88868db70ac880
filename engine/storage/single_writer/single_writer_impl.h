// What a SqliteSingleWriter is made of, in the order in which its parts need each other: destroyed
// the other way round, behind ~Impl(), which ends the subscription, has what was posted executed,
// and only then closes the write connection. For sqlite_single_writer.cc and writer_registry.cc
// alone.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "mayfly/base/clock.h"
#include "mayfly/cache/coarse_clock.h"
#include "mayfly/cache/lru_cache.h"
#include "mayfly/data/semaphore.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/single_writer/read_pool.h"
#include "mayfly/storage/single_writer/shared_database.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"
#include "mayfly/storage/single_writer/write_connection.h"
#include "mayfly/storage/single_writer/write_requests.h"

namespace mayfly {

struct SqliteSingleWriter::Impl {
  Impl(DatabaseName database, const SingleWriterOptions& given)
      : name(std::move(database)),
        options(given),
        clock(options.clock != nullptr ? *options.clock : static_cast<const Clock&>(system_clock)),
        own_sink(options.signals != nullptr
                     ? nullptr
                     : std::make_unique<SignalSink>(
                           clock, SignalSinkOptions{.capacity = 8 * options.max_tracked_writes,
                                                    .max_age_ns = 300 * kSecond})),
        signals(options.signals != nullptr ? *options.signals : *own_sink, options.sample_rate),
        tracker(options.max_tracked_writes),
        cache(options.clock != nullptr ? clock : coarse_clock,
              {.default_ttl_ns = options.default_cache_duration_ns,
               .hot_key_extension_ns = options.hot_key_extension_ns,
               .hot_access_threshold = options.hot_access_threshold,
               .max_size = options.cache_size_limit,
               .sample_rate = options.sample_rate,
               .signals = &signals.sink()}),
        readers(name, options, clock, signals, [this] { forget_reads(); }),
        shared(shared_database_of(name)),
        queue(&shared->queue()),
        connection(shared->connection(name.vfs() != nullptr ? name.vfs() : "", is_read_only()),
                   name, options, clock, signals, [this] { forget_reads(); }),
        room(queue_capacity()) {}
  // What was posted is executed; then the connection closes.
  ~Impl();
  // By the first caller, before anything is written.
  SqliteError open();

  // While this thread invalidates for the writer: its own signals aren't orders from outside.
  class Invalidating {
   public:
    explicit Invalidating(const Impl& impl) : before_(current_) { current_ = &impl; }
    ~Invalidating() { current_ = before_; }
    Invalidating(const Invalidating&) = delete;
    Invalidating& operator=(const Invalidating&) = delete;
    static bool is(const Impl* impl) { return current_ == impl; }

   private:
    static inline thread_local const Impl* current_ = nullptr;
    const Impl* const before_;
  };

  WriteContext context() { return {connection, signals, tracker, clock}; }
  DbResult<std::int64_t> run(WriteRequest& request);
  bool is_read_only() const { return name.mode == DatabaseName::Mode::kReadOnly; }
  // In memory there is no log, so a read would meet the lock of a write: there it takes a turn.
  bool reads_in_turn() const { return name.mode == DatabaseName::Mode::kMemory; }
  template <class Read>
  auto take_read(Read read) {
    return reads_in_turn() && !is_within() ? queue->take_turn(read) : read();
  }
  // The path's database may be another one by now.
  void forget_reads() noexcept;
  // This thread is executing a write to this database.
  bool is_within() const { return queue->is_within(); }
  std::int64_t queue_capacity() const {
    return static_cast<std::int64_t>(options.queue_capacity != 0 ? options.queue_capacity
                                                                 : options.max_tracked_writes);
  }

  const DatabaseName name;
  const SingleWriterOptions options;
  const SystemClock system_clock;
  // For the cache: a hit that asks the machine's clock takes twice as long.
  const CoarseClock coarse_clock;
  const Clock& clock;
  const std::unique_ptr<SignalSink> own_sink;
  WriterSignals signals;
  WriteTracker tracker;
  // By text of any type: a hit makes no string of its key.
  struct TextHash {
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  LruCache<std::string, Kept, TextHash, std::equal_to<>> cache;
  ReadPool readers;
  const std::shared_ptr<SharedDatabase> shared;
  CommitQueue* const queue;  // its
  WriteConnection connection;
  Semaphore room;  // permits for posted writes
  std::atomic<bool> keeps_reads{true};
  bool is_ending = false;  // of the last turn: nothing is posted any more
  std::mutex subscription_mutex;
  bool subscribed = false;  // guarded by subscription_mutex
  SignalSubscription subscription;
};

}  // namespace mayfly
