#include "mayfly/data/readers/csv_reader.h"

#include <algorithm>
#include <cstring>

#include "mayfly/data/readers/number.h"

namespace mayfly {

CsvReader::CsvReader(const Schema& schema, const CsvOptions& options)
    : schema_(schema),
      options_(options),
      field_count_(options.field_count > 0 ? options.field_count : schema.size()),
      scanner_(options.dialect, field_count_),
      in_order_(options.fields.empty() && options.nulls.empty() && !options.dialect.backslash),
      has_nulls_(!options.nulls.empty() || options.dialect.backslash) {
  newline_ = options_.dialect.newline;
  for (const Column& column : schema_.columns()) {
    const auto i = static_cast<std::uint32_t>(plan_.size());
    const bool keeps_empty =
        options_.empty == EmptyField::kText ||
        (options_.empty == EmptyField::kAuto &&
         (column.type == ColumnType::kText || column.type == ColumnType::kBlob));
    plan_.push_back({column.type, !keeps_empty, options_.fields.empty() ? i : options_.fields[i]});
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
  utf8_.see(position_.byte, {begin + used, input.size() - used});
  scanner_.start(begin + used, end, at_end);
  while (has_room(batch)) {
    const Scan scan = scanner_.next();
    Put put = Put::kDone;
    if (scan == Scan::kRecord || (scan == Scan::kBlank && field_count_ == 1)) [[likely]] {
      put = put_record(batch, sink);
    } else if (scan == Scan::kBlank || scan == Scan::kComment) {
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
  // What is too long is nothing else besides: of one that isn't all there its fields aren't
  // counted.
  const bool allowed = bytes <= options_.max_row_bytes;
  if (allowed && found != field_count_ && !(found > field_count_ && options_.ignore_extra))
      [[unlikely]] {
    message_ = "expected " + std::to_string(field_count_) +
               (field_count_ == 1 ? " field, found " : " fields, found ") + std::to_string(found);
    return reject_scanned(batch, sink, ReadError::kFields);
  }
  if (bytes + RowCells::kSlack > heap_left(batch) || !allowed) [[unlikely]] {
    const mayfly_result room =
        allowed ? sink.reserve(batch, bytes + RowCells::kSlack) : MAYFLY_FAILED;
    if (room == MAYFLY_FULL) return Put::kBatch;
    if (room == MAYFLY_BLOCKED) return Put::kBlocked;
    if (room != MAYFLY_OK) {
      message_ = allowed ? too_large(bytes) : too_long(options_.max_row_bytes, bytes);
      return reject_scanned(batch, sink, ReadError::kTooLong);
    }
  }
  if (!utf8_.is_valid(position_.byte, record()) && !is_valid_text()) [[unlikely]] {
    describe_invalid_utf8(record(), &message_);
    return reject_scanned(batch, sink, ReadError::kUtf8);
  }
  RowCells row(batch);
  const std::uint32_t put = in_order_ ? put_fields<true>(row, scanner_.fields())
                                      : put_fields<false>(row, scanner_.fields());
  if (put != plan_.size()) [[unlikely]] {
    abandon_row(batch, batch.heap_used);
    message_.clear();
    describe_change(schema_[put], scanner_.fields()[plan_[put].field].text(), &message_);
    return reject_scanned(batch, sink, ReadError::kChanges);
  }
  batch.heap_used = row.heap_used();
  commit_row(batch, origin(extent()));
  pass_row(batch, extent());
  return Put::kDone;
}

// The number of columns, or the one that refused its field.
template <bool in_order>
std::uint32_t CsvReader::put_fields(RowCells& row_in, const CsvField* fields) {
  RowCells row = row_in;  // a copy the compiler can keep in registers
  const auto count = static_cast<std::uint32_t>(plan_.size());
  const Plan* const plan = plan_.data();
  const bool has_nulls = has_nulls_;
  std::uint32_t i = 0;
  for (; i < count; ++i) {
    const CsvField& field = fields[in_order ? i : plan[i].field];
    if (field.size == 0 && !field.quoted && plan[i].null_if_empty) continue;
    if (!in_order && has_nulls && is_null_text(field, options_.nulls)) continue;
    if (plan[i].type == ColumnType::kText && !field.escaped) {
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
  const std::string_view text = csv_value(field, options_.dialect, &unescaped_);
  if (put_text_as(row, column, plan_[column].type, text)) return true;
  if (options_.keep_changes) put_exception_text(row, column, text);
  return options_.keep_changes;
}

// Of a record that has bytes which aren't text: those may be a blob's, or nobody's.
bool CsvReader::is_valid_text() const {
  return std::ranges::all_of(plan_, [this](const Plan& plan) {
    return plan.type == ColumnType::kBlob || is_valid_utf8(scanner_.fields()[plan.field].text());
  });
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
