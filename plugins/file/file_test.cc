// Reading: formats, options, what can't be read.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "plugins/file/file_fixture.h"
#include "tests/support/compressed.h"

namespace mayfly {
namespace {

TEST_CASE("file: a file that is cut while it is read ends as a failed input, not as a short one") {
  const std::string path = write_file("cut.csv", numbered_csv(200'000));
  SourceHarness file("file", Given{{"path", path}});
  REQUIRE(file.open());
  REQUIRE(file.poll() == MAYFLY_OK);
  REQUIRE(::truncate(path.c_str(), 2'000'001) == 0);
  CHECK(file.poll_all() == MAYFLY_FAILED);
  CHECK(file.failure_class == MAYFLY_FAIL_INPUT_MISSING);
  CHECK(file.error.find("cut.csv: was cut while it was read: expected ") != std::string::npos);
  // The record that the cut goes through isn't given out.
  CHECK(file.rows.back().find('!') == std::string::npos);
}

TEST_CASE("file: a CSV file, its columns, its rows, its broken record") {
  const std::string path =
      write_file("orders.csv", "id,city,amount\n1,Rome,2.5\n2,\"Oslo\"\n3,Paris,4\n");
  SourceHarness source("file", Given{{"path", path}});
  REQUIRE_MESSAGE(source.open(), source.error);
  CHECK(source.schema_text() == "id:int64 city:text amount:float64");
  CHECK(source.poll_all() == MAYFLY_END);
  CHECK(source.rows == Rows{"1|'Rome'|2.5",
                            "error fields line 3: expected 3 fields, found 2 [2,\"Oslo\"]",
                            "3|'Paris'|4"});
  CHECK(source.origins == Rows{"0@26:2", "1@35:3", "2@45:4"});
  CHECK(source.key == path);
}

TEST_CASE("file: NDJSON by content, gzip by content, TSV by name") {
  SourceHarness json("file", Given{{"path", write_gzip("data.bin", "{\"a\":1,\"b\":[1]}\n")}});
  REQUIRE_MESSAGE(json.open(), json.error);
  CHECK(json.schema_text() == "a:int64 b:json");
  CHECK(json.poll_all() == MAYFLY_END);
  CHECK(json.rows == Rows{"1|'[1]'"});
  SourceHarness tsv("file", Given{{"path", write_file("data.tsv", "a\tb\n1,5\tx\n")}});
  REQUIRE(tsv.open());
  CHECK(tsv.poll_all() == MAYFLY_END);
  CHECK(tsv.rows == Rows{"'1,5'|'x'"});
}

TEST_CASE("file: the options reach the readers") {
  const std::string path = write_file("options", "1;'a;b';\n2;x;y;z\n+3;x;y\n");
  SourceHarness source("file", Given{{"path", path},
                                     {"format", std::string("csv")},
                                     {"delimiter", std::string(";")},
                                     {"quote", std::string("'")},
                                     {"header", false},
                                     {"columns", std::vector<std::string>{"i", "t", "n"}},
                                     {"types", std::vector<std::string>{"I=int64", "n=text"}},
                                     {"infer", std::string("none")},
                                     {"on_extra", std::string("ignore")},
                                     {"empty", std::string("null")}});
  REQUIRE_MESSAGE(source.open(), source.error);
  CHECK(source.schema_text() == "i:int64 t:text n:text");
  CHECK(source.poll_all() == MAYFLY_END);
  REQUIRE(source.rows.size() == 3);
  CHECK(source.rows[0] == "1|'a;b'|NULL");
  CHECK(source.rows[1] == "2|'x'|'y'");
  CHECK(source.rows[2].starts_with("error would_change line 3"));
}

TEST_CASE("file: NDJSON reads only the keys it is given; others are an error row or left out") {
  const std::string path = write_file("keys.ndjson", "{\"a\":1,\"b\":2}\n{\"a\":3}\n");
  for (const char* on_extra : {"error", "ignore"}) {
    SourceHarness source("file", Given{{"path", path},
                                       {"columns", std::vector<std::string>{"a", "c"}},
                                       {"on_extra", std::string(on_extra)}});
    REQUIRE_MESSAGE(source.open(), source.error);
    CHECK(source.schema_text() == "a:int64 c:any");
    CHECK(source.poll_all() == MAYFLY_END);
    CHECK(source.rows[0].starts_with("error unknown_key") == (std::string(on_extra) == "error"));
    CHECK(source.rows[1] == "3|NULL");
  }
}

TEST_CASE("file: infer = all looks at every row, sample at the first thousand") {
  std::string document = numbered_csv(2000) + "007,x\n";
  const std::string path = write_file("late.csv", document);
  SourceHarness sample("file", Given{{"path", path}});
  REQUIRE(sample.open());
  CHECK(sample.schema_text() == "id:int64 name:text");
  CHECK(sample.poll_all() == MAYFLY_END);
  CHECK(sample.rows.back().starts_with("error would_change line 2002: column \"id\""));
  SourceHarness all("file", Given{{"path", path}, {"infer", std::string("all")}});
  REQUIRE(all.open());
  CHECK(all.schema_text() == "id:text name:text");
  CHECK(all.poll_all() == MAYFLY_END);
  CHECK(all.rows.size() == 2001);
  CHECK(all.rows.back() == "'007'|'x'");
}

TEST_CASE("file: options that don't go together are refused") {
  const auto refusal = [](const Given& given) {
    SourceHarness source("file", given);
    source.open();
    return source.error;
  };
  const std::string path = write_file("refused.csv", "a,b\n1,2\n");
  CHECK(refusal({{"path", std::string("-")}, {"infer", std::string("all")}}).find("twice") !=
        std::string::npos);
  CHECK(refusal({{"path", path}, {"delimiter", std::string("ab")}}) ==
        "delimiter: expected one byte that isn't a newline, tab, or auto, found \"ab\"");
  CHECK(refusal({{"path", path}, {"quote", std::string("''")}}) ==
        "quote: expected one byte that isn't a newline, or none, found \"''\"");
  CHECK(refusal({{"path", path}, {"quote", std::string(",")}})
            .starts_with("quote: expected another"));
  CHECK(refusal({{"path", path}, {"types", std::vector<std::string>{"a"}}}) ==
        "types: expected column=type, found \"a\"");
  CHECK(refusal({{"path", path}, {"types", std::vector<std::string>{"a=text", "A=int64"}}}) ==
        "types: expected each column once (upper and lower case are the same), found \"A=int64\"");
  CHECK(refusal({{"path", path}, {"types", std::vector<std::string>{"a=money"}}}).find("a=money") !=
        std::string::npos);
  CHECK(refusal({{"path", path}, {"types", std::vector<std::string>{"c=text"}}}) ==
        path + ": types: there is no column \"c\"; there are a, b");
  CHECK(refusal({{"path", std::string("")}}).find("path") != std::string::npos);
}

TEST_CASE("file: a pipe isn't read twice, and isn't waited for to know that") {
  const std::string path = path_of("twice.csv");
  ::unlink(path.c_str());
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  // Gone when the second look would be.
  std::thread writing([&] {
    const int writer = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    CHECK(::write(writer, "a\n1\n", 4) == 4);
    ::close(writer);
  });
  SourceHarness source("file", Given{{"path", path}, {"infer", std::string("all")}});
  CHECK(!source.open());
  CHECK(source.error.find("reads the input twice") != std::string::npos);
  writing.join();
}

TEST_CASE("file: input that is missing or empty is refused as such") {
  for (const std::string& path :
       {std::string("/nonexistent.csv"), std::string("/"), write_file("empty.csv", "")}) {
    SourceHarness source("file", Given{{"path", path}});
    CHECK(!source.open());
    CHECK(source.failure_class == MAYFLY_FAIL_INPUT_MISSING);
    CHECK_MESSAGE(source.error.starts_with(path), source.error);
  }
}

TEST_CASE("file: rows before a broken archive's end are given out, then the failure") {
  const std::string whole = read_file(write_gzip("cut.csv.gz", numbered_csv(200'000)));
  const std::string path =
      write_file("cut.csv.gz", std::string_view(whole).substr(0, whole.size() / 2));
  SourceHarness source("file", Given{{"path", path}});
  REQUIRE_MESSAGE(source.open(), source.error);
  CHECK(source.poll_all() == MAYFLY_FAILED);
  CHECK(source.failure_class == MAYFLY_FAIL_IO);
  CHECK(source.error.find("cut off") != std::string::npos);
  CHECK(source.rows.size() > 50'000);
  CHECK(source.rows[7] == "7|'name 7'");
}

TEST_CASE("file: a record larger than every buffer is read, one beyond max_row_bytes isn't") {
  const std::string big(3'000'000, 'q');
  const std::string path = write_file("big.csv", "a,b\n1,x\n2," + big + "\n3,y\n");
  SourceHarness source("file", Given{{"path", path}});
  REQUIRE_MESSAGE(source.open(), source.error);
  CHECK(source.poll_all() == MAYFLY_END);
  REQUIRE(source.rows.size() == 3);
  CHECK(source.rows[1] == "2|'" + big + "'");
  SourceHarness limited("file", Given{{"path", path}, {"max_row_bytes", std::string("1MiB")}});
  REQUIRE(limited.open());
  CHECK(limited.poll_all() == MAYFLY_END);
  REQUIRE(limited.rows.size() == 3);
  CHECK(limited.rows[1].starts_with("error too_long line 3"));
  CHECK(limited.rows[2] == "3|'y'");
}

TEST_CASE("file: with infer = all a header that is longer than what is looked at first is known") {
  std::string header = "column_number_0";
  for (int i = 1; i < 8'000; ++i) header += ",column_number_" + std::to_string(i);
  // A decoder gives a member at a time.
  const std::string path = write_file(
      "members.csv.gz", testing::gzip(header.substr(0, 9'000)) +
                            testing::gzip(header.substr(9'000) + "\n1") + testing::gzip("\n2\n"));
  SourceHarness source("file", Given{{"path", path}, {"infer", std::string("all")}});
  REQUIRE_MESSAGE(source.open(), source.error);
  CHECK(source.poll_all() == MAYFLY_END);
  CHECK(source.rows.size() == 2);
}

TEST_CASE("file: a file that says no size is read, with its header") {
  SourceHarness source("file", Given{{"path", "/proc/self/limits"}, {"delimiter", "U"}});
  REQUIRE_MESSAGE(source.open(), source.error);
  CHECK(source.poll_all() == MAYFLY_END);
  CHECK(source.rows.size() > 10);
}

TEST_CASE("file: memory doesn't grow with the file") {
  const std::string path = path_of("large.csv");
  {
    std::ofstream out(path);
    const std::string part = numbered_csv(10'000);
    out << "id,name\n";
    for (int i = 0; i < 60; ++i) out << part.substr(8);
  }
  SourceHarness source("file", Given{{"path", path}});
  REQUIRE(source.open());
  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  source.keep_rows = false;
  CHECK(source.poll_all() == MAYFLY_END);
  rusage after{};
  ::getrusage(RUSAGE_SELF, &after);
  CHECK(source.rows_read == 600'000);
  CHECK(after.ru_maxrss - before.ru_maxrss < 4 << 10);  // KiB
  std::uint64_t done = 0, total = 0;
  source.plugin().progress(source.state(), &done, &total);
  CHECK(done == total);
  CHECK(total > 8'000'000);
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace mayfly
