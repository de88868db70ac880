#include "mayfly/file/fingerprint.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>

namespace mayfly::file {
namespace {

constexpr std::uint64_t kHashed = 4096;

// As far as the bytes are there: a file that became shorter has another size.
std::uint64_t hash_range(int fd, std::uint64_t begin, std::uint64_t size) {
  std::uint64_t hash = kHashOfNothing;
  std::array<char, kHashed> bytes;
  while (size > 0) {
    const ssize_t part = ::pread(fd, bytes.data(), std::min<std::uint64_t>(size, bytes.size()),
                                 static_cast<off_t>(begin));
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) break;
    hash = hash_of({bytes.data(), static_cast<std::size_t>(part)}, hash);
    begin += static_cast<std::uint64_t>(part);
    size -= static_cast<std::uint64_t>(part);
  }
  return hash;
}

std::string_view field(std::string_view fingerprint, std::string_view name) {
  const std::size_t at = fingerprint.find(name);
  if (at == std::string_view::npos) return {};
  const std::string_view rest = fingerprint.substr(at + name.size());
  return rest.substr(0, rest.find(','));
}

std::string_view without_shape(std::string_view fingerprint) {
  return fingerprint.substr(0, fingerprint.find(",shape="));
}

std::string hex(std::uint64_t number) {
  std::array<char, 16> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16).ptr;
  return {digits.data(), end};
}

}  // namespace

std::string fingerprint_at(int fd, bool verbatim, std::uint64_t byte, std::uint64_t size_seen) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return {};
  const std::uint64_t begin = verbatim && byte > kHashed ? byte - kHashed : 0;
  const std::uint64_t hash = hash_range(fd, begin, verbatim ? byte - begin : kHashed);
  return "dev=" + std::to_string(info.st_dev) + ",ino=" + std::to_string(info.st_ino) +
         ",size=" + std::to_string(std::max(static_cast<std::uint64_t>(info.st_size), size_seen)) +
         ",hash=" + hex(hash);
}

std::string with_shape(std::string fingerprint, std::uint64_t shape) {
  return fingerprint.empty() ? fingerprint : fingerprint + ",shape=" + hex(shape);
}

bool has_other_shape(std::string_view was, std::string_view is) {
  const std::string_view before = field(was, "shape=");
  const std::string_view now = field(is, "shape=");
  return !before.empty() && !now.empty() && before != now;
}

std::string with_beginning(std::string fingerprint, std::string_view beginning) {
  if (fingerprint.empty() || beginning.empty()) return fingerprint;
  return fingerprint + ",begin=" + std::to_string(beginning.size()) + "." + hex(hash_of(beginning));
}

bool begins_otherwise(std::string_view was, int fd) {
  const std::string_view said = field(was, "begin=");
  std::size_t size = 0;
  std::from_chars(said.data(), said.data() + said.size(), size);
  if (size == 0 || size > kHashed) return false;
  const std::string now = bytes_at(fd, 0, size);
  return said != std::to_string(size) + "." + hex(hash_of(now));
}

bool has_same_content(std::string_view was, std::string_view is) {
  return field(was, "hash=") == field(is, "hash=");
}

std::uint64_t hash_of(std::span<const char> bytes, std::uint64_t hash) {
  for (const char byte : bytes) {
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001B3u;
  }
  return hash;
}

std::uint64_t size_of(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

std::string bytes_at(int fd, std::uint64_t offset, std::size_t size) {
  std::string bytes(size, '\0');
  ssize_t got = 0;
  do {
    got = ::pread(fd, bytes.data(), size, static_cast<off_t>(offset));
  } while (got < 0 && errno == EINTR);
  bytes.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return bytes;
}

std::string state_of(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return {};
  return std::to_string(info.st_size) + " " + std::to_string(info.st_mtim.tv_sec) + "." +
         std::to_string(info.st_mtim.tv_nsec);
}

bool is_same_file(int one, int other) {
  struct stat first {};
  struct stat second {};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 &&
         first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

std::string describe_difference(std::string_view was, std::string_view is) {
  if (without_shape(was) == without_shape(is)) return {};
  constexpr std::string_view kNames[][2] = {
      {"dev=", "its device"}, {"ino=", "its inode"}, {"size=", "its size"}};
  std::string out;
  for (const auto& [name, words] : kNames) {
    const std::string_view before = field(was, name);
    const std::string_view now = field(is, name);
    if (before == now) continue;
    out += out.empty() ? "" : ", ";
    out += std::string(words) + " was " + std::string(before) + " and is " + std::string(now);
  }
  if (!has_same_content(was, is)) {
    out += out.empty() ? "" : ", ";
    out += "its content before the mark is another";
  }
  return out.empty() ? "its fingerprint is of another kind" : out;
}

}  // namespace mayfly::file
