#include "mayfly/data/readers/byte_source.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <vector>

#include "mayfly/base/rng.h"
#include "tests/support/compressed.h"

namespace mayfly {
namespace {

using testing::gzip;
using testing::zstd;

std::string write_file(const std::string& name, std::string_view bytes) {
  const char* folder = std::getenv("TEST_TMPDIR");
  std::string path = std::string(folder == nullptr ? "/tmp" : folder) + "/" + name;
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

// Its bytes, or "error: ..." behind those that came before it.
std::string read_all(ByteSource& source, std::size_t chunk = 1000) {
  std::string out;
  std::vector<char> buffer(chunk);
  for (;;) {
    const auto read = source.read(buffer, -1);
    if (!read.ok()) return out + "error: " + read.status().message();
    if (read->state == ByteSource::State::kEnd) return out;
    REQUIRE(read->size > 0);
    out.append(buffer.data(), read->size);
  }
}

std::string read_file(const std::string& path, std::size_t chunk = 1000) {
  auto source = ByteSource::open(path);
  REQUIRE_MESSAGE(source.ok(), source.status().message());
  return read_all(**source, chunk);
}

std::string noise(std::size_t size, std::uint64_t seed = 5) {
  Rng rng(seed);
  std::string out;
  while (out.size() < size) out += static_cast<char>('a' + rng.below(20));
  return out;
}

TEST_CASE("byte_source: plain, gzip and zstd are told by content, not by name") {
  const std::string text = noise(700'000);
  CHECK(read_file(write_file("plain.gz", text), 4096) == text);
  CHECK(read_file(write_file("gzip.csv", gzip(text)), 4096) == text);
  CHECK(read_file(write_file("zstd.csv", zstd(text)), 4096) == text);
  for (const char* tiny : {"", "a", "ab", "abc"}) {
    CHECK(read_file(write_file("tiny", tiny)) == tiny);
  }
}

TEST_CASE("byte_source: several gzip members, and zeros behind the last, are one document") {
  const std::string bytes = gzip("one,") + gzip("") + gzip("two") + std::string(1000, '\0');
  CHECK(read_file(write_file("members.gz", bytes)) == "one,two");
}

TEST_CASE("byte_source: several zstd frames, and skippable ones, are one document") {
  const std::string skippable("\x50\x2A\x4D\x18\x03\x00\x00\x00xyz", 11);
  CHECK(read_file(write_file("frames.zst", skippable + zstd("one,") + skippable + zstd("two"))) ==
        "one,two");
}

TEST_CASE("byte_source: a truncated archive gives what it has, then file and byte") {
  const std::string text = noise(300'000);
  for (const std::string& whole : {gzip(text), zstd(text)}) {
    const std::string path = write_file("cut", std::string_view(whole).substr(0, whole.size() / 2));
    const std::string read = read_file(path);
    const std::size_t error = read.find("error: ");
    REQUIRE(error != std::string::npos);
    CHECK(text.starts_with(read.substr(0, error)));
    CHECK(read.find(path) != std::string::npos);
    CHECK(read.find("broken at byte " + std::to_string(whole.size() / 2) + " of the file") !=
          std::string::npos);
    CHECK(read.find("cut off") != std::string::npos);
  }
}

TEST_CASE("byte_source: a corrupt archive is told, in the middle and behind the end") {
  for (std::string bytes : {gzip(noise(300'000)), zstd(noise(300'000))}) {
    for (std::size_t i = 0; i < 64; ++i) bytes[bytes.size() / 2 + i] = '\x5A';
    const std::string read = read_file(write_file("corrupt", bytes));
    CHECK_MESSAGE(read.find("data is broken at byte ") != std::string::npos, read.size());
  }
  for (const std::string& bytes : {gzip("text") + "garbage", zstd("text") + "garbage"}) {
    const std::string read = read_file(write_file("garbage", bytes));
    CHECK_MESSAGE(read.starts_with("texterror: "), read);
  }
}

TEST_CASE("byte_source: goes to an offset, by jumping or by reading") {
  const std::string text = noise(600'000);
  for (const std::string& bytes : {text, gzip(text), zstd(text)}) {
    auto source = ByteSource::open(write_file("skip", bytes));
    REQUIRE((*source)->skip_to(500'001).ok());
    CHECK(read_all(**source) == text.substr(500'001));
    auto beyond = ByteSource::open(write_file("skip", bytes));
    CHECK((*beyond)->skip_to(600'001).code() == Code::kNoInput);
  }
}

TEST_CASE("byte_source: begins anew, from the middle and from the end, plain and packed") {
  const std::string text = noise(600'000);
  for (const std::string& bytes : {text, gzip(text), zstd(text), std::string()}) {
    const std::string expected = bytes.empty() ? "" : text;
    auto source = ByteSource::open(write_file("rewind", bytes));
    std::vector<char> buffer(100'000);
    REQUIRE((*source)->read(buffer, -1).ok());
    REQUIRE((*source)->rewind().ok());
    CHECK((*source)->raw_bytes() == 0);
    CHECK(read_all(**source) == expected);
    CHECK((*source)->read(buffer, -1)->state == ByteSource::State::kEnd);
    REQUIRE((*source)->rewind().ok());
    CHECK(read_all(**source) == expected);
  }
}

TEST_CASE("byte_source: newlines are counted on the way to an offset, plain and packed") {
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += "line\n";
  for (const std::string& bytes : {text, gzip(text), zstd(text)}) {
    auto source = ByteSource::open(write_file("newlines", bytes));
    std::uint64_t newlines = 0;
    REQUIRE((*source)->skip_to(400'002, &newlines).ok());
    CHECK(newlines == 80'000);
    CHECK((*source)->offset() == 400'002);
    CHECK(read_all(**source) == text.substr(400'002));
  }
}

TEST_CASE("byte_source: zstd data with a larger window than is given is said to be whole") {
  // A frame's header: no content size, a window of 2^30 bytes.
  const std::string header("\x28\xB5\x2F\xFD\x00\xA0", 6);
  const std::string read = read_file(write_file("long.zst", header + std::string(100, 'x')));
  CHECK_MESSAGE(read.find("--long=31") != std::string::npos, read);
}

TEST_CASE(
    "byte_source: a file that is cut while it is read is told at its end, one that grows isn't") {
  const std::string text = noise(600'000);
  for (const std::string& bytes : {text, gzip(text), zstd(text)}) {
    const std::string path = write_file("cut", bytes);
    auto source = ByteSource::open(path);
    std::vector<char> buffer(100);
    REQUIRE((*source)->read(buffer, -1)->state == ByteSource::State::kData);
    REQUIRE(::truncate(path.c_str(), 300'000) == 0);
    const std::string read = read_all(**source);
    CHECK_MESSAGE(
        read.find("cut: was cut while it was read: expected " + std::to_string(bytes.size()) +
                  " bytes, its size when it was opened, found 300000 after 300000") !=
            std::string::npos,
        read.substr(read.size() - std::min<std::size_t>(read.size(), 300)));
  }
  const std::string path = write_file("grown", text);
  auto source = ByteSource::open(path);
  std::ofstream(path, std::ios::app) << "more";
  CHECK(read_all(**source) == text + "more");
}

TEST_CASE("byte_source: a file that is written over while it is read is told at its end") {
  const std::string text = noise(600'000);
  const std::string other = noise(700'000, 2);
  for (const bool packed : {false, true}) {
    const std::string path = write_file("over", packed ? gzip(text) : text);
    auto source = ByteSource::open(path);
    std::vector<char> buffer(100);
    REQUIRE((*source)->read(buffer, -1)->state == ByteSource::State::kData);
    CHECK((*source)->check_not_overwritten().ok());
    write_file("over", packed ? gzip(other) : other);
    CHECK_FALSE((*source)->check_not_overwritten().ok());
    // What is packed is broken where the one text ends and the other begins.
    const std::string read = read_all(**source);
    CHECK((packed || read.find("over: was overwritten while it was read") != std::string::npos));
  }
}

TEST_CASE("byte_source: standard input begins where it is when it is opened") {
  const std::string text = noise(600'000);
  const int terminal = ::dup(STDIN_FILENO);
  const auto read_from = [&](off_t start, const std::string& after) {
    const std::string path = write_file("input", text);
    const int fd = ::open(path.c_str(), O_RDONLY);
    REQUIRE(::dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    ::close(fd);
    REQUIRE(::lseek(STDIN_FILENO, start, SEEK_SET) == start);
    auto source = ByteSource::open("-");
    std::vector<char> buffer(100);
    REQUIRE((*source)->read(buffer, -1)->state == ByteSource::State::kData);
    write_file("input", after);
    return std::string(buffer.data(), buffer.size()) + read_all(**source);
  };
  CHECK(read_from(0, text) == text);
  CHECK(read_from(5'000, text) == text.substr(5'000));
  CHECK(read_from(5'000, noise(600'000, 2)).find("standard input: was overwritten") !=
        std::string::npos);
  ::dup2(terminal, STDIN_FILENO);
  ::close(terminal);
}

std::string utf16(std::u16string_view text, bool big, bool mark) {
  std::string out;
  const auto put = [&](char16_t unit) {
    const char low = static_cast<char>(unit & 0xFF);
    const char high = static_cast<char>(unit >> 8);
    out += big ? high : low;
    out += big ? low : high;
  };
  if (mark) put(0xFEFF);
  for (const char16_t unit : text) put(unit);
  return out;
}

TEST_CASE("byte_source: UTF-16 with a byte order mark becomes UTF-8, plain and packed") {
  std::u16string text;
  std::string expected;
  for (int i = 0; i < 30'000; ++i) {
    text += u"a\u00e9\u20ac\U0001F600\n";
    expected += "a\u00e9\u20ac\U0001F600\n";
  }
  for (const bool big : {false, true}) {
    const std::string bytes = utf16(text, big, true);
    for (const std::string& path :
         {write_file("utf16.csv", bytes), write_file("utf16.csv.gz", gzip(bytes)),
          write_file("utf16.csv.zst", zstd(bytes))}) {
      for (const std::size_t chunk : {std::size_t{7}, std::size_t{100'000}}) {
        auto source = ByteSource::open(path);
        REQUIRE(source.ok());
        CHECK(read_all(**source, chunk) == expected);
        CHECK(!(*source)->is_verbatim());
        CHECK((*source)->offset() == expected.size());
        REQUIRE((*source)->rewind().ok());
        CHECK(read_all(**source, chunk) == expected);
        REQUIRE((*source)->rewind().ok());
        std::uint64_t newlines = 0;
        REQUIRE((*source)->skip_to(22, &newlines).ok());
        CHECK(newlines == 2);
        CHECK(read_all(**source, chunk) == expected.substr(22));
      }
    }
  }
  CHECK(read_file(write_file("mark", "\xFF\xFE")).empty());
}

TEST_CASE("byte_source: text of an encoding that is named becomes UTF-8") {
  const auto read = [](const std::string& bytes, const std::string& encoding) {
    auto source = ByteSource::open(write_file("named.csv", bytes), encoding);
    REQUIRE(source.ok());
    return read_all(**source);
  };
  CHECK(read("na\xEFve \x80", "latin1") == "na\u00efve \u0080");
  CHECK(read("\x80", "cp1252") == "\u20ac");
  CHECK(read("\xFFx", "latin1") == "\u00ffx");
  CHECK(read(utf16(u"a\u00e9", false, false), "utf-16le") == "a\u00e9");
  // UTF-8 is given out as it is, marks and all.
  CHECK(read("\xEF\xBB\xBF\xC3\xA9\xFF", "utf-8") == "\xEF\xBB\xBF\xC3\xA9\xFF");
}

TEST_CASE(
    "byte_source: what is no text of its encoding becomes what is no UTF-8, and costs no more") {
  const auto read = [](const std::string& bytes, const std::string& encoding) {
    auto source = ByteSource::open(write_file("broken.csv", bytes), encoding);
    REQUIRE(source.ok());
    return read_all(**source);
  };
  CHECK(read(utf16(u"a\xD800,b\n", false, true), "") == "a\xFF,b\n");  // half a pair
  CHECK(read(utf16(u"ab", false, true) + "c", "") == "ab\xFF");        // half a unit
  CHECK(read("a\x81z", "cp1252") == "a\xFFz");                         // nobody's byte
  CHECK(read("a\xC3", "euc-jp") == "a\xFF");
}

TEST_CASE("byte_source: a pipe of UTF-16 gives what it has, and idles between") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const std::string bytes = utf16(u"ab\n", false, true);
  auto source = ByteSource::open("/dev/fd/" + std::to_string(ends[0]));
  REQUIRE_MESSAGE(source.ok(), source.status().message());
  char out[64];
  REQUIRE(::write(ends[1], bytes.data(), 5) == 5);  // the mark, a character and a half
  auto read = (*source)->read(out, 0);
  // The first bytes, of which four are waited for, say what it is.
  REQUIRE(read.ok());
  CHECK(read->state == ByteSource::State::kData);
  CHECK(std::string_view(out, read->size) == "a");
  CHECK((*source)->read(out, 0)->state == ByteSource::State::kIdle);
  REQUIRE(::write(ends[1], bytes.data() + 5, 3) == 3);
  read = (*source)->read(out, 0);
  CHECK(std::string_view(out, read->size) == "b\n");
  ::close(ends[1]);
  CHECK((*source)->read(out, 0)->state == ByteSource::State::kEnd);
  ::close(ends[0]);
}

TEST_CASE("byte_source: counts raw bytes for the progress bar") {
  const std::string bytes = gzip(noise(500'000));
  auto source = ByteSource::open(write_file("progress.gz", bytes));
  CHECK((*source)->raw_size() == bytes.size());
  read_all(**source);
  CHECK((*source)->raw_bytes() == bytes.size());
  CHECK((*source)->offset() == 500'000);
}

TEST_CASE("byte_source: a missing file and a folder are refused") {
  const auto missing = ByteSource::open("/nonexistent/file.csv");
  CHECK(missing.status().code() == Code::kNoInput);
  CHECK(missing.status().message() ==
        "/nonexistent/file.csv: can't be opened: No such file or directory");
  const auto folder = ByteSource::open("/");
  CHECK(folder.status().message() == "/: expected a file, found a directory");
}

TEST_CASE("byte_source: a pipe without data idles until the time is over") {
  const std::string path = write_file("pipe", "");
  ::unlink(path.c_str());
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int writer = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  auto source = ByteSource::open(path);
  REQUIRE(source.ok());
  CHECK(!(*source)->is_file());
  std::vector<char> buffer(100);
  CHECK((*source)->read(buffer, 0)->state == ByteSource::State::kIdle);
  REQUIRE(::write(writer, "abcdef", 6) == 6);
  const auto read = (*source)->read(buffer, 1'000'000'000);
  CHECK(read->state == ByteSource::State::kData);
  CHECK(std::string(buffer.data(), read->size) == "abcdef");
  CHECK((*source)->read(buffer, 1'000'000)->state == ByteSource::State::kIdle);
  ::close(writer);
  CHECK((*source)->read(buffer, -1)->state == ByteSource::State::kEnd);
}

}  // namespace
}  // namespace mayfly
