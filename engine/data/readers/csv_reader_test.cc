#include "mayfly/data/readers/csv_reader.h"

#include <doctest/doctest.h>

#include "mayfly/data/readers/row_text.h"

namespace mayfly {
namespace {

using testing::read_all;
using Rows = std::vector<std::string>;

const Schema kTwoTexts({{"a", ColumnType::kText}, {"b", ColumnType::kText}});
const Schema kNumbers({{"i", ColumnType::kInt64}, {"r", ColumnType::kFloat64}});

Rows read(const Schema& schema, std::string_view document, const CsvOptions& options = {}) {
  CsvReader reader(schema, options);
  return read_all(reader, schema, document).rows;
}

TEST_CASE("csv: fields, CRLF, and a last record without a newline") {
  CHECK(read(kTwoTexts, "x,y\r\n1,\n,2") == Rows{"'x'|'y'", "'1'|''", "''|'2'"});
}

TEST_CASE("csv: a CR that the file ends with is half of a CRLF, and no part of a field") {
  CHECK(read(kTwoTexts, "1,a\r\n2,b\r") == read(kTwoTexts, "1,a\n2,b\n"));
  CHECK(read(kTwoTexts, "1,a\r\n2,\"b\"\r") == read(kTwoTexts, "1,a\n2,b\n"));
  CHECK(read(kTwoTexts, "1,a\r\n\r") == read(kTwoTexts, "1,a\n"));
  CHECK(read(kTwoTexts, "1,a\rb\n") == Rows{"'1'|'a\rb'"});
}

TEST_CASE("csv: quotes hold delimiters, newlines and doubled quotes") {
  CHECK(read(kTwoTexts, "\"a,b\",\"say \"\"hi\"\"\"\r\n\"two\nlines\",\"\"\n") ==
        Rows{"'a,b'|'say \"hi\"'", "'two\nlines'|''"});
}

TEST_CASE("csv: a quote inside an unquoted field is text") {
  CHECK(read(kTwoTexts, "5\" disk,a\"b\"\n") == Rows{"'5\" disk'|'a\"b\"'"});
}

TEST_CASE("csv: NUL and bytes that aren't UTF-8 are kept as they are") {
  CHECK(read(kTwoTexts, std::string_view("a\0b,\xFF\xC0\n", 6)) ==
        Rows{std::string("'a\0b'|'\xFF\xC0'", 10)});
}

TEST_CASE("csv: a byte order mark is left out, at the start alone") {
  CHECK(read(kTwoTexts, "\xEF\xBB\xBFx,y\n\xEF\xBB\xBFx,y\n") ==
        Rows{"'x'|'y'", "'\xEF\xBB\xBFx'|'y'"});
}

TEST_CASE("csv: another delimiter, another quote, no quote") {
  CHECK(read(kTwoTexts, "'a;b';c,d\n", {.dialect = {';', '\''}}) == Rows{"'a;b'|'c,d'"});
  CHECK(read(kTwoTexts, "\"a\",\"b\"\n", {.dialect = {',', std::nullopt}}) ==
        Rows{"'\"a\"'|'\"b\"'"});
}

TEST_CASE("tsv: tabs, and backslashes and quotes are text") {
  CHECK(read(kTwoTexts, "a,b\t\"c\\t\n", {.dialect = CsvDialect::tsv()}) == Rows{"'a,b'|'\"c\\t'"});
}

TEST_CASE("csv: blank lines are no records, but lines are counted") {
  CsvReader reader(kTwoTexts, {});
  const auto read = read_all(reader, kTwoTexts, "\n1,2\n\r\n\n3,4\n\n");
  CHECK(read.rows == Rows{"'1'|'2'", "'3'|'4'"});
  CHECK(read.origins == Rows{"0@5:2", "1@12:5"});
}

TEST_CASE("csv: with one column a blank line is a record") {
  const Schema one({{"a", ColumnType::kText}});
  CHECK(read(one, "x\n\ny\n") == Rows{"'x'", "''", "'y'"});
}

TEST_CASE("csv: a ragged record is an error row, and the next goes on") {
  CHECK(read(kTwoTexts, "1,2\n1\n1,2,3\n4,5\n") ==
        Rows{"'1'|'2'", "error fields line 2: expected 2 fields, found 1 [1]",
             "error fields line 3: expected 2 fields, found 3 [1,2,3]", "'4'|'5'"});
  CHECK(read(kTwoTexts, "1,2,3\n", {.ignore_extra = true}) == Rows{"'1'|'2'"});
  CHECK(read(kTwoTexts, "1\n", {.ignore_extra = true}) ==
        Rows{"error fields line 1: expected 2 fields, found 1 [1]"});
}

TEST_CASE("csv: text after a closing quote breaks that record alone") {
  CHECK(
      read(kTwoTexts, "\"a\"x,b\nc,d\n") ==
      Rows{
          "error quote line 1: expected a delimiter or the end of the line after the closing quote "
          "of field 1, found text; a quote inside quotes is written twice [\"a\"x,b]",
          "'c'|'d'"});
}

TEST_CASE("csv: a quote that is never closed takes one line with it, not the rest of the file") {
  const std::string error =
      "error quote line 2: expected a closing quote for field 2, found none before the end of the "
      "input [1,\"x]";
  CHECK(read(kTwoTexts, "a,b\n1,\"x\nc,d\ne,f\n") == Rows{"'a'|'b'", error, "'c'|'d'", "'e'|'f'"});
}

TEST_CASE("csv: a stray quote that a later quoted field seems to close takes one line with it") {
  const Rows rows = read(kTwoTexts, "1,\"Rome\n2,\"Paris\"\n3,\"Oslo\"\n");
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].starts_with("error quote line 1: "));
  CHECK(rows[0].ends_with("[1,\"Rome]"));
  CHECK(rows[1] == "'2'|'Paris'");
  CHECK(rows[2] == "'3'|'Oslo'");
}

TEST_CASE("csv: a field broken on a later line of its record takes the lines up to that one") {
  const Rows rows = read(kTwoTexts, "\"ok\nok\",\"open\nc,d\n");
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].ends_with("[\"ok\nok\",\"open]"));
  CHECK(rows[1] == "'c'|'d'");
}

TEST_CASE("csv: a record over max_row_bytes is an error row with its first 64 KiB") {
  const CsvOptions options{.max_row_bytes = 1000};
  const std::string longer = "a," + std::string(200'000, 'z') + "\n";
  for (const std::size_t chunk : {std::size_t{100}, std::size_t{4096}, SIZE_MAX}) {
    CsvReader reader(kTwoTexts, options);
    const auto read = read_all(reader, kTwoTexts, "1,2\n" + longer + "3,4\n",
                               {.chunk = chunk, .heap_bytes = 192 << 10});
    REQUIRE(read.rows.size() == 3);
    CHECK(read.rows[0] == "'1'|'2'");
    CHECK(
        read.rows[1].starts_with("error too_long line 2: expected a record of at most 1000 bytes"));
    CHECK(read.rows[1].find("found 200003 [a,zzz") != std::string::npos);
    CHECK(read.rows[1].size() > (64 << 10));
    CHECK(read.rows[1].size() < (65 << 10));
    CHECK(read.rows[2] == "'3'|'4'");
    CHECK(read.origins == Rows{"0@4:1", "1@200007:2", "2@200011:3"});
  }
}

TEST_CASE("csv: a quote not closed within max_row_bytes ends with its line") {
  const CsvOptions options{.max_row_bytes = 1000};
  std::string document = "1,\"x\n";
  for (int i = 0; i < 200; ++i) document += "aaaa,bbbb\n";
  CsvReader reader(kTwoTexts, options);
  const auto read = read_all(reader, kTwoTexts, document, {.chunk = 256});
  REQUIRE(read.rows.size() == 201);
  CHECK(read.rows[0] ==
        "error quote line 1: expected a closing quote for field 2, found none within 1000 bytes "
        "(max_row_bytes) [1,\"x]");
  CHECK(read.rows[200] == "'aaaa'|'bbbb'");
}

TEST_CASE("csv: canonical numbers become numbers, other text an exception") {
  CHECK(read(kNumbers, "7,2.5\n-12,3\nabc,n/a\n1.5,1e3\n") ==
        Rows{"7|2.5", "-12|3", "!'abc'|!'n/a'", "!'1.5'|1000"});
}

TEST_CASE("csv: a batch knows the line behind its last record, which may have several") {
  const Schema schema({{"t", ColumnType::kText}, {"u", ColumnType::kText}});
  CsvReader reader(schema, {});
  // The third is an error row; the blank line behind it isn't its own.
  const auto read = read_all(reader, schema, "a,b\n\"b\nb\nb\",c\nd\n\ne,f", {.batch_rows = 1});
  CHECK(read.next_lines == std::vector<std::uint64_t>{2, 5, 6, 7});
}

TEST_CASE("csv: text that a numeric column would change is an error row that says what to do") {
  const Rows rows = read(kNumbers, "007,1\n1,0.30000000000000004\n1,1\n");
  CHECK(rows ==
        Rows{"error would_change line 1: column \"i\" expected an integer of 64 bits, found "
             "\"007\", which SQLite would store as another value; give the column's type "
             "(--types i=text, or types in a pipeline) or look at every row before types are "
             "chosen (--infer all) "
             "[007,1]",
             "error would_change line 2: column \"r\" expected a real number of at most 15 "
             "digits, found \"0.30000000000000004\", which SQLite would store as another "
             "value; give the column's type (--types r=text, or types in a pipeline) or look at "
             "every row before "
             "types are chosen (--infer all) [1,0.30000000000000004]",
             "1|1"});
  for (const char* text : {"+5", " 5", "12345678901234567890", "1.0", "1e3", "-0"}) {
    CHECK_MESSAGE(read(kNumbers, std::string(text) + ",1\n")[0].starts_with("error would_change"),
                  text);
  }
  for (const char* text : {"+5", " 5", "1e400", "05.5", ".5"}) {
    CHECK_MESSAGE(
        read(kNumbers, "1," + std::string(text) + "\n")[0].starts_with("error would_change"), text);
  }
}

TEST_CASE("csv: empty fields are NULL in numeric columns, '' in text; quoted ones are ''") {
  const Schema schema({{"i", ColumnType::kInt64}, {"t", ColumnType::kText}});
  const std::string document = ",\n\"\",\"\"\n";
  CHECK(read(schema, document) == Rows{"NULL|''", "!''|''"});
  CHECK(read(schema, document, {.empty = EmptyField::kNull}) == Rows{"NULL|NULL", "!''|''"});
  CHECK(read(schema, document, {.empty = EmptyField::kText}) == Rows{"!''|''", "!''|''"});
}

TEST_CASE("csv: columns of other types") {
  const Schema schema({{"b", ColumnType::kBool},
                       {"t", ColumnType::kTimestamp},
                       {"j", ColumnType::kJson},
                       {"x", ColumnType::kAny},
                       {"y", ColumnType::kBlob}});
  CHECK(read(schema,
             "true,1700000000000000,{},7,a\nFALSE,2024-01-01,[1],7.5,\n1,,,007,b\nyes,,,,\n") ==
        Rows{"1|1700000000000000|'{}'|i7|'a'", "0|!'2024-01-01'|'[1]'|f7.5|''",
             "1|NULL|NULL|t'007'|'b'", "!'yes'|NULL|NULL|NULL|''"});
  CHECK(read(schema, "+1,1,1,1,1\n")[0].starts_with("error would_change"));
}

TEST_CASE("csv: rows larger than a batch's heap get a larger one") {
  const std::string big(100'000, 'q');
  CsvReader reader(kTwoTexts, {});
  const auto read = read_all(reader, kTwoTexts, "1,2\n" + big + ",x\n3,4\n", {.heap_bytes = 4096});
  REQUIRE(read.rows.size() == 3);
  CHECK(read.rows[1] == "'" + big + "'|'x'");
}

TEST_CASE("csv: a record no heap is large enough for is an error row") {
  const Schema one({{"a", ColumnType::kText}});
  BatchPool pool({.rows = 4, .columns = 1, .heap_bytes = 256, .intake_batches = 1});
  mayfly_batch* batch = pool.try_acquire(BatchPool::Part::kIntake, one);
  FixedHeapSink sink;
  CsvReader reader(one, {});
  std::string document = std::string(1000, 'a') + "\nb\n" + std::string(kReadPadding, ' ');
  const ParseResult first =
      reader.parse({document.data(), document.size() - kReadPadding}, true, *batch, sink);
  CHECK(first.stop == Stop::kBatch);  // the error row filled the heap
  REQUIRE(batch->rows == 1);
  CHECK(testing::row_line(*batch, 0).starts_with("error too_long line 1: "));
  pool.release(batch);
}

TEST_CASE("csv: positions count error rows, and go on from where they are set") {
  CsvReader reader(kTwoTexts, {});
  reader.set_position({10, 100, 7});
  const auto read = read_all(reader, kTwoTexts, "1,2\nbad\n\"x\ny\",z\n");
  CHECK(read.origins == Rows{"10@104:7", "11@108:8", "12@116:9"});
  CHECK(reader.position().line == 11);
}

}  // namespace
}  // namespace mayfly
