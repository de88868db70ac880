// What is found in files: encodings, dialects, arrays, and the options that say so.
#include "plugins/file/file_fixture.h"
#include "tests/support/compressed.h"

namespace mayfly {
namespace {

using Names = std::vector<std::string>;

std::string utf16(std::string_view ascii) {
  std::string out = "\xFF\xFE";
  for (const char c : ascii) out += std::string{c, '\0'};
  return out;
}

// Read whole, and again from behind each of its rows.
Rows read_from_everywhere(const Given& given) {
  SourceHarness whole("file", given);
  REQUIRE_MESSAGE(whole.open(), whole.error);
  REQUIRE(whole.poll_all() == MAYFLY_END);
  for (std::size_t row = 0; row < whole.rows.size(); ++row) {
    const std::uint64_t byte = whole.byte_ends[row];
    const std::string fingerprint = whole.fingerprint(byte);
    SourceHarness rest("file", given);
    REQUIRE_MESSAGE(rest.open(position_at(row + 1, byte, 1, fingerprint)), rest.error);
    REQUIRE(rest.poll_all() == MAYFLY_END);
    const auto from = static_cast<std::ptrdiff_t>(row) + 1;
    CHECK(rest.rows == Rows(whole.rows.begin() + from, whole.rows.end()));
    CHECK(rest.origins == Rows(whole.origins.begin() + from, whole.origins.end()));
  }
  return whole.rows;
}

std::string refusal(const Given& given) {
  SourceHarness source("file", given);
  CHECK(!source.open());
  return source.error;
}

TEST_CASE("file: UTF-16 is read, and gone on in, plain and packed") {
  const std::string text = utf16("id,name\n1,Rome\n2,\"a\nb\"\n3,Oslo");
  for (const std::string& path :
       {write_file("utf16.csv", text), write_gzip("utf16.csv.gz", text)}) {
    CHECK(read_from_everywhere({{"path", path}}) == Rows{"1|'Rome'", "2|'a\nb'", "3|'Oslo'"});
  }
}

TEST_CASE("file: text of another encoding is read by its name, and else told what to do") {
  const std::string path = write_file("latin.csv", "id,n\n1,caf\xE9\n2,x\n");
  CHECK(read_from_everywhere({{"path", path}, {"encoding", std::string("latin1")}}) ==
        Rows{"1|'caf\xC3\xA9'", "2|'x'"});
  SourceHarness source("file", Given{{"path", path}});
  REQUIRE(source.open());
  CHECK(source.poll_all() == MAYFLY_END);
  CHECK(source.rows[0].starts_with("error utf8 line 2: expected UTF-8, found the byte 0xE9"));
  CHECK(source.rows[1] == "2|'x'");
  CHECK(refusal({{"path", path}, {"encoding", std::string("latin17")}}) ==
        "encoding: expected an encoding that iconv knows (iconv -l lists them), found \"latin17\"");
}

TEST_CASE("file: lines that end in CR alone are read, and gone on in") {
  CHECK(
      read_from_everywhere({{"path", write_file("mac.csv", "id,name\r1,Rome\r2,\"a\rb\"\r3,x")}}) ==
      Rows{"1|'Rome'", "2|'a\rb'", "3|'x'"});
  // A CRLF file is none, nor one with a CR within a value.
  CHECK(read_from_everywhere({{"path", write_file("crlf.csv", "id,n\r\n1,a\rb\r\n2,x\r\n")}}) ==
        Rows{"1|'a\rb'", "2|'x'"});
}

TEST_CASE(
    "file: comments, lines before the header, and a spreadsheet's line that tells the delimiter") {
  const std::string report = "made by x, \"2\n\n# the cities\nid,name\n1,Rome\n# more\n2,Oslo\n";
  CHECK(read_from_everywhere({{"path", write_file("report.csv", report)},
                              {"skip_rows", std::int64_t{2}},
                              {"comment", std::string("#")}}) == Rows{"1|'Rome'", "2|'Oslo'"});
  const std::string path =
      write_file("sep.csv", "\xEF\xBB\xBFsep=;\r\nid;name\r\n1;a,b\r\n2;c\r\n");
  CHECK(read_from_everywhere({{"path", path}}) == Rows{"1|'a,b'", "2|'c'"});
  // What the option says is so, and the line isn't a row either way.
  SourceHarness comma("file", Given{{"path", path}, {"delimiter", std::string(",")}});
  REQUIRE(comma.open());
  CHECK(comma.schema_text() == "id;name:text");
}

// What is said of a file when it is opened: "" when nothing is.
std::string advice(const std::string& name, const std::string& text, Given given = {}) {
  given.insert(given.begin(), {"path", write_file(name, text)});
  SourceHarness source("file", given);
  REQUIRE_MESSAGE(source.open(), source.error);
  REQUIRE(source.logged.size() <= 1);
  if (source.logged.empty()) return {};
  return source.logged[0].substr(source.logged[0].find(name) + name.size() + 2);
}

TEST_CASE("file: a comment that is taken for the header is advised on") {
  const std::string comment =
      "one column was found, and its name begins with \"#\"; if such lines are comments, leave "
      "them "
      "out (--comment, or comment in a pipeline; --no-header where no header is behind them)";
  CHECK(advice("zones.tab", "# of time zones\n#\nAD\tEurope\n") == comment);
  CHECK(advice("blocks.txt", "# Blocks; 15\n0000;Latin\n", {{"delimiter", std::string(";")}}) ==
        "");
  CHECK(advice("semicolons.txt", "# Blocks; 15\n0000;Latin\n") == comment);
  CHECK(advice("told.tab", "# of\nAD\tEurope\n", {{"comment", std::string("#")}}) == "");
  CHECK(advice("columns.csv", "#id,name\n1,a\n") == "");
}

TEST_CASE("file: an object around the array of rows is advised on") {
  const std::string around =
      "one object was found, and its one member \"3166-1\" is an array; if its elements are the "
      "rows, take them out: jq -c '.[][]'";
  CHECK(advice("iso.json", "{\n  \"3166-1\": [\n    {\"a\": 1},\n    {\"a\": 2}\n  ]\n}\n") ==
        around);
  CHECK(advice("line.json", "{\"3166-1\":[{\"a\":1}]}\n") == around);
  CHECK(advice("object.json", "{\"a\": {\"b\": 1}}\n") == "");
  CHECK(advice("two.ndjson", "{\"a\":[1]}\n{\"a\":[2]}\n") == "");
  CHECK(advice("more.json", "{\"a\": [1], \"b\": 2}\n") == "");
}

TEST_CASE("file: a delimiter is found if that is asked for, and else advised") {
  const std::string path = write_file("semicolons.csv", "id;name\n1;a,b\n2;c\n");
  CHECK(read_from_everywhere({{"path", path}, {"delimiter", std::string("auto")}}) ==
        Rows{"1|'a,b'", "2|'c'"});
  SourceHarness source("file", Given{{"path", write_file("one.csv", "id;name\n1;2\n")}});
  REQUIRE(source.open());
  REQUIRE(source.logged.size() == 1);
  CHECK(source.logged[0].ends_with(
      "one.csv: one column was found, and \";\" would make several of it; if that is meant, name "
      "it "
      "(--delimiter, or delimiter in a pipeline), or let it be found (auto)"));
  SourceHarness fine("file", Given{{"path", write_file("fine.csv", "id\n1\n")}});
  REQUIRE(fine.open());
  CHECK(fine.logged.empty());
}

TEST_CASE("file: TSV with backslash escapes, if that is asked for") {
  const std::string path =
      write_file("escapes.tsv", "id\ttext\n1\ta\\tb\\\\\n\\N\t\\N\n3\tx\\\ny\n");
  CHECK(read_from_everywhere({{"path", path}, {"escape", std::string("backslash")}}) ==
        Rows{"1|'a\tb\\'", "NULL|NULL", "3|'x\ny'"});
  CHECK(refusal({{"path", path}, {"escape", std::string("backslash")}, {"quote", std::string("'")}})
            .starts_with("escape: expected no quote character beside backslashes"));
  SourceHarness plain("file", Given{{"path", write_file("paths.tsv", "p\tq\nC:\\temp\t\\N\n")}});
  REQUIRE(plain.open());
  CHECK(plain.poll_all() == MAYFLY_END);
  CHECK(plain.rows == Rows{"'C:\\temp'|'\\N'"});
}

TEST_CASE(
    "file: an array of objects is read, and gone on in, and so are objects over several lines") {
  const std::string array =
      "[\n  {\"id\": 1, \"v\": [1,\n 2]},\n  {\"id\": 2},\n  7,\n  {\"id\": 3}\n]\n";
  for (const std::string& path :
       {write_file("array.json", array), write_gzip("array.json.gz", array)}) {
    const Rows rows = read_from_everywhere({{"path", path}});
    REQUIRE(rows.size() == 4);
    CHECK(rows[0] == "1|'[1,  2]'");
    CHECK(rows[2].starts_with("error json line 5: expected an object in braces"));
  }
  CHECK(read_from_everywhere(
            {{"path", write_file("pretty.json", "{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n")}}) ==
        Rows{"1", "2"});
  CHECK(read_from_everywhere({{"path", write_file("lines.json", "{\"a\": 1}\n{\"a\": 2}\n")}}) ==
        Rows{"1", "2"});
}

TEST_CASE("file: some columns, in another order, under other names") {
  const std::string path = write_file("wide.csv", "id,name,zip,note\n1,Rome,007,x\n2,Oslo,8,\n");
  SourceHarness source("file", Given{{"path", path},
                                     {"columns", Names{"ZIP", "id"}},
                                     {"rename", Names{"zip=code"}},
                                     {"types", Names{"code=text"}}});
  REQUIRE_MESSAGE(source.open(), source.error);
  CHECK(source.schema_text() == "code:text id:int64");
  CHECK(source.poll_all() == MAYFLY_END);
  CHECK(source.rows == Rows{"'007'|1", "'8'|2"});
  SourceHarness swapped("file", Given{{"path", path}, {"rename", Names{"id=name", "name=id"}}});
  REQUIRE_MESSAGE(swapped.open(), swapped.error);
  CHECK(swapped.schema_text() == "name:int64 id:text zip:text note:text");

  CHECK(refusal({{"path", path}, {"columns", Names{"id", "town"}}}) ==
        path + ": columns: there is no column \"town\"; there are id, name, zip, note");
  CHECK(refusal({{"path", path}, {"columns", Names{"id", "ID"}}}) ==
        path +
            ": columns: expected each column once, found \"ID\" again (upper and lower case are "
            "the same)");
  CHECK(refusal({{"path", path}, {"columns", Names{"id", "id"}}}) ==
        "columns: expected each column once, found \"id\"");
  CHECK(refusal({{"path", path}, {"rename", Names{"town=city"}}})
            .find("rename: there is no column \"town\"") != std::string::npos);
  CHECK(refusal({{"path", path}, {"rename", Names{"id=Name"}}})
            .ends_with("rename: expected a name that no other column has, found \"Name\""));
  CHECK(refusal({{"path", path}, {"rename", Names{"id"}}}) ==
        "rename: expected old=new, found \"id\"");
}

TEST_CASE("file: keys that are named are read under other names, and no others") {
  const std::string path = write_file("keys.jsonl", "{\"a\":1,\"b\":2,\"c\":3}\n");
  SourceHarness source(
      "file", Given{{"path", path}, {"columns", Names{"c", "a"}}, {"rename", Names{"c=x"}}});
  REQUIRE_MESSAGE(source.open(), source.error);
  CHECK(source.schema_text() == "x:int64 a:int64");
  CHECK(source.poll_all() == MAYFLY_END);
  CHECK(source.rows == Rows{"3|1"});
}

TEST_CASE("file: texts that mean NULL, in every column") {
  const std::string path = write_file("nulls.csv", "i,t\nNA,NA\n1,\n");
  CHECK(read_from_everywhere({{"path", path}, {"null", Names{"NA", ""}}}) ==
        Rows{"NULL|NULL", "1|NULL"});
}

TEST_CASE("file: no more records than asked for, also when it goes on") {
  const std::string path = write_file("limited.csv", numbered_csv(5'000));
  const Given given{{"path", path}, {"limit", std::int64_t{3}}};
  CHECK(read_from_everywhere(given) == Rows{"0|'name 0'", "1|'name 1'", "2|'name 2'"});
}

}  // namespace
}  // namespace mayfly
