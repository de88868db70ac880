// LetterReader: one letter into one row of a batch, by the readers that files are read with, so
// that the same checks hold.
//
// COLUMNS  Of the batch all are MAYFLY_ANY, since a letter may hold a blob or a text where its
//          table declares a number. What a value is read as goes by the types: of a CSV record
//          numbers where one is declared, text where the table keeps text; of JSON what each value
//          is, and text where the table keeps text. Or they are typed, as those of a file are, and
//          read as a file's.
// KINDS    values by columns are a JSON object; what a record is the options say, else one that
//          begins with { is JSON, and any other CSV.
// ERRORS   What can't be read is an error row with the letter's bytes, all as they were.
// THREADS  One at a time.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/data/readers/csv_reader.h"
#include "mayfly/data/readers/letter_line.h"
#include "mayfly/data/readers/ndjson_reader.h"
#include "mayfly/data/readers/reader.h"
#include "mayfly/dead_letters/letter_options.h"
#include "mayfly/dead_letters/stored_bytes.h"

namespace mayfly::dead_letters {

// Behind the readers' own reasons (kReadReasons).
inline constexpr std::uint16_t kNotOneRecord = std::size(kReadReasons);

// Where an error row goes, with a reason that may be the source's own.
class LetterSink : public BatchSink {
 public:
  virtual mayfly_result reject_letter(mayfly_batch& batch, const RowOrigin& origin,
                                      std::uint16_t reason, std::string_view message,
                                      std::string_view raw) = 0;
};

class LetterReader {
 public:
  enum class Put : std::uint8_t {
    kRow,      // it is the batch's last row, or an error row
    kFull,     // send the batch first
    kBlocked,  // no room for now
  };

  explicit LetterReader(const LetterOptions& options);

  // The letter has rank and number.
  Put put(const LetterLine& letter, mayfly_batch& batch, LetterSink& sink);

 private:
  Put put_json(const LetterLine& letter, mayfly_batch& batch, LetterSink& sink);
  Put put_csv(const LetterLine& letter, mayfly_batch& batch, LetterSink& sink);
  Put parse(RecordReader& reader, const std::vector<ColumnType>& types, const LetterLine& letter,
            std::string text, const std::vector<StoredBytes>& stored, mayfly_batch& batch,
            LetterSink& sink);
  Put refuse(const LetterLine& letter, std::uint16_t reason, std::string_view message,
             mayfly_batch& batch, LetterSink& sink) const;
  void finish_row(const std::vector<ColumnType>& types, const std::vector<StoredBytes>& stored,
                  mayfly_batch& batch) const;

  std::vector<Column> columns_;
  CsvDialect dialect_;
  std::vector<ColumnType> csv_types_;
  std::vector<ColumnType> json_types_;
  const bool typed_;
  const LetterOptions::Records records_;
  std::uint32_t field_count_;
  CsvReader csv_;
  NdjsonReader json_;
  NdjsonReader values_;  // by columns: what the writer was given, which isn't checked once more
};

}  // namespace mayfly::dead_letters
