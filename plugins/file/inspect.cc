#include "mayfly/file/inspect.h"

#include <algorithm>
#include <memory>

#include "mayfly/base/clock.h"
#include "mayfly/data/readers/csv_sampler.h"
#include "mayfly/data/readers/ndjson_sampler.h"
#include "mayfly/file/fingerprint.h"
#include "mayfly/sdk/rows.h"

namespace mayfly::file {
namespace {

using Names = std::vector<std::string>;

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

std::string_view head_of(const ReadBuffer& buffer) {
  std::string_view head(buffer.bytes().data(), buffer.size());
  if (head.starts_with(kBom)) head.remove_prefix(kBom.size());
  return head;
}

Format choose_format(const FileOptions& options, const ReadBuffer& buffer) {
  if (options.format) return *options.format;
  if (const auto format = format_from_name(options.path)) return *format;
  return names_json(options.path) ? json_format_from_content(head_of(buffer))
                                  : format_from_content(head_of(buffer));
}

// Whatever the dialect is, at the beginning of lines that are left out nothing of it shows.
std::string_view behind_lines(std::string_view head, std::uint64_t lines) {
  for (; lines > 0; --lines) {
    const std::size_t end = head.find_first_of("\r\n");
    if (end == std::string_view::npos) return {};
    head.remove_prefix(end + (head.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  return head;
}

// *lines: how many at the beginning are no records.
Result<CsvDialect> choose_dialect(const FileOptions& options, Format format,
                                  const ReadBuffer& buffer, std::uint64_t* lines) {
  const std::string_view head = head_of(buffer);
  CsvDialect dialect = format == Format::kTsv ? CsvDialect::tsv() : CsvDialect::csv();
  if (options.quote) dialect.quote = *options.quote;
  dialect.comment = options.comment;
  dialect.backslash = options.backslash;
  if (dialect.backslash) {
    if (options.quote && *options.quote) {
      return Status(Code::kConfig,
                    "escape: expected no quote character beside backslashes, found one; quote = "
                    "\"none\"");
    }
    dialect.quote.reset();
  }
  *lines = options.skip_rows;
  const std::optional<char> told = find_separator_line(head);
  if (told && format == Format::kCsv) {
    *lines = std::max<std::uint64_t>(*lines, 1);
    dialect.delimiter = *told;
  }
  const std::string_view records = behind_lines(head, *lines);
  if (options.find_delimiter && !told) {
    dialect.newline = find_newline(records, dialect);
    dialect.delimiter = find_delimiter(records, dialect, buffer.at_end());
  }
  if (options.delimiter) dialect.delimiter = *options.delimiter;
  if (dialect.quote == dialect.delimiter) {
    return Status(Code::kConfig,
                  std::string("quote: expected another character than the delimiter, found \"") +
                      dialect.delimiter + "\" for both");
  }
  dialect.newline = find_newline(records, dialect);
  return dialect;
}

std::unique_ptr<Sampler> make_sampler(const FileOptions& options, const Inspection& found,
                                      const SampleLimits& limits) {
  if (found.format == Format::kNdjson) {
    return std::make_unique<NdjsonSampler>(options.columns, limits);
  }
  if (found.format == Format::kJson) return std::make_unique<JsonSampler>(options.columns, limits);
  return std::make_unique<CsvSampler>(
      CsvSampling{found.dialect, options.header, options.header ? Names() : options.columns,
                  options.nulls},
      limits);
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
    const auto state = buffer.fill(source, kChunk, timeout_ns);
    // What comes before damage counts; who reads to it meets it again.
    if (!state.ok()) return sampler.rows() > 0 ? Status() : state.status();
    if (*state == ByteSource::State::kIdle) return {};
  }
}

// Reads the file on its own, from the start to the end.
Status sample_all(const FileOptions& options, const ByteSource& opened, Sampler& sampler) {
  // Before it is opened: a pipe that nobody writes to any more would never be.
  if (!opened.is_file()) {
    return Status(Code::kConfig, "infer = \"all\" reads the input twice, and " + opened.name() +
                                     " isn't a file; use \"sample\", or give types");
  }
  MAYFLY_ASSIGN_OR_RETURN(const std::unique_ptr<ByteSource> source,
                          ByteSource::open(options.path, options.encoding));
  if (!is_same_file(source->fd(), opened.fd())) {
    return Status(Code::kNoInput, opened.name() +
                                      ": expected the file that was opened, found another in its "
                                      "place while it was looked at");
  }
  ReadBuffer buffer(kSampleBytes);
  while (!buffer.at_end()) {
    const auto state = buffer.fill(*source, kChunk, -1);
    if (!state.ok()) return sampler.rows() > 0 ? Status() : state.status();
    buffer.consume(sampler.feed(buffer.bytes(), buffer.at_end()));
  }
  return {};
}

std::vector<Column>::iterator find_column(Shape& shape, const std::string& name) {
  return std::ranges::find_if(shape.columns, [&](const Column& column) {
    return sdk::same_column_name(column.name, name);
  });
}

Status no_such_column(const char* option, const std::string& name, const Shape& shape) {
  constexpr std::size_t kTold = 20;
  std::string known;
  for (std::size_t i = 0; i < shape.columns.size() && i < kTold; ++i) {
    known += (known.empty() ? "" : ", ") + shape.columns[i].name;
  }
  if (shape.columns.size() > kTold) {
    known += ", and " + std::to_string(shape.columns.size() - kTold) + " more";
  }
  return Status(Code::kConfig,
                std::string(option) + ": there is no column \"" + name + "\"; there are " + known);
}

// Of a document with a header: those that are asked for, in that order.
Status choose_columns(const Names& wanted, Shape& shape) {
  shape.field_count = static_cast<std::uint32_t>(shape.columns.size());
  std::vector<Column> chosen;
  for (const std::string& name : wanted) {
    const auto column = find_column(shape, name);
    if (column == shape.columns.end()) return no_such_column("columns", name, shape);
    const auto field = static_cast<std::uint32_t>(column - shape.columns.begin());
    if (std::ranges::find(shape.fields, field) != shape.fields.end()) {
      return Status(Code::kConfig, "columns: expected each column once, found \"" + name +
                                       "\" again (upper and lower case are the same)");
    }
    shape.fields.push_back(field);
    chosen.push_back(*column);
  }
  shape.columns = std::move(chosen);
  return {};
}

Status rename_columns(const FileOptions& options, Shape& shape) {
  std::vector<std::pair<std::size_t, const std::string*>> renamed;
  for (const auto& [from, to] : options.renamed) {
    const auto column = find_column(shape, from);
    if (column == shape.columns.end()) return no_such_column("rename", from, shape);
    renamed.emplace_back(column - shape.columns.begin(), &to);
  }
  // All at once, so that two may change their names for each other's.
  for (const auto& [column, name] : renamed) shape.columns[column].name = *name;
  for (const auto& [column, name] : renamed) {
    const auto same = [&wanted = *name](const Column& other) {
      return sdk::same_column_name(other.name, wanted);
    };
    if (std::ranges::count_if(shape.columns, same) == 1) continue;
    return Status(Code::kConfig,
                  "rename: expected a name that no other column has, found \"" + *name + "\"");
  }
  return {};
}

Status apply_types(const FileOptions& options, Shape& shape) {
  for (const auto& [name, type] : options.types) {
    const auto column = find_column(shape, name);
    if (column == shape.columns.end()) return no_such_column("types", name, shape);
    column->type = type;
  }
  return {};
}

// Of one object with one member that is an array: its elements are likely to be the rows.
std::string advice_on_json(const Inspection& found, std::uint64_t rows, std::string_view head) {
  if (rows != 1 || found.shape.keys.size() != 1) return {};
  const std::string& key = found.shape.keys[0];
  const std::size_t at = head.find("\"" + key + "\"");
  if (at == std::string_view::npos) return {};
  const std::size_t value = head.find_first_not_of(" \t\r\n:", at + key.size() + 2);
  if (value == std::string_view::npos || head[value] != '[') return {};
  return "one object was found, and its one member \"" + key +
         "\" is an array; if its elements are the rows, take them out: jq -c '.[][]'";
}

// Of one column: a comment before the records, or another delimiter in its name.
std::string advice_on_csv(const FileOptions& options, const Inspection& found,
                          const ReadBuffer& buffer) {
  if (found.shape.field_count != 1) return {};
  if (!options.comment && options.header && head_of(buffer).starts_with('#')) {
    return "one column was found, and its name begins with \"#\"; if such lines are comments, "
           "leave "
           "them out (--comment, or comment in a pipeline; --no-header where no header is behind "
           "them)";
  }
  if (options.delimiter || options.find_delimiter) return {};
  const char better = find_delimiter(head_of(buffer), found.dialect, buffer.at_end());
  if (better == found.dialect.delimiter) return {};
  return std::string("one column was found, and \"") +
         (better == '\t' ? "tab" : std::string(1, better)) +
         "\" would make several of it; if that is meant, name it (--delimiter, or delimiter in a "
         "pipeline), or let it be found (auto)";
}

// What may be meant otherwise than it is read.
std::string advice_on(const FileOptions& options, const Inspection& found, std::uint64_t rows,
                      const ReadBuffer& buffer) {
  const bool is_csv = found.format == Format::kCsv || found.format == Format::kTsv;
  return is_csv ? advice_on_csv(options, found, buffer)
                : advice_on_json(found, rows, head_of(buffer));
}

}  // namespace

Result<Inspection> inspect(const FileOptions& options, ByteSource& source, ReadBuffer& buffer) {
  Inspection found;
  MAYFLY_RETURN_IF_ERROR(read_head(source, buffer));
  found.format = choose_format(options, buffer);
  const bool is_csv = found.format == Format::kCsv || found.format == Format::kTsv;
  const bool all = options.infer == Infer::kAll;
  SampleLimits limits{.rows_max = all ? UINT64_MAX : kSampleRows,
                      .max_row_bytes = options.max_row_bytes,
                      .lines_skipped = options.skip_rows};
  if (is_csv) {
    auto dialect = choose_dialect(options, found.format, buffer, &limits.lines_skipped);
    if (!dialect.ok()) return dialect.status();
    found.dialect = *dialect;
  }
  const std::unique_ptr<Sampler> sampler = make_sampler(options, found, limits);
  MAYFLY_RETURN_IF_ERROR(all ? sample_all(options, source, *sampler)
                             : sample_beginning(options, source, buffer, *sampler));
  auto shape = sampler->shape(options.infer != Infer::kNone);
  if (!shape.ok()) return about(source, shape.status());
  found.shape = std::move(shape).value();
  if (found.format == Format::kJson) {
    found.array = static_cast<const JsonSampler&>(*sampler).is_array();
  }
  found.shape.field_count = static_cast<std::uint32_t>(found.shape.columns.size());
  Status chosen;
  if (is_csv && options.header && !options.columns.empty()) {
    chosen = choose_columns(options.columns, found.shape);
  }
  if (chosen.ok()) chosen = rename_columns(options, found.shape);
  if (chosen.ok()) chosen = apply_types(options, found.shape);
  if (!chosen.ok()) return about(source, chosen);
  found.advice = advice_on(options, found, sampler->rows(), buffer);
  return found;
}

}  // namespace mayfly::file
