// CSV in every dialect: however it is cut into spans and batches, its rows are the same, and each
// stands where the one before it ends.
#include "mayfly/data/readers/csv_reader.h"
#include "mayfly/data/readers/row_text.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mayfly;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Schema kSchema({{"i", ColumnType::kInt64},
                               {"r", ColumnType::kFloat64},
                               {"t", ColumnType::kText},
                               {"b", ColumnType::kBlob},
                               {"x", ColumnType::kAny}});
  fuzz::FuzzInput input(data, size);
  const std::uint8_t choices = input.byte();
  const std::size_t chunk = 1 + input.byte();
  CsvOptions options{.ignore_extra = (choices & 1) != 0, .max_row_bytes = 4096};
  if ((choices & 2) != 0) options.dialect = CsvDialect::tsv();
  if ((choices & 4) != 0) options.dialect.comment = '#';
  if ((choices & 8) != 0) options.dialect.newline = '\r';
  if ((choices & 16) != 0) {
    options.dialect.quote.reset();
    options.dialect.backslash = true;
  }
  if ((choices & 32) != 0) options.nulls = {"NA", ""};
  if ((choices & 64) != 0) {
    options.fields = {4, 2, 0, 1, 3};
    options.field_count = 6;
  }
  CsvReader whole_reader(kSchema, options);
  const auto whole = testing::read_all(whole_reader, kSchema, input.rest());
  CsvReader cut_reader(kSchema, options);
  const auto cut = testing::read_all(cut_reader, kSchema, input.rest(),
                                     {.chunk = chunk, .batch_rows = 3, .heap_bytes = 512});
  fuzz::check(whole.rows == cut.rows, "rows don't depend on spans");
  fuzz::check(whole.origins == cut.origins, "nor do their places");
  fuzz::check(whole_reader.position().byte <= input.rest().size(), "no place is behind the end");
  return 0;
}
