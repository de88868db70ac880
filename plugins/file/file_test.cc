#include <doctest/doctest.h>
#include <fcntl.h>
#include <malloc.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <thread>

#include "mayfly/file/source_harness.h"
#include "tests/support/compressed.h"

namespace mayfly {
namespace {

using testing::SourceHarness;
using Rows = std::vector<std::string>;
using Given = std::vector<RawOption>;

std::string path_of(const std::string& name) {
  const char* folder = std::getenv("TEST_TMPDIR");
  return std::string(folder == nullptr ? "/tmp" : folder) + "/" + name;
}

std::string write_file(const std::string& name, std::string_view bytes) {
  const std::string path = path_of(name);
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

std::string write_gzip(const std::string& name, const std::string& text) {
  const std::string path = path_of(name);
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return path;
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string numbered_csv(int rows) {
  std::string out = "id,name\n";
  for (int i = 0; i < rows; ++i) out += std::to_string(i) + ",name " + std::to_string(i) + "\n";
  return out;
}

mayfly_position position_at(std::uint64_t ordinal, std::uint64_t byte, std::uint64_t line,
                            const std::string& fingerprint) {
  return {.struct_size = sizeof(mayfly_position),
          .resumed = 1,
          .ordinal = ordinal,
          .byte = byte,
          .line = line,
          .fingerprint = {fingerprint.data(), fingerprint.size()}};
}

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
        "delimiter: expected one byte that isn't a newline, or tab, found \"ab\"");
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
  CHECK(refusal({{"path", path}, {"columns", std::vector<std::string>{"x"}}}).find("header of 1") !=
        std::string::npos);
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

TEST_CASE("file: input that is missing, empty or in UTF-16 is refused as such") {
  for (const std::string& path :
       {std::string("/nonexistent.csv"), std::string("/"), write_file("empty.csv", ""),
        write_file("utf16.csv", std::string_view("\xFF\xFE"
                                                 "a\0",
                                                 4))}) {
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

TEST_CASE("file: goes on from any record's mark, plain and compressed, in and beyond the sample") {
  const std::string document = numbered_csv(40'000);
  for (const std::string& path :
       {write_file("resume.csv", document), write_gzip("resume.csv.gz", document)}) {
    SourceHarness first("file", Given{{"path", path}});
    REQUIRE(first.open());
    REQUIRE(first.poll_all() == MAYFLY_END);
    REQUIRE(first.rows.size() == 40'000);
    for (const std::size_t row : {std::size_t{0}, std::size_t{1}, std::size_t{999},
                                  std::size_t{39'000}, std::size_t{39'999}}) {
      const std::uint64_t byte = first.byte_ends[row];
      const std::string fingerprint = first.fingerprint(byte);
      SourceHarness second("file", Given{{"path", path}});
      REQUIRE_MESSAGE(second.open(position_at(row + 1, byte, row + 3, fingerprint)), second.error);
      CHECK(second.schema_text() == first.schema_text());
      CHECK(second.poll_all() == MAYFLY_END);
      CHECK(second.rows ==
            Rows(first.rows.begin() + static_cast<std::ptrdiff_t>(row) + 1, first.rows.end()));
      CHECK(second.origins == Rows(first.origins.begin() + static_cast<std::ptrdiff_t>(row) + 1,
                                   first.origins.end()));
    }
  }
}

TEST_CASE(
    "file: lines are right behind a record of several, where what precedes it is read anyway") {
  std::string document = "id,name\n";
  for (int i = 0; i < 100'000; ++i) document += std::to_string(i) + ",\"a\nb\nc\"\n";
  const std::string plain = write_file("lines.csv", document);
  const std::string compressed = write_gzip("lines.csv.gz", document);
  const auto check = [](const std::string& path, std::size_t row) {
    SourceHarness first("file", Given{{"path", path}});
    REQUIRE(first.open());
    REQUIRE(first.poll_all() == MAYFLY_END);
    const std::uint64_t byte = first.byte_ends[row];
    SourceHarness second("file", Given{{"path", path}});
    // One behind the first line of the record before it.
    REQUIRE(second.open(position_at(row + 1, byte, 2 + 3 * row + 1, first.fingerprint(byte))));
    CHECK(second.poll_all() == MAYFLY_END);
    CHECK(second.origins[0] == first.origins[row + 1]);
  };

  check(plain, 500);
  check(compressed, 500);
  check(compressed, 99'000);
}

TEST_CASE("file: a mark before the first record starts at the first record") {
  const std::string path = write_file("zero.csv", numbered_csv(3));
  SourceHarness first("file", Given{{"path", path}});
  REQUIRE(first.open());
  SourceHarness second("file", Given{{"path", path}});
  REQUIRE(second.open(position_at(0, 0, 0, first.fingerprint(0))));
  CHECK(second.poll_all() == MAYFLY_END);
  CHECK(second.rows.size() == 3);
}

TEST_CASE("file: a file that changed since the mark is refused, with what changed") {
  const std::string document = numbered_csv(10);
  const std::string path = write_file("changed.csv", document);
  SourceHarness first("file", Given{{"path", path}});
  REQUIRE(first.open());
  const std::string fingerprint = first.fingerprint(40);
  const auto refusal = [&] {
    SourceHarness second("file", Given{{"path", path}});
    CHECK(!second.open(position_at(3, 40, 5, fingerprint)));
    CHECK(second.failure_class == MAYFLY_FAIL_INPUT_MISSING);
    return second.error;
  };
  write_file("changed.csv", document + "10,x\n");
  CHECK(refusal() == path + ": changed since the mark at byte 40: its size was " +
                         std::to_string(document.size()) + " and is " +
                         std::to_string(document.size() + 5));
  std::string edited = document;
  edited[12] = 'N';
  write_file("changed.csv", edited);
  CHECK(refusal().find("its content before the mark is another") != std::string::npos);
  write_file("other.csv", document);
  REQUIRE(::rename(path_of("other.csv").c_str(), path.c_str()) == 0);
  CHECK(refusal().find("its inode was ") != std::string::npos);
}

TEST_CASE("file: a pipe can't be gone back in, idles, and gives what it has") {
  const std::string path = path_of("pipe.csv");
  ::unlink(path.c_str());
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int writer = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  const std::string document = numbered_csv(1500);
  REQUIRE(::write(writer, document.data(), document.size()) ==
          static_cast<ssize_t>(document.size()));
  SourceHarness source("file", Given{{"path", path}});
  REQUIRE_MESSAGE(source.open(), source.error);
  CHECK(source.key == "-");
  CHECK(source.fingerprint(0).empty());
  CHECK(source.poll() == MAYFLY_OK);
  CHECK(source.poll() == MAYFLY_IDLE);
  CHECK(source.rows.size() == 1500);
  CHECK(source.poll() == MAYFLY_IDLE);
  REQUIRE(::write(writer, "7,half", 6) == 6);
  CHECK(source.poll() == MAYFLY_IDLE);
  CHECK(source.rows.size() == 1500);
  REQUIRE(::write(writer, " line\n", 6) == 6);
  CHECK(source.poll() == MAYFLY_IDLE);
  CHECK(source.rows.back() == "7|'half line'");
  ::close(writer);
  CHECK(source.poll() == MAYFLY_END);
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

// Bytes in use on the heap. Under a sanitizer's own heap 0: then nothing is found out.
std::size_t heap_bytes() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

TEST_CASE("file: files that wait for their turn, and those that are done, keep no text") {
  constexpr int kFiles = 20;
  // More rows than are looked at, in less than is read at once; and more than that.
  for (const int rows : {1'100, 60'000}) {
    const std::string text = numbered_csv(rows);
    for (const bool packed : {false, true}) {
      CAPTURE(rows);
      CAPTURE(packed);
      const std::string path =
          packed ? write_gzip("waits.csv.gz", text) : write_file("waits.csv", text);
      const auto make = [&] {
        auto source = std::make_unique<SourceHarness>("file", Given{{"path", path}}, 16);
        REQUIRE(source->open());
        source->keep_rows = false;
        return source;
      };
      const auto first = make();  // what is allocated once
      REQUIRE(first->poll_all() == MAYFLY_END);
      std::size_t before = heap_bytes();
      std::vector<std::unique_ptr<SourceHarness>> sources;
      for (int i = 0; i < kFiles; ++i) sources.push_back(make());
      CHECK((heap_bytes() - before) / kFiles < 256 << 10);  // the harness's batch is most of it
      before = heap_bytes();
      for (const auto& source : sources) {
        REQUIRE(source->poll_all() == MAYFLY_END);
        CHECK(source->rows_read == static_cast<std::uint64_t>(rows));
        CHECK(source->poll() == MAYFLY_END);
      }
      CHECK((heap_bytes() - std::min(before, heap_bytes())) / kFiles < 32 << 10);
    }
  }
}

TEST_CASE("file: a file that was rewritten while it waited is refused, one that grew is read") {
  const std::string text = numbered_csv(3);
  for (const std::string& changed :
       {"identity,name\n" + text, std::string("id,nome") + text.substr(7)}) {
    const std::string path = write_file("rewritten.csv", text);
    SourceHarness source("file", Given{{"path", path}});
    REQUIRE(source.open());
    write_file("rewritten.csv", changed);
    CHECK(source.poll_all() == MAYFLY_FAILED);
    CHECK(source.error.find("rewritten.csv: expected the file that was looked at") !=
          std::string::npos);
    CHECK(source.rows.empty());
  }
  std::string wide = "column_0";
  for (int i = 1; i < 1'000; ++i) wide += ",column_" + std::to_string(i);
  {
    const std::string path = write_file("wide.csv", wide + "\n");
    SourceHarness source("file", Given{{"path", path}});
    REQUIRE(source.open());
    wide[wide.size() - 1] = 'x';
    write_file("wide.csv", wide + "\n");
    CHECK(source.poll_all() == MAYFLY_FAILED);
  }
  const std::string path = write_file("grew.csv", text);
  SourceHarness source("file", Given{{"path", path}});
  REQUIRE(source.open());
  std::ofstream(path, std::ios::app) << "3,later\n";
  CHECK(source.poll_all() == MAYFLY_END);
  CHECK(source.rows.size() == 4);
}

TEST_CASE("file: a header that wasn't ended when it was looked at may get a newline, and no more") {
  const auto end_of = [](const std::string& more, bool packed) {
    const std::string path =
        packed ? write_gzip("open.csv.gz", "id,name") : write_file("open.csv", "id,name");
    SourceHarness source("file", Given{{"path", path}});
    REQUIRE(source.open());
    packed ? write_gzip("open.csv.gz", "id,name" + more) : write_file("open.csv", "id,name" + more);
    return source.poll_all();
  };
  for (const bool packed : {false, true}) {
    CHECK(end_of("", packed) == MAYFLY_END);
    CHECK(end_of("\n1,one\n", packed) == MAYFLY_END);
    CHECK(end_of("\r\n1,one\r\n", packed) == MAYFLY_END);
    CHECK(end_of("\r", packed) == MAYFLY_END);
    CHECK(end_of(",more\n1,one,1\n", packed) == MAYFLY_FAILED);
    CHECK(end_of("\rx,more\n1,b\n", packed) == MAYFLY_FAILED);
  }
}

TEST_CASE("file: a newline that a header of one column got later is no empty row") {
  for (const std::string more : {"\n1\n2\n", "\r\n1\r\n2\r\n"}) {
    for (const bool packed : {false, true}) {
      const auto write = [&](const std::string& text) {
        return packed ? write_gzip("one.csv.gz", text) : write_file("one.csv", text);
      };
      const std::string path = write("na");
      SourceHarness source("file", Given{{"path", path}});
      REQUIRE(source.open());
      write("na" + more);
      CHECK(source.poll_all() == MAYFLY_END);
      CHECK(source.rows.size() == 2);
      SourceHarness plain("file", Given{{"path", path}});
      REQUIRE(plain.open());
      REQUIRE(plain.poll_all() == MAYFLY_END);
      CHECK(source.origins == plain.origins);
    }
  }
}

TEST_CASE("file: a header that was cut between CR and LF gets its LF, and no more") {
  for (const bool packed : {false, true}) {
    const auto write = [&](const std::string& text) {
      return packed ? write_gzip("cr.csv.gz", text) : write_file("cr.csv", text);
    };
    for (const bool ends : {true, false}) {
      const std::string path = write("na\r");
      SourceHarness source("file", Given{{"path", path}});
      REQUIRE(source.open());
      write(ends ? "na\r\n1\r\n" : "na\rme\n1\n");
      CHECK(source.poll_all() == (ends ? MAYFLY_END : MAYFLY_FAILED));
      if (!ends) continue;
      SourceHarness plain("file", Given{{"path", path}});
      REQUIRE(plain.open());
      REQUIRE(plain.poll_all() == MAYFLY_END);
      REQUIRE(source.rows.size() == 1);
      REQUIRE(plain.rows.size() == 1);
      CHECK(source.schema_text() == "na:text");
      CHECK(source.rows[0] == "'1'");  // of no row nobody knows that it is a number
      CHECK(source.origins[0] == plain.origins[0]);
    }
  }
}

TEST_CASE("file: a file of a byte order mark alone, with given columns, may grow by any record") {
  const std::string path = write_file("bom.csv", "\xEF\xBB\xBF");
  SourceHarness source("file", Given{{"path", path},
                                     {"header", false},
                                     {"columns", std::vector<std::string>{"id", "name"}}});
  REQUIRE_MESSAGE(source.open(), source.error);
  std::ofstream(path, std::ios::app) << "1,one\n";
  CHECK(source.poll_all() == MAYFLY_END);
  CHECK(source.rows.size() == 1);
}

enum class Packing { kPlain, kGzip, kZstd };

std::string pack(Packing packing, const std::string& text) {
  return packing == Packing::kGzip   ? testing::gzip(text)
         : packing == Packing::kZstd ? testing::zstd(text)
                                     : text;
}

TEST_CASE("file: a last record without a newline, once marked, may get one, and no more") {
  struct Text {
    std::string begin, record, newline, torn;
  };
  const Text csv{"na\n1\n", "2", "\n", "2\n3\n"};
  const Text crlf{"na\r\n1\r\n", "2", "\r\n", "2\r\n"};
  const Text half{"na\r\n1\r\n", "2\r", "\n", "2\n"};
  const Text json{"{\"a\":1}\n", "{\"a\":2}", "\n", "{\"a\":3}\n"};
  // Before the mark's size is taken; between open and the turn, when a packed one is refused
  // anyway.
  enum class Grows { kBeforeMark, kWhileItWaits };
  for (const auto packing : {Packing::kPlain, Packing::kGzip, Packing::kZstd}) {
    for (const auto grows : {Grows::kBeforeMark, Grows::kWhileItWaits}) {
      if (packing != Packing::kPlain && grows == Grows::kWhileItWaits) continue;
      for (const Text& text : {csv, crlf, half, json}) {
        CAPTURE(text.record);
        const auto resumed = [&](const std::string& more) {
          const std::string path =
              write_file("marked_end", pack(packing, text.begin + text.record));
          const auto grow = [&] {
            if (!more.empty()) std::ofstream(path, std::ios::app) << pack(packing, more);
          };
          SourceHarness first("file", Given{{"path", path}});
          REQUIRE(first.open());
          REQUIRE(first.poll_all() == MAYFLY_END);
          REQUIRE(first.rows.size() == 2);
          if (grows == Grows::kBeforeMark) grow();
          const std::uint64_t byte = first.byte_ends[1];
          REQUIRE(byte == text.begin.size() + text.record.size());
          auto source = std::make_unique<SourceHarness>("file", Given{{"path", path}});
          if (!source->open(position_at(2, byte, 4, first.fingerprint(byte)))) return source;
          if (grows == Grows::kWhileItWaits) grow();
          static_cast<void>(source->poll_all());
          return source;
        };
        const auto same = resumed("");
        CHECK(same->error.empty());
        CHECK(same->rows.empty());
        const auto grown = resumed(text.newline + text.record + text.newline);
        CHECK(grown->error.empty());
        SourceHarness plain("file", Given{{"path", path_of("marked_end")}});
        REQUIRE(plain.open());
        REQUIRE(plain.poll_all() == MAYFLY_END);
        REQUIRE(grown->rows.size() == 1);
        CHECK(grown->rows[0] == plain.rows[2]);
        CHECK(grown->origins[0] == plain.origins[2]);
        const auto torn = resumed(text.torn);
        CHECK(torn->failure_class == MAYFLY_FAIL_INPUT_MISSING);
        CHECK(torn->rows.empty());
        CHECK(torn->error.find(grows == Grows::kBeforeMark
                                   ? "changed since the mark at byte "
                                   : "looked at before its turn came, found that its last line") !=
              std::string::npos);
      }
    }
  }
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

TEST_CASE("file: the whole header of a packed file is compared at its turn") {
  std::string wide = "column_0";
  for (int i = 1; i < 1'000; ++i) wide += ",column_" + std::to_string(i);
  const std::string path = write_gzip("wide.csv.gz", wide + "\n1\n");
  SourceHarness source("file", Given{{"path", path}});
  REQUIRE(source.open());
  wide[wide.size() - 1] = 'x';
  write_gzip("wide.csv.gz", wide + "\n1\n");
  CHECK(source.poll_all() == MAYFLY_FAILED);
}

TEST_CASE("file: one that goes on from a mark and was rewritten before it is refused at its turn") {
  for (const bool packed : {false, true}) {
    const std::string document = numbered_csv(60'000);
    const auto write = [packed](const std::string& text) {
      return packed ? write_gzip("marked.csv.gz", text) : write_file("marked.csv", text);
    };
    const std::string path = write(document);
    SourceHarness first("file", Given{{"path", path}});
    REQUIRE(first.open());
    REQUIRE(first.poll_all() == MAYFLY_END);
    const std::size_t row = 40'000;
    const std::uint64_t byte = first.byte_ends[row];
    const auto resume = [&](SourceHarness& source) {
      REQUIRE(source.open(position_at(row + 1, byte, row + 3, first.fingerprint(byte))));
    };
    SourceHarness unchanged("file", Given{{"path", path}});
    resume(unchanged);
    CHECK(unchanged.poll_all() == MAYFLY_END);
    CHECK(unchanged.rows.size() == 60'000 - row - 1);

    SourceHarness rewritten("file", Given{{"path", path}});
    resume(rewritten);
    std::string changed = document;
    // Just before the mark: far behind what is compared of a packed file's own bytes.
    changed[byte - 3] = '#';
    write(changed);
    CHECK(rewritten.poll_all() == MAYFLY_FAILED);
    CHECK(rewritten.error.find("looked at before its turn came") != std::string::npos);
    CHECK(rewritten.rows.empty());
  }
}

TEST_CASE("file: of a file that was cut since it was opened, the mark has the size it had") {
  const std::string document = numbered_csv(1'000);
  const std::string path = write_file("cut.csv", document);
  SourceHarness first("file", Given{{"path", path}}, 16);
  REQUIRE(first.open());
  CHECK(first.poll() == MAYFLY_OK);
  const std::uint64_t byte = first.byte_ends[5];
  REQUIRE(::truncate(path.c_str(), static_cast<off_t>(byte + 100)) == 0);
  const std::string mark = first.fingerprint(byte);
  CHECK(mark.find("size=" + std::to_string(document.size()) + ",") != std::string::npos);
  SourceHarness second("file", Given{{"path", path}});
  CHECK_FALSE(second.open(position_at(6, byte, 8, mark)));
  CHECK(second.error.find("its size was ") != std::string::npos);
  write_file("cut.csv", document);
  SourceHarness third("file", Given{{"path", path}});
  CHECK(third.open(position_at(6, byte, 8, mark)));
}

TEST_CASE("file: of a file that grew while it was read, the mark has its last size") {
  const std::string path = write_file("grows.csv", numbered_csv(3));
  SourceHarness first("file", Given{{"path", path}});
  REQUIRE(first.open());
  std::ofstream(path, std::ios::app) << "3,later\n";
  REQUIRE(first.poll_all() == MAYFLY_END);
  const std::uint64_t byte = first.byte_ends.back();
  SourceHarness second("file", Given{{"path", path}});
  CHECK(second.open(position_at(4, byte, 6, first.fingerprint(byte))));
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
