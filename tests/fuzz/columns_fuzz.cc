// What is found out about a document: names that SQLite tells apart, types that change no value
// that was looked at, and the same however the document comes in.
#include <algorithm>
#include <memory>
#include <optional>

#include "mayfly/data/readers/csv_reader.h"
#include "mayfly/data/readers/csv_sampler.h"
#include "mayfly/data/readers/format.h"
#include "mayfly/data/readers/ndjson_sampler.h"
#include "mayfly/data/readers/row_text.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mayfly;

namespace {

std::optional<Shape> shape_of(Sampler& sampler, std::string_view document, std::size_t chunk) {
  std::string bytes(document);
  bytes.append(kReadPadding, ' ');
  std::size_t begin = 0;
  for (std::size_t end = std::min(chunk, document.size());;
       end = chunk > document.size() - end ? document.size() : end + chunk) {
    begin += sampler.feed({bytes.data() + begin, end - begin}, end == document.size());
    fuzz::check(begin <= end, "no more is taken than there is");
    if (end == document.size()) break;
  }
  auto shape = sampler.shape(true);
  return shape.ok() ? std::optional(std::move(shape).value()) : std::nullopt;
}

void check_same(const std::optional<Shape>& a, const std::optional<Shape>& b) {
  fuzz::check(a.has_value() == b.has_value(), "whether it has columns doesn't depend on spans");
  if (!a) return;
  fuzz::check(std::ranges::equal(a->columns, b->columns, {}, &Column::name, &Column::name) &&
                  std::ranges::equal(a->columns, b->columns, {}, &Column::type, &Column::type),
              "nor do the columns");
  fuzz::check(a->start.byte == b->start.byte && a->start.line == b->start.line,
              "nor where the rows begin");
  for (std::size_t i = 0; i < a->columns.size() && i < 50; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      fuzz::check(!is_same_column(a->columns[i].name, a->columns[j].name), "names are unique");
    }
  }
}

void check_types(const Shape& shape, const CsvDialect& dialect, std::string_view document) {
  if (shape.columns.size() > 100) return;
  const Schema schema(shape.columns);
  CsvReader reader(schema, {.dialect = dialect});
  reader.set_position(shape.start);
  const auto read = testing::read_all(reader, schema, document.substr(shape.start.byte));
  fuzz::check(
      std::ranges::none_of(
          read.rows, [](const std::string& row) { return row.starts_with("error would_change"); }),
      "no type changes a value that was looked at");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::FuzzInput input(data, size);
  const std::uint8_t choices = input.byte();
  const std::size_t chunk = 1 + input.byte();
  const std::string_view document = input.rest();
  const SampleLimits limits{.lines_skipped = static_cast<std::uint64_t>(choices >> 6)};
  if ((choices & 1) != 0) {
    const auto make = [&]() -> std::unique_ptr<Sampler> {
      if ((choices & 2) != 0)
        return std::make_unique<JsonSampler>(std::vector<std::string>(), limits);
      return std::make_unique<NdjsonSampler>(std::vector<std::string>(), limits);
    };
    check_same(shape_of(*make(), document, SIZE_MAX), shape_of(*make(), document, chunk));
    return 0;
  }
  std::string padded(document);
  padded.append(kReadPadding, ' ');
  const std::string_view head(padded.data(), document.size());
  CsvSampling sampling{.header = (choices & 2) != 0};
  if ((choices & 4) != 0) sampling.dialect.comment = '#';
  if ((choices & 8) != 0) sampling.dialect.delimiter = find_delimiter(head, sampling.dialect, true);
  sampling.dialect.newline = find_newline(head, sampling.dialect);
  static_cast<void>(find_separator_line(head));
  static_cast<void>(format_from_content(head));
  CsvSampler whole_sampler(sampling, limits);
  const auto whole = shape_of(whole_sampler, document, SIZE_MAX);
  CsvSampler cut_sampler(sampling, limits);
  check_same(whole, shape_of(cut_sampler, document, chunk));
  if (whole) check_types(*whole, sampling.dialect, document);
  return 0;
}
