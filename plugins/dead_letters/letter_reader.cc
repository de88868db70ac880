#include "mayfly/dead_letters/letter_reader.h"

#include <algorithm>
#include <utility>

#include "mayfly/data/batch_view.h"

namespace mayfly::dead_letters {
namespace {

// The JSON of a row may be several times as long as its values.
constexpr std::uint64_t kRecordBytesMax = 8 * kMaxRowBytes;

std::vector<ColumnType> types_of(const std::vector<Column>& columns) {
  std::vector<ColumnType> types;
  for (const Column& column : columns) types.push_back(column.type);
  return types;
}

// JSON says itself what a number is, but a column that keeps text keeps how it is written, and what
// is no number isn't taken for one.
std::vector<Column> for_json(std::vector<Column> columns, bool typed) {
  for (Column& column : columns) {
    const bool is_number = column.type == ColumnType::kInt64 || column.type == ColumnType::kFloat64;
    if (is_number && !typed) column.type = ColumnType::kAny;
  }
  return columns;
}

std::vector<std::string> names_of(const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  return names;
}

// Whatever a reader says is broken, its error row keeps the letter as it was.
class WholeLetter final : public BatchSink {
 public:
  WholeLetter(LetterSink& sink, std::string_view letter) : sink_(sink), letter_(letter) {}
  mayfly_result reserve(mayfly_batch& batch, std::uint64_t bytes) override {
    return sink_.reserve(batch, bytes);
  }
  mayfly_result reject(mayfly_batch& batch, const RowOrigin& origin, ReadError reason,
                       std::string_view message, std::string_view) override {
    std::string advised(message);
    if (reason == ReadError::kChanges) {
      // Its types are the table's, which no option changes.
      advised.resize(std::min(advised.size(), advised.find("; give the column's type")));
      advised += "; correct the letter, or let the table's column keep text";
    }
    return sink_.reject_letter(batch, origin, static_cast<std::uint16_t>(reason), advised,
                               letter_.substr(0, kRawKept));
  }

 private:
  LetterSink& sink_;
  std::string_view letter_;
};

RowOrigin origin_of(const LetterLine& letter) {
  return {*letter.rank, *letter.rank + 1,
          static_cast<std::uint64_t>(std::max<std::int64_t>(0, *letter.id))};
}

}  // namespace

LetterReader::LetterReader(const LetterOptions& options)
    : columns_(options.columns),
      dialect_(options.dialect),
      csv_types_(types_of(columns_)),
      json_types_(types_of(for_json(columns_, options.typed))),
      typed_(options.typed),
      records_(options.records),
      field_count_(options.field_count != 0 ? options.field_count
                                            : static_cast<std::uint32_t>(columns_.size())),
      csv_(Schema(columns_), {.dialect = dialect_,
                              .empty = options.empty,
                              .ignore_extra = options.ignore_extra,
                              .nulls = options.nulls,
                              .fields = options.fields,
                              .field_count = options.fields.empty() ? 0 : field_count_,
                              .keep_changes = options.keep_changes,
                              .max_row_bytes = kRecordBytesMax}),
      json_(Schema(for_json(columns_, options.typed)),
            options.keys.empty() ? names_of(columns_) : options.keys,
            {.ignore_extra = options.ignore_extra,
             .columns_given = true,
             .keep_changes = options.keep_changes,
             .max_row_bytes = kRecordBytesMax}),
      // Of a typed letter a text in a column of another type stays a text, as its source kept it.
      values_(Schema(for_json(columns_, options.typed)), names_of(columns_),
              {.ignore_extra = options.ignore_extra,
               .columns_given = true,
               .keep_changes = options.keep_changes || options.typed,
               .max_row_bytes = kRecordBytesMax}) {}

LetterReader::Put LetterReader::put(const LetterLine& letter, mayfly_batch& batch,
                                    LetterSink& sink) {
  if (!has_room_for_row(batch)) return Put::kFull;
  using Records = LetterOptions::Records;
  const bool is_json = letter.kind == LetterLine::Kind::kColumns || records_ == Records::kJson ||
                       (records_ == Records::kAuto && letter.content.starts_with('{'));
  return is_json ? put_json(letter, batch, sink) : put_csv(letter, batch, sink);
}

LetterReader::Put LetterReader::put_json(const LetterLine& letter, mayfly_batch& batch,
                                         LetterSink& sink) {
  std::string text = letter.content;
  // Line breaks stand between its tokens alone; with them it would be several records.
  std::ranges::replace_if(
      text, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  if (letter.kind != LetterLine::Kind::kColumns) {
    return parse(json_, json_types_, letter, std::move(text), {}, batch, sink);
  }
  const std::vector<StoredBytes> stored = take_stored_bytes(text);
  return parse(values_, json_types_, letter, std::move(text), stored, batch, sink);
}

LetterReader::Put LetterReader::put_csv(const LetterLine& letter, mayfly_batch& batch,
                                        LetterSink& sink) {
  std::string padded = letter.content;
  padded.append(kReadPadding, '\0');
  CsvScanner scanner(dialect_, field_count_);
  const char* const end = padded.data() + letter.content.size();
  scanner.start(padded.data(), end, true);
  const Scan first = scanner.next();
  if (first == Scan::kMore || (first == Scan::kBlank && field_count_ > 1)) {
    return refuse(letter, kNotOneRecord, "expected one record, found none", batch, sink);
  }
  if (scanner.record_end() != end) {
    const std::string message =
        "expected one record, found text behind its end, at byte " +
        std::to_string(scanner.record_end() - padded.data()) +
        (first == Scan::kRecord ? "" : "; a quote isn't closed, or is followed by text");
    return refuse(letter, kNotOneRecord, message, batch, sink);
  }
  return parse(csv_, csv_types_, letter, letter.content, {}, batch, sink);
}

LetterReader::Put LetterReader::parse(RecordReader& reader, const std::vector<ColumnType>& types,
                                      const LetterLine& letter, std::string text,
                                      const std::vector<StoredBytes>& stored, mayfly_batch& batch,
                                      LetterSink& sink) {
  std::uint64_t bytes = text.size() + RowCells::kSlack;
  for (const StoredBytes& each : stored) bytes += each.bytes.size();
  // For the row and its bytes together, so that the bytes have room once the row is there.
  if (bytes > heap_left(batch)) {
    const mayfly_result room = sink.reserve(batch, bytes);
    if (room == MAYFLY_FULL) return Put::kFull;
    if (room == MAYFLY_BLOCKED) return Put::kBlocked;
    if (room != MAYFLY_OK) {
      return refuse(letter, static_cast<std::uint16_t>(ReadError::kTooLong),
                    "expected a row that a batch has room for, found one of " +
                        std::to_string(bytes) + " bytes",
                    batch, sink);
    }
  }
  const std::uint32_t before = batch.rows;
  const std::size_t size = text.size();
  text.append(kReadPadding, '\0');
  // Not at byte 0: a byte order mark isn't a document's here.
  const RowOrigin origin = origin_of(letter);
  reader.set_position({origin.ordinal, 1, origin.line});
  WholeLetter whole(sink, letter.content);
  const ParseResult result = reader.parse({text.data(), size}, true, batch, whole);
  if (batch.rows == before) {
    if (result.stop == Stop::kBlocked) return Put::kBlocked;
    if (result.stop == Stop::kBatch) return Put::kFull;
    return refuse(letter, kNotOneRecord, "expected one record, found none", batch, sink);
  }
  batch.byte_end[before] = origin.byte_end;
  batch.next_line = 0;
  if (batch.outcome[before] == MAYFLY_PENDING) finish_row(types, stored, batch);
  return Put::kRow;
}

LetterReader::Put LetterReader::refuse(const LetterLine& letter, std::uint16_t reason,
                                       std::string_view message, mayfly_batch& batch,
                                       LetterSink& sink) const {
  const std::string_view raw = std::string_view(letter.content).substr(0, kRawKept);
  const mayfly_result kept = sink.reject_letter(batch, origin_of(letter), reason, message, raw);
  batch.next_line = 0;
  if (kept == MAYFLY_OK) return Put::kRow;
  return kept == MAYFLY_BLOCKED ? Put::kBlocked : Put::kFull;
}

// The reader knew columns of other types: now each value says what it is.
void LetterReader::finish_row(const std::vector<ColumnType>& types,
                              const std::vector<StoredBytes>& stored, mayfly_batch& batch) const {
  const std::uint32_t row = batch.rows - 1;
  for (std::uint32_t c = 0; c < types.size(); ++c) {
    mayfly_column& column = batch.columns[c];
    if (typed_ || types[c] == ColumnType::kAny || is_null(column, row)) continue;
    const ColumnType type = is_exception(column, row) ? ColumnType::kText : types[c];
    column.kinds[row] = static_cast<std::uint8_t>(type);
    clear_bit(column.exceptions, row);
  }
  for (const StoredBytes& each : stored) {
    const auto found = std::ranges::find(columns_, each.column, &Column::name);
    if (found == columns_.end()) continue;
    mayfly_column& column = batch.columns[found - columns_.begin()];
    std::memcpy(batch.heap + batch.heap_used, each.bytes.data(), each.bytes.size());
    const auto size = static_cast<std::uint32_t>(each.bytes.size());
    column.cells[row].span = {batch.heap_used, size};
    if (typed_) {
      const ColumnType type = types[static_cast<std::size_t>(found - columns_.begin())];
      const bool fits = type == ColumnType::kText || type == ColumnType::kBlob;
      if (!fits && type != ColumnType::kAny) set_bit(column.exceptions, row);
    }
    if (!typed_ || found->type == ColumnType::kAny) {
      column.kinds[row] =
          static_cast<std::uint8_t>(each.is_blob ? ColumnType::kBlob : ColumnType::kText);
    }
    set_bit(column.valid, row);
    batch.heap_used += size;
  }
}

}  // namespace mayfly::dead_letters
