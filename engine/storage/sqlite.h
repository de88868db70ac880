// SqliteConnection, SqliteStatement: RAII over SQLite's C API, which only .cc files include.
//
// Connections are opened with NOMUTEX and without a busy timeout: waiting happens where it can be
// seen. sqlite3_config is never called here; it belongs to whoever owns the process.
//
// OWNERSHIP  A connection closes itself; its statements are to be destroyed before it.
// THREADS    One at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "mayfly/base/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace mayfly {

// What went wrong, as SQLite says it. Code 0: nothing.
struct SqliteError {
  int code = 0;  // extended
  std::string message;
  int system = 0;  // errno, of a file that can't be opened

  bool ok() const { return code == 0; }
  int primary() const { return code & 0xFF; }
  // Another connection has what this one needs.
  bool is_busy() const;
};

// A copy of it; of what there is no memory for, nothing but that.
std::string copy_or_say_no_memory(std::string_view text) noexcept;

// Which exit status an error of SQLite leads to, with `doing` ("opening orders.db") before it.
Status to_status(const SqliteError& error, std::string_view doing);

// Whom an error of SQLite is about.
enum class ErrorClass : std::uint8_t {
  kRow,        // a constraint, a type, a size: one row is to blame
  kTransient,  // of the transaction: BUSY, LOCKED, FULL, IOERR, NOMEM
  kFatal,      // trying again doesn't help
};
// Of an error that a statement met while it ran.
ErrorClass classify(int code);

class SqliteStatement {
 public:
  SqliteStatement() = default;
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}

  sqlite3_stmt* get() const { return statement_.get(); }
  explicit operator bool() const { return statement_ != nullptr; }

  // Parameters are numbered from 1. Text and blobs are borrowed until reset.
  SqliteStatement& bind(int parameter, std::int64_t value);
  SqliteStatement& bind(int parameter, std::string_view text);
  SqliteStatement& bind_blob(int parameter, std::string_view bytes);
  SqliteStatement& bind_null(int parameter);

  // True: a row is there. False: done, or an error that `error` tells.
  bool step(SqliteError& error);
  // Runs to the end and resets, bindings kept.
  SqliteError run();
  void reset();

  std::int64_t int64(int column) const;
  std::string_view text(int column) const;  // until the next step or reset
  bool is_null(int column) const;
  int column_count() const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// An open database; closed with this object. One thread at a time.
class SqliteConnection {
 public:
  struct OpenOptions {
    bool create = true;
    bool read_only = false;
    const char* vfs = nullptr;  // the default one
  };

  SqliteConnection() = default;
  static SqliteError open(const std::string& path, const OpenOptions& options,
                          SqliteConnection& out);

  sqlite3* get() const { return db_.get(); }
  explicit operator bool() const { return db_ != nullptr; }

  // Any number of statements; rows are discarded.
  SqliteError run(const std::string& sql);
  // The first statement of `sql`; what follows it goes to `rest`.
  SqliteError prepare(std::string_view sql, SqliteStatement& out, bool persistent = true,
                      std::string_view* rest = nullptr);
  // The last error of this connection.
  SqliteError last_error() const;
  // No transaction is open.
  bool autocommit() const;
  // The path by which it was opened names another file now, or none.
  bool is_moved() const;
  // The disk has all that was written to the database's file, the log apart.
  SqliteError sync_file();
  // Whom SQLite asks about what is prepared (sqlite3_set_authorizer), and who was asked before. One
  // that is set makes every statement be prepared anew.
  struct Authorizer {
    int (*ask)(void* self, int action, const char*, const char*, const char*,
               const char*) = nullptr;
    void* self = nullptr;
  };
  Authorizer exchange_authorizer(Authorizer next);
  // The first column of the first row; empty without one.
  SqliteError query_text(const std::string& sql, std::string& out);
  void close();

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  std::unique_ptr<sqlite3, Close> db_;
  Authorizer authorizer_;
};

// What sqlite3_busy_timeout takes: an int of milliseconds, rounded up.
int busy_timeout_ms(std::int64_t ns);

// "name", with quotes inside doubled.
std::string quote_identifier(std::string_view name);
// 'text', with quotes inside doubled.
std::string quote_literal(std::string_view text);

}  // namespace mayfly
