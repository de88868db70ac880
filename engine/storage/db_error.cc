#include "mayfly/storage/db_error.h"

#include <sqlite3.h>

#include <new>

namespace mayfly {
namespace {

using Kind = DbError::Kind;

Kind kind_of(int code) {
  switch (code & 0xFF) {
    case SQLITE_ERROR:
    case SQLITE_SCHEMA:
    case SQLITE_AUTH:
      return Kind::kSql;
    case SQLITE_RANGE:
      return Kind::kParameter;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
      return Kind::kConstraint;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Kind::kBusy;
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return Kind::kReadOnly;
    case SQLITE_FULL:
      return Kind::kFull;
    case SQLITE_CANTOPEN:
      return Kind::kCannotOpen;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Kind::kCorrupt;
    case SQLITE_TOOBIG:
      return Kind::kTooBig;
    case SQLITE_IOERR:
    case SQLITE_PROTOCOL:
      return Kind::kIo;
    case SQLITE_NOMEM:
      return Kind::kNoMemory;
    case SQLITE_INTERRUPT:
    case SQLITE_ABORT:
      return Kind::kInterrupted;
    default:
      return Kind::kOther;
  }
}

Code code_of(Kind kind) {
  switch (kind) {
    case Kind::kSql:
      return Code::kConfig;
    case Kind::kParameter:
    case Kind::kClosed:
      return Code::kUsage;
    case Kind::kConstraint:
    case Kind::kTooBig:
      return Code::kBadData;
    case Kind::kBusy:
    case Kind::kNoMemory:
    case Kind::kInterrupted:
      return Code::kTryAgain;
    case Kind::kReadOnly:
    case Kind::kCannotOpen:
      return Code::kCannotCreate;
    case Kind::kFull:
    case Kind::kCorrupt:
    case Kind::kIo:
      return Code::kIo;
    case Kind::kOther:
      break;
  }
  return Code::kInternal;
}

}  // namespace

const DbError& no_error() {
  static const DbError& none = *new DbError;  // writers may be let go after main()
  return none;
}

DbError copy_of(const DbError& error) noexcept {
  return {.kind = error.kind,
          .code = error.code,
          .message = copy_or_say_no_memory(error.message),
          .statement = error.statement,
          .attempts = error.attempts,
          .waited_ns = error.waited_ns};
}

DbResult<void> copy_of(const DbResult<void>& result) noexcept {
  if (result.ok()) return {};
  return copy_of(result.error());
}

DbError no_memory(std::string_view what) noexcept {
  return {.kind = Kind::kNoMemory, .message = copy_or_say_no_memory(what)};
}

DbError no_thread(std::string_view doing, const std::exception& error) noexcept {
  try {
    return no_memory(std::string(doing) + ": no thread for it: " + error.what());
  } catch (const std::bad_alloc&) {
    return no_memory("no memory");
  }
}

DbError to_db_error(const SqliteError& error, std::string_view doing) noexcept {
  DbError made = {.kind = kind_of(error.code), .code = error.code};
  try {
    made.message = std::string(doing) + ": " + error.message + " (SQLite error " +
                   std::to_string(error.code) + ")";
  } catch (const std::bad_alloc&) {
    made.message = copy_or_say_no_memory(error.message);
  }
  return made;
}

DbError to_db_error(sqlite3* db, int code) {
  // The connection knows more of the call than its result says, unless another came between.
  const int extended = db != nullptr ? sqlite3_extended_errcode(db) : code;
  const bool same = (extended & 0xFF) == (code & 0xFF);
  return {
      .kind = kind_of(code),
      .code = same ? extended : code,
      .message = std::string(same && db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(code)) +
                 " (SQLite error " + std::to_string(same ? extended : code) + ")"};
}

Status to_status(const DbError& error) { return {code_of(error.kind), error.message}; }

DbResult<void> to_db_result(sqlite3* db, int code) {
  if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE) return {};
  return to_db_error(db, code);
}

DbError transaction_ended() noexcept {
  return {.kind = DbError::Kind::kSql,
          .message = copy_or_say_no_memory(
              "expected a transaction that is still open, found one that a statement before "
              "has ended (ON CONFLICT ROLLBACK, RAISE(ROLLBACK), a time limit, a full "
              "disk); what it had written is rolled back")};
}

}  // namespace mayfly
