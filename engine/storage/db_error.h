// DbError, DbResult<T>: what a database refused, for the caller whom it concerns.
//
// Told by SQLite's code, never by the text of its message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "mayfly/base/status.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

// Why a statement, a transaction or a database didn't do what was asked.
struct DbError {
  enum class Kind : std::uint8_t {
    kSql,         // it doesn't parse, or names what isn't there
    kParameter,   // too many, too few, unknown, of a type that SQLite hasn't
    kConstraint,  // UNIQUE, NOT NULL, CHECK, a foreign key, a strict type
    kBusy,        // another connection has what this one needs
    kReadOnly,
    kFull,        // the disk
    kCannotOpen,  // missing, a folder, no permission
    kCorrupt,     // or no database at all
    kTooBig,      // a value or a statement over SQLite's limits
    kIo,
    kNoMemory,
    kInterrupted,
    kClosed,  // asked of what was stopped already
    kOther,
  };
  Kind kind = Kind::kOther;
  int code = 0;  // SQLite's, extended; 0: it isn't SQLite that refused
  std::string message;
  std::uint32_t statement = 0;  // of several: which one, from 0
  // Of what was tried again (with_db_retry).
  std::uint32_t attempts = 1;
  std::int64_t waited_ns = 0;  // between them

  // Another connection's lock: the same may succeed later.
  bool is_lock() const { return kind == Kind::kBusy; }
};

// What the connection says of the call that just returned `code`: for users of SQLite's C API.
DbError to_db_error(sqlite3* db, int code);

// The following are made also without memory, with a text that says that.
// `doing` ("writing to orders") stands before SQLite's words.
DbError to_db_error(const SqliteError& error, std::string_view doing) noexcept;
DbError copy_of(const DbError& error) noexcept;
// Of `doing`, where std::thread's constructor threw: std::system_error, or std::bad_alloc.
DbError no_thread(std::string_view doing, const std::exception& error) noexcept;
// `what`: what there was no memory for.
DbError no_memory(std::string_view what) noexcept;
// With the exit status that the kind leads to.
Status to_status(const DbError& error);

// What a success has for an error.
const DbError& no_error();

// A value, or why there is none. T's moves don't throw.
template <class T>
class [[nodiscard]] DbResult {
 public:
  DbResult(T value)  // NOLINT(google-explicit-constructor)
      : either_(std::in_place_index<kValue>, std::move(value)) {}
  DbResult(DbError error)  // NOLINT(google-explicit-constructor)
      : either_(std::in_place_index<kError>, std::move(error)) {}

  bool ok() const { return either_.index() == kValue; }
  // Of a success: one that says nothing.
  const DbError& error() const {
    const DbError* const error = std::get_if<kError>(&either_);
    return error != nullptr ? *error : no_error();
  }
  // Only of a success.
  T& value() & { return *std::get_if<kValue>(&either_); }
  const T& value() const& { return *std::get_if<kValue>(&either_); }
  T&& value() && { return std::move(*std::get_if<kValue>(&either_)); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }

 private:
  static constexpr std::size_t kValue = 0;
  static constexpr std::size_t kError = 1;
  // Of what a success doesn't have, an error, nothing is made.
  std::variant<T, DbError> either_;
};

// Success, or why not.
template <>
class [[nodiscard]] DbResult<void> {
 public:
  DbResult() = default;
  DbResult(DbError error) : error_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return !error_; }
  // Of a success: one that says nothing.
  const DbError& error() const { return error_ ? *error_ : no_error(); }

 private:
  std::optional<DbError> error_;
};

// Also without memory.
DbResult<void> copy_of(const DbResult<void>& result) noexcept;

// Success for SQLITE_OK, SQLITE_ROW and SQLITE_DONE: for users of SQLite's C API.
DbResult<void> to_db_result(sqlite3* db, int code);

// Of what is asked of a transaction that a statement before it has ended.
DbError transaction_ended() noexcept;

}  // namespace mayfly
