// What a reader made, as text, for tests: a batch of its own and its rows in one line each.
//
// 7|'Rome'|NULL|2.5|!'abc'  !: an exception; in a column of any type each value is marked i, f, t,
// b or j. An error row is  error fields line 3: message [raw].
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mayfly/data/batch_pool.h"
#include "mayfly/data/readers/reader.h"

namespace mayfly::testing {

inline std::string number_text(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

inline std::string cell_line(const mayfly_batch& batch, const mayfly_column& column,
                             std::uint32_t row) {
  if (is_null(column, row)) return "NULL";
  const mayfly_cell& cell = column.cells[row];
  const auto quoted = [&] { return "'" + std::string(text_at(batch, cell.span)) + "'"; };
  if (is_exception(column, row)) return "!" + quoted();
  const std::string mark =
      column.type == MAYFLY_ANY ? std::string(1, "iftxbyj"[column.kinds[row]]) : "";
  switch (kind_of(column, row)) {
    case MAYFLY_FLOAT64:
      return mark + number_text(cell.f64);
    case MAYFLY_TEXT:
    case MAYFLY_BLOB:
    case MAYFLY_JSON:
      return mark + quoted();
    default:
      return mark + std::to_string(cell.i64);
  }
}

inline std::string row_line(const mayfly_batch& batch, std::uint32_t row) {
  if (batch.outcome[row] == MAYFLY_DEAD_LETTERED) {
    return std::string("error ") + kReadReasons[batch.reason[row]].name + " line " +
           std::to_string(batch.line[row]) + ": " +
           std::string(text_at(batch, batch.message[row])) + " [" +
           std::string(text_at(batch, batch.raw[row])) + "]";
  }
  std::string line;
  for (std::uint32_t c = 0; c < batch.column_count; ++c) {
    line += (c > 0 ? "|" : "") + cell_line(batch, batch.columns[c], row);
  }
  return line;
}

// Where each record begins and ends, and its line: what a source's position is made of.
inline std::string origin_line(const mayfly_batch& batch, std::uint32_t row) {
  return std::to_string(batch.ordinal[row]) + "@" + std::to_string(batch.byte_end[row]) + ":" +
         std::to_string(batch.line[row]);
}

// Rows as text, and where each came from.
struct ReadAll {
  std::vector<std::string> rows;
  std::vector<std::string> origins;
  std::vector<std::uint64_t> next_lines;  // behind each batch that has rows
};

// How the input is offered, and into what.
struct ReadAllOptions {
  std::size_t chunk = SIZE_MAX;          // bytes offered more at a time
  std::vector<std::size_t> chunks = {};  // at the first times
  std::uint32_t batch_rows = 64;
  std::uint32_t heap_bytes = 64 << 10;
};

// Reads a whole document as a source would, in chunks.
inline ReadAll read_all(RecordReader& reader, const Schema& schema, std::string_view document,
                        const ReadAllOptions& options = {}) {
  BatchPool pool({.rows = options.batch_rows,
                  .columns = schema.size(),
                  .heap_bytes = options.heap_bytes,
                  .intake_batches = 1});
  struct PoolSink final : BatchSink {
    explicit PoolSink(BatchPool& p) : pool(p) {}
    mayfly_result reserve(mayfly_batch& batch, std::uint64_t bytes) override {
      return pool.reserve_heap(&batch, bytes);
    }
    mayfly_result reject(mayfly_batch& batch, const RowOrigin& origin, ReadError reason,
                         std::string_view message, std::string_view raw) override {
      return put_error_row(batch, origin, static_cast<std::uint16_t>(reason), message, raw)
                 ? MAYFLY_OK
                 : MAYFLY_FULL;
    }
    BatchPool& pool;
  } sink(pool);
  ReadAll out;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t times = 0;
  for (bool done = false; !done;) {
    mayfly_batch* batch = pool.try_acquire(BatchPool::Part::kIntake, schema);
    for (Stop stop = Stop::kInput; stop == Stop::kInput && !done;) {
      // A copy of exactly what is offered, so that a sanitizer sees reads beyond the padding.
      std::string bytes(document.substr(begin, end - begin));
      const std::size_t size = bytes.size();
      bytes.append(kReadPadding, 'x');
      const bool at_end = end == document.size();
      const ParseResult result = reader.parse({bytes.data(), size}, at_end, *batch, sink);
      begin += result.consumed;
      stop = result.stop;
      done = at_end && stop == Stop::kInput;
      if (stop != Stop::kInput) continue;
      const std::size_t more =
          times < options.chunks.size() ? options.chunks[times] : options.chunk;
      end = more > document.size() - end ? document.size() : end + more;
      ++times;
    }
    for (std::uint32_t row = 0; row < batch->rows; ++row) {
      out.rows.push_back(row_line(*batch, row));
      out.origins.push_back(origin_line(*batch, row));
    }
    if (batch->rows > 0) out.next_lines.push_back(batch->next_line);
    pool.release(batch);
  }
  return out;
}

}  // namespace mayfly::testing
