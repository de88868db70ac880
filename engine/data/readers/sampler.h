// Samplers: read the beginning of a document, or all of it, and say what it holds: the columns,
// their types, and where the rows begin.
//
// feed() takes what bytes there are and says how many it is done with, as RecordReader::parse does;
// done() when it has seen enough rows. Records that can't be read say nothing, nor do NDJSON keys
// with a NUL, which SQLite takes for no name. Refused (kNoInput): a document without one record, a
// CSV header with a NUL, and one whose lines end in CR alone. kReadPadding bytes after the input
// must be readable. One thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/data/readers/csv_scanner.h"
#include "mayfly/data/readers/infer.h"
#include "mayfly/data/readers/json_scanner.h"
#include "mayfly/data/readers/reader.h"
#include "mayfly/data/schema.h"

namespace mayfly {

// What a sample says of a file's columns.
struct Shape {
  std::vector<Column> columns;    // names are unique
  std::vector<std::string> keys;  // NDJSON: which key fills which column
  ReadPosition start;             // of the first row: behind a byte order mark and the header
  std::string renamed;            // which columns have another name than in the file; empty: none
};

// Finds out the columns of a file from its first rows.
class Sampler {
 public:
  virtual ~Sampler() = default;
  virtual std::size_t feed(std::span<const char> input, bool at_end) = 0;
  // infer: else every column is text (CSV) or any (NDJSON).
  virtual Result<Shape> shape(bool infer) const = 0;
  bool done() const { return rows_ >= rows_max_; }
  // Records seen, so that names are known even if no value is.
  std::uint64_t rows() const { return rows_; }

 protected:
  Sampler(std::uint64_t rows_max, std::uint64_t max_row_bytes)
      : rows_max_(rows_max), max_row_bytes_(max_row_bytes) {}
  // A record that is too long to be looked at: how much of the input is part of it.
  std::size_t skip(std::string_view input);
  std::string too_long(std::string_view what) const;

  std::uint64_t rows_ = 0;
  std::uint64_t rows_max_;
  std::uint64_t max_row_bytes_;
  bool skipping_ = false;
  std::uint64_t byte_ = 0;
};

// For CSV and TSV.
class CsvSampler final : public Sampler {
 public:
  // names: of the columns, in place of those in the header if there is one. Empty: the header's, or
  // column_1, column_2, ... without one.
  CsvSampler(const CsvDialect& dialect, bool header, std::vector<std::string> names,
             std::uint64_t rows_max, std::uint64_t max_row_bytes = kMaxRowBytes);

  std::size_t feed(std::span<const char> input, bool at_end) override;
  Result<Shape> shape(bool infer) const override;

 private:
  bool look_at_line_ends(Scan scan, std::string_view record);
  bool take_names();

  CsvDialect dialect_;
  bool header_;
  std::vector<std::string> names_;
  bool names_given_;
  bool names_known_;
  std::string header_error_;
  bool looked_at_line_ends_ = false;
  bool passed_over_ = false;  // a record that is too long to be looked at
  ReadPosition start_;
  CsvScanner scanner_;
  TypeInference inference_;
  std::string scratch_;
};

// For NDJSON.
class NdjsonSampler final : public Sampler {
 public:
  // keys: the only ones to look at; empty: all, in the order they are first seen.
  NdjsonSampler(std::vector<std::string> keys, std::uint64_t rows_max,
                std::uint64_t max_row_bytes = kMaxRowBytes);

  std::size_t feed(std::span<const char> input, bool at_end) override;
  Result<Shape> shape(bool infer) const override;

 private:
  bool take_line();

  bool fixed_;
  std::vector<std::string> keys_;
  std::unordered_map<std::string, std::uint32_t> columns_;
  JsonScanner scanner_;
  std::vector<JsonMember> members_;  // of one line
  TypeInference inference_;
  ReadPosition start_;
  std::string first_problem_;  // why the first line that isn't an object isn't one
};

}  // namespace mayfly
