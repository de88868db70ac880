// Samplers: read the beginning of a document, or all of it, and say what it holds: the columns,
// their types, and where the rows begin.
//
// feed() takes what bytes there are and says how many it is done with, as RecordReader::parse does;
// done() when it has seen enough rows. Records that can't be read say nothing, nor do NDJSON keys
// with a NUL, which SQLite takes for no name. Refused (kNoInput): a document without one record, a
// CSV header with a NUL or with what isn't UTF-8, and lines of which some end in CR alone.
// kReadPadding bytes after the input must be readable. One thread at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/data/readers/reader.h"
#include "mayfly/data/schema.h"

namespace mayfly {

// What a sample says of a file's columns.
struct Shape {
  std::vector<Column> columns;    // names are unique
  std::vector<std::string> keys;  // NDJSON: which key fills which column
  ReadPosition start;             // of the first row: behind a byte order mark and the header
  // CSV: of which field each column is, and how many a record has; empty, 0: all in order.
  std::vector<std::uint32_t> fields;
  std::uint32_t field_count = 0;
  std::string renamed;  // which columns have another name than in the file; empty: none
};

// What is looked at.
struct SampleLimits {
  std::uint64_t rows_max = UINT64_MAX;
  std::uint64_t max_row_bytes = kMaxRowBytes;
  std::uint64_t lines_skipped = 0;  // at the beginning, whatever is in them
};

// Finds out the columns of a file from its first rows.
class Sampler {
 public:
  virtual ~Sampler() = default;
  virtual std::size_t feed(std::span<const char> input, bool at_end) = 0;
  // infer: else every column is text (CSV) or any (NDJSON).
  virtual Result<Shape> shape(bool infer) const = 0;
  bool done() const { return rows_ >= limits_.rows_max; }
  // Records seen, so that names are known even if no value is.
  std::uint64_t rows() const { return rows_; }

 protected:
  Sampler(const SampleLimits& limits, char newline)
      : limits_(limits), newline_(newline), lines_left_(limits.lines_skipped) {}
  // What comes before the first record, and the rest of one that is too long to be looked at: so
  // much of the input is *used. False: more is needed.
  bool pass_preamble(std::string_view input, bool at_end, std::size_t* used);
  // A record that is too long to be looked at: how much of the input is part of it.
  std::size_t skip(std::string_view input);
  std::string too_long(std::string_view what) const;

  const SampleLimits limits_;
  const char newline_;  // what ends a line
  std::uint64_t lines_left_;
  std::uint64_t rows_ = 0;
  bool skipping_ = false;
  std::uint64_t byte_ = 0;
  ReadPosition start_;
};

// Gives columns their names, unique ones; Shape::renamed says which of the file's couldn't be kept.
void name_columns(const std::vector<std::string>& given, bool from_file, Shape& shape);

// A carriage return that ends a line by itself.
bool has_lone_cr(std::string_view text);
inline constexpr const char* kLoneCr =
    "expected lines that end in LF or CRLF, found CR alone (as of old Macs); convert them: "
    "tr '\\r' '\\n'";

}  // namespace mayfly
