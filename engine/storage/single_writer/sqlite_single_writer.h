// SqliteSingleWriter: everybody in a process who writes to a database does it here: writes meet no
// lock of each other's, share transactions, and are seen as signals; reads are cached.
//
//   auto writer = SqliteSingleWriter::get_or_create("users.db");
//   if (!writer.ok()) return fail(writer.error());
//   SqliteSingleWriter& db = **writer;
//   db.write("INSERT INTO users(name) VALUES (:name)", SqlParams::named({{"name", "Alice"}}));
//   auto count = db.read<std::int64_t>("users:count", [](SqlSession& session) {
//     return session.scalar<std::int64_t>("SELECT count(*) FROM users");
//   });
//   db.write_and_invalidate("INSERT INTO users(name) VALUES (?)", {"Bob"}, {"users:count"});
//
// WRITES     In the order in which they were brought. Those that wait together share one
//            transaction, in which each is all or nothing and has its own result: one bad among a
//            hundred fails alone (group_writer.h). While nothing else is under way a write is done
//            by the thread that brings it (commit_queue.h). A result says that it is committed, and
//            with Synchronous::kFull on disk.
// READS      read() keeps what its reader gave, under a key, for default_cache_duration_ns after
//            the last access; of threads that miss a key together one reads. What was read before
//            an invalidation is never served after it. query() isn't kept. Both see one state of
//            the database (read_pool.h), and wait for no write. When the connection that writes is
//            lost, or one that reads finds another file at the path (looked at once a second),
//            what was kept goes, and who reads sees the database that is there by then. (Whoever
//            puts it there moves the old one's PATH-wal and PATH-shm away: SQLite would apply that
//            log to the new one, as it would for any program.) But in
//            memory, where SQLite has no log, they take turns with the writes, and are refused to
//            write themselves; there a function of a transaction reads by its own session, since
//            query() would meet its lock. Within a turn (CALLBACKS) read() gives what is kept, and
//            keeps nothing itself.
// CONNECTION The one by which the process writes to the database; an engine that writes to it uses
//            it, too (shared_connection.h). What is set by PRAGMA holds for callers until it is
//            opened anew, and never for the engine; where that needs a second connection (ATTACH,
//            TEMP tables, most of PRAGMA, SqlSession::get()) there is one.
// OWNERSHIP  Shared by all who asked for the database; the last one who lets go executes what was
//            posted, moves the log into the database, as far as nobody reads it, and closes it.
//            What is kept goes first, so that its destructors may use the writer. Its clock and
//            sink are the caller's and outlive it.
// CALLBACKS  Run within a turn of the database's queue (commit_queue.h): nobody else in the process
//            writes to the database meanwhile. So they may do anything but wait for a write to it:
//            by this writer, which is refused (kOther), or by an engine: opening one is refused,
//            but close(), abort(), waiting for its tickets and append() into a full pool wait for
//            ever; try_append() doesn't. Nor do they wait for a thread that does. To another
//            database they may write (and, in memory, read from it), as long as all do so in the
//            same order of databases: two that do it crosswise wait for each other, as do two that
//            end and whose kept values open each other's. What one throws
//            becomes an error with its text. Listeners hear of a checkpoint that fails while the
//            last holder lets go, too: they may read then, and nothing can be posted any more
//            (kClosed).
// ERRORS     DbError, for the caller whom it concerns: what it was (kind), SQLite's code, the
//            message with the constraint, of a batch which command. Nothing else is lost.
// THREADS    Any.
// SIGNALS    writer_signals.h lists them.
#pragma once

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <future>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "mayfly/base/function_ref.h"
#include "mayfly/cache/cache_types.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/single_writer_options.h"
#include "mayfly/storage/single_writer/sql_command.h"
#include "mayfly/storage/single_writer/sql_params.h"
#include "mayfly/storage/single_writer/sql_session.h"
#include "mayfly/storage/single_writer/write_tracker.h"

namespace mayfly {

// What a writer has done, and how it stands.
struct SingleWriterStats {
  std::uint64_t writes = 0;        // that were brought, of all kinds
  std::uint64_t transactions = 0;  // they were committed, or failed, in so many
  std::int64_t waiting = 0;        // posted ones, not done yet
  std::uint64_t checkpoints = 0;
  std::uint32_t wal_pages = 0;         // of the log, after the last commit
  std::uint64_t reopened = 0;          // the write connection, after it was lost
  std::uint64_t read_connections = 0;  // that were opened
  CacheStats cache;
};

namespace internal {

// The type of what a caller's function makes: what it returns.
template <class T>
struct ValueOf {
  using type = T;
};
// Of a DbResult its value's.
template <class T>
struct ValueOf<DbResult<T>> {
  using type = T;
};
template <class F>
using ValueMade =
    typename ValueOf<std::remove_cvref_t<std::invoke_result_t<F&, SqlSession&>>>::type;

// Calls it, whatever it returns, and catches what it throws.
template <class T, class F>
DbResult<T> call_with(F& function, SqlSession& session) {
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<F&, SqlSession&>>) {
      std::invoke(function, session);
      return {};
    } else {
      return std::invoke(function, session);
    }
  } catch (const std::exception& error) {
    return DbError{.message = std::string("the function threw: ") + error.what()};
  } catch (...) {
    return DbError{.message = "the function threw something that is no std::exception"};
  }
}

// Has `run` call the function with a session; what that made comes out when `run` says that it is
// done.
template <class F, class Run>
DbResult<ValueMade<F>> value_of(F& function, Run run) {
  using T = ValueMade<F>;
  static_assert(std::is_void_v<T> || std::is_nothrow_move_constructible_v<T>,
                "what is given must move without throwing: it would be lost behind its COMMIT");
  if constexpr (std::is_void_v<T>) {
    return run([&](SqlSession& session) { return call_with<T>(function, session); });
  } else {
    std::optional<T> made;
    const DbResult<void> done = run([&](SqlSession& session) -> DbResult<void> {
      DbResult<T> one = call_with<T>(function, session);
      if (!one.ok()) return one.error();
      made.emplace(std::move(*one));
      return {};
    });
    if (!done.ok()) return done.error();
    return std::move(*made);
  }
}

}  // namespace internal

class SqliteSingleWriter {
 public:
  // The one writer of this database in the process: a path, or a connection string
  // (database_name.h). It is opened, and made unless the mode says otherwise, by the first caller,
  // whose options hold for all. kParameter: neither, an option out of range, or Mode=ReadOnly of a
  // database that others write to, or the other way round.
  static DbResult<std::shared_ptr<SqliteSingleWriter>> get_or_create(
      std::string_view database, const SingleWriterOptions& options = {});
  ~SqliteSingleWriter();
  SqliteSingleWriter(const SqliteSingleWriter&) = delete;
  SqliteSingleWriter& operator=(const SqliteSingleWriter&) = delete;

  // One statement, or several, all or nothing; but where the text begins with PRAGMA, VACUUM,
  // ATTACH or DETACH, which no transaction takes, each for itself until one fails. Rows changed. Of
  // a single statement that fails by FAIL (OR FAIL, RAISE(FAIL)) the rows before stay: in a batch
  // or a transaction they don't.
  DbResult<std::int64_t> write(std::string_view sql, const SqlParams& params = {});
  // All or nothing; not transactional: each by itself, until one fails. Rows changed; DbError's
  // `statement` says which failed.
  DbResult<std::int64_t> write_batch(std::span<const SqlCommand> commands,
                                     bool transactional = true);
  DbResult<std::int64_t> write_batch(std::initializer_list<SqlCommand> commands,
                                     bool transactional = true) {
    return write_batch(std::span(commands.begin(), commands.size()), transactional);
  }
  // Calls work(session) within a transaction of its own, on this thread: committed when it returns,
  // rolled back when it returns an error or throws. It returns nothing, a T or a DbResult<T>, and a
  // T moves without throwing.
  template <class Work>
  DbResult<internal::ValueMade<Work>> execute_in_transaction(Work&& work);
  // The keys leave the cache once it is written, and whether or not it could be.
  DbResult<std::int64_t> write_and_invalidate(std::string_view sql, const SqlParams& params,
                                              std::span<const std::string_view> keys);
  DbResult<std::int64_t> write_and_invalidate(std::string_view sql, const SqlParams& params,
                                              std::initializer_list<std::string_view> keys) {
    return write_and_invalidate(sql, params, std::span(keys.begin(), keys.size()));
  }

  // Nobody waits for it: `done`, if there is one, is called once with the result, on the thread
  // that wrote it, which may be any caller's, in the midst of its own call. Waits while
  // queue_capacity of these wait; from a callback it doesn't, and there may be no room:
  // Code::kTryAgain; at the writer's end there is none: Code::kUsage (kClosed of the future).
  using WriteCallback = std::function<void(const DbResult<std::int64_t>&)>;
  Status write_async(std::string sql, SqlParams params, WriteCallback done);
  // The same with a future, which has the refusal, too.
  std::future<DbResult<std::int64_t>> write_async(std::string sql, SqlParams params = {});
  // Returns when all that was brought before is committed, or has failed.
  Status flush_writes();

  // What reader(session) gives, a T or a DbResult<T>, kept under `key`; errors aren't. ttl_ns:
  // since the last access, instead of default_cache_duration_ns.
  template <class T, class Reader>
  DbResult<T> read(std::string_view key, Reader&& reader, std::optional<std::int64_t> ttl_ns = {});
  // The same without a copy of what is kept.
  template <class T, class Reader>
  DbResult<std::shared_ptr<const T>> read_shared(std::string_view key, Reader&& reader,
                                                 std::optional<std::int64_t> ttl_ns = {});
  // Not kept. What it returns moves without throwing.
  template <class Reader>
  DbResult<internal::ValueMade<Reader>> query(Reader&& reader);
  // What is kept under the key, or is being read for it, isn't served from now on.
  void invalidate_cache(std::string_view key);
  // The same for every signal of this sink that matches, from now on: its key is what stands behind
  // "cache.invalidate:", or else behind the first colon. The first call counts, and any number of
  // processes' bridges may raise here. kUsage: there was one, or no pattern. The sink outlives the
  // writer, or its end ends this.
  Status enable_signal_driven_invalidation(SignalSink& sink,
                                           std::string_view patterns = "cache.invalidate:*");

  SignalSink& sink();
  // Of those that the sink still has: the newest, unless it was given a larger one. What must not
  // be missed is subscribed to.
  std::vector<Signal> signals(std::string_view glob = "*");
  std::vector<WriteSnapshot> write_snapshot() const;
  SingleWriterStats stats() const;
  const SingleWriterOptions& options() const;
  // Whether this thread runs a function or a callback of this writer's: its writes are refused, and
  // it must not wait for another thread's.
  bool is_within() const;

 private:
  struct Impl;
  friend class WriterRegistry;
  explicit SqliteSingleWriter(std::unique_ptr<Impl> impl);

  // What is kept under a key, of any type; or an error, for those alone who wait for the read.
  struct Kept {
    std::shared_ptr<const void> value;
    const std::type_info* type = nullptr;
    std::optional<DbError> error = {};
  };
  DbResult<void> run_transaction(FunctionRef<DbResult<void>(SqlSession&)> work);
  DbResult<void> run_query(FunctionRef<DbResult<void>(SqlSession&)> reader);
  using ValueReader = FunctionRef<DbResult<std::shared_ptr<const void>>(SqlSession&)>;
  DbResult<std::shared_ptr<const void>> run_read(std::string_view key, const std::type_info& type,
                                                 ValueReader reader,
                                                 std::optional<std::int64_t> ttl_ns);
  // Past the cache.
  DbResult<std::shared_ptr<const void>> read_now(ValueReader reader);
  // By the cache, which hasn't got it.
  DbResult<std::shared_ptr<const void>> read_and_keep(std::string_view key,
                                                      const std::type_info& type,
                                                      ValueReader reader,
                                                      std::optional<std::int64_t> ttl_ns);
  // Of what is kept under a key, the value.
  static DbResult<std::shared_ptr<const void>> kept_value(std::shared_ptr<const Kept> kept,
                                                          std::string_view key,
                                                          const std::type_info& type);

  const std::unique_ptr<Impl> impl_;
};

template <class Work>
DbResult<internal::ValueMade<Work>> SqliteSingleWriter::execute_in_transaction(Work&& work) {
  return internal::value_of(work, [this](auto call) { return run_transaction(call); });
}

template <class Reader>
DbResult<internal::ValueMade<Reader>> SqliteSingleWriter::query(Reader&& reader) {
  return internal::value_of(reader, [this](auto call) { return run_query(call); });
}

template <class T, class Reader>
DbResult<std::shared_ptr<const T>> SqliteSingleWriter::read_shared(
    std::string_view key, Reader&& reader, std::optional<std::int64_t> ttl_ns) {
  using Made = DbResult<std::shared_ptr<const void>>;
  Made found = run_read(
      key, typeid(T),
      [&](SqlSession& session) -> Made {
        DbResult<T> one = internal::call_with<T>(reader, session);
        if (!one.ok()) return one.error();
        return std::shared_ptr<const void>(std::make_shared<const T>(std::move(*one)));
      },
      ttl_ns);
  if (!found.ok()) return found.error();
  return std::static_pointer_cast<const T>(std::move(*found));
}

template <class T, class Reader>
DbResult<T> SqliteSingleWriter::read(std::string_view key, Reader&& reader,
                                     std::optional<std::int64_t> ttl_ns) {
  auto found = read_shared<T>(key, reader, ttl_ns);
  if (!found.ok()) return found.error();
  return **found;
}

}  // namespace mayfly
