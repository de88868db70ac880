// What holds for any document, however it is cut into pieces, and for any value.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <functional>
#include <memory>

#include "mayfly/data/readers/csv_reader.h"
#include "mayfly/data/readers/csv_sampler.h"
#include "mayfly/data/readers/infer.h"
#include "mayfly/data/readers/json_reader.h"
#include "mayfly/data/readers/ndjson_reader.h"
#include "mayfly/data/readers/ndjson_sampler.h"
#include "mayfly/data/readers/number.h"
#include "mayfly/data/readers/row_text.h"
#include "tests/properties/property.h"

namespace mayfly {
namespace {

using testing::check_property;
using testing::read_all;
using testing::ReadAll;
using testing::ReadAllOptions;
using std::string_literals::operator""s;
using Texts = std::vector<std::string>;

std::string joined(const Texts& texts, const std::string& between = "") {
  std::string out;
  for (std::size_t i = 0; i < texts.size(); ++i) out += (i > 0 ? between : "") + texts[i];
  return out;
}

// Texts of these pieces, whatever that gives. Where a case fails, of the first that do.
rc::Gen<std::string> of_pieces(Texts pieces) {
  const auto count = pieces.size();
  const auto piece =
      rc::gen::map(rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, count)),
                   [pieces = std::move(pieces)](std::size_t i) { return pieces[i]; });
  return rc::gen::map(rc::gen::container<Texts>(piece),
                      [](const Texts& texts) { return joined(texts); });
}

rc::Gen<std::string> csv_document() {
  return of_pieces({"1",
                    ",",
                    "\n",
                    "\"",
                    "a",
                    "\r\n",
                    "\r",
                    ";",
                    "\t",
                    "007",
                    "2.5",
                    "-",
                    "#",
                    "\\",
                    "\\N",
                    "NA",
                    "\"\"",
                    "\",\"",
                    "\n\n",
                    "\0"s,
                    "\xEF\xBB\xBF",
                    "\xC3\xA9",
                    "\xFF",
                    "12345678901234567890",
                    "a long text that goes beyond sixteen bytes, by far"});
}

rc::Gen<std::string> json_document() {
  return of_pieces({"{\"i\":1}",
                    "\n",
                    ",",
                    "[",
                    "]",
                    "{",
                    "}",
                    "\"",
                    "\"i\":1",
                    "\"t\":\"x\"",
                    ":",
                    "\\",
                    "\\u00e9",
                    "\\\"",
                    "7",
                    "null",
                    " ",
                    "\r\n",
                    "\"t\":{\"a\":[1]}",
                    "{\"r\":2.5,\"t\":\"a\\nb\"}",
                    "{\"x\":1}",
                    "{\"i\":12345678901234567890}",
                    "\xEF\xBB\xBF",
                    "\xFF",
                    "\0"s,
                    "tru",
                    "{\"i\":\"7\"}",
                    "{}\n"});
}

// How a document is offered: pieces of these sizes, then the rest.
rc::Gen<std::vector<std::size_t>> cuts() {
  return rc::gen::container<std::vector<std::size_t>>(rc::gen::inRange<std::size_t>(1, 40));
}

ReadAllOptions in_pieces(std::vector<std::size_t> sizes) {
  return {.chunks = std::move(sizes),
          .batch_rows = *rc::gen::inRange<std::uint32_t>(1, 6),
          .heap_bytes = 512};
}

Schema three_columns() {
  return Schema({{"i", ColumnType::kInt64}, {"r", ColumnType::kFloat64}, {"t", ColumnType::kText}});
}

void same_in_pieces(const Schema& schema, const std::string& document,
                    const std::function<std::unique_ptr<RecordReader>()>& make) {
  const ReadAll whole = read_all(*make(), schema, document);
  const ReadAll cut = read_all(*make(), schema, document, in_pieces(*cuts()));
  RC_ASSERT(cut.rows == whole.rows);
  RC_ASSERT(cut.origins == whole.origins);
}

// What a sampler says, as text.
std::string shape_of(Sampler& sampler, const std::string& document,
                     const std::vector<std::size_t>& sizes) {
  std::size_t begin = 0;
  std::size_t end = 0;
  for (std::size_t piece = 0; end < document.size() || piece == 0; ++piece) {
    const std::size_t more = piece < sizes.size() ? sizes[piece] : SIZE_MAX;
    end = more > document.size() - end ? document.size() : end + more;
    std::string bytes = document.substr(begin, end - begin);
    const std::size_t size = bytes.size();
    bytes.append(kReadPadding, 'x');
    begin += sampler.feed({bytes.data(), size}, end == document.size());
  }
  const auto shape = sampler.shape(true);
  if (!shape.ok()) return "error: " + shape.status().message();
  std::string text;
  for (const Column& column : shape->columns) {
    text += column.name + ":" + std::string(name_of(column.type)) + " ";
  }
  return text + "@" + std::to_string(shape->start.byte) + ":" + std::to_string(shape->start.line);
}

// A number's digits, without zeros at either end, and where its point is: the same for all ways to
// write it.
std::string normal(const std::string& text) {
  std::string digits;
  long exponent = 0;
  bool fraction = false;
  std::size_t i = text[0] == '-' ? 1 : 0;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; ++i) {
    if (text[i] == '.') {
      fraction = true;
      continue;
    }
    digits += text[i];
    exponent -= fraction ? 1 : 0;
  }
  if (i < text.size()) exponent += std::strtol(text.c_str() + i + 1, nullptr, 10);
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  digits.erase(0, digits.find_first_not_of('0'));
  if (digits.empty()) return "0";
  return (text[0] == '-' ? "-" : "") + digits + "e" + std::to_string(exponent);
}

std::string fifteen_digits(const std::string& number) {
  char text[40];
  std::snprintf(text, sizeof text, "%.15g", std::strtod(number.c_str(), nullptr));
  return text;
}

// Texts that are numbers, and that nearly are.
rc::Gen<std::string> number_like() {
  return rc::gen::oneOf(
      rc::gen::map(rc::gen::arbitrary<std::int64_t>(),
                   [](std::int64_t value) { return std::to_string(value); }),
      rc::gen::map(rc::gen::inRange(-100'000, 100'000), [](int v) { return std::to_string(v); }),
      of_pieces({"1", "0", "-", ".", "9", "e", "5", "+", "E", " ", "123456789"}),
      rc::gen::element("0.1"s, "-0"s, "1e22"s, "1e400"s, "9223372036854775808"s, "5."s, ".5"s,
                       "1e-320"s, "123456789012345.6"s, "0x1F"s, "inf"s, "nan"s));
}

// As the fields of CSV: of one column, each in a line.
std::string column_document(const Texts& values) {
  std::string out;
  for (const std::string& value : values) {
    out += value.empty() || value.find_first_of("\r\n\",") != std::string::npos
               ? "\"" + value + "\"\n"
               : value + "\n";
  }
  return out;
}

// A row that a reader made of a value is the value.
bool is_value(const std::string& row, const std::string& value, ColumnType type) {
  if (row == "'" + value + "'" || row == "!'" + value + "'") return true;
  if (type == ColumnType::kInt64) return row == value;
  return type == ColumnType::kFloat64 && row != "NULL" && !row.starts_with("error") &&
         normal(fifteen_digits(row)) == normal(value);
}

}  // namespace

TEST_CASE("readers: a CSV document in any pieces gives the same rows") {
  const Schema schema = three_columns();
  check_property("csv in pieces", 1000, [&] {
    CsvOptions options;
    options.dialect.delimiter = *rc::gen::element(',', ';', '\t');
    options.dialect.quote = *rc::gen::element<std::optional<char>>('"', std::nullopt, 'a');
    options.dialect.newline = *rc::gen::element('\n', '\r');
    options.dialect.comment = *rc::gen::element<std::optional<char>>(std::nullopt, '#');
    options.dialect.backslash = !options.dialect.quote && *rc::gen::arbitrary<bool>();
    // Of what isn't all there when it gets too long, nobody knows whether its quote will
    // be closed, or how many of its newlines are escaped.
    if (!options.dialect.quote && !options.dialect.comment && !options.dialect.backslash) {
      options.max_row_bytes = *rc::gen::element(std::uint64_t{kMaxRowBytes}, std::uint64_t{20});
    }
    options.ignore_extra = *rc::gen::arbitrary<bool>();
    if (*rc::gen::arbitrary<bool>()) options.nulls = {"NA", "1"};
    same_in_pieces(schema, *csv_document(),
                   [&] { return std::make_unique<CsvReader>(schema, options); });
  });
}

TEST_CASE("readers: NDJSON and JSON in any pieces give the same rows") {
  const Schema schema = three_columns();
  const Texts keys = {"i", "r", "t"};
  check_property("json in pieces", 1000, [&] {
    const NdjsonOptions options{
        .ignore_extra = *rc::gen::arbitrary<bool>(),
        .max_row_bytes = *rc::gen::element(std::uint64_t{kMaxRowBytes}, std::uint64_t{20})};
    const int format = *rc::gen::inRange(0, 3);
    same_in_pieces(schema, *json_document(), [&]() -> std::unique_ptr<RecordReader> {
      if (format == 0) return std::make_unique<NdjsonReader>(schema, keys, options);
      return std::make_unique<JsonReader>(schema, keys, options, format == 1, ReadPosition{});
    });
  });
}

TEST_CASE("samplers: a document in any pieces has the same columns") {
  check_property("columns in pieces", 1000, [] {
    const int format = *rc::gen::inRange(0, 3);
    const std::string document = *(format == 0 ? csv_document() : json_document());
    const auto sampler = [&]() -> std::unique_ptr<Sampler> {
      if (format == 0) return std::make_unique<CsvSampler>(CsvSampling{});
      if (format == 1) return std::make_unique<NdjsonSampler>(Texts{});
      return std::make_unique<JsonSampler>(Texts{});
    };
    RC_ASSERT(shape_of(*sampler(), document, *cuts()) == shape_of(*sampler(), document, {}));
  });
}

TEST_CASE("types: what is inferred from values changes none of them") {
  check_property("inferred types", 1000, [] {
    const auto value = rc::gen::weightedOneOf<std::string>(
        {{9, number_like()}, {1, of_pieces({"a", "1", " ", "\n", ","})}});
    const auto seen = *rc::gen::container<Texts>(number_like());
    const auto later = *rc::gen::container<Texts>(value);
    TypeInference inference;
    for (const std::string& each : seen) {
      if (!each.empty()) inference.add_text(0, each);
    }
    const ColumnType type = inference.text_type(0);
    const Schema schema({{"v", type}});
    CsvReader reader(schema, {});
    Texts all = seen;
    all.insert(all.end(), later.begin(), later.end());
    const Texts rows = read_all(reader, schema, column_document(all)).rows;

    RC_ASSERT(rows.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      // Of what wasn't looked at, a row may be refused.
      const bool refused = i >= seen.size() && rows[i].starts_with("error would_change");
      if (!refused && !is_value(rows[i], all[i], type)) {
        RC_FAIL("a column of " + std::string(name_of(type)) + ": expected " + all[i] + ", found " +
                rows[i]);
      }
    }
  });
}

TEST_CASE("numbers: both ways to read one agree, and what is read is what was written") {
  check_property("numbers", 5000, [] {
    const std::string text = *number_like();
    const std::string padded = text + std::string(16, '7');
    std::int64_t integer = 0, integer_padded = 0;
    double real = 0, real_padded = 0;
    const bool is_integer = parse_int64(text, &integer);
    const bool is_real = parse_real(text, &real);
    RC_ASSERT(parse_int64_padded(padded.data(), text.size(), &integer_padded) == is_integer);
    RC_ASSERT(parse_real_padded(padded.data(), text.size(), &real_padded) == is_real);
    RC_ASSERT(integer == integer_padded);
    RC_ASSERT(real == real_padded);
    if (is_integer) RC_ASSERT(std::to_string(integer) == text);
    if (is_real) {
      RC_ASSERT(real == std::strtod(text.c_str(), nullptr));
      RC_ASSERT(normal(fifteen_digits(text)) == normal(text));
    }
  });
}

TEST_CASE("readers: a quote that isn't closed costs its record, and no other") {
  const Schema schema({{"a", ColumnType::kText}, {"b", ColumnType::kText}});
  check_property("an open quote", 500, [&] {
    const auto field = of_pieces({"a", "b", "1", " ", "'"});
    const auto before = *rc::gen::container<Texts>(
        rc::gen::map(rc::gen::pair(field, field), [](const std::pair<std::string, std::string>& p) {
          return "x" + p.first + ",y" + p.second;
        }));
    CsvReader reader(schema, {});
    std::string document;
    for (const std::string& row : before) document += row + "\n";
    document += "k,\"open " + *field + "\n";
    document += joined(before, "\n");
    const Texts rows = read_all(reader, schema, document, in_pieces(*cuts())).rows;
    RC_ASSERT(rows.size() == 2 * before.size() + 1);
    for (std::size_t i = 0; i < before.size(); ++i) {
      RC_ASSERT(rows[i] == rows[before.size() + 1 + i]);
      RC_ASSERT(rows[i].starts_with("'x"));
    }
    RC_ASSERT(rows[before.size()].starts_with("error quote"));
  });
}

}  // namespace mayfly
