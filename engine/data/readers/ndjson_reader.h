// NdjsonReader: lines of JSON objects into rows.
//
// KEYS        Each column is filled by one key. Any order; a key that is missing or null leaves
//             NULL; of a key given twice the last counts. A key no column is for makes the line an
//             error row, unless ignore_extra.
// VALUES      Integers of 64 bits exactly; other numbers as the nearest double, as every JSON
//             reader gives it, and never into an integer column unless they are whole. Objects and
//             arrays as their text. In a text column every value is kept as its text. A value of
//             another type than the column's goes in as text (an exception), unless SQLite would
//             change it: the string "7" in a column of integers makes an error row.
// ERROR ROWS  A line that isn't one JSON object, or is longer than max_row_bytes; other lines are
//             unaffected. Blank lines are none.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "mayfly/data/readers/cell_text.h"
#include "mayfly/data/readers/json_scanner.h"
#include "mayfly/data/readers/reader.h"
#include "mayfly/data/schema.h"

namespace mayfly {

// How NDJSON is read.
struct NdjsonOptions {
  bool ignore_extra = false;
  bool columns_given = false;  // nobody looks at the rows for them: what to do is another thing
  // What a numeric column would change ("7", 1e400) is kept as text, for a table that may change
  // it; else its line is an error row.
  bool keep_changes = false;
  std::uint64_t max_row_bytes = kMaxRowBytes;
};

class NdjsonReader : public RecordReader {
 public:
  // keys[i] fills column i; they differ from the columns' names where two keys differ in case
  // alone.
  NdjsonReader(const Schema& schema, std::vector<std::string> keys, const NdjsonOptions& options);

  ParseResult parse(std::span<const char> input, bool at_end, mayfly_batch& batch,
                    BatchSink& sink) override;

 protected:
  // The line that scanner_ is at: a row, or an error row, of this extent.
  Put put_line(JsonScanner::Line line, const Extent& extent, mayfly_batch& batch, BatchSink& sink);
  std::uint64_t max_row_bytes() const { return options_.max_row_bytes; }

  JsonScanner scanner_;

 private:
  static constexpr std::uint32_t kNoColumn = UINT32_MAX;
  // A key as it is expected: its first bytes in a word, so that most are compared at once.
  struct Key {
    std::uint64_t head = 0;
    std::uint64_t mask = 0;
    bool plain = false;  // nothing of it is escaped, so bytes that are equal say the same
  };
  enum class Fault : std::uint8_t { kNone, kChanges, kNumber, kEscape };

  const char* window_end(const char* begin, const char* end, bool at_end) const;
  bool put_members(RowCells& row);
  bool is_key(std::string_view raw, std::uint32_t column) const;
  std::uint32_t find(std::string_view key, std::size_t place);
  Fault put_value(RowCells& row, std::uint32_t column, const JsonMember& member);
  Fault put_string(RowCells& row, std::uint32_t column, std::string_view text);
  Fault put_number(RowCells& row, std::uint32_t column, std::string_view text);
  Fault put_whole(RowCells& row, std::uint32_t column, std::string_view text);
  Fault put_real(RowCells& row, std::uint32_t column, std::string_view text);
  Fault put_any_number(RowCells& row, std::uint32_t column, std::string_view text);
  void put_bool(RowCells& row, std::uint32_t column, bool value);
  void put_json(RowCells& row, std::uint32_t column, std::string_view text);
  bool refuse(ReadError reason);
  bool refuse_broken();
  bool refuse_value(Fault fault, std::uint32_t column, const JsonMember& member);
  Extent extent() const {
    return {static_cast<std::uint64_t>(scanner_.next() - scanner_.line().data()),
            scanner_.next()[-1] == '\n' ? 1u : 0u};
  }

  Schema schema_;
  std::vector<std::string> keys_;
  std::vector<Key> key_heads_;  // of keys_
  std::vector<ColumnType> types_;
  NdjsonOptions options_;
  std::unordered_map<std::string_view, std::uint32_t> columns_;  // views of keys_
  // The column of the member at each place of the last line: lines of one writer look alike.
  std::vector<std::uint32_t> order_;
  std::string key_;  // without escapes
  std::string message_;
  ReadError reason_ = ReadError::kJson;
};

}  // namespace mayfly
