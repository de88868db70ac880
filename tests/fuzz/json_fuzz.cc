// NDJSON, arrays, and objects over several lines: however they are cut, their rows are the same.
#include <memory>

#include "mayfly/data/readers/json_reader.h"
#include "mayfly/data/readers/ndjson_reader.h"
#include "mayfly/data/readers/row_text.h"
#include "tests/fuzz/fuzz_input.h"

using namespace mayfly;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Schema kSchema({{"a", ColumnType::kInt64},
                               {"b", ColumnType::kFloat64},
                               {"c", ColumnType::kText},
                               {"d", ColumnType::kJson},
                               {"e", ColumnType::kAny}});
  fuzz::FuzzInput input(data, size);
  const std::uint8_t choices = input.byte();
  const std::size_t chunk = 1 + input.byte();
  const NdjsonOptions options{.ignore_extra = (choices & 1) != 0, .max_row_bytes = 4096};
  const auto make = [&]() -> std::unique_ptr<RecordReader> {
    const std::vector<std::string> keys = {"a", "b", "c", "d", "e"};
    if ((choices & 2) == 0) return std::make_unique<NdjsonReader>(kSchema, keys, options);
    return std::make_unique<JsonReader>(kSchema, keys, options, (choices & 4) != 0, ReadPosition{});
  };
  const auto whole_reader = make();
  const auto whole = testing::read_all(*whole_reader, kSchema, input.rest());
  const auto cut_reader = make();
  const auto cut = testing::read_all(*cut_reader, kSchema, input.rest(),
                                     {.chunk = chunk, .batch_rows = 3, .heap_bytes = 512});
  fuzz::check(whole.rows == cut.rows, "rows don't depend on spans");
  fuzz::check(whole.origins == cut.origins, "nor do their places");
  fuzz::check(whole_reader->position().byte <= input.rest().size(), "no place is behind the end");
  return 0;
}
