// Files that are looked at first and read at their turn, and may have changed by then.
#include <malloc.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "plugins/file/file_fixture.h"

namespace mayfly {
namespace {

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

}  // namespace
}  // namespace mayfly
