// CsvScanner: splits CSV or TSV text into records and fields (RFC 4180), without looking at types.
//
// GRAMMAR    Records end with LF or CRLF, or where the dialect says so with CR alone; the last one
//            may lack it, or its LF alone. A field that starts with the quote character ends at the
//            next single quote; in it delimiters and newlines are text and a doubled quote is one.
//            A quote later in an unquoted field is text. TSV is the same with a tab and, by
//            default, no quoting. With backslash escapes there are no quotes; what follows a
//            backslash is text, be it a delimiter or a newline (csv_value() says what it means);
//            without them backslashes are text. A line that begins with the comment character is
//            no record; within quotes there is no such line.
// BROKEN     A quoted field that never closes, or goes on after its closing quote, breaks the
//            record: it ends with the line on which that field began, and the next line is a new
//            record, so a stray quote takes one line with it and never the rest of the file.
// MEMORY     Fields point into the input. No allocation after the constructor and grow_to.
// THREADS    One at a time. kReadPadding bytes after the input must be readable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/data/readers/byte_scan.h"
#include "mayfly/data/readers/csv_dialect.h"
#include "mayfly/data/readers/reader.h"

namespace mayfly {

// One field of a record, where it lies in the input.
struct CsvField {
  const char* data;
  std::uint32_t size;
  bool quoted;   // data is what stands between the quotes
  bool escaped;  // doubled quotes or backslashes are in it

  std::string_view text() const { return {data, size}; }
};

// A field's value: doubled quotes are one; of backslash escapes \b \f \n \r \t \v and \0 are
// control characters, and any other character stands for itself. Points into the field or into
// `scratch`.
std::string_view csv_value(const CsvField& field, const CsvDialect& dialect, std::string* scratch);

// A field without quotes that stands for NULL: one of `nulls`, or \N as an escape.
bool is_null_text(const CsvField& field, const std::vector<std::string>& nulls);

// What a scan for the next record found.
enum class Scan : std::uint8_t {
  kRecord,
  kBlank,       // a line without a character
  kComment,     // a line that begins with the comment character
  kMore,        // the record isn't all there (or, at the end, nothing is left)
  kNotClosed,   // broken: a quoted field without an end
  kAfterQuote,  // broken: text after a closing quote
};

class CsvScanner {
 public:
  // fields_kept: further fields of a record are counted, not kept.
  CsvScanner(const CsvDialect& dialect, std::uint32_t fields_kept);

  // Looks at new input; a record that was not all there is to be in it again from its start.
  void start(const char* begin, const char* end, bool at_end);
  Scan next();

  // After kRecord.
  const CsvField* fields() const { return fields_.data(); }
  std::uint32_t field_count() const { return field_count_; }
  // After all but kMore: where the record began, where the next begins, newlines between.
  const char* record() const { return record_; }
  const char* record_end() const { return cursor_; }
  std::uint32_t newlines() const { return newlines_; }
  // After kMore: whether the end of the input lies inside a quoted field, and where its line ends
  // (null when that isn't there either). give_up() makes kNotClosed of such a record.
  bool in_quotes() const { return in_quotes_; }
  bool give_up();
  // After a broken record: which field, from 1, and how many newlines into the record it began.
  std::uint32_t broken_field() const { return field_count_ + 1; }

  void grow_to(std::uint32_t fields_kept) { fields_.resize(fields_kept + 1); }

 private:
  const char* next_special();
  const char* next_separator(const char* at, bool* escaped);
  void restart(const char* at);
  Scan pass_comment();
  Scan scan_quoted(const char** field_end, CsvField* field);
  Scan end_record(const char* end, bool newline);
  Scan break_record(Scan why);

  ByteScan scan_;
  char delimiter_;
  char newline_;
  char quote_;  // or the backslash; the newline: neither
  char comment_;
  bool has_quote_;
  bool has_backslash_;
  bool has_comment_;
  bool at_end_ = false;
  bool in_quotes_ = false;
  std::vector<CsvField> fields_;  // one more than are kept: the place for those that aren't
  std::uint32_t field_count_ = 0;
  std::uint32_t newlines_ = 0;
  std::uint32_t newlines_before_field_ = 0;
  const char* begin_ = nullptr;
  const char* end_ = nullptr;
  const char* cursor_ = nullptr;  // where the next record begins
  const char* record_ = nullptr;
  const char* open_quote_ = nullptr;
  const char* block_ = nullptr;
  std::uint64_t mask_ = 0;  // of block_: specials not looked at yet
};

}  // namespace mayfly
