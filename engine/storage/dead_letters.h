// DeadLetters: rows that were rejected, in the table mayfly_dead_letters.
//
// The table is created by the transaction that needs it first. Rows that never got values (parse
// errors) fill `raw`, the others `columns`. How raw bytes are to be read again is the source's to
// say: `format` is the rowid in mayfly_record_formats of a JSON object of options of the source
// dead_letters; NULL: it didn't say.
//
// THREADS  The connection's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "mayfly/base/clock.h"
#include "mayfly/data/batch_pool.h"
#include "mayfly/data/schema.h"
#include "mayfly/storage/rejection_names.h"
#include "mayfly/storage/rejections.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

class Progress;

class DeadLetters {
 public:
  // All borrowed.
  struct Context {
    const Schema& schema;
    BatchPool& pool;
    const Clock& clock;
    const RejectionNames& names;
    const Progress& progress;
  };
  DeadLetters(const Context& context, std::string writer, std::string target,
              std::uint64_t row_bytes_max)
      : context_(context),
        writer_(std::move(writer)),
        target_(std::move(target)),
        row_bytes_max_(row_bytes_max) {}

  // A transaction: what others have deleted since the last one is stored anew.
  void begin() { formats_.clear(); }
  // The connection was reopened or a transaction that created the table was rolled back.
  void forget() {
    insert_ = {};
    connection_ = nullptr;
  }
  // A row that a node or a source turned down.
  SqliteError put(SqliteConnection& connection, RowRef row);
  // A row that the writer turned down.
  SqliteError put(SqliteConnection& connection, const Rejection& rejection, std::string_view text);
  // "line 7 of orders.csv": for messages.
  std::string place_of(RowRef row) const;
  // What put() says of it: code and sentence.
  std::string describe(RowRef row) const;

 private:
  struct Origin {
    const mayfly_batch* batch;
    std::uint16_t row;
  };
  struct Letter {
    RowRef row;
    std::string_view node;
    std::string_view code;
    std::string_view reason;
    const Schema* schema = nullptr;  // of the row; null: the writer's
  };
  SqliteError put(SqliteConnection& connection, const Letter& letter);
  SqliteError prepare(SqliteConnection& connection);
  // The rowid of what the source says, which is stored if it isn't; 0: it says nothing.
  SqliteError format_of(SqliteConnection& connection, std::uint16_t source, std::int64_t& id);
  Origin origin_of(RowRef row) const;

  Context context_;
  const std::string writer_;
  const std::string target_;
  const std::uint64_t row_bytes_max_;
  SqliteConnection* connection_ = nullptr;
  SqliteStatement insert_;
  std::map<std::uint16_t, std::int64_t> formats_;  // by source, of this transaction
  std::string columns_;                            // scratch
};

}  // namespace mayfly
