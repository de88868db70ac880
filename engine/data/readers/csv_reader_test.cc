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

TEST_CASE("csv: NUL is text") {
  CHECK(read(kTwoTexts, std::string_view("a\0b,c\n", 6)) == Rows{std::string("'a\0b'|'c'", 9)});
}

TEST_CASE("csv: a record that isn't UTF-8 is an error row, and the next goes on") {
  const Rows rows = read(kTwoTexts, "a,\xC3\xA9t\xC3\xA9\nb,\xFF\xC0\nc,d\n");
  REQUIRE(rows.size() == 3);
  CHECK(rows[0] == "'a'|'\xC3\xA9t\xC3\xA9'");
  CHECK(
      rows[1] ==
      "error utf8 line 2: expected UTF-8, found the byte 0xFF at byte 2 of the record; if it is in "
      "another encoding, name that (--encoding latin1) [b,\xFF\xC0]");
  CHECK(rows[2] == "'c'|'d'");
  // Half a character at the end, a surrogate, a form that is too long.
  for (const char* text : {"\xC3", "\xED\xA0\x80", "\xC0\xAF", "\xF4\x90\x80\x80"}) {
    CHECK(read(kTwoTexts, std::string(text) + ",x\n")[0].starts_with("error utf8 line 1"));
  }
}

TEST_CASE("csv: bytes that aren't UTF-8 are a blob's, and nobody's where no column takes them") {
  const Schema schema({{"b", ColumnType::kBlob}});
  CHECK(read(schema, "\xFF,x\n", {.fields = {0}, .field_count = 2}) == Rows{"'\xFF'"});
  CHECK(read(schema, "x,\xFF\n", {.fields = {0}, .field_count = 2}) == Rows{"'x'"});
  CHECK(read(kTwoTexts, "x,y,\xFF\n", {.ignore_extra = true}) == Rows{"'x'|'y'"});
}

TEST_CASE("csv: UTF-8 is found in long documents wherever one record breaks it") {
  std::string document;
  for (int i = 0; i < 20'000; ++i) {
    const std::string name = i % 7 == 0 ? "Z\xC3\xBCrich" : i % 9'000 == 1 ? "Z\xFCrich" : "Rome";
    document += std::to_string(i) + "," + name + "\n";
  }
  for (const std::size_t chunk : {std::size_t{1000}, std::size_t{70'001}, SIZE_MAX}) {
    CsvReader reader(kTwoTexts, {});
    const auto all = read_all(reader, kTwoTexts, document, {.chunk = chunk});
    REQUIRE(all.rows.size() == 20'000);
    for (int i = 0; i < 20'000; ++i) {
      const bool broken = i % 7 != 0 && i % 9'000 == 1;
      REQUIRE(all.rows[static_cast<std::size_t>(i)].starts_with("error utf8") == broken);
    }
  }
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

TEST_CASE("csv: lines that end in CR alone, and LF within them is text") {
  const CsvOptions mac{.dialect = {.newline = '\r'}};
  CHECK(read(kTwoTexts, "1,a\r2,\"b\rb\"\r3,\"c\"\r\r4,d\nd", mac) ==
        Rows{"'1'|'a'", "'2'|'b\rb'", "'3'|'c'", "'4'|'d\nd'"});
  CsvReader reader(kTwoTexts, mac);
  CHECK(read_all(reader, kTwoTexts, "1,a\r\"2\r\",b\r3,c").origins ==
        Rows{"0@4:1", "1@11:2", "2@14:4"});
  CHECK(read(kTwoTexts, "1,\"a\r2,b\r", mac)[0].ends_with("[1,\"a]"));
}

TEST_CASE("csv: comments are no records, but lines are counted; within quotes there are none") {
  const CsvOptions options{.dialect = {.comment = '#'}};
  CsvReader reader(kTwoTexts, options);
  const auto all = read_all(reader, kTwoTexts, "# a \"quote\n1,2\n#\r\n\"x\n#y\",z\n #,1\n#");
  CHECK(all.rows == Rows{"'1'|'2'", "'x\n#y'|'z'", "' #'|'1'"});
  CHECK(all.origins == Rows{"0@15:2", "1@27:4", "2@32:6"});
  // With one column, too, where a blank line is a record.
  const Schema one({{"a", ColumnType::kText}});
  CHECK(read(one, "#x\n\ny\n", options) == Rows{"''", "'y'"});
  CHECK(read(kTwoTexts, "#1,2\n") == Rows{"'#1'|'2'"});
}

TEST_CASE("tsv: backslashes escape, if that is asked for") {
  const CsvOptions options{
      .dialect = {.delimiter = '\t', .quote = std::nullopt, .backslash = true}};
  CHECK(read(kTwoTexts, "a\\tb\tc\\nd\\\\\n\\N\t\\N\\N\n\"x\"\t\\x\\r\n", options) ==
        Rows{"'a\tb'|'c\nd\\'", "NULL|'NN'", "'\"x\"'|'x\r'"});
  // As text itself, too: delimiter and newline behind a backslash.
  CHECK(read(kTwoTexts, "a\\\tb\tc\\\nd\ne\\\r\nf\tg\n", options) ==
        Rows{"'a\tb'|'c\nd'", "'e\r\nf'|'g'"});
  CsvReader reader(kTwoTexts, options);
  CHECK(read_all(reader, kTwoTexts, "a\\\nb\tc\nd\te\n").origins == Rows{"0@7:1", "1@11:3"});
  // A backslash that ends the document is one.
  CHECK(read(kTwoTexts, "a\tb\\", options) == Rows{"'a'|'b\\'"});
  const Schema numbers({{"i", ColumnType::kInt64}, {"t", ColumnType::kText}});
  CHECK(read(numbers, "\\N\t1\n", options) == Rows{"NULL|'1'"});
}

TEST_CASE("csv: texts that mean NULL do so in every column, but not in quotes") {
  const Schema schema({{"i", ColumnType::kInt64}, {"t", ColumnType::kText}});
  const CsvOptions options{.nulls = {"NA", "-"}};
  CHECK(read(schema, "NA,NA\n-,-\n1,\"NA\"\n2,NAN\n3,\n", options) ==
        Rows{"NULL|NULL", "NULL|NULL", "1|'NA'", "2|'NAN'", "3|''"});
  CHECK(read(schema, "1,\n2,\"\"\n", {.nulls = {""}}) == Rows{"1|NULL", "2|''"});
}

TEST_CASE("csv: some columns of the document, in another order") {
  const Schema schema({{"c", ColumnType::kInt64}, {"a", ColumnType::kText}});
  const CsvOptions options{.fields = {2, 0}, .field_count = 3};
  CHECK(read(schema, "x,y,1\nx,y\nx,y,007\nx,y,2,z\n", options).size() == 4);
  const Rows rows = read(schema, "x,y,1\nx,y\nx,y,007\n", options);
  CHECK(rows[0] == "1|'x'");
  CHECK(rows[1] == "error fields line 2: expected 3 fields, found 2 [x,y]");
  CHECK(
      rows[2].starts_with("error would_change line 3: column \"c\" expected an integer of 64 "
                          "bits, found \"007\""));
  CHECK(read(kTwoTexts, "\n", {.fields = {0, 1}, .field_count = 3}).empty());
}

TEST_CASE("csv: no more records than it is limited to, broken ones among them") {
  CsvReader reader(kTwoTexts, {});
  reader.set_limit(2);
  BatchPool pool({.rows = 4, .columns = 2, .intake_batches = 1});
  mayfly_batch* batch = pool.try_acquire(BatchPool::Part::kIntake, kTwoTexts);
  FixedHeapSink sink;
  const std::string document = "bad\n1,2\n3,4\n" + std::string(kReadPadding, ' ');
  const ParseResult result =
      reader.parse({document.data(), document.size() - kReadPadding}, true, *batch, sink);
  CHECK(result.consumed == 8);
  CHECK(result.stop == Stop::kBatch);
  CHECK(batch->rows == 2);
  CHECK(reader.is_at_limit());
  pool.release(batch);
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
