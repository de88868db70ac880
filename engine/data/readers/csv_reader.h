// CsvReader: CSV or TSV records into rows. csv_scanner.h says how text becomes fields, cell_text.h
// how fields become values.
//
// ERROR ROWS  A record with more or fewer fields than the document has (`expected 7 fields, found
//             6`), one that quoting breaks, one that isn't valid UTF-8 (but for what goes into
//             columns of blobs, or into none), one longer than max_row_bytes, and one with a value
//             that a numeric column would change. Each keeps the first 64 KiB of the record; the
//             next record goes on.
// EMPTY       A line without a character is no record, unless it is of one field. An unquoted empty
//             field is NULL in all but text columns (CsvOptions::empty); a quoted one is ''. An
//             unquoted field that CsvOptions::nulls names is NULL everywhere, and so is \N where
//             backslashes escape.
#pragma once

#include <string>
#include <vector>

#include "mayfly/data/readers/cell_text.h"
#include "mayfly/data/readers/csv_scanner.h"
#include "mayfly/data/readers/reader.h"
#include "mayfly/data/readers/utf8_watch.h"
#include "mayfly/data/schema.h"

namespace mayfly {

// How CSV is read.
struct CsvOptions {
  CsvDialect dialect;
  EmptyField empty = EmptyField::kAuto;
  bool ignore_extra = false;  // leave out fields beyond the document's last
  std::vector<std::string> nulls;
  // Which field of a record fills each column, and how many a record has; empty, 0: all in order.
  std::vector<std::uint32_t> fields;
  std::uint32_t field_count = 0;
  // Text that a numeric column would change (007, twenty digits) is kept as text, for a table that
  // may change it; else its record is an error row.
  bool keep_changes = false;
  std::uint64_t max_row_bytes = kMaxRowBytes;
};

class CsvReader final : public RecordReader {
 public:
  CsvReader(const Schema& schema, const CsvOptions& options);

  ParseResult parse(std::span<const char> input, bool at_end, mayfly_batch& batch,
                    BatchSink& sink) override;

 private:
  struct Plan {
    ColumnType type;
    bool null_if_empty;
    std::uint32_t field;
  };

  Put put_record(mayfly_batch& batch, BatchSink& sink);
  // in_order: each column is the field at its place, and no text means NULL.
  template <bool in_order>
  std::uint32_t put_fields(RowCells& row, const CsvField* fields);
  bool put_slow(RowCells& row, std::uint32_t column, const CsvField& field);
  bool is_valid_text() const;
  Put reject_scanned(mayfly_batch& batch, BatchSink& sink, ReadError reason);
  Put reject_broken(Scan scan, bool gave_up, mayfly_batch& batch, BatchSink& sink);
  std::string_view record() const {
    return {scanner_.record(), static_cast<std::size_t>(scanner_.record_end() - scanner_.record())};
  }
  Extent extent() const { return {record().size(), scanner_.newlines()}; }

  Schema schema_;
  CsvOptions options_;
  std::uint32_t field_count_;
  CsvScanner scanner_;
  Utf8Watch utf8_;
  std::vector<Plan> plan_;
  bool in_order_;
  bool has_nulls_;
  std::string unescaped_;  // a field that had escapes
  std::string message_;
};

}  // namespace mayfly
