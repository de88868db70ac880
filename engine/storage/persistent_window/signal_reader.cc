#include "mayfly/storage/persistent_window/signal_reader.h"

#include <fmt/format.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ranges>
#include <utility>
#include <vector>

#include "mayfly/base/glob.h"
#include "mayfly/storage/database_file.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/persistent_window/signal_table.h"
#include "mayfly/storage/persistent_window/stored_time.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {
namespace {

// Of a database that is read: what can't be opened is an input that isn't there.
Status reading_failed(const DbError& error, const std::string& path) {
  Status status = to_status(error);
  const Code code = status.code() == Code::kCannotCreate ? Code::kNoInput : status.code();
  const bool hint = status.code() == Code::kCannotCreate;
  return {code, fmt::format("reading {}: {}{}", path, error.message,
                            hint ? "; expected a database that this user can read (one with a log "
                                   "also needs its folder to be writable)"
                                 : "")};
}

// Read by one statement.
constexpr std::size_t kPageRows = 500;

struct OwnedSignal {
  explicit OwnedSignal(const StoredSignal& row)
      : id(row.id), operation(row.operation), name(row.name), timestamp(row.timestamp) {
    if (row.key) key.emplace(*row.key);
  }
  StoredSignal view() const {
    StoredSignal row{.id = id, .operation = operation, .name = name, .timestamp = timestamp};
    if (key) row.key = *key;
    return row;
  }

  std::int64_t id;
  OperationId operation;
  std::string name;
  std::optional<std::string> key;
  std::string timestamp;
};

}  // namespace

struct SignalReader::Impl {
  std::string path;
  SqliteConnection connection;
};

SignalReader::SignalReader(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SignalReader::SignalReader(SignalReader&&) noexcept = default;
SignalReader& SignalReader::operator=(SignalReader&&) noexcept = default;
SignalReader::~SignalReader() = default;

Result<SignalReader> SignalReader::open(const std::string& path, std::int64_t busy_timeout_ns) {
  if (::access(path.c_str(), R_OK) != 0) {
    return Status(Code::kNoInput, fmt::format("{}: {}", path, std::strerror(errno)));
  }
  if (const Status status = check_database_file(path); !status.ok()) {
    return Status(Code::kNoInput, status.message());
  }
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  const SqliteError error =
      SqliteConnection::open(path, {.create = false, .read_only = true}, impl->connection);
  if (!error.ok()) return reading_failed(to_db_error(error, "opening it"), path);
  sqlite3* const db = impl->connection.get();
  sqlite3_busy_timeout(
      db, static_cast<int>(std::clamp<std::int64_t>(busy_timeout_ns / kMillisecond, 0, INT32_MAX)));
  const auto missing = signal_table::missing_columns(db);
  if (!missing.ok()) return reading_failed(missing.error(), path);
  if (!*missing) {
    return Status(Code::kNoInput,
                  path + ": expected the table signals, found none; a persistent window makes it");
  }
  if (!(*missing)->empty()) {
    return Status(Code::kConfig, path + ": " + signal_table::foreign_table((*missing)->front()));
  }
  return SignalReader(std::move(impl));
}

Status SignalReader::read(const SignalReadOptions& options,
                          FunctionRef<bool(const StoredSignal&)> visitor) {
  const GlobSet globs(options.pattern);
  StoredSignalQuery query{.after_id = options.after_id};
  if (options.since_us) query.since = StoredTime().text(*options.since_us);
  if (options.limit > 0) query.order = StoredSignalQuery::Order::kNewestFirst;
  const std::size_t rows_max = options.limit > 0 ? options.limit : kPageRows;
  std::vector<OwnedSignal> rows;
  const auto read_rows = [&] {
    rows.clear();
    return signal_table::visit(impl_->connection.get(), query, [&](const StoredSignal& row) {
      query.after_id = row.id;
      if (globs.matches_any(row.name)) rows.emplace_back(row);
      return rows.size() < rows_max;
    });
  };
  if (options.limit > 0) {
    if (const auto read = read_rows(); !read.ok()) return reading_failed(read.error(), impl_->path);
    for (const OwnedSignal& row : rows | std::views::reverse) {
      if (!visitor(row.view())) break;
    }
    return {};
  }
  const auto newest = signal_table::newest_id(impl_->connection.get());
  if (!newest.ok()) return reading_failed(newest.error(), impl_->path);
  query.up_to_id = *newest;
  do {
    if (const auto read = read_rows(); !read.ok()) return reading_failed(read.error(), impl_->path);
    for (const OwnedSignal& row : rows) {
      if (!visitor(row.view())) return {};
    }
  } while (rows.size() == rows_max);
  return {};
}

}  // namespace mayfly
