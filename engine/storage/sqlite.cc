#include "mayfly/storage/sqlite.h"

#include <sqlite3.h>
#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <utility>

#include "mayfly/base/clock.h"

namespace mayfly {
namespace {

std::string quote(std::string_view text, char mark) {
  std::string quoted(1, mark);
  for (const char c : text) {
    if (c == mark) quoted += mark;
    quoted += c;
  }
  quoted += mark;
  return quoted;
}

// What a write may have met. SQLite doesn't say: the reason it keeps is that of a later call.
std::string file_size_limit() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return {};
  return "; files of this process may have " + std::to_string(limit.rlim_cur) +
         " bytes at most: raise that if it is too few (ulimit -f; LimitFSIZE= of a service)";
}

}  // namespace

std::string copy_or_say_no_memory(std::string_view text) noexcept {
  try {
    return std::string(text);
  } catch (const std::bad_alloc&) {
    return "no memory";  // short enough to need none
  }
}

bool SqliteError::is_busy() const { return primary() == SQLITE_BUSY || primary() == SQLITE_LOCKED; }

Status to_status(const SqliteError& error, std::string_view doing) {
  const std::string message = std::string(doing) + ": " + error.message + " (SQLite error " +
                              std::to_string(error.code) + ")";
  if (error.code == SQLITE_READONLY_DBMOVED) {
    return {Code::kIo, message + "; the file was removed, renamed or replaced while it was open"};
  }
  switch (error.primary()) {
    case SQLITE_OK:
      return Status::success();
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL:
      return {Code::kTryAgain, message + "; another connection holds it, try again later"};
    case SQLITE_FULL:
      return {Code::kIo, message + "; free some space and try again"};
    case SQLITE_IOERR:
      return {Code::kIo, message + (error.code == SQLITE_IOERR_WRITE ? file_size_limit() : "")};
    case SQLITE_CORRUPT:
      return {Code::kIo, message +
                             "; put a copy of it in its place, or save what can be read: sqlite3 "
                             "DATABASE .recover | sqlite3 ANOTHER"};
    case SQLITE_NOTADB:
      return {Code::kIo, message};
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
      if (error.system == EMFILE || error.system == ENFILE) {
        return {Code::kCannotCreate, message + "; too many files are open (ulimit -n)"};
      }
      return {Code::kCannotCreate,
              message + "; the file and its directory must be writable by this user"};
    case SQLITE_ERROR:
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      return {Code::kConfig, message};
    default:
      return {Code::kInternal, message};
  }
}

ErrorClass classify(int code) {
  switch (code & 0xFF) {
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_TOOBIG:
    case SQLITE_ERROR:  // an expression or a trigger that failed over a row
      return ErrorClass::kRow;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOMEM:
    case SQLITE_PROTOCOL:
    case SQLITE_INTERRUPT:
      return ErrorClass::kTransient;
    default:
      return ErrorClass::kFatal;
  }
}

void SqliteStatement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

SqliteStatement& SqliteStatement::bind(int parameter, std::int64_t value) {
  sqlite3_bind_int64(get(), parameter, value);
  return *this;
}

SqliteStatement& SqliteStatement::bind(int parameter, std::string_view text) {
  // A null pointer would bind NULL.
  const char* data = text.data() != nullptr ? text.data() : "";
  sqlite3_bind_text64(get(), parameter, data, text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

SqliteStatement& SqliteStatement::bind_blob(int parameter, std::string_view bytes) {
  const char* data = bytes.data() != nullptr ? bytes.data() : "";
  sqlite3_bind_blob64(get(), parameter, data, bytes.size(), SQLITE_STATIC);
  return *this;
}

SqliteStatement& SqliteStatement::bind_null(int parameter) {
  sqlite3_bind_null(get(), parameter);
  return *this;
}

bool SqliteStatement::step(SqliteError& error) {
  const int code = sqlite3_step(get());
  error.code = 0;
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) {
    sqlite3* db = sqlite3_db_handle(get());
    error = {sqlite3_extended_errcode(db), copy_or_say_no_memory(sqlite3_errmsg(db))};
  }
  return false;
}

SqliteError SqliteStatement::run() {
  SqliteError error;
  while (step(error)) {
  }
  reset();
  return error;
}

void SqliteStatement::reset() { sqlite3_reset(get()); }

std::int64_t SqliteStatement::int64(int column) const {
  return sqlite3_column_int64(get(), column);
}

std::string_view SqliteStatement::text(int column) const {
  const auto* data = static_cast<const char*>(sqlite3_column_blob(get(), column));
  const int bytes = sqlite3_column_bytes(get(), column);
  return data == nullptr ? std::string_view() : std::string_view(data, static_cast<size_t>(bytes));
}

bool SqliteStatement::is_null(int column) const {
  return sqlite3_column_type(get(), column) == SQLITE_NULL;
}

int SqliteStatement::column_count() const { return sqlite3_column_count(get()); }

void SqliteConnection::Close::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

SqliteError SqliteConnection::open(const std::string& path, const OpenOptions& options,
                                   SqliteConnection& out) {
  // Without the right to write, SQLite opens it for reading.
  const int access = options.read_only
                         ? SQLITE_OPEN_READONLY
                         : SQLITE_OPEN_READWRITE | (options.create ? SQLITE_OPEN_CREATE : 0);
  const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE | access;
  sqlite3* db = nullptr;
  // Debian's SQLite takes "file:..." for a URI; here a path is a path.
  const std::string name = path.starts_with("file:") ? "./" + path : path;
  const int code = sqlite3_open_v2(name.c_str(), &db, flags, options.vfs);
  out.db_.reset(db);
  if (code == SQLITE_OK) return {};
  SqliteError error{code, db != nullptr ? sqlite3_errmsg(db) : "out of memory"};
  out.close();
  return error;
}

SqliteError SqliteConnection::run(const std::string& sql) {
  if (sqlite3_exec(get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return last_error();
}

SqliteError SqliteConnection::prepare(std::string_view sql, SqliteStatement& out, bool persistent,
                                      std::string_view* rest) {
  sqlite3_stmt* statement = nullptr;
  const char* tail = nullptr;
  const int code =
      sqlite3_prepare_v3(get(), sql.data(), static_cast<int>(sql.size()),
                         persistent ? SQLITE_PREPARE_PERSISTENT : 0u, &statement, &tail);
  out = SqliteStatement(statement);
  if (rest != nullptr) *rest = tail == nullptr ? "" : sql.substr(std::size_t(tail - sql.data()));
  return code == SQLITE_OK ? SqliteError{} : last_error();
}

SqliteError SqliteConnection::last_error() const {
  return {sqlite3_extended_errcode(get()), copy_or_say_no_memory(sqlite3_errmsg(get())),
          sqlite3_system_errno(get())};
}

SqliteConnection::Authorizer SqliteConnection::exchange_authorizer(Authorizer next) {
  sqlite3_set_authorizer(get(), next.ask, next.self);
  return std::exchange(authorizer_, next);
}

void SqliteConnection::close() {
  db_.reset();
  authorizer_ = {};
}

bool SqliteConnection::autocommit() const { return sqlite3_get_autocommit(get()) != 0; }

bool SqliteConnection::is_moved() const {
  int moved = 0;
  sqlite3_file_control(get(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
  return moved != 0;
}

SqliteError SqliteConnection::sync_file() {
  sqlite3_file* file = nullptr;
  sqlite3_file_control(get(), "main", SQLITE_FCNTL_FILE_POINTER, &file);
  if (file == nullptr || file->pMethods == nullptr) return {};  // not opened yet
  const int code = file->pMethods->xSync(file, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
  if (code == SQLITE_OK) return {};
  return {code, sqlite3_errstr(code)};
}

SqliteError SqliteConnection::query_text(const std::string& sql, std::string& out) {
  SqliteStatement statement;
  if (SqliteError error = prepare(sql, statement, false); !error.ok()) return error;
  SqliteError error;
  out.clear();
  if (statement.step(error)) out = statement.text(0);
  return error;
}

int busy_timeout_ms(std::int64_t ns) {
  const std::int64_t ms = ns / kMillisecond + (ns % kMillisecond > 0 ? 1 : 0);
  return static_cast<int>(std::clamp<std::int64_t>(ms, 0, INT32_MAX));
}

std::string quote_identifier(std::string_view name) { return quote(name, '"'); }
std::string quote_literal(std::string_view text) { return quote(text, '\''); }

}  // namespace mayfly
