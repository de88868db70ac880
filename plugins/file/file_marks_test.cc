// Going on from a mark: where rows were answered before, in a file that may be another one by now.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

#include "plugins/file/file_fixture.h"
#include "tests/support/compressed.h"

namespace mayfly {
namespace {

enum class Packing { kPlain, kGzip, kZstd };

std::string pack(Packing packing, const std::string& text) {
  return packing == Packing::kGzip   ? testing::gzip(text)
         : packing == Packing::kZstd ? testing::zstd(text)
                                     : text;
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

}  // namespace
}  // namespace mayfly
