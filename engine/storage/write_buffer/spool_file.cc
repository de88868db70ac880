#include "mayfly/storage/write_buffer/spool_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>
#include <system_error>

#include "mayfly/storage/write_buffer/spool_record.h"

namespace mayfly {
namespace {

// As it stands at the beginning of a file, twice: without its key no record is found again, so one
// damaged byte would cost them all.
struct RawHeader {
  char magic[8];
  std::uint64_t high, low, base;
  std::uint32_t key_length, key_crc;
  std::uint32_t is_all;
  std::uint32_t crc;  // of what stands before it
};
constexpr std::size_t kCopies = 2;
static_assert(kCopies * sizeof(RawHeader) == SpoolFile::kHeaderBytes);
// The last digit is the format's. 1 had no key and no copy.
constexpr char kMagic[] = "mfspool2";
constexpr std::size_t kMagicBytes = sizeof(RawHeader::magic);

DbError not_a_spool(const std::string& path, const std::string& found) {
  return {.kind = DbError::Kind::kCorrupt,
          .message = "opening " + path + ": expected the spool of a write buffer, found " + found};
}

std::uint32_t crc_of(const RawHeader& raw) {
  return crc32c({reinterpret_cast<const char*>(&raw), offsetof(RawHeader, crc)});
}

// -1: an error that errno tells.
ssize_t read_whole(int fd, char* to, std::size_t size, std::size_t at) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, to + done, size - done, static_cast<off_t>(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  return static_cast<ssize_t>(done);
}

}  // namespace

DbError system_error(int number, const std::string& doing) {
  using Kind = DbError::Kind;
  const Kind kind = number == ENOSPC || number == EDQUOT || number == EFBIG ? Kind::kFull
                    : number == EROFS                                       ? Kind::kReadOnly
                    : number == ENOENT || number == EACCES || number == ENOTDIR || number == EISDIR
                        ? Kind::kCannotOpen
                        : Kind::kIo;
  return {.kind = kind, .message = doing + ": " + std::generic_category().message(number)};
}

void sync_folder_of(const std::string& path) noexcept {
  try {
    const std::string folder = std::filesystem::path(path).parent_path().string();
    const int fd =
        ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    ::fsync(fd);
    ::close(fd);
  } catch (const std::bad_alloc&) {
  }
}

std::string SpoolId::text() const {
  char digits[33];
  std::snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
  return digits;
}

SpoolFile::~SpoolFile() { ::close(fd_); }

DbResult<std::shared_ptr<SpoolFile>> SpoolFile::create(const std::string& path,
                                                       const SpoolHeader& header) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) return system_error(errno, "creating spool " + path);
  std::shared_ptr<SpoolFile> file(new SpoolFile(fd, path));
  RawHeader raw{.magic = {},
                .high = header.id.high,
                .low = header.id.low,
                .base = header.base,
                .key_length = header.id.key.length,
                .key_crc = header.id.key.crc,
                .is_all = header.is_all ? 1u : 0u,
                .crc = 0};
  std::memcpy(raw.magic, kMagic, sizeof raw.magic);
  raw.crc = crc_of(raw);
  file->header_ = header;
  const std::array<RawHeader, kCopies> both = {raw, raw};
  const auto written = file->append({reinterpret_cast<const char*>(both.data()), sizeof both});
  if (!written.ok()) return written.error();
  return file;
}

DbResult<std::shared_ptr<SpoolFile>> SpoolFile::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT) return std::shared_ptr<SpoolFile>();
  if (fd < 0) return system_error(errno, "opening spool " + path);
  std::shared_ptr<SpoolFile> file(new SpoolFile(fd, path));
  struct stat status {};
  std::array<RawHeader, kCopies> both{};
  const ssize_t got = read_whole(fd, reinterpret_cast<char*>(both.data()), sizeof both, 0);
  if (got < 0 || ::fstat(fd, &status) != 0) return system_error(errno, "reading spool " + path);
  const auto bytes = static_cast<std::size_t>(got);
  bool is_named = false;  // as a spool, by some copy
  for (const RawHeader& raw : both) {
    const bool is_magic = std::memcmp(raw.magic, kMagic, kMagicBytes) == 0;
    is_named = is_named || is_magic;
    if (bytes < sizeof both || !is_magic || raw.crc != crc_of(raw)) continue;
    file->header_ = {.id = {raw.high, raw.low, {raw.key_length, raw.key_crc}},
                     .base = raw.base,
                     .is_all = raw.is_all != 0};
    file->size_ = static_cast<std::size_t>(status.st_size);
    return file;
  }
  const char* const magic = both.front().magic;
  if (is_named || std::memcmp(magic, kMagic, std::min(bytes, kMagicBytes)) == 0) {
    return std::shared_ptr<SpoolFile>();
  }
  if (std::memcmp(magic, kMagic, kMagicBytes - 1) == 0 && magic[kMagicBytes - 1] == '1') {
    return not_a_spool(path,
                       "one of format 1, which an earlier Mayfly made and this one doesn't read; "
                       "let that one write what is in it, or name another file");
  }
  return not_a_spool(path, "something else; name another file");
}

DbResult<void> SpoolFile::append(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t put =
        ::pwrite(fd_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(size_ + done));
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) {
      const int number = put < 0 ? errno : EIO;
      if (done != 0) {
        if (const auto cut = truncate(size_); !cut.ok()) broken_ = true;
      }
      return system_error(number, "writing to spool " + path_);
    }
    done += static_cast<std::size_t>(put);
  }
  size_ += done;
  return {};
}

DbResult<void> SpoolFile::truncate(std::size_t size) {
  if (::ftruncate(fd_, static_cast<off_t>(size)) != 0) {
    broken_ = true;
    return system_error(errno, "shortening spool " + path_);
  }
  size_ = size;
  return {};
}

DbResult<void> SpoolFile::sync() {
  if (::fdatasync(fd_) == 0) return {};
  return system_error(errno, "syncing spool " + path_);
}

DbResult<std::string> SpoolFile::read_all() const {
  std::string all(size_ - kHeaderBytes, '\0');
  const ssize_t got = read_whole(fd_, all.data(), all.size(), kHeaderBytes);
  if (got < 0) return system_error(errno, "reading spool " + path_);
  all.resize(static_cast<std::size_t>(got));
  return all;
}

SpoolLock::~SpoolLock() {
  if (fd_ >= 0) ::close(fd_);
}

DbResult<void> SpoolLock::acquire(const std::string& path) {
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd_ < 0) return system_error(errno, "opening " + path);
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  // Of the open file, not of the process: a second buffer of this process is refused, too.
  if (::fcntl(fd_, F_OFD_SETLK, &lock) == 0) return {};
  if (errno != EAGAIN && errno != EACCES) return system_error(errno, "locking " + path);
  return DbError{.kind = DbError::Kind::kBusy,
                 .message = "locking " + path +
                            ": expected a spool of this buffer's own, found one that another "
                            "has open"};
}

}  // namespace mayfly
