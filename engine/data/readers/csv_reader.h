// CsvReader: CSV or TSV records into rows. csv_scanner.h says how text becomes fields, cell_text.h
// how fields become values.
//
// ERROR ROWS  A record with more or fewer fields than columns (`expected 7 fields, found 6`), one
//             that quoting breaks, one longer than max_row_bytes, and one with a value that a
//             numeric column would change. Each keeps the first 64 KiB of the record; the next
//             record goes on.
// EMPTY       A line without a character is no record, unless there is one column. An unquoted
//             empty field is NULL in all but text columns (CsvOptions::empty); a quoted one is ''.
#pragma once

#include <string>
#include <vector>

#include "mayfly/data/readers/cell_text.h"
#include "mayfly/data/readers/csv_scanner.h"
#include "mayfly/data/readers/reader.h"
#include "mayfly/data/schema.h"

namespace mayfly {

// How CSV is read.
struct CsvOptions {
  CsvDialect dialect;
  EmptyField empty = EmptyField::kAuto;
  bool ignore_extra = false;  // leave out fields beyond the last column
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
  };

  Put put_record(mayfly_batch& batch, BatchSink& sink);
  std::uint32_t put_fields(RowCells& row, const CsvField* fields);
  bool put_slow(RowCells& row, std::uint32_t column, const CsvField& field);
  Put reject_scanned(mayfly_batch& batch, BatchSink& sink, ReadError reason);
  Put reject_broken(Scan scan, bool gave_up, mayfly_batch& batch, BatchSink& sink);
  std::string_view record() const {
    return {scanner_.record(), static_cast<std::size_t>(scanner_.record_end() - scanner_.record())};
  }
  Extent extent() const { return {record().size(), scanner_.newlines()}; }

  Schema schema_;
  CsvOptions options_;
  CsvScanner scanner_;
  std::vector<Plan> plan_;
  std::string undoubled_;  // a field that had doubled quotes
  std::string message_;
};

}  // namespace mayfly
