#include "mayfly/data/readers/sampler.h"

#include <doctest/doctest.h>

#include "mayfly/data/readers/csv_sampler.h"
#include "mayfly/data/readers/format.h"
#include "mayfly/data/readers/ndjson_sampler.h"
#include "mayfly/data/readers/text_decoder.h"

namespace mayfly {
namespace {

std::string text_of(const Result<Shape>& shape) {
  if (!shape.ok()) return "error: " + shape.status().message();
  std::string out;
  for (const Column& column : shape->columns) {
    out += (out.empty() ? "" : " ") + column.name + ":" + std::string(name_of(column.type));
  }
  return out + " @" + std::to_string(shape->start.byte) + ":" + std::to_string(shape->start.line);
}

std::string feed(Sampler& sampler, std::string document, bool infer = true,
                 std::size_t chunk = SIZE_MAX) {
  const std::size_t size = document.size();
  document.append(kReadPadding, ' ');
  std::size_t begin = 0;
  for (std::size_t end = std::min(chunk, size);; end = std::min(end + chunk, size)) {
    begin += sampler.feed({document.data() + begin, end - begin}, end == size);
    if (end == size) return text_of(sampler.shape(infer));
  }
}

std::string csv(const std::string& document, std::uint64_t rows = UINT64_MAX) {
  CsvSampler sampler({}, {.rows_max = rows});
  return feed(sampler, document);
}

std::string json(const std::string& document) {
  NdjsonSampler sampler({});
  return feed(sampler, document);
}

TEST_CASE("infer: a column of canonical integers, of reals, and of anything else") {
  CHECK(csv("a,b,c,d\n1,1.5,x,007\n-2,3,,1\n") == "a:int64 b:float64 c:text d:text @8:2");
}

TEST_CASE("infer: text that a numeric column would change makes a text column") {
  for (const char* value :
       {"007", "+5", "12345678901234567890", "1e400", " 5", "0.30000000000000004"}) {
    CHECK_MESSAGE(csv(std::string("a\n1\n") + value + "\n2\n") == "a:text @2:2", value);
  }
  // As a real the integer would be rounded.
  CHECK(csv("a\n9007199254740993\n1.5\n") == "a:text @2:2");
  CHECK(csv("a\n9007199254740993\n") == "a:int64 @2:2");
}

TEST_CASE("infer: empty fields say nothing, quoted or not") {
  CHECK(csv("a,b\n,\n1,\"\"\n\"\",\n") == "a:int64 b:text @4:2");
}

TEST_CASE("infer: only the rows asked for are looked at, and broken ones say nothing") {
  CHECK(csv("a\n1\nx\n", 1) == "a:int64 @2:2");
  CHECK(csv("a,b\n1,2\nx\n\"y\"z,3\n4,5\n") == "a:int64 b:int64 @4:2");
}

TEST_CASE("infer: header names are made unique, without regard to case") {
  CHECK(csv("id,,ID,id,\"a\"\"b\",column_2\n1,1,1,1,1,1\n") ==
        "id:int64 column_3:int64 ID_2:int64 id_3:int64 a\"b:int64 column_2:int64 @26:2");
  CHECK(unique_names({"name", "name_2", "name", ""}) ==
        std::vector<std::string>{"name", "name_2", "name_3", "column_4"});
}

TEST_CASE("infer: of names that had to change, also long ones, old and new are told") {
  CsvSampler sampler({}, {.rows_max = 10});
  const std::string name = "b" + std::string(80, 'e');
  CHECK(feed(sampler, name + "," + name + ",\n1,2,3\n").ends_with("column_3:int64 @165:2"));
  CHECK(sampler.shape(true)->renamed == "\"b" + std::string(63, 'e') + "\"... (column 2) is ...\"" +
                                            std::string(62, 'e') +
                                            "_2\", \"\" (column 3) is \"column_3\"");
  CsvSampler accented({}, {.rows_max = 10});
  std::string letters;
  for (int i = 0; i < 40; ++i) letters += "\u00e9";
  feed(accented, letters + "_," + letters + "_\n1,2\n");
  // The 64 bytes would begin in the middle of a letter.
  CHECK(accented.shape(true)->renamed.ends_with("is ...\"" + letters.substr(80 - 60) + "__2\""));
}

TEST_CASE("infer: without a header columns are numbered or named") {
  CsvSampler numbered({.header = false});
  CHECK(feed(numbered, "1,x\n") == "column_1:int64 column_2:text @0:1");
  CsvSampler named({.header = false, .names = {"a", "b"}});
  CHECK(feed(named, "1,x\n") == "a:int64 b:text @0:1");
}

TEST_CASE("infer: a document without a header, or with a broken one, is refused") {
  CHECK(csv("") ==
        "error: expected a header line, found nothing; is the file whole? One without rows has "
        "a header all the same");
  CHECK(csv("a,\"b\n1,2\n").starts_with("error: field 2 of the header"));
  CsvSampler bare({.header = false});
  CHECK(feed(bare, "") ==
        "error: expected a first row, found nothing; of a file that may be empty, name the columns "
        "(--columns)");
}

TEST_CASE("infer: NDJSON without one object is refused with what its first line is") {
  const std::string none = "error: expected a line with a JSON object, found none";
  CHECK(json("\n\n") == none + "; of a file that may be empty, name the columns (--columns)");
  CHECK(json("[{\"a\":1}]\n") ==
        none +
            ": expected an object in braces at byte 0 of the line, found \"[{\"a\":1}]\"; of "
            "an array, read it as one (--format json)");
  CHECK(json("\n7\nx\n").starts_with(none + ": expected an object in braces at byte 0"));
  NdjsonSampler short_lines({}, {.max_row_bytes = 4});
  CHECK(feed(short_lines, "{\"a\":1}", true, 6)
            .starts_with(
                none + ": expected a line of at most 4 bytes (max_row_bytes), found a longer one"));
}

TEST_CASE("infer: an object over several lines is refused with where it breaks and what to do") {
  const std::string none = "error: expected a line with a JSON object, found none: expected ";
  const std::string hint = "; an object over several lines goes on one line: jq -c .";
  CHECK(json("{\n  \"a\": 1\n}\n") ==
        none + "a key in quotes at byte 1 of the line, found its end" + hint);
  // What a broken line begins with says nothing.
  CHECK(json("{\"a\": 1,\n  \"b\": 2\n}\n") ==
        none + "a key in quotes at byte 8 of the line, found its end" + hint);
  CHECK(json("{\"a\": 1,\n{\"b\": 2}\n") == "b:int64 @0:1");
}

TEST_CASE("infer: a key with a NUL names no column, and the rest of its line does") {
  CHECK(json("{\"a\\u0000b\":1,\"c\":2}\n") == "c:int64 @0:1");
  CHECK(json("{\"\\u0000\":1}\n")
            .ends_with("found none: a key has a NUL, so it can't name a column"));
}

TEST_CASE("infer: a header with a NUL, or with what isn't UTF-8, is refused") {
  const std::string document("a,b\0c\n1,2\n", 10);
  CHECK(csv(document).starts_with("error: expected names of columns, found a NUL in field 2 of"));
  CHECK(
      csv("a,b\xE9t\xE9\n1,2\n") ==
      "error: field 2 of the header: expected UTF-8, found the byte 0xE9 at byte 1 of the record; "
      "if it is in another encoding, name that (--encoding latin1)");
  CsvSampler named({.header = false, .names = {"x", "y"}}, {.lines_skipped = 1});
  CHECK(feed(named, document) == "x:int64 y:int64 @6:2");
}

TEST_CASE("infer: lines of which some end in CR alone are refused with what to do") {
  const auto fed = [](bool header, const std::string& document) {
    CsvSampler sampler({.header = header}, {.rows_max = 10, .max_row_bytes = 1000});
    return feed(sampler, document, true, 100);
  };
  const std::string big(5000, 'z');
  for (const std::string document : {"a,b\r1,2\r3,4\r", "\"a\",\"b\"\r\"1\",\"2\"\r"}) {
    CAPTURE(document);
    for (const bool header : {false, true}) {
      const std::string found = fed(header, document);
      CHECK_MESSAGE(found.starts_with("error: expected lines that end in LF or CRLF"), found);
      CHECK(found.find("tr '\\r' '\\n'") != std::string::npos);
    }
  }
  CHECK(csv("a,b\r1,2\r3,4\n5,6\n").starts_with("error: expected lines that end"));
  CHECK(fed(true, "a,b\r" + big).starts_with("error: expected lines that end"));
  CHECK(json("{\"a\":1}\r{\"a\":2}\r").find("CR alone") != std::string::npos);
  // Elsewhere a CR is text.
  CHECK(csv("a,\"b\rc\"\r\n1,x\ry\r\n") == "a:int64 b\rc:text @9:2");
  CHECK(fed(false, "1,x\ry\n") == "column_1:int64 column_2:text @0:1");
}

TEST_CASE("infer: where lines end in CR alone, they do so throughout") {
  CsvSampler sampler({.dialect = {.newline = '\r'}});
  CHECK(feed(sampler, "a,\"b\nc\"\r1,x\r2,y\r") == "a:int64 b\nc:text @8:2");
}

TEST_CASE("infer: lines at the beginning are left out, whatever is in them, and so are comments") {
  const std::string document = "\xEF\xBB\xBFreport \"of\n\n#c \"\na,b\n#1,2\n1,x\n";
  for (const std::size_t chunk : {std::size_t{1}, std::size_t{7}, SIZE_MAX}) {
    CsvSampler sampler({.dialect = {.comment = '#'}}, {.lines_skipped = 2});
    CHECK(feed(sampler, document, true, chunk) == "a:int64 b:text @24:5");
  }
  CsvSampler all({}, {.lines_skipped = 9});
  CHECK(feed(all, document) ==
        "error: expected a first record behind 9 lines that are left out, found the end; leave out "
        "fewer (--skip-rows, or skip_rows in a pipeline)");
  NdjsonSampler json_lines({}, {.lines_skipped = 1});
  CHECK(feed(json_lines, "[1,\n{\"a\":1}\n") == "a:int64 @4:2");
}

TEST_CASE("infer: what stands for NULL says nothing") {
  CsvSampler sampler({.nulls = {"NA", "-"}});
  CHECK(feed(sampler, "a,b,c\n1,NA,\"NA\"\n-,2,\n") == "a:int64 b:int64 c:text @6:2");
  CsvSampler escaped({.dialect = {.delimiter = '\t', .quote = std::nullopt, .backslash = true}});
  CHECK(feed(escaped, "a\tb\n\\N\tx\n1\t\\N\n") == "a:int64 b:text @4:2");
}

TEST_CASE("infer: the elements of an array, and objects over several lines, in pieces") {
  const std::string array = "\xEF\xBB\xBF\n [\n {\"a\": 1,\n  \"b\": [1,\n2]}, {\"a\": 2.5}\n]\n";
  const std::string objects = "{\n \"a\": 1\n}\n{\"b\": \"}\\\"\"\n}";
  for (std::size_t chunk = 1; chunk <= array.size(); ++chunk) {
    JsonSampler sampler({});
    CHECK(feed(sampler, array, true, chunk) == "a:float64 b:json @6:2");
    CHECK(sampler.is_array());
    JsonSampler other({});
    CHECK(feed(other, objects, true, chunk) == "a:int64 b:text @0:1");
    CHECK(!other.is_array());
  }
  JsonSampler long_ones({}, {.max_row_bytes = 40});
  CHECK(feed(long_ones, "[{\"x\":\"" + std::string(100, 'y') + "\"},{\"a\":1}]", true, 30) ==
        "a:int64 @1:1");
  JsonSampler none({});
  CHECK(feed(none, "[]").starts_with("error: expected a line with a JSON object, found none"));
  JsonSampler nested({});
  CHECK(feed(nested, "[[1,2],[3]]").ends_with("found \"[1,2]\""));
}

TEST_CASE("infer: a byte order mark, blank lines and a header of two lines come before the rows") {
  CHECK(csv("\xEF\xBB\xBF\n\"a\nb\",c\n1,2\n") == "a\nb:int64 c:int64 @12:4");
}

TEST_CASE("infer: documents in pieces give the same") {
  const std::string document =
      "\xEF\xBB\xBF"
      "a,b,c\n1,1.5,x\n2,\"2\n\",y\n";
  for (std::size_t chunk = 1; chunk < document.size(); ++chunk) {
    CsvSampler sampler({}, {.rows_max = 10});
    CHECK(feed(sampler, document, true, chunk) == "a:int64 b:text c:text @9:2");
  }
  const std::string lines = "\xEF\xBB\xBF{\"a\":1}\n\n{\"b\":\"x\"}\n";
  for (std::size_t chunk = 1; chunk < lines.size(); ++chunk) {
    NdjsonSampler sampler({});
    CHECK(feed(sampler, lines, true, chunk) == "a:int64 b:text @3:1");
  }
}

TEST_CASE("infer: without it every column is text, in NDJSON any") {
  CsvSampler text({}, {.rows_max = 10});
  CHECK(feed(text, "a\n1\n", false) == "a:text @2:2");
  NdjsonSampler any({});
  CHECK(feed(any, "{\"a\":1}\n", false) == "a:any @0:1");
}

TEST_CASE("infer: JSON values of one kind give its type, of several any") {
  CHECK(json(R"({"i":1,"r":1.5,"b":true,"t":"x","o":{},"n":null,"m":1}
{"i":-2,"r":2,"b":false,"t":"","o":[1],"m":"x","late":1}
)") == "i:int64 r:float64 b:bool t:text o:json n:any m:any late:int64 @0:1");
  CHECK(json("{\"a\":1}\n{\"a\":null}\n") == "a:int64 @0:1");
  CHECK(json("{\"a\":9007199254740993}\n{\"a\":0.5}\n") == "a:any @0:1");
  CHECK(json("{\"a\":12345678901234567890}\n") == "a:any @0:1");
  CHECK(json("{\"a\":1}\nbroken\n{\"A\":\"\\u0041\"}\n{\"a\\u0062\":1}") ==
        "a:int64 A_2:text ab:int64 @0:1");
}

TEST_CASE("infer: only the keys asked for") {
  NdjsonSampler sampler({"b", "a"});
  CHECK(feed(sampler, "{\"a\":1,\"c\":2,\"b\":\"x\"}\n") == "b:text a:int64 @0:1");
}

TEST_CASE("infer: a record too long to be looked at says nothing, and the next ones do") {
  const std::string big(5000, 'z');
  for (const std::size_t chunk : {std::size_t{100}, std::size_t{1500}, SIZE_MAX}) {
    CsvSampler open_quote({}, {.rows_max = 1000, .max_row_bytes = 1000});
    std::string document = "a\n1\n\"x\n";
    for (int i = 0; i < 2000; ++i) document += "2\n";
    CHECK(feed(open_quote, document, true, chunk) == "a:int64 @2:2");
    NdjsonSampler keys({}, {.max_row_bytes = 1000});
    CHECK(feed(keys, "{\"a\":1}\n{\"" + big + "\":1}\n{\"b\":1}\n", true, 100) ==
          "a:int64 b:int64 @0:1");
  }
  CsvSampler line({}, {.rows_max = 1000, .max_row_bytes = 1000});
  CHECK(feed(line, "a,b\n1,2\n" + big + "\n3,x\n", true, 100) == "a:int64 b:text @4:2");
}

TEST_CASE("infer: a header or an only row that is too long is told as that") {
  const std::string big(5000, 'z');
  const auto fed = [](bool header, const std::string& document, std::size_t chunk) {
    CsvSampler sampler({.header = header}, {.rows_max = 1000, .max_row_bytes = 1000});
    return feed(sampler, document, true, chunk);
  };
  const std::string words =
      " of at most 1000 bytes (max_row_bytes), found a longer one; is this text with lines?";
  for (const std::size_t chunk : {std::size_t{100}, std::size_t{1500}}) {
    CHECK(fed(true, big, chunk) == "error: expected a header line" + words);
    CHECK(fed(false, big, chunk) == "error: expected a first row" + words);
  }
  CHECK(fed(true, big + "\na,b\n1,2\n", 100) == "error: expected a header line" + words);
  CHECK(fed(false, big + "\n1,2\n", 100).starts_with("column_1:int64 column_2:int64"));
}

TEST_CASE("format: by name, whatever the compression") {
  CHECK(format_from_name("a/b.CSV") == Format::kCsv);
  CHECK(format_from_name("b.csv.gz") == Format::kCsv);
  CHECK(format_from_name("b.tsv.zst") == Format::kTsv);
  CHECK(format_from_name("b.jsonl") == Format::kNdjson);
  CHECK(format_from_name("b.ndjson.zstd") == Format::kNdjson);
  CHECK(!format_from_name("a.csv/b"));
  CHECK(!format_from_name("b.json"));
  CHECK(!format_from_name("-"));
}

TEST_CASE("format: by content") {
  CHECK(format_from_content("\xEF\xBB\xBF \n{\"a\":1}") == Format::kNdjson);
  CHECK(format_from_content("{\"a\":1,\n{\"a\":2}\n") == Format::kNdjson);
  CHECK(format_from_content("{\n  \"a\": 1\n}") == Format::kJson);
  CHECK(format_from_content("[\n {\"a\":1}]") == Format::kJson);
  CHECK(format_from_content("[a]\n1\n") == Format::kCsv);
  CHECK(format_from_content("a\tb\n1,2\n") == Format::kTsv);
  CHECK(format_from_content("a\tb,c\n") == Format::kCsv);
  CHECK(format_from_content("a;b\n") == Format::kCsv);
  CHECK(format_from_content("") == Format::kCsv);
}

TEST_CASE("format: of what is JSON by its name the content says which kind") {
  for (const char* array : {"[", "[[1]]", "[1,2]", "\xEF\xBB\xBF\n[\n{\"a\":1}]", "[{\"a\":1}]"}) {
    CHECK_MESSAGE(json_format_from_content(array) == Format::kJson, array);
  }
  CHECK(json_format_from_content("{\n  \"a\": 1\n}") == Format::kJson);
  for (const char* lines : {"{\"a\":1}\n", "null\n", "1\n", "a,b\n1,2\n", ""}) {
    CHECK_MESSAGE(json_format_from_content(lines) == Format::kNdjson, lines);
  }
}

std::string padded(std::string head) { return head.append(kReadPadding, ' '); }

char delimiter_of(const std::string& head, const CsvDialect& dialect = {}) {
  const std::string text = padded(head);
  return find_delimiter({text.data(), head.size()}, dialect, true);
}

TEST_CASE("dialect: the delimiter that splits the first records alike, and into most fields") {
  CHECK(delimiter_of("a;b;c\n1,5;2;3\n2;3,5;1\n") == ';');
  CHECK(delimiter_of("a,b\n\"1;2;3\",4\n") == ',');
  CHECK(delimiter_of("a\tb\n1\t2\n") == '\t');
  CHECK(delimiter_of("a|b|c\n1|2|3\n") == '|');
  CHECK(delimiter_of("# a,b,c\na;b\n1;2\n", {.comment = '#'}) == ';');
  // One column: as it would be read anyway.
  CHECK(delimiter_of("a\n1\n") == ',');
  CHECK(delimiter_of("a\n1\n", CsvDialect::tsv()) == '\t');
  // A first record that goes on behind the head.
  const std::string cut = padded("a;b;c");
  CHECK(find_delimiter({cut.data(), 5}, {}, false) == ';');
}

TEST_CASE("a separator is one byte that ends no line, or tab; a quote may be none") {
  CHECK(separator_of(";") == ';');
  CHECK(separator_of("tab") == '\t');
  CHECK(separator_of("\\t") == '\t');
  for (const std::string_view text : {"", ";;", "\n", "\r", "none"}) CHECK(!separator_of(text));
  CHECK(!separator_of(std::string_view("\0", 1)));

  std::optional<char> quote = '"';
  CHECK(parse_quote("'", quote));
  CHECK(quote == '\'');
  for (const std::string_view text : {"tab", "''", "\n"}) CHECK_FALSE(parse_quote(text, quote));
  CHECK(quote == '\'');
  CHECK(parse_quote("none", quote));
  CHECK(!quote);
  quote = '"';
  CHECK(parse_quote("", quote));
  CHECK(!quote);
}

TEST_CASE("dialect: a line of spreadsheets that tells the delimiter") {
  CHECK(find_separator_line("sep=;\r\na;b") == ';');
  CHECK(find_separator_line("\"SEP=|\"\na|b") == '|');
  CHECK(!find_separator_line("sep=;;\na"));
  CHECK(!find_separator_line("separator\na"));
  CHECK(!find_separator_line("sep=,"));
}

TEST_CASE("dialect: lines that end in CR alone, outside of quotes") {
  CHECK(find_newline("a,b\r1,2\r", {}) == '\r');
  CHECK(find_newline("a,\"b\nc\"\r1,2\r", {}) == '\r');
  CHECK(find_newline("a,b\r\n1,2", {}) == '\n');
  CHECK(find_newline("a,\"b\rc\"\n1,2", {}) == '\n');
  CHECK(find_newline("a,b\r1,2\n", {}) == '\n');
  CHECK(find_newline("a,b\r", {}) == '\n');  // of a document that ends so: half a CRLF
  CHECK(find_newline("", {}) == '\n');
}

TEST_CASE("encoding: iconv's names, and byte order marks") {
  CHECK(is_text_encoding("latin1"));
  CHECK(is_text_encoding("UTF-16LE"));
  CHECK(is_text_encoding("Utf8"));
  CHECK(!is_text_encoding("latin17"));
  CHECK(!is_text_encoding(""));
  CHECK(!is_text_encoding("latin1//IGNORE"));
  CHECK(encoding_of_mark(std::string_view("\xFF\xFE", 2)) == "UTF-16");
  CHECK(encoding_of_mark(std::string_view("a,b")).empty());
}

}  // namespace
}  // namespace mayfly
