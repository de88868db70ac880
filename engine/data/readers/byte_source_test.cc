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

std::string noise(std::size_t size) {
  Rng rng(5);
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
