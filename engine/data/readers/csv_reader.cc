#include "mayfly/data/readers/csv_reader.h"

#include <cstring>

#include "mayfly/data/readers/number.h"

namespace mayfly {

CsvReader::CsvReader(const Schema& schema, const CsvOptions& options)
    : schema_(schema), options_(options), scanner_(options.dialect, schema.size()) {
  for (const Column& column : schema_.columns()) {
    const bool keeps_empty =
        options_.empty == EmptyField::kText ||
        (options_.empty == EmptyField::kAuto &&
         (column.type == ColumnType::kText || column.type == ColumnType::kBlob));
    plan_.push_back({column.type, !keeps_empty});
  }
}

ParseResult CsvReader::parse(std::span<const char> input, bool at_end, mayfly_batch& batch,
                             BatchSink& sink) {
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  std::size_t used = 0;
  if (const auto stopped = begin_span(std::string_view(begin, input.size()), at_end,
                                      options_.max_row_bytes, batch, sink, &used)) {
    return *stopped;
  }
  scanner_.start(begin + used, end, at_end);
  while (has_room_for_row(batch)) {
    const Scan scan = scanner_.next();
    Put put = Put::kDone;
    if (scan == Scan::kRecord || (scan == Scan::kBlank && plan_.size() == 1)) [[likely]] {
      put = put_record(batch, sink);
    } else if (scan == Scan::kBlank) {
      pass(extent());
    } else if (scan != Scan::kMore) {
      put = reject_broken(scan, false, batch, sink);
    } else {
      const std::string_view rest(scanner_.record(),
                                  static_cast<std::size_t>(end - scanner_.record()));
      if (rest.size() <= options_.max_row_bytes) return {input.size() - rest.size(), Stop::kInput};
      if (!scanner_.give_up()) {
        overlong_.begin(rest);
        return {input.size(), Stop::kInput};
      }
      put = reject_broken(Scan::kNotClosed, true, batch, sink);
    }
    if (put != Put::kDone) {
      return {static_cast<std::size_t>(scanner_.record() - begin), stop_of(put)};
    }
  }
  return {static_cast<std::size_t>(scanner_.record_end() - begin), Stop::kBatch};
}

RecordReader::Put CsvReader::put_record(mayfly_batch& batch, BatchSink& sink) {
  const std::uint64_t bytes = record().size();
  const std::uint32_t found = scanner_.field_count();
  if (found != plan_.size() && !(found > plan_.size() && options_.ignore_extra)) [[unlikely]] {
    message_ = "expected " + std::to_string(plan_.size()) +
               (plan_.size() == 1 ? " field, found " : " fields, found ") + std::to_string(found);
    return reject_scanned(batch, sink, ReadError::kFields);
  }
  if (bytes + RowCells::kSlack > heap_left(batch) || bytes > options_.max_row_bytes) [[unlikely]] {
    const bool allowed = bytes <= options_.max_row_bytes;
    const mayfly_result room =
        allowed ? sink.reserve(batch, bytes + RowCells::kSlack) : MAYFLY_FAILED;
    if (room == MAYFLY_FULL) return Put::kBatch;
    if (room == MAYFLY_BLOCKED) return Put::kBlocked;
    if (room != MAYFLY_OK) {
      message_ = "expected a record of at most " + std::to_string(options_.max_row_bytes) +
                 " bytes (max_row_bytes), found " + std::to_string(bytes);
      return reject_scanned(batch, sink, ReadError::kTooLong);
    }
  }
  RowCells row(batch);
  const std::uint32_t put = put_fields(row, scanner_.fields());
  if (put != plan_.size()) [[unlikely]] {
    abandon_row(batch, batch.heap_used);
    message_.clear();
    describe_change(schema_[put], scanner_.fields()[put].text(), &message_);
    return reject_scanned(batch, sink, ReadError::kChanges);
  }
  batch.heap_used = row.heap_used();
  commit_row(batch, origin(extent()));
  pass_row(batch, extent());
  return Put::kDone;
}

// The number of columns, or the one that refused its field.
std::uint32_t CsvReader::put_fields(RowCells& row_in, const CsvField* fields) {
  RowCells row = row_in;  // a copy the compiler can keep in registers
  const auto count = static_cast<std::uint32_t>(plan_.size());
  const Plan* const plan = plan_.data();
  std::uint32_t i = 0;
  for (; i < count; ++i) {
    const CsvField& field = fields[i];
    if (field.size == 0 && !field.quoted && plan[i].null_if_empty) continue;
    if (plan[i].type == ColumnType::kText && !field.doubled) {
      row.put_text_padded(i, field.data, field.size);
      continue;
    }
    if (plan[i].type == ColumnType::kInt64) {
      std::int64_t value;
      if (parse_int64_padded(field.data, field.size, &value)) [[likely]] {
        row.put_int64(i, value);
        continue;
      }
    } else if (plan[i].type == ColumnType::kFloat64) {
      double value;
      if (parse_real_padded(field.data, field.size, &value)) [[likely]] {
        row.put_float64(i, value);
        continue;
      }
    }
    if (!put_slow(row, i, field)) break;
  }
  row_in = row;
  return i;
}

bool CsvReader::put_slow(RowCells& row, std::uint32_t column, const CsvField& field) {
  return put_text_as(row, column, plan_[column].type,
                     csv_value(field, options_.dialect.quote.value_or('"'), &undoubled_));
}

RecordReader::Put CsvReader::reject_scanned(mayfly_batch& batch, BatchSink& sink,
                                            ReadError reason) {
  return reject_record(batch, sink, reason, message_, without_newline(record()), extent());
}

RecordReader::Put CsvReader::reject_broken(Scan scan, bool gave_up, mayfly_batch& batch,
                                           BatchSink& sink) {
  const std::string field = std::to_string(scanner_.broken_field());
  if (scan == Scan::kAfterQuote) {
    message_ = "expected a delimiter or the end of the line after the closing quote of field " +
               field + ", found text; a quote inside quotes is written twice";
  } else {
    message_ = "expected a closing quote for field " + field + ", found none ";
    message_ += gave_up
                    ? "within " + std::to_string(options_.max_row_bytes) + " bytes (max_row_bytes)"
                    : std::string("before the end of the input");
  }
  return reject_scanned(batch, sink, ReadError::kQuote);
}

}  // namespace mayfly
