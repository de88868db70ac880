#include "mayfly/storage/single_writer/sqlite_single_writer.h"

#include <algorithm>
#include <mutex>
#include <new>

#include "mayfly/cache/lru_cache.h"
#include "mayfly/data/semaphore.h"
#include "mayfly/storage/single_writer/read_pool.h"
#include "mayfly/storage/single_writer/single_writer_impl.h"
#include "mayfly/storage/single_writer/write_connection.h"
#include "mayfly/storage/single_writer/write_requests.h"
#include "mayfly/storage/single_writer/writer_registry.h"

namespace mayfly {
namespace {

constexpr std::string_view kInvalidate = "cache.invalidate:";

DbError from_within() {
  return {.message =
              "expected a write while this thread isn't writing to the database, found one from "
              "within a transaction's function, a callback or a listener, which would wait for "
              "itself; write by the session, or later"};
}

// Why a write wasn't posted.
DbError::Kind kind_of_refusal(Code code) {
  if (code == Code::kTryAgain) return DbError::Kind::kBusy;
  return code == Code::kUsage ? DbError::Kind::kClosed : DbError::Kind::kNoMemory;
}

// Of a cached read: what the cache says, whose own refusals are statuses.
DbError to_db_error(const Status& status) {
  const DbError::Kind kind =
      status.code() == Code::kUsage ? DbError::Kind::kParameter : DbError::Kind::kOther;
  return {.kind = kind, .message = status.message()};
}

DbError kept_as_another_type(std::string_view key) {
  return {.kind = DbError::Kind::kParameter,
          .message = "cached read " + std::string(key) +
                     ": expected the type it was kept as, found another; give each type its own "
                     "key"};
}

}  // namespace

DbResult<std::shared_ptr<SqliteSingleWriter>> SqliteSingleWriter::get_or_create(
    std::string_view database, const SingleWriterOptions& options) {
  return WriterRegistry::of_process().get_or_create(database, options);
}

SqliteSingleWriter::SqliteSingleWriter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SqliteSingleWriter::~SqliteSingleWriter() = default;

DbResult<std::int64_t> SqliteSingleWriter::Impl::run(WriteRequest& request) {
  queue->run(request, connection);
  request.finish();
  return std::move(request.result);
}

SqliteError SqliteSingleWriter::Impl::open() {
  return queue->take_turn([&] {
    SqliteError error = connection.open();
    if (error.ok()) queue->accept(options.group_max);
    return error;
  });
}

void SqliteSingleWriter::Impl::forget_reads() noexcept {
  // In memory there is no other of that name, and it lives as long as a connection is open.
  if (name.mode == DatabaseName::Mode::kMemory) return;
  // First the connections: what is read from now on, and kept, is of the database that is there.
  readers.forget();
  // At its end nobody is to hear of it.
  if (!keeps_reads.load(std::memory_order_relaxed)) return cache.end();
  try {
    cache.clear();
  } catch (const std::bad_alloc&) {
    // What is kept goes when its time is up.
  }
}

SqliteSingleWriter::Impl::~Impl() {
  subscription.reset();
  // While all of it is there: values may use the writer as they go. Nothing is kept any more, and
  // nobody hears of it, since whoever opens the database now would wait for this to end.
  keeps_reads.store(false, std::memory_order_relaxed);
  cache.end();
  // A posted write gives its permit back when its callback is over, and may have posted another.
  while (room.available() < queue_capacity()) {
    FlushWrite all;
    queue->run(all, connection);
  }
  queue->take_turn([&] {
    // A listener hears of the last checkpoint, and what it posts nobody would execute.
    is_ending = true;
    connection.end();
  });
}

DbResult<std::int64_t> SqliteSingleWriter::write(std::string_view sql, const SqlParams& params) {
  if (impl_->is_within()) return from_within();
  SqlWrite request(impl_->context(), sql, params);
  return impl_->run(request);
}

DbResult<std::int64_t> SqliteSingleWriter::write_batch(std::span<const SqlCommand> commands,
                                                       bool transactional) {
  if (commands.empty()) return 0;
  if (impl_->is_within()) return from_within();
  BatchWrite request(impl_->context(), commands, transactional);
  return impl_->run(request);
}

DbResult<void> SqliteSingleWriter::run_transaction(FunctionRef<DbResult<void>(SqlSession&)> work) {
  if (impl_->is_within()) return from_within();
  TransactionWrite request(impl_->context(), work);
  const auto done = impl_->run(request);
  if (!done.ok()) return done.error();
  return {};
}

DbResult<std::int64_t> SqliteSingleWriter::write_and_invalidate(
    std::string_view sql, const SqlParams& params, std::span<const std::string_view> keys) {
  auto written = write(sql, params);
  // Also of a write that failed: nobody may be able to tell whether it did.
  for (const std::string_view key : keys) invalidate_cache(key);
  return written;
}

Status SqliteSingleWriter::write_async(std::string sql, SqlParams params, WriteCallback done) {
  if (!impl_->is_within()) {
    impl_->room.acquire();
  } else if (impl_->is_ending) {
    return {Code::kUsage, "expected a writer that somebody holds, found one at its end"};
  } else if (!impl_->room.try_acquire()) {
    return {Code::kTryAgain, "expected room for a write, found " +
                                 std::to_string(impl_->queue_capacity()) + " that wait"};
  }
  try {
    auto* const request = new PostedWrite(impl_->context(), {std::move(sql), std::move(params)},
                                          std::move(done), impl_->room);
    impl_->queue->post(*request, impl_->connection);
    return {};
  } catch (const std::bad_alloc&) {
    impl_->room.release();
    return {Code::kUnavailable, "no memory for a write"};
  }
}

std::future<DbResult<std::int64_t>> SqliteSingleWriter::write_async(std::string sql,
                                                                    SqlParams params) {
  auto promise = std::make_shared<std::promise<DbResult<std::int64_t>>>();
  auto future = promise->get_future();
  const Status posted =
      write_async(std::move(sql), std::move(params),
                  [promise](const DbResult<std::int64_t>& result) { promise->set_value(result); });
  if (!posted.ok()) {
    promise->set_value(
        DbError{.kind = kind_of_refusal(posted.code()), .message = posted.message()});
  }
  return future;
}

Status SqliteSingleWriter::flush_writes() {
  if (impl_->is_within()) return mayfly::to_status(from_within());
  SignalSink& sink = impl_->signals.sink();
  sink.raise(impl_->signals.flush_start);
  FlushWrite request;
  impl_->queue->run(request, impl_->connection);
  sink.raise(impl_->signals.flush_done);
  return {};
}

DbResult<void> SqliteSingleWriter::run_query(FunctionRef<DbResult<void>(SqlSession&)> reader) {
  if (impl_->signals.sample()) impl_->signals.sink().raise(impl_->signals.query_start);
  return impl_->take_read([&]() -> DbResult<void> {
    auto lease = impl_->readers.acquire();
    if (!lease.ok()) return lease.error();
    return reader(lease->session());
  });
}

[[gnu::always_inline]] inline DbResult<std::shared_ptr<const void>> SqliteSingleWriter::kept_value(
    std::shared_ptr<const Kept> kept, std::string_view key, const std::type_info& type) {
  if (*kept->type != type) [[unlikely]]
    return kept_as_another_type(key);
  // By the count of what it is kept in: to count it once more, and that once less, would take as
  // long as all else.
  const void* const value = kept->value.get();
  return std::shared_ptr<const void>(std::move(kept), value);
}

DbResult<std::shared_ptr<const void>> SqliteSingleWriter::run_read(
    std::string_view key, const std::type_info& type, ValueReader reader,
    std::optional<std::int64_t> ttl_ns) {
  // A hit is to be short: no text is made of its key, and nothing that only a miss needs. (Whether
  // a ttl can be is said by the cache, which refuses it also where it has a value.)
  if (!ttl_ns || *ttl_ns > 0) {
    if (auto kept = impl_->cache.find(key)) return kept_value(std::move(kept), key, type);
    // Within a turn it mustn't wait for a reader, on another thread, that waits for that turn.
    if (impl_->is_within() || !impl_->keeps_reads.load(std::memory_order_relaxed)) {
      return read_now(reader);
    }
  }
  return read_and_keep(key, type, reader, ttl_ns);
}

DbResult<std::shared_ptr<const void>> SqliteSingleWriter::read_now(ValueReader reader) {
  return impl_->take_read([&]() -> DbResult<std::shared_ptr<const void>> {
    auto lease = impl_->readers.acquire();
    if (!lease.ok()) return lease.error();
    return reader(lease->session());
  });
}

DbResult<std::shared_ptr<const void>> SqliteSingleWriter::read_and_keep(
    std::string_view key, const std::type_info& type, ValueReader reader,
    std::optional<std::int64_t> ttl_ns) {
  const auto make = [&](const std::string&) -> Result<Kept> {
    const bool sampled = impl_->signals.sample();
    SignalSink& sink = impl_->signals.sink();
    if (sampled) sink.raise(impl_->signals.read_start, key);
    auto value = read_now(reader);
    if (!value.ok()) {
      // Those who wait get it whole, as a value; and it isn't kept, since the key was invalidated
      // while it was read.
      invalidate_cache(key);
      return Kept{.error = value.error()};
    }
    if (sampled) sink.raise(impl_->signals.read_done, key);
    return Kept{.value = std::move(*value), .type = &type};
  };
  auto found = impl_->cache.get_or_add(std::string(key), make, {.ttl_ns = ttl_ns});
  if (!found.ok()) return to_db_error(found.status());
  if ((*found)->error) return *(*found)->error;
  return kept_value(std::move(*found), key, type);
}

void SqliteSingleWriter::invalidate_cache(std::string_view key) {
  const Impl::Invalidating own(*impl_);
  // The cache says so itself when there was something.
  if (!impl_->cache.invalidate(std::string(key))) {
    impl_->signals.sink().raise(impl_->signals.cache_invalidate, key);
  }
}

Status SqliteSingleWriter::enable_signal_driven_invalidation(SignalSink& sink,
                                                             std::string_view patterns) {
  const std::lock_guard lock(impl_->subscription_mutex);
  if (impl_->subscribed) {
    return {Code::kUsage, "expected one call of enable_signal_driven_invalidation, found another"};
  }
  Impl* const impl = impl_.get();
  try {
    impl->subscription = sink.subscribe(patterns, [impl](const SignalEvent& event) {
      // What this writer invalidates itself is no order from outside.
      if (Impl::Invalidating::is(impl)) return;
      const std::string_view name = event.name();
      const std::string_view key =
          name.starts_with(kInvalidate) ? name.substr(kInvalidate.size()) : event.argument();
      if (key.empty()) return;
      {
        const Impl::Invalidating own(*impl);
        impl->cache.invalidate(std::string(key));
      }
      impl->signals.sink().raise(impl->signals.cache_invalidate_external, key);
    });
  } catch (const std::exception& error) {
    return {Code::kUsage, error.what()};
  }
  impl->subscribed = true;
  return {};
}

SignalSink& SqliteSingleWriter::sink() { return impl_->signals.sink(); }

std::vector<Signal> SqliteSingleWriter::signals(std::string_view glob) {
  return impl_->signals.sink().sense(glob);
}

std::vector<WriteSnapshot> SqliteSingleWriter::write_snapshot() const {
  return impl_->tracker.snapshot();
}

SingleWriterStats SqliteSingleWriter::stats() const {
  const std::int64_t free = impl_->room.available();
  return {.writes = impl_->tracker.total(),
          .transactions = impl_->connection.transactions(),
          .waiting = std::max<std::int64_t>(0, impl_->queue_capacity() - free),
          .checkpoints = impl_->connection.checkpoints(),
          .wal_pages = impl_->connection.wal_pages(),
          .reopened = impl_->connection.reopened(),
          .read_connections = impl_->readers.opened(),
          .cache = impl_->cache.stats()};
}

const SingleWriterOptions& SqliteSingleWriter::options() const { return impl_->options; }

bool SqliteSingleWriter::is_within() const { return impl_->is_within(); }

}  // namespace mayfly
