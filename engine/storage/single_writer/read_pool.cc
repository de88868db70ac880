#include "mayfly/storage/single_writer/read_pool.h"

#include <sqlite3.h>

#include <algorithm>
#include <new>
#include <utility>

#include "mayfly/storage/single_writer/owner_rules.h"

namespace mayfly {

struct ReadPool::Reader {
  // forgotten: how often the pool had forgotten when it was opened.
  Reader(const SingleWriterOptions& options, const Clock& clock, std::uint64_t forgotten_before)
      : forgotten(forgotten_before),
        place(clock),
        limit(clock, options.command_timeout_ns),
        statements(connection, options.statements_max),
        session(connection, statements) {}

  // Before the first begin().
  SqliteError prepare() {
    sqlite3_set_authorizer(connection.get(), authorize, this);
    SqliteError error = connection.prepare("BEGIN", begin_statement);
    if (error.ok()) error = connection.prepare("COMMIT", commit_statement);
    own = false;
    return error;
  }
  SqliteError begin() { return run_own(begin_statement); }
  // False: the connection isn't to be used again.
  bool end() { return connection.autocommit() || run_own(commit_statement).ok(); }

  // SQLite may prepare it anew meanwhile.
  SqliteError run_own(SqliteStatement& statement) {
    own = true;
    SqliteError error = statement.run();
    own = false;
    return error;
  }
  static int authorize(void* self, int action, const char* name, const char* value,
                       const char* database, const char*) {
    auto& reader = *static_cast<Reader*>(self);
    if (reader.own) return SQLITE_OK;
    if (is_owners(action, name, value)) return SQLITE_DENY;
    reader.change = std::max(reader.change, change_of(action, name, value, database));
    return SQLITE_OK;
  }
  // As it was opened, for all that is known.
  bool is_unchanged() const { return change == ConnectionChange::kNone && !session.handed_out(); }

  const std::uint64_t forgotten;
  PlaceWatch place;
  bool own = true;  // what is prepared now is the pool's, not a caller's
  ConnectionChange change = ConnectionChange::kNone;  // by callers
  StatementLimit limit;
  SqliteConnection connection;
  StatementCache statements;  // destroyed before the connection
  SqliteStatement begin_statement, commit_statement;
  SqlSession session;
};

ReadPool::Lease::Lease(ReadPool& pool, std::unique_ptr<Reader> reader)
    : pool_(&pool), reader_(std::move(reader)) {}
ReadPool::Lease::Lease(Lease&&) noexcept = default;
ReadPool::Lease::~Lease() {
  if (reader_ != nullptr && reader_->end() && reader_->is_unchanged()) {
    pool_->release(std::move(reader_));
  }
}
SqlSession& ReadPool::Lease::session() { return reader_->session; }

ReadPool::ReadPool(const DatabaseName& name, const SingleWriterOptions& options, const Clock& clock,
                   WriterSignals& signals, std::function<void()> moved)
    : name_(name), options_(options), clock_(clock), signals_(signals), moved_(std::move(moved)) {}

ReadPool::~ReadPool() = default;

DbResult<ReadPool::Lease> ReadPool::acquire() {
  std::unique_ptr<Reader> reader = take_idle();
  if (reader != nullptr && reader->place.finds_moved(reader->connection)) {
    reader.reset();
    moved_();
  }
  if (reader == nullptr) {
    auto opened = open();
    if (!opened.ok()) return opened.error();
    reader = std::move(*opened);
  }
  if (const SqliteError error = reader->begin(); !error.ok()) {
    return to_db_error(error, "beginning to read " + name_.path);
  }
  return Lease(*this, std::move(reader));
}

std::unique_ptr<ReadPool::Reader> ReadPool::take_idle() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return nullptr;
  std::unique_ptr<Reader> reader = std::move(idle_.back());
  idle_.pop_back();
  return reader;
}

void ReadPool::forget() {
  std::vector<std::unique_ptr<Reader>> closed;  // behind the lock
  const std::lock_guard lock(mutex_);
  ++forgotten_;
  closed.swap(idle_);
}

DbResult<std::unique_ptr<ReadPool::Reader>> ReadPool::open() {
  std::uint64_t forgotten = 0;
  {
    const std::lock_guard lock(mutex_);
    forgotten = forgotten_;
  }
  auto reader = std::make_unique<Reader>(options_, clock_, forgotten);
  SqliteError error = open_reader(name_, options_, signals_, reader->connection);
  if (error.ok()) error = reader->prepare();
  if (!error.ok()) return to_db_error(error, "opening " + name_.path + " for reading");
  reader->limit.watch(reader->connection);
  const std::lock_guard lock(mutex_);
  ++opened_;
  return reader;
}

void ReadPool::release(std::unique_ptr<Reader> reader) noexcept {
  const std::lock_guard lock(mutex_);
  if (reader->forgotten != forgotten_) return;
  if (idle_.size() >= options_.read_connections) return;
  try {
    idle_.push_back(std::move(reader));
  } catch (const std::bad_alloc&) {
    // It is closed in place of being kept.
  }
}

std::uint64_t ReadPool::opened() const {
  const std::lock_guard lock(mutex_);
  return opened_;
}

}  // namespace mayfly
