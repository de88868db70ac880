// LetterTable: mayfly_dead_letters of a database that is there, read by filter.
//
// OWNERSHIP  Has a connection of its own. THREADS  One at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"
#include "mayfly/storage/sqlite.h"
#include "tools/mayfly/dlq_options.h"

namespace mayfly::cli {

// One letter, as it is stored.
struct StoredLetter {
  std::int64_t id = 0;
  std::string at;
  std::string source;  // empty: of a row without one
  std::optional<std::int64_t> ordinal;
  std::optional<std::int64_t> line;
  std::string node;
  std::string code;
  std::string reason;
  std::string target;
  std::int64_t attempts = 0;
  std::optional<std::string> columns;  // JSON
  std::optional<std::string> raw;
  std::optional<std::string> format;  // of raw: JSON (record_format.h)
};

// How many letters there are of one kind.
struct LetterCount {
  std::string target;
  std::string code;
  std::uint64_t letters = 0;
};

class LetterTable {
 public:
  // Waits up to wait_ns for another's lock, now and later. kNoInput: there is no such file; kIo: it
  // isn't a database; kConfig: its table of that name isn't Mayfly's; kTryAgain.
  static Result<LetterTable> open(const std::string& database, std::int64_t wait_ns);

  // Whether there is the table; without it there is no letter.
  bool exists() const { return exists_; }
  SqliteConnection& connection() { return connection_; }

  // Those that the filter means, oldest first; of more than `limit` (0: no limit) the newest.
  // `visit` may stop by returning false. kUsage: a filter that says nothing.
  Status read(const LetterFilter& filter, std::size_t limit, const Clock& clock,
              const std::function<bool(const StoredLetter&)>& visit);
  Result<std::vector<LetterCount>> count(const LetterFilter& filter, const Clock& clock);
  Result<std::vector<std::int64_t>> ids(const LetterFilter& filter, const Clock& clock);
  // kNoInput: one of these numbers is no letter's; which ones is told.
  Status check_known(const std::vector<std::int64_t>& ids);
  // Those that the filter means, or fails where one of them is being replayed. Within a
  // transaction.
  Result<std::uint64_t> remove(const LetterFilter& filter, const Clock& clock);

 private:
  explicit LetterTable(std::string database) : database_(std::move(database)) {}
  Status prepare(const std::string& sql, const LetterFilter& filter, const Clock& clock,
                 SqliteStatement& out);
  Status failed(const SqliteError& error) const;

  std::string database_;
  SqliteConnection connection_;
  bool exists_ = false;
  // What is bound, as long as a statement needs it.
  std::string ids_;
  std::string since_;
};

// "[7,9]"
std::string json_of(const std::vector<std::int64_t>& ids);
// "letters 7, 9 and 12 more": for messages.
std::string letters_text(const std::vector<std::int64_t>& ids);

}  // namespace mayfly::cli
