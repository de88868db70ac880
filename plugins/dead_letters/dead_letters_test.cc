#include <doctest/doctest.h>

#include "mayfly/file/source_harness.h"
#include "tests/support/run_program.h"

using namespace mayfly;
using namespace mayfly::testing;

namespace {

using Rows = std::vector<std::string>;
using Names = std::vector<std::string>;

std::string letters(const std::string& text) {
  const std::string path = make_folder() + "/letters.ndjson";
  write_file(path, text);
  return path;
}

std::vector<RawOption> options(const std::string& path, std::vector<RawOption> more = {}) {
  std::vector<RawOption> raw = {
      {"path", path},
      {"columns", Names{"id", "name", "score", "note"}},
      {"types", Names{"id=int64", "name=text", "score=float64"}},
  };
  raw.insert(raw.end(), more.begin(), more.end());
  return raw;
}

// All rows of a file of letters.
Rows read(const std::string& text, std::vector<RawOption> more = {}) {
  SourceHarness source("dead_letters", options(letters(text), std::move(more)));
  REQUIRE_MESSAGE(source.open(), source.error);
  const mayfly_result end = source.poll_all();
  CHECK_MESSAGE(end == MAYFLY_END, source.error);
  return source.rows;
}

// What is wrong with the options.
std::string refused(std::vector<RawOption> raw) {
  SourceHarness source("dead_letters", raw);
  CHECK_FALSE(source.configured);
  return source.error;
}

}  // namespace

TEST_CASE("dead letters: values by columns are what they are, and text where text is kept") {
  CHECK(read(R"({"id":7,"columns":{"id":1,"name":12.50,"score":2,"note":"7"}})"
             "\n"
             R"({"id":8,"columns":{"note":2.5,"id":null,"name":"A\"b"}})") ==
        Rows{"i1|t'12.50'|i2|t'7'", "NULL|t'A\"b'|NULL|f2.5"});
}

TEST_CASE("dead letters: blobs and texts that aren't UTF-8 come back as they were") {
  CHECK(read(R"({"columns":{"id":{"hex":"0001"},"name":{"text_hex":"e4"},"note":{"hex":""}}})") ==
        Rows{std::string("x'\0\1'|t'\xE4'|NULL|x''", 19)});
}

TEST_CASE("dead letters: a record that begins with a brace is JSON, and its objects are values") {
  CHECK(read(R"({"raw":"{\"id\":1,\"note\":{\"hex\":\"00\"}}"})") ==
        Rows{R"(i1|NULL|NULL|j'{"hex":"00"}')"});
}

TEST_CASE("dead letters: a CSV record has the types and the checks of its table") {
  CHECK(read(R"({"id":7,"raw":"1,\"Ada, B\",2.50,x"})"
             "\n"
             R"({"id":8,"raw":"abc,,,\n"})"
             "\n"
             R"({"id":9,"raw":"007,a,1,"})") ==
        Rows{"i1|t'Ada, B'|f2.5|t'x'", "t'abc'|t''|NULL|NULL",
             "error would_change line 9: column \"id\" expected an integer of 64 bits, found "
             "\"007\", which SQLite would store as another value; correct the letter, or let "
             "the table's column keep text [007,a,1,]"});
  CHECK(read(R"({"raw":"1;'a;b';2;"})", {{"delimiter", ";"}, {"quote", "'"}}) ==
        Rows{"i1|t'a;b'|f2|NULL"});
  CHECK(read(R"({"raw":"1\ta\"b\t2\t"})", {{"delimiter", "tab"}, {"quote", "none"}}) ==
        Rows{"i1|t'a\"b'|f2|NULL"});
}

TEST_CASE("dead letters: records are read as their source says it read them") {
  const auto with = [](std::vector<RawOption> more) {
    more.insert(more.end(), {{"columns", Names{"name", "id"}}, {"types", Names{"id=int64"}}});
    return more;
  };
  const auto read_with = [&](const std::string& text, std::vector<RawOption> more) {
    more = with(std::move(more));
    more.push_back({"path", letters(text)});
    SourceHarness source("dead_letters", more);
    REQUIRE_MESSAGE(source.open(), source.error);
    CHECK(source.poll_all() == MAYFLY_END);
    return source.rows;
  };
  CHECK(read_with(R"({"raw":"1,x,Ada"})", {{"fields", Names{"3", "1"}}, {"field_count", "3"}}) ==
        Rows{"t'Ada'|i1"});
  CHECK(
      read_with(R"({"raw":"1,x,Ada,y"})", {{"fields", Names{"3", "1"}}, {"field_count", "3"}})[0] ==
      "error fields line 1: expected 3 fields, found 4 [1,x,Ada,y]");
  CHECK(read_with(R"({"raw":"NA,2"})", {{"null", Names{"NA"}}}) == Rows{"NULL|i2"});
  CHECK(read_with(R"({"raw":",2"})", {{"empty", "null"}}) == Rows{"NULL|i2"});
  CHECK(read_with(R"({"raw":"a\\tb\t\\N"})",
                  {{"delimiter", "tab"}, {"quote", "none"}, {"escape", "backslash"}}) ==
        Rows{"t'a\tb'|NULL"});
  CHECK(read_with(R"({"raw":"{x,2"})", {{"format", "csv"}}) == Rows{"t'{x'|i2"});
  CHECK(
      read_with(R"({"raw":"[1,2]"})", {{"format", "json"}})[0].starts_with("error json line 1: "));
  CHECK(read_with(R"({"raw":"{\"who\":\"Ada\",\"no\":1}"})", {{"keys", Names{"who", "no"}}}) ==
        Rows{"t'Ada'|i1"});
  const auto refused_with = [&](std::vector<RawOption> more) {
    more = with(std::move(more));
    more.push_back({"path", letters("")});
    return refused(more);
  };
  CHECK(refused_with({{"fields", Names{"1", "4"}}, {"field_count", "3"}}) ==
        "fields: expected numbers from 1 to field_count, found \"4\"");
  CHECK(refused_with({{"fields", Names{"1"}}, {"field_count", "3"}}) ==
        "fields: expected one for each column, found \"1\"");
  CHECK(refused_with({{"field_count", "3"}}) ==
        "field_count: expected the number of columns, or fields beside it, found \"3\"");
  CHECK(refused_with({{"keys", Names{"a"}}}) == "keys: expected one for each column, found \"1\"");
  CHECK(refused_with({{"escape", "backslash"}}) ==
        "escape: expected none, or quote = none beside it, found \"backslash\"");
}

TEST_CASE("dead letters: what still can't be read is an error row with all its bytes") {
  const Rows rows = read(R"({"id":7,"raw":"1,a"})"
                         "\n"
                         R"({"id":8,"raw":"{\"id\":"})"
                         "\n"
                         R"({"id":9,"columns":{"id":1,"other":{"hex":"00"}}})"
                         "\n"
                         R"({"id":10,"raw_base64":"MSxh/w=="})");
  REQUIRE(rows.size() == 4);
  CHECK(rows[0] == "error fields line 7: expected 4 fields, found 2 [1,a]");
  CHECK(rows[1].starts_with("error json line 8: expected"));
  CHECK(rows[2].starts_with("error unknown_key line 9: expected one of the 4 known keys"));
  CHECK(rows[2].ends_with(R"([{"id":1,"other":{"hex":"00"}}])"));
  CHECK(rows[3] == "error fields line 10: expected 4 fields, found 2 [1,a\xFF]");
}

TEST_CASE("dead letters: keys and fields that no column is for may be left out") {
  CHECK(read(R"({"columns":{"id":1,"other":2}})"
             "\n"
             R"({"raw":"1,a,2,x,more"})",
             {{"on_extra", "ignore"}}) == Rows{"i1|NULL|NULL|NULL", "i1|t'a'|f2|t'x'"});
}

TEST_CASE("dead letters: a letter is one row, whatever it has become") {
  // The harness's text knows the readers' reasons alone; this one is behind them.
  for (const char* raw : {R"({"raw":""})", R"({"raw":"\n"})", R"({"raw":"1,a,2,\n2,b,3,"})",
                          R"({"raw":"1,a,2,\n\n"})", R"({"raw":"1,\"a,2,\n2,b,3,"})"}) {
    SourceHarness source("dead_letters", options(letters(raw)));
    source.keep_rows = false;
    REQUIRE_MESSAGE(source.open(), source.error);
    CHECK(source.poll_all() == MAYFLY_END);
    CHECK_MESSAGE(source.rows_read == 1, raw);
  }
  // In JSON line breaks stand between tokens.
  CHECK(read(R"({"raw":"{\n\"id\":1\n}\n"})") == Rows{"i1|NULL|NULL|NULL"});
}

TEST_CASE("dead letters: ordinals are ranks, lines the letters' numbers, in batches of any size") {
  const std::string path = letters(
      "{\"rank\":0,\"id\":70,\"raw\":\"0,a,0,\"}\n\n{\"rank\":1,\"id\":80,\"raw\":\"1,a,0,\"}\n"
      "{\"rank\":5,\"id\":90,\"raw\":\"5,a,0,\"}");
  for (const std::uint32_t batch_rows : {1u, 2u, 64u}) {
    SourceHarness source("dead_letters", options(path, {{"key", "k"}}), batch_rows);
    REQUIRE_MESSAGE(source.open(), source.error);
    CHECK(source.poll_all() == MAYFLY_END);
    CHECK(source.origins == Rows{"0@1:70", "1@2:80", "5@6:90"});
    CHECK(source.key == "k");
  }
  SourceHarness whole("dead_letters", options(path));
  REQUIRE(whole.open());
  const std::string mark = whole.fingerprint(0);
  const mayfly_position position = {.struct_size = sizeof(mayfly_position),
                                    .resumed = 1,
                                    .ordinal = 1,
                                    .fingerprint = {mark.data(), mark.size()}};
  SourceHarness resumed("dead_letters", options(path));
  REQUIRE_MESSAGE(resumed.open(position), resumed.error);
  CHECK(resumed.poll_all() == MAYFLY_END);
  CHECK(resumed.origins == Rows{"1@2:80", "5@6:90"});
  CHECK(resumed.key == path);
  SourceHarness other("dead_letters", options(letters("{\"raw\":\"1,a,2,\"}")));
  CHECK_FALSE(other.open(position));
  CHECK(other.failure_class == MAYFLY_FAIL_INPUT_MISSING);
  CHECK(other.error.find("changed since the mark at letter 2: expected dev=") != std::string::npos);
  // A key says itself what is read, from a file of each run's own.
  const mayfly_position keyed = {.struct_size = sizeof(mayfly_position),
                                 .resumed = 1,
                                 .ordinal = 1,
                                 .fingerprint = {"key=k", 5}};
  SourceHarness again("dead_letters", options(letters(read_file(path)), {{"key", "k"}}));
  REQUIRE_MESSAGE(again.open(keyed), again.error);
  CHECK(resumed.schema_text() == "id:any name:any score:any note:any");
}

TEST_CASE("dead letters: values beyond a batch's room, and lines beyond the buffer") {
  const std::string large(700'000, 'x');
  const Rows rows = read(R"({"columns":{"id":1,"name":")" + large + "\"}}\n" +
                         R"({"columns":{"id":2,"note":{"hex":")" + std::string(600'000, '0') +
                         "\"}}}\n" + R"({"raw":"3,)" + large + R"(,,"})");
  REQUIRE(rows.size() == 3);
  CHECK(rows[0] == "i1|t'" + large + "'|NULL|NULL");
  CHECK(rows[1] == "i2|NULL|NULL|x'" + std::string(300'000, '\0') + "'");
  CHECK(rows[2] == "i3|t'" + large + "'|NULL|NULL");
}

TEST_CASE("dead letters: what isn't a file of letters ends the source with its line") {
  SourceHarness bad("dead_letters", options(letters("{\"raw\":\"1,a,2,\"}\n{\"raw\":5}\n")));
  REQUIRE(bad.open());
  CHECK(bad.poll_all() == MAYFLY_FAILED);
  CHECK(bad.rows_read == 1);
  CHECK_MESSAGE(bad.error.ends_with("letters.ndjson:2: expected a dead letter as `mayfly dlq show "
                                    "--output json` writes it: expected a string for \"raw\", "
                                    "found \"5\""),
                bad.error);
  CHECK(bad.failure_class == MAYFLY_FAIL_IO);
  SourceHarness missing("dead_letters", options("/nowhere/letters.ndjson"));
  CHECK_FALSE(missing.open());
  CHECK(missing.failure_class == MAYFLY_FAIL_INPUT_MISSING);
}

TEST_CASE("dead letters: each wrong option is refused with what was expected") {
  const std::string path = letters("");
  CHECK(refused({{"path", "-"}, {"columns", Names{"a"}}}) ==
        "path: expected a file, which can be read again, found \"-\"");
  CHECK(refused({{"path", path}, {"columns", Names{"a", "A"}}}) ==
        "columns: expected each name once (upper and lower case are the same), found \"A\"");
  CHECK(refused({{"path", path}, {"columns", Names{"a"}}, {"types", Names{"b=text"}}}) ==
        "types: expected one of the columns before the =, found \"b=text\"");
  CHECK(refused({{"path", path}, {"columns", Names{"a"}}, {"types", Names{"a=number"}}}) ==
        "types: expected column=int64, float64, text, blob, bool, timestamp, json or any, found "
        "\"a=number\"");
  CHECK(refused(options(path, {{"delimiter", "::"}})) ==
        "delimiter: expected one byte that isn't a newline, or tab, found \"::\"");
  CHECK(refused(options(path, {{"quote", "''"}})) ==
        "quote: expected one byte that isn't a newline, or none, found \"''\"");
  CHECK(refused(options(path, {{"quote", ","}})) ==
        "quote: expected another character than the delimiter, found \",\"");
}
