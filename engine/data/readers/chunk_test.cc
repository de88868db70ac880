// However a document is cut into spans and batches, its rows are the same.
#include <doctest/doctest.h>

#include "mayfly/base/rng.h"
#include "mayfly/data/readers/csv_reader.h"
#include "mayfly/data/readers/json_reader.h"
#include "mayfly/data/readers/ndjson_reader.h"
#include "mayfly/data/readers/row_text.h"

namespace mayfly {
namespace {

using testing::read_all;
using testing::ReadAll;
using testing::ReadAllOptions;

std::string pick(Rng& rng, std::initializer_list<const char*> parts) {
  return parts.begin()[rng.below(parts.size())];
}

// Mostly sound records, and everything that can be wrong with one.
std::string csv_document(Rng& rng) {
  std::string out = rng.below(8) == 0 ? "\xEF\xBB\xBF" : "";
  const std::uint64_t records = rng.below(12);
  for (std::uint64_t i = 0; i < records; ++i) {
    const std::uint64_t fields = rng.below(6) == 0 ? rng.below(5) : 3;
    for (std::uint64_t f = 0; f < fields; ++f) {
      if (f > 0) out += ',';
      out += pick(rng, {"1",
                        "-25",
                        "2.5",
                        "007",
                        "abc",
                        "",
                        "\"\"",
                        "\"a,b\"",
                        "\"x\ny\"",
                        "\"q\"\"q\"",
                        "5\" disk",
                        "\"open",
                        "\"a\"b",
                        "\"\r\n\"",
                        "a\r",
                        "0.30000000000000004",
                        "\xC3\xA9",
                        "\xFF",
                        "#x",
                        "NA",
                        "a long text that goes beyond sixteen bytes, by far, as you see"});
    }
    out += pick(rng, {"\n", "\n", "\r\n", "\n\n"});
  }
  if (rng.below(3) == 0 && !out.empty()) out.pop_back();
  return out;
}

std::string json_document(Rng& rng) {
  std::string out = rng.below(8) == 0 ? "\xEF\xBB\xBF" : "";
  const std::uint64_t lines = rng.below(12);
  for (std::uint64_t i = 0; i < lines; ++i) {
    out += pick(rng, {R"({"i":1,"r":2.5,"t":"abc"})", R"({"t":"a\"b\u00e9","i":-7})",
                      R"({ "i" : 1 , "r" : 3 } )", R"({"i":007})", R"({"i":1,)",
                      R"({"i":1}{"i":2})", R"({"t":{"a":[1,2,{"b":"}"}]}})", R"({"t":"open)",
                      R"([1])", "", "  ", R"({"x":1})", "{\"t\":\"\xFF\"}", R"({})",
                      R"({"i":12345678901234567890})", R"({"i":"7"})", R"({"t":null,"i":true})"});
    out += pick(rng, {"\n", "\n", "\r\n"});
  }
  if (rng.below(3) == 0 && !out.empty()) out.pop_back();
  return out;
}

std::string joined(const std::vector<std::string>& rows) {
  std::string out;
  for (const std::string& row : rows) out += row + "\n";
  return out;
}

template <class MakeReader>
void check_chunks(const Schema& schema, const std::string& document, MakeReader make,
                  std::uint64_t seed) {
  auto whole_reader = make();
  const ReadAll whole = read_all(*whole_reader, schema, document);
  for (std::size_t chunk = 1; chunk <= document.size() + 1; ++chunk) {
    auto reader = make();
    const std::uint32_t batch_rows = 1 + static_cast<std::uint32_t>(chunk % 5);
    const ReadAll cut = read_all(*reader, schema, document,
                                 {.chunk = chunk, .batch_rows = batch_rows, .heap_bytes = 512});
    REQUIRE_MESSAGE(cut.rows == whole.rows, "seed ", seed, " chunk ", chunk, " of ", document,
                    "\nwhole:\n", joined(whole.rows), "cut:\n", joined(cut.rows));
    REQUIRE_MESSAGE(cut.origins == whole.origins, "seed ", seed, " chunk ", chunk);
  }
}

TEST_CASE("csv: documents cut at every boundary give the same rows") {
  const Schema schema(
      {{"i", ColumnType::kInt64}, {"r", ColumnType::kFloat64}, {"t", ColumnType::kText}});
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Rng rng(seed);
    check_chunks(
        schema, csv_document(rng),
        [&] { return std::make_unique<CsvReader>(schema, CsvOptions{}); }, seed);
  }
}

TEST_CASE("csv: documents of other dialects cut at every boundary give the same rows") {
  const Schema schema({{"t", ColumnType::kText}, {"i", ColumnType::kInt64}});
  const CsvOptions all[] = {
      {.dialect = {.comment = '#'}, .nulls = {"NA", ""}, .fields = {2, 0}, .field_count = 3},
      {.dialect = {.newline = '\r'}, .ignore_extra = true},
      {.dialect = {.quote = std::nullopt, .backslash = true}, .ignore_extra = true}};
  for (const CsvOptions& options : all) {
    for (std::uint64_t seed = 0; seed < 100; ++seed) {
      Rng rng(seed);
      std::string document = csv_document(rng);
      for (char& c : document) {
        if (options.dialect.backslash && c == '"') c = '\\';
        if (options.dialect.newline == '\r' && c == '\n') c = '\r';
      }
      check_chunks(
          schema, document, [&] { return std::make_unique<CsvReader>(schema, options); }, seed);
    }
  }
}

TEST_CASE("csv: documents with long records cut at every boundary give the same rows") {
  const Schema schema(
      {{"i", ColumnType::kInt64}, {"r", ColumnType::kFloat64}, {"t", ColumnType::kText}});
  for (std::uint64_t seed = 1000; seed < 1030; ++seed) {
    Rng rng(seed);
    std::string document = csv_document(rng);
    for (int i = 0; i < 3; ++i) document += "1,2," + std::string(rng.below(300), 'x') + "\n";
    auto make = [&] { return std::make_unique<CsvReader>(schema, CsvOptions{}); };
    check_chunks(schema, document, make, seed);
  }
}

TEST_CASE("ndjson: documents cut at every boundary give the same rows") {
  const Schema schema(
      {{"i", ColumnType::kInt64}, {"r", ColumnType::kFloat64}, {"t", ColumnType::kText}});
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    Rng rng(seed);
    check_chunks(
        schema, json_document(rng),
        [&] {
          return std::make_unique<NdjsonReader>(schema, std::vector<std::string>{"i", "r", "t"},
                                                NdjsonOptions{});
        },
        seed);
  }
}

// The same lines as elements, with all that can be wrong between them.
std::string array_document(Rng& rng) {
  std::string out;
  const std::uint64_t elements = rng.below(10);
  for (std::uint64_t i = 0; i < elements; ++i) {
    out += pick(rng, {R"({"i":1,"r":2.5,"t":"abc"})", "{\n \"t\" : \"a\\\"}b\",\r\n\t\"i\":-7}",
                      R"({"i":007})", R"([1,{"a":2}])", "7", "\"x]\"", "null", R"({"t":"open},)",
                      "{\"t\":\"\xFF\"}", "{}", R"({"x":1})", "}", "tru"});
    out += pick(rng, {",", ",\n", " , ", "\n,\n", " ", "],", "\n"});
  }
  if (rng.below(4) > 0) out += "]\n";
  return out;
}

TEST_CASE("json: documents cut at every boundary give the same rows") {
  const Schema schema(
      {{"i", ColumnType::kInt64}, {"r", ColumnType::kFloat64}, {"t", ColumnType::kText}});
  for (const bool array : {false, true}) {
    for (const std::uint64_t bytes_max : {std::uint64_t{12}, kMaxRowBytes}) {
      for (std::uint64_t seed = 0; seed < 100; ++seed) {
        Rng rng(seed);
        check_chunks(
            schema, array_document(rng),
            [&] {
              return std::make_unique<JsonReader>(schema, std::vector<std::string>{"i", "r", "t"},
                                                  NdjsonOptions{.max_row_bytes = bytes_max}, array,
                                                  ReadPosition{});
            },
            seed);
      }
    }
  }
}

}  // namespace
}  // namespace mayfly
