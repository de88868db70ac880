#include "mayfly/file/inspect.h"

#include <algorithm>
#include <memory>

#include "mayfly/base/clock.h"
#include "mayfly/file/fingerprint.h"
#include "mayfly/sdk/rows.h"

namespace mayfly::file {
namespace {

constexpr std::size_t kChunk = 256 << 10;
constexpr std::int64_t kQuiet = kSecond;

Status about(const ByteSource& source, const Status& status) {
  return Status(status.code(), source.name() + ": " + status.message());
}

// Reads until there is something to look at: a whole line, or a good part of one.
Status read_head(ByteSource& source, ReadBuffer& buffer) {
  constexpr std::size_t kEnough = 4096;
  while (buffer.size() < kEnough) {
    const std::span<const char> seen = buffer.bytes();
    if (std::find(seen.begin(), seen.end(), '\n') != seen.end()) break;
    MAYFLY_ASSIGN_OR_RETURN(const ByteSource::State state, buffer.fill(source, kChunk, -1));
    if (state == ByteSource::State::kEnd) break;
  }
  return {};
}

Result<Format> choose_format(const FileOptions& options, const ReadBuffer& buffer) {
  const std::string_view head(buffer.bytes().data(), buffer.size());
  MAYFLY_RETURN_IF_ERROR(check_encoding(head));
  if (options.format) return *options.format;
  if (const auto format = format_from_name(options.path)) return *format;
  return format_from_content(head);
}

Result<CsvDialect> choose_dialect(const FileOptions& options, Format format) {
  CsvDialect dialect = format == Format::kTsv ? CsvDialect::tsv() : CsvDialect::csv();
  if (options.delimiter) dialect.delimiter = *options.delimiter;
  if (options.quote) dialect.quote = *options.quote;
  if (dialect.quote == dialect.delimiter) {
    return Status(Code::kConfig,
                  std::string("quote: expected another character than the delimiter, found \"") +
                      dialect.delimiter + "\" for both");
  }
  return dialect;
}

std::unique_ptr<Sampler> make_sampler(const FileOptions& options, const Inspection& found,
                                      std::uint64_t rows) {
  if (found.format == Format::kNdjson) {
    return std::make_unique<NdjsonSampler>(options.columns, rows, options.max_row_bytes);
  }
  return std::make_unique<CsvSampler>(found.dialect, options.header, options.columns, rows,
                                      options.max_row_bytes);
}

// What is read stays in the buffer.
Status sample_beginning(const FileOptions& options, ByteSource& source, ReadBuffer& buffer,
                        Sampler& sampler) {
  std::size_t fed = 0;
  for (;;) {
    fed += sampler.feed(buffer.bytes().subspan(fed), buffer.at_end());
    const bool enough = buffer.size() >= kSampleBytes && sampler.rows() > 0;
    if (sampler.done() || buffer.at_end() || enough) return {};
    if (buffer.size() > options.max_row_bytes + kSampleBytes) return {};  // not a record in sight
    const std::int64_t timeout_ns = sampler.rows() > 0 ? kQuiet : -1;
    MAYFLY_ASSIGN_OR_RETURN(const ByteSource::State state, buffer.fill(source, kChunk, timeout_ns));
    if (state == ByteSource::State::kIdle) return {};
  }
}

// Reads the file on its own, from the start to the end.
Status sample_all(const FileOptions& options, const ByteSource& opened, Sampler& sampler) {
  // Before it is opened: a pipe that nobody writes to any more would never be.
  if (!opened.is_file()) {
    return Status(Code::kConfig, "infer = \"all\" reads the input twice, and " + opened.name() +
                                     " isn't a file; use \"sample\", or give types");
  }
  MAYFLY_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source, ByteSource::open(options.path));
  if (!is_same_file(source->fd(), opened.fd())) {
    return Status(Code::kNoInput, opened.name() +
                                      ": expected the file that was opened, found another in its "
                                      "place while it was looked at");
  }
  ReadBuffer buffer(kSampleBytes);
  while (!buffer.at_end()) {
    MAYFLY_ASSIGN_OR_RETURN(const ByteSource::State state, buffer.fill(*source, kChunk, -1));
    static_cast<void>(state);
    buffer.consume(sampler.feed(buffer.bytes(), buffer.at_end()));
  }
  return {};
}

Status apply_types(const FileOptions& options, Shape& shape) {
  for (const auto& [name, type] : options.types) {
    const auto same = [&wanted = name](const Column& column) {
      return sdk::same_column_name(column.name, wanted);
    };
    const auto column = std::find_if(shape.columns.begin(), shape.columns.end(), same);
    if (column == shape.columns.end()) {
      std::string known;
      for (const Column& each : shape.columns) known += (known.empty() ? "" : ", ") + each.name;
      return Status(Code::kConfig,
                    "types: there is no column \"" + name + "\"; there are " + known);
    }
    column->type = type;
  }
  return {};
}

}  // namespace

Result<Inspection> inspect(const FileOptions& options, ByteSource& source, ReadBuffer& buffer) {
  Inspection found;
  MAYFLY_RETURN_IF_ERROR(read_head(source, buffer));
  auto format = choose_format(options, buffer);
  if (!format.ok()) return about(source, format.status());
  found.format = *format;
  MAYFLY_ASSIGN_OR_RETURN(found.dialect, choose_dialect(options, found.format));
  const bool all = options.infer == Infer::kAll;
  const std::unique_ptr<Sampler> sampler =
      make_sampler(options, found, all ? UINT64_MAX : kSampleRows);
  MAYFLY_RETURN_IF_ERROR(all ? sample_all(options, source, *sampler)
                             : sample_beginning(options, source, buffer, *sampler));
  auto shape = sampler->shape(options.infer != Infer::kNone);
  if (!shape.ok()) return about(source, shape.status());
  found.shape = std::move(shape).value();
  const Status typed = apply_types(options, found.shape);
  if (!typed.ok()) return about(source, typed);
  return found;
}

}  // namespace mayfly::file
