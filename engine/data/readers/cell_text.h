// Text into a typed cell, exactly: the rules for what a column takes and what makes a row an error.
//
//   integer, real    canonical numbers (number.h) as numbers; text SQLite would change is refused;
//   any
//                    other text stays as it is, as an exception
//   bool             0, 1, true, false; any other text as an exception
//   timestamp        integers (microseconds since 1970); any other text as an exception
//   text, blob, json the bytes as they are (invalid UTF-8 and NUL too)
//   any              a canonical integer or real as that, else text
//
// RowCells keeps the pointers of one row at hand: batch.h's put_* protocol for a row whose heap was
// reserved beforehand, so that no put can fail. Nothing is owned.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/data/batch_view.h"
#include "mayfly/data/readers/byte_scan.h"
#include "mayfly/data/schema.h"

namespace mayfly {

// What an unquoted empty field means.
enum class EmptyField : std::uint8_t {
  kAuto,  // NULL, but '' in a text column
  kNull,
  kText,  // '' everywhere
};

// One row's cells, filled from text.
class RowCells {
 public:
  // Room in the heap for what the row's record has bytes, and this much more.
  static constexpr std::uint32_t kSlack = 64;

  explicit RowCells(mayfly_batch& batch)
      : columns_(batch.columns),
        heap_(batch.heap),
        row_(batch.rows),
        word_(batch.rows >> 6),
        bit_(1ull << (batch.rows & 63)),
        used_(batch.heap_used) {}

  void put_int64(std::uint32_t column, std::int64_t value) {
    columns_[column].cells[row_].i64 = value;
    columns_[column].valid[word_] |= bit_;
  }
  void put_float64(std::uint32_t column, double value) {
    columns_[column].cells[row_].f64 = value;
    columns_[column].valid[word_] |= bit_;
  }
  // Up to 15 bytes behind the text are read.
  void put_text_padded(std::uint32_t column, const char* text, std::uint32_t size) {
    copy_padded(heap_ + used_, text, size);
    take_text(column, size);
  }
  void put_text(std::uint32_t column, std::string_view text) {
    if (!text.empty()) std::memcpy(heap_ + used_, text.data(), text.size());
    take_text(column, static_cast<std::uint32_t>(text.size()));
  }
  // Text that was written to heap_end().
  void take_text(std::uint32_t column, std::uint32_t size) {
    columns_[column].cells[row_].span = {used_, size};
    columns_[column].valid[word_] |= bit_;
    used_ += size;
  }
  char* heap_end() { return heap_ + used_; }
  void mark_exception(std::uint32_t column) { columns_[column].exceptions[word_] |= bit_; }
  void put_kind(std::uint32_t column, std::uint8_t kind) { columns_[column].kinds[row_] = kind; }
  // NULL again, whatever was put.
  void clear(std::uint32_t column) {
    columns_[column].valid[word_] &= ~bit_;
    columns_[column].exceptions[word_] &= ~bit_;
  }
  bool is_put(std::uint32_t column) const { return (columns_[column].valid[word_] & bit_) != 0; }
  std::uint32_t heap_used() const { return used_; }

 private:
  mayfly_column* columns_;
  char* heap_;
  std::uint32_t row_;
  std::uint32_t word_;
  std::uint64_t bit_;
  std::uint32_t used_;
};

// Kept as text in a column of another type, which the batch marks as an exception.
void put_exception_text(RowCells& row, std::uint32_t column, std::string_view text);

// False, and nothing put: the column would store the text as another value.
bool put_text_as(RowCells& row, std::uint32_t column, ColumnType type, std::string_view text);

// Of a text that was refused: what was found, in which column, and what to do.
void describe_change(const Column& column, std::string_view text, std::string* message);

// At most 64 bytes of the text, in quotes, with what isn't printable as \xNN.
void append_excerpt(std::string_view text, std::string* out);
// Of a long text its end, "..." before it.
void append_excerpt_of_end(std::string_view text, std::string* out);

}  // namespace mayfly
