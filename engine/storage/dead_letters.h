// DeadLetters: rows that were rejected, in the table mayfly_dead_letters.
//
// The table is created by the transaction that needs it first. Rows that never got values (parse
// errors) fill `raw`, the others `columns`. What is needed to write them once more as they would
// have been is `format`, the rowid in mayfly_record_formats of a JSON object: of raw bytes the
// options of the source dead_letters that read them as their source did, as far as it said so; of
// rows that came to the writer, and of raw bytes, `select` and `per_batch` of a writer that has
// them, and column=type of what that SELECT reads (`select_types`); of rows that a source or a node
// turned down, the nodes that they were still to pass (`nodes`). NULL: there is nothing to say.
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
  // select_json: an object of what is said above of a writer's `select`; empty: it has none.
  DeadLetters(const Context& context, std::string writer, std::string target,
              std::uint64_t row_bytes_max, std::string select_json)
      : context_(context),
        writer_(std::move(writer)),
        target_(std::move(target)),
        row_bytes_max_(row_bytes_max),
        select_json_(std::move(select_json)) {}

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
    std::string_view ahead = {};     // a JSON object, or nothing
  };
  SqliteError put(SqliteConnection& connection, const Letter& letter);
  SqliteError prepare(SqliteConnection& connection);
  // Its rowid; it is stored if it isn't. 0: there is none.
  SqliteError store_format(SqliteConnection& connection, const std::string& format,
                           std::int64_t& id);
  Origin origin_of(RowRef row) const;

  Context context_;
  const std::string writer_;
  const std::string target_;
  const std::uint64_t row_bytes_max_;
  SqliteConnection* connection_ = nullptr;
  SqliteStatement insert_;
  const std::string select_json_;
  std::map<std::string, std::int64_t> formats_;  // that are stored, as this transaction knows
  std::string columns_;                          // scratch
};

}  // namespace mayfly
