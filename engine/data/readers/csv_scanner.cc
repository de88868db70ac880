#include "mayfly/data/readers/csv_scanner.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace mayfly {

namespace {

// What a backslash and this character stand for.
char unescaped(char c) {
  constexpr std::string_view kNames = "bfnrtv0";
  constexpr std::string_view kMeanings("\b\f\n\r\t\v\0", kNames.size());
  const std::size_t at = kNames.find(c);
  return at == std::string_view::npos ? c : kMeanings[at];
}

char special_of(const CsvDialect& dialect) {
  if (dialect.backslash) return '\\';
  return dialect.quote.value_or(dialect.newline);
}

}  // namespace

std::string_view csv_value(const CsvField& field, const CsvDialect& dialect, std::string* scratch) {
  if (!field.escaped) return field.text();
  const char mark = special_of(dialect);
  scratch->clear();
  for (std::uint32_t i = 0; i < field.size; ++i) {
    // A backslash that ends the document is one.
    if (field.data[i] != mark || i + 1 == field.size) {
      *scratch += field.data[i];
    } else {
      ++i;
      *scratch += field.quoted ? mark : unescaped(field.data[i]);
    }
  }
  return *scratch;
}

bool is_null_text(const CsvField& field, const std::vector<std::string>& nulls) {
  if (field.quoted) return false;
  if (field.escaped && field.text() == "\\N") return true;
  return std::ranges::find(nulls, field.text()) != nulls.end();
}

CsvScanner::CsvScanner(const CsvDialect& dialect, std::uint32_t fields_kept)
    : scan_(dialect.delimiter, dialect.newline, special_of(dialect)),
      delimiter_(dialect.delimiter),
      newline_(dialect.newline),
      quote_(special_of(dialect)),
      comment_(dialect.comment.value_or('\0')),
      has_quote_(dialect.quote.has_value() && !dialect.backslash),
      has_backslash_(dialect.backslash),
      has_comment_(dialect.comment.has_value()),
      fields_(fields_kept + 1) {}

void CsvScanner::start(const char* begin, const char* end, bool at_end) {
  begin_ = begin;
  end_ = end;
  at_end_ = at_end;
  restart(begin);
}

void CsvScanner::restart(const char* at) {
  cursor_ = at;
  block_ = at;
  mask_ = 0;
  if (at >= end_) return;
  mask_ = scan_.mask(at);
  if (end_ - at < 64) mask_ &= (1ull << (end_ - at)) - 1;
}

// The next delimiter, newline or quote; end_ when there is none.
inline const char* CsvScanner::next_special() {
  while (mask_ == 0) {
    if (end_ - block_ <= 64) return end_;
    block_ += 64;
    mask_ = scan_.mask(block_);
    if (end_ - block_ < 64) mask_ &= (1ull << (end_ - block_)) - 1;
  }
  const char* at = block_ + std::countr_zero(mask_);
  mask_ &= mask_ - 1;
  return at;
}

// From a quote or a backslash in a field without quotes: the next delimiter or newline that ends
// it; end_ when there is none.
const char* CsvScanner::next_separator(const char* at, bool* escaped) {
  for (;; at = next_special()) {
    if (at == end_ || *at != quote_) return at;
    if (!has_backslash_) continue;  // a quote that is text
    *escaped = true;
    if (at + 1 == end_) return end_;
    const char next = at[1];
    if (next == newline_) ++newlines_;
    if (next == delimiter_ || next == newline_ || next == quote_) next_special();
    // The CR of a CRLF that is escaped as a whole.
    if (next == '\r' && newline_ == '\n' && at + 2 < end_ && at[2] == '\n') {
      next_special();
      ++newlines_;
    }
  }
}

Scan CsvScanner::end_record(const char* end, bool newline) {
  cursor_ = end + newline;
  newlines_ += newline;
  return Scan::kRecord;
}

Scan CsvScanner::next() {
  record_ = cursor_;
  field_count_ = 0;
  newlines_ = 0;
  in_quotes_ = false;
  if (cursor_ == end_) return Scan::kMore;
  if (has_comment_ && *cursor_ == comment_) [[unlikely]]
    return pass_comment();
  const auto kept = static_cast<std::uint32_t>(fields_.size() - 1);
  const char* start = cursor_;
  for (;;) {
    CsvField* const field = &fields_[std::min(field_count_, kept)];
    const char* end;
    if (has_quote_ && start < end_ && *start == quote_) [[unlikely]] {
      const Scan scan = scan_quoted(&end, field);
      if (scan != Scan::kRecord) return scan;
    } else {
      bool escaped = false;
      end = next_special();
      if (end != end_ && *end == quote_ && quote_ != newline_) [[unlikely]] {
        end = next_separator(end, &escaped);
      }
      *field = {start, static_cast<std::uint32_t>(end - start), false, escaped};
      if (end == end_ && !at_end_) return Scan::kMore;
      // The CR of a CRLF, be its LF cut off.
      const bool ends_line = end == end_ || *end == newline_;
      if (ends_line && newline_ == '\n' && end > start && end[-1] == '\r') --field->size;
    }
    if (end == end_ || *end == newline_) {
      const bool blank = field_count_ == 0 && !field->quoted && field->size == 0;
      ++field_count_;
      end_record(end, end != end_);
      return blank ? Scan::kBlank : Scan::kRecord;
    }
    ++field_count_;
    start = end + 1;
  }
}

// Only its end is looked for: a comment's quotes are none.
Scan CsvScanner::pass_comment() {
  const void* newline = std::memchr(cursor_, newline_, static_cast<std::size_t>(end_ - cursor_));
  if (newline == nullptr && !at_end_) return Scan::kMore;
  if (newline != nullptr) ++newlines_;
  restart(newline == nullptr ? end_ : static_cast<const char*>(newline) + 1);
  return Scan::kComment;
}

// From the opening quote to the delimiter or newline after the closing one.
Scan CsvScanner::scan_quoted(const char** field_end, CsvField* field) {
  const char* const open = next_special();  // the quote itself
  open_quote_ = open;
  newlines_before_field_ = newlines_;
  in_quotes_ = true;
  bool escaped = false;
  const char* close;
  for (;;) {
    close = next_special();
    if (close == end_) return at_end_ ? break_record(Scan::kNotClosed) : Scan::kMore;
    if (*close == newline_) ++newlines_;
    if (*close != quote_) continue;
    if (close + 1 == end_ && !at_end_) return Scan::kMore;  // perhaps the first of two
    if (close + 1 == end_ || close[1] != quote_) break;
    next_special();
    escaped = true;
  }
  in_quotes_ = false;
  *field = {open + 1, static_cast<std::uint32_t>(close - open - 1), true, escaped};
  const char* after = close + 1;
  if (newline_ == '\n' && after != end_ && *after == '\r') {
    if (after + 1 == end_ && !at_end_) return Scan::kMore;
    if (after + 1 == end_ || after[1] == '\n') ++after;
  }
  if (after == end_) {
    *field_end = end_;
    return Scan::kRecord;
  }
  if (*after != delimiter_ && *after != newline_) return break_record(Scan::kAfterQuote);
  *field_end = next_special();
  return Scan::kRecord;
}

// The record ends with the line on which the broken field began.
Scan CsvScanner::break_record(Scan why) {
  const auto rest = static_cast<std::size_t>(end_ - open_quote_);
  const void* newline = std::memchr(open_quote_, newline_, rest);
  if (newline == nullptr && !at_end_) return Scan::kMore;
  newlines_ = newlines_before_field_;
  in_quotes_ = false;
  restart(newline == nullptr ? end_ : static_cast<const char*>(newline) + 1);
  if (newline != nullptr) ++newlines_;
  return why;
}

bool CsvScanner::give_up() {
  return in_quotes_ && break_record(Scan::kNotClosed) == Scan::kNotClosed;
}

}  // namespace mayfly
