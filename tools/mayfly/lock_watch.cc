#include "tools/mayfly/lock_watch.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "mayfly/plugin/options.h"

namespace mayfly::cli {
namespace {

using std::chrono::milliseconds;

// Shorter waits aren't worth a line.
constexpr milliseconds kPatience{250};

// Where SQLite locks: PENDING, RESERVED and SHARED of a database; the writer's byte of a -shm file
// (sqlite.org/fileformat2.html, walformat.html).
constexpr std::uint64_t kLockBytes = 0x40000000;
constexpr std::uint64_t kLockBytesEnd = kLockBytes + 512;
constexpr std::uint64_t kWalWriteByte = 120;

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    words.push_back(line.substr(0, line.find(' ')));
    line.remove_prefix(words.back().size());
  }
}

std::uint64_t number_in(std::string_view text, std::uint64_t otherwise) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : otherwise;
}

struct HeldLock {
  pid_t pid = 0;
  std::uint64_t inode = 0;
  std::uint64_t begin = 0;
  std::uint64_t last = 0;
  bool write = false;
};

// "1: POSIX  ADVISORY  WRITE 4711 08:01:131 1073741825 1073741825"; pid 0: another kind of line.
// The device isn't looked at: stacked file systems show another one than stat does.
HeldLock held_lock_in(std::string_view line) {
  const std::vector<std::string_view> words = words_of(line);
  if (words.size() != 8 || words[1] != "POSIX") return {};
  return {.pid = static_cast<pid_t>(number_in(words[4], 0)),
          .inode = number_in(words[5].substr(words[5].rfind(':') + 1), 0),
          .begin = number_in(words[6], 0),
          .last = number_in(words[7], UINT64_MAX),
          .write = words[3] == "WRITE"};
}

std::string text_of(const std::string& path) {
  std::ifstream stream(path);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::uint64_t inode_of(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 ? info.st_ino : 0;
}

// "process 4711 (sqlite3)"
std::string process_text(pid_t pid) {
  std::string name = text_of(fmt::format("/proc/{}/comm", pid));
  while (!name.empty() && name.back() == '\n') name.pop_back();
  return name.empty() ? fmt::format("process {}", pid) : fmt::format("process {} ({})", pid, name);
}

}  // namespace

pid_t lock_holder_in(std::string_view locks, std::uint64_t database_inode, std::uint64_t shm_inode,
                     pid_t self) {
  pid_t reader = 0;
  while (!locks.empty()) {
    const std::string_view line = locks.substr(0, locks.find('\n'));
    locks.remove_prefix(std::min(line.size() + 1, locks.size()));
    const HeldLock lock = held_lock_in(line);
    if (lock.pid == 0 || lock.pid == self) continue;
    const bool of_database =
        lock.inode == database_inode && lock.begin < kLockBytesEnd && lock.last >= kLockBytes;
    const bool of_wal_writer = shm_inode != 0 && lock.inode == shm_inode &&
                               lock.begin <= kWalWriteByte && lock.last >= kWalWriteByte;
    if (lock.write && (of_database || of_wal_writer)) return lock.pid;
    // Readers keep nobody waiting but who ends a transaction without a WAL, or changes to one.
    if (of_database && shm_inode == 0) reader = lock.pid;
  }
  return reader;
}

LockWatch::LockWatch(std::string database, std::int64_t wait_ns, Opener opener, Console& console,
                     const Clock& clock)
    : database_(std::move(database)),
      wait_ns_(wait_ns),
      opener_(opener),
      console_(console),
      clock_(clock) {
  if (!console_.shows(Level::kNote)) return;
  try {
    thread_ = std::thread([this] { watch(); });
  } catch (const std::system_error&) {
    return;  // then it isn't told; the waiting itself is SQLite's
  }
}

LockWatch::~LockWatch() {
  {
    const std::lock_guard lock(mutex_);
    done_ = true;
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void LockWatch::watch() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kPatience, [this] { return done_; })) {
    if (tell()) return;
  }
}

// What else takes long at open (a large file's types, say) isn't waiting.
bool LockWatch::may_wait(const std::string& path) const {
  return opener_ == Opener::kCommand ||
         text_of(path + "-mayfly.lock").starts_with(fmt::format("process {},", ::getpid()));
}

bool LockWatch::tell() {
  std::error_code error;
  const std::string path = std::filesystem::canonical(database_, error).string();
  if (error || !may_wait(path)) return false;
  const pid_t holder =
      lock_holder_in(text_of("/proc/locks"), inode_of(path), inode_of(path + "-shm"), ::getpid());
  if (holder == 0) return false;
  const std::chrono::sys_seconds until{
      std::chrono::seconds((clock_.wall_us() + wait_ns_ / kMicrosecond) / 1'000'000)};
  console_.note(
      fmt::format("waiting for {}, which has {} locked, until {:%H:%M:%S} UTC ({}) at "
                  "the latest",
                  process_text(holder), database_, fmt::gmtime(until), format_duration(wait_ns_)));
  return true;
}

}  // namespace mayfly::cli
