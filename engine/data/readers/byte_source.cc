#include "mayfly/data/readers/byte_source.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "mayfly/data/readers/decoder.h"
#include "mayfly/data/readers/text_decoder.h"

namespace mayfly {
namespace {

constexpr std::size_t kInputBytes = 256 << 10;
constexpr std::size_t kMagicBytes = 4;
// The kernel is asked for this much beyond what is read, so that the disk works while rows are
// parsed.
constexpr std::uint64_t kAhead = 8ull << 20;

constexpr std::size_t kTextBytes = 64 << 10;
// Of a file: another text that is written into it has others.
constexpr std::size_t kBeginning = 4096;

std::string error_text(int error) { return std::generic_category().message(error); }

}  // namespace

Encoding detect_encoding(std::span<const char> head) {
  const auto byte = [head](std::size_t i) {
    return i < head.size() ? static_cast<unsigned char>(head[i]) : 0u;
  };
  if (byte(0) == 0x1F && byte(1) == 0x8B) return Encoding::kGzip;
  const std::uint32_t magic = byte(0) | byte(1) << 8 | byte(2) << 16 | byte(3) << 24;
  constexpr std::uint32_t kFrame = 0xFD2FB528u;
  constexpr std::uint32_t kSkippable = 0x184D2A50u;  // the last four bits are anything
  if (magic == kFrame || (magic & 0xFFFFFFF0u) == kSkippable) return Encoding::kZstd;
  return Encoding::kPlain;
}

// Text on its way to UTF-8; without a decoder the first bytes, which were looked at.
struct ByteSource::Text {
  struct Buffer {
    std::unique_ptr<char[]> data;
    std::size_t begin = 0;
    std::size_t end = 0;

    std::size_t size() const { return end - begin; }
  };

  std::unique_ptr<TextDecoder> decoder;
  Buffer in;
  Buffer out;
  bool at_end = false;
};

Result<std::unique_ptr<ByteSource>> ByteSource::open(const std::string& path,
                                                     std::string text_encoding) {
  const bool is_stdin = path == "-";
  const int fd = is_stdin ? STDIN_FILENO : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    const int reason = errno;
    return Status(
        Code::kNoInput,
        path + ": can't be opened: " + error_text(reason) +
            (reason == EACCES ? "; this user must be able to read it, and to enter its folders"
                              : ""));
  }
  std::unique_ptr<ByteSource> source(
      new ByteSource(is_stdin ? "standard input" : path, fd, !is_stdin, std::move(text_encoding)));
  struct stat info {};
  if (::fstat(fd, &info) != 0) {
    return Status(Code::kNoInput, source->name_ + ": can't be examined: " + error_text(errno));
  }
  if (S_ISDIR(info.st_mode)) {
    return Status(Code::kNoInput, path + ": expected a file, found a directory");
  }
  source->is_file_ = S_ISREG(info.st_mode) && !is_stdin;
  if (S_ISREG(info.st_mode)) source->raw_size_ = static_cast<std::uint64_t>(info.st_size);
  if (is_stdin && source->raw_size_ > 0) {
    const off_t at = ::lseek(fd, 0, SEEK_CUR);
    source->start_ = at > 0 ? static_cast<std::uint64_t>(at) : 0;
  }
  if (source->is_file_) ::posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
  return source;
}

ByteSource::ByteSource(std::string name, int fd, bool owned, std::string text_encoding)
    : name_(std::move(name)), fd_(fd), owned_(owned), text_encoding_(std::move(text_encoding)) {}

ByteSource::~ByteSource() {
  if (owned_) ::close(fd_);
}

void ByteSource::announce() {
  if (!is_file_ || raw_read_ + kAhead / 2 < announced_ || announced_ >= raw_size_) return;
  const std::uint64_t from = std::max(announced_, raw_read_);
  ::posix_fadvise(fd_, static_cast<off_t>(from), static_cast<off_t>(kAhead), POSIX_FADV_WILLNEED);
  announced_ = from + kAhead;
}

// Bytes of the file as they are.
Result<ByteSource::Chunk> ByteSource::read_raw(std::span<char> out, std::int64_t timeout_ns) {
  if (raw_end_) return Chunk{0, State::kEnd};
  announce();
  for (;;) {
    if (!is_file_ && timeout_ns >= 0) {
      pollfd ready{fd_, POLLIN, 0};
      const timespec timeout{timeout_ns / 1'000'000'000, timeout_ns % 1'000'000'000};
      const int count = ::ppoll(&ready, 1, &timeout, nullptr);
      if (count == 0 || (count < 0 && errno == EINTR)) return Chunk{0, State::kIdle};
    }
    const ssize_t size = ::read(fd_, out.data(), out.size());
    if (size > 0) {
      keep_beginning(out.first(static_cast<std::size_t>(size)));
      raw_read_ += static_cast<std::uint64_t>(size);
      return Chunk{static_cast<std::size_t>(size), State::kData};
    }
    if (size == 0) {
      MAYFLY_RETURN_IF_ERROR(check_not_cut());
      // The files of /sys hold less than they say, and what they hold is made, too.
      const bool is_whole = start_ + raw_read_ >= raw_size_;
      if (is_whole) MAYFLY_RETURN_IF_ERROR(check_not_overwritten());
      raw_end_ = true;
      return Chunk{0, State::kEnd};
    }
    if (errno == EAGAIN) {
      pollfd ready{fd_, POLLIN, 0};
      ::ppoll(&ready, 1, nullptr, nullptr);
    } else if (errno != EINTR) {
      return Status(Code::kIo, name_ + ": can't be read at byte " + std::to_string(raw_read_) +
                                   ": " + error_text(errno));
    }
  }
}

// At the end: a file that has become shorter than it was has lost rows that it had. One that says
// more than it holds (/sys) or that grew hasn't.
Status ByteSource::check_not_cut() const {
  if (raw_read_ >= raw_size_) return {};
  struct stat info {};
  if (::fstat(fd_, &info) != 0 || static_cast<std::uint64_t>(info.st_size) >= raw_size_) return {};
  return Status(Code::kNoInput,
                name_ + ": was cut while it was read: expected " + std::to_string(raw_size_) +
                    " bytes, its size when it was opened, found " + std::to_string(info.st_size) +
                    " after " + std::to_string(raw_read_) +
                    " were read; when it is whole again, read it from its start");
}

// From what is read first, or, where that is behind it, from the file. What has no size is made
// while it is read (/proc), and may be another each time.
void ByteSource::keep_beginning(std::span<const char> read) {
  if (raw_size_ == 0 || beginning_is_known_.load(std::memory_order_relaxed)) return;
  if (raw_read_ == 0) {
    beginning_.assign(read.data(), std::min(kBeginning, read.size()));
  } else {
    beginning_.resize(kBeginning);
    const ssize_t size =
        ::pread(fd_, beginning_.data(), beginning_.size(), static_cast<off_t>(start_));
    beginning_.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  beginning_is_known_.store(true, std::memory_order_release);
}

// Of a file into which another one was written (cp) some rows are of the one, and some of the
// other.
Status ByteSource::check_not_overwritten() const {
  if (beginning_.empty()) return {};
  std::string now(beginning_.size(), '\0');
  const ssize_t size = ::pread(fd_, now.data(), now.size(), static_cast<off_t>(start_));
  if (size != static_cast<ssize_t>(now.size()) || now == beginning_) return {};
  return Status(
      Code::kNoInput,
      name_ + ": was overwritten while it was read: expected its first " +
          std::to_string(now.size()) +
          " bytes to be those that were read, found others; rows before the end are of "
          "the one text or of the other; read it from its start when nobody writes to it");
}

// More raw bytes behind those that wait in the input buffer.
Result<ByteSource::Chunk> ByteSource::fill_input(std::int64_t timeout_ns) {
  if (input_begin_ > 0) {
    std::memmove(input_.get(), input_.get() + input_begin_, input_end_ - input_begin_);
    input_end_ -= input_begin_;
    input_begin_ = 0;
  }
  MAYFLY_ASSIGN_OR_RETURN(
      const Chunk chunk,
      read_raw({input_.get() + input_end_, kInputBytes - input_end_}, timeout_ns));
  input_end_ += chunk.size;
  return chunk;
}

// Reads the first bytes, which say what the rest is. kData when that is known.
Result<ByteSource::Chunk> ByteSource::detect(std::int64_t timeout_ns) {
  if (input_ == nullptr) input_.reset(new char[kInputBytes]);  // not zeroed: pages unused
  while (input_end_ < kMagicBytes && !raw_end_) {
    MAYFLY_ASSIGN_OR_RETURN(const Chunk chunk, fill_input(timeout_ns));
    if (chunk.state == State::kIdle) return chunk;
  }
  encoding_ = detect_encoding({input_.get(), input_end_});
  detected_ = true;
  return Chunk{0, State::kData};
}

void ByteSource::drop_input() {
  input_.reset();
  input_begin_ = input_end_ = 0;
  decoder_.reset();
}

Result<ByteSource::Chunk> ByteSource::read(std::span<char> out, std::int64_t timeout_ns) {
  if (!detected_) {
    MAYFLY_ASSIGN_OR_RETURN(const Chunk known, detect(timeout_ns));
    if (known.state != State::kData) return known;
  }
  if (!text_known_) {
    MAYFLY_ASSIGN_OR_RETURN(const Chunk known, detect_text(timeout_ns));
    if (known.state != State::kData) return known;
  }
  auto chunk = text_ == nullptr ? read_bytes(out, timeout_ns) : read_text(out, timeout_ns);
  if (chunk.ok()) offset_ += chunk->size;
  return chunk;
}

Result<ByteSource::Chunk> ByteSource::read_bytes(std::span<char> out, std::int64_t timeout_ns) {
  return encoding_ == Encoding::kPlain ? read_plain(out, timeout_ns)
                                       : read_decoded(out, timeout_ns);
}

// kData when it is known whether the text is to be decoded.
Result<ByteSource::Chunk> ByteSource::detect_text(std::int64_t timeout_ns) {
  std::string_view encoding = text_encoding_;
  if (encoding.empty() && encoding_ == Encoding::kPlain) {
    encoding = encoding_of_mark({input_.get(), input_end_});
  } else if (encoding.empty()) {
    // What is unpacked to see it is kept.
    if (text_ == nullptr) {
      text_ = std::make_unique<Text>();
      text_->in.data.reset(new char[kTextBytes]);
    }
    Text::Buffer& in = text_->in;
    while (in.end < kMagicBytes && !text_->at_end) {
      MAYFLY_ASSIGN_OR_RETURN(
          const Chunk chunk, read_bytes({in.data.get() + in.end, kTextBytes - in.end}, timeout_ns));
      if (chunk.state == State::kIdle) return chunk;
      text_->at_end = chunk.state == State::kEnd;
      in.end += chunk.size;
    }
    encoding = encoding_of_mark({in.data.get(), in.end});
  }
  text_known_ = true;
  auto decoder = TextDecoder::make(std::string(encoding));
  if (decoder == nullptr) return Chunk{0, State::kData};
  if (text_ == nullptr) text_ = std::make_unique<Text>();
  text_->decoder = std::move(decoder);
  return Chunk{0, State::kData};
}

Result<ByteSource::Chunk> ByteSource::read_text(std::span<char> out, std::int64_t timeout_ns) {
  Text::Buffer& from = text_->decoder != nullptr ? text_->out : text_->in;
  for (;;) {
    if (from.size() > 0) {
      const std::size_t size = std::min(from.size(), out.size());
      std::memcpy(out.data(), from.data.get() + from.begin, size);
      from.begin += size;
      // Only its beginning was looked at: the rest is read to where it is wanted.
      if (text_->decoder == nullptr && from.size() == 0) text_.reset();
      return Chunk{size, State::kData};
    }
    if (text_->decoder == nullptr) {  // not one byte
      text_.reset();
      return Chunk{0, State::kEnd};
    }
    Text::Buffer& in = text_->in;
    if (text_->at_end && in.size() == 0) {
      in = {};
      from = {};
      return Chunk{0, State::kEnd};
    }
    if (from.data == nullptr) from.data.reset(new char[kTextBytes]);
    if (in.data == nullptr) in.data.reset(new char[kTextBytes]);
    bool idle = false;
    if (!text_->at_end && in.size() < TextDecoder::kCharacterMax) {
      std::memmove(in.data.get(), in.data.get() + in.begin, in.size());
      in.end = in.size();
      in.begin = 0;
      MAYFLY_ASSIGN_OR_RETURN(
          const Chunk chunk, read_bytes({in.data.get() + in.end, kTextBytes - in.end}, timeout_ns));
      idle = chunk.state == State::kIdle;
      text_->at_end = chunk.state == State::kEnd;
      in.end += chunk.size;
    }
    const TextDecoder::Step step = text_->decoder->decode(
        {in.data.get() + in.begin, in.size()}, {from.data.get(), kTextBytes}, text_->at_end);
    in.begin += step.consumed;
    from.begin = 0;
    from.end = step.produced;
    if (idle && step.consumed == 0) return Chunk{0, State::kIdle};  // half a character waits
  }
}

Result<ByteSource::Chunk> ByteSource::read_plain(std::span<char> out, std::int64_t timeout_ns) {
  Chunk chunk{std::min(out.size(), input_end_ - input_begin_), State::kData};
  if (chunk.size > 0) {  // what was read to see what it is
    std::memcpy(out.data(), input_.get() + input_begin_, chunk.size);
    input_begin_ += chunk.size;
  } else {
    MAYFLY_ASSIGN_OR_RETURN(chunk, read_raw(out, timeout_ns));
  }
  // All the rest is read to where it is wanted.
  if (input_begin_ == input_end_) drop_input();
  raw_bytes_.fetch_add(chunk.size, std::memory_order_relaxed);  // a counter: orders nothing
  return chunk;
}

Result<ByteSource::Chunk> ByteSource::read_decoded(std::span<char> out, std::int64_t timeout_ns) {
  if (decoded_) return Chunk{0, State::kEnd};
  if (decoder_ == nullptr) {
    MAYFLY_RETURN_IF_ERROR(make_decoder());
  }
  for (;;) {
    if (broken_ == kWindowTooLarge) {
      return Status(Code::kIo,
                    name_ +
                        ": expected zstd data with a window of at most 128 MiB, found a larger "
                        "one; unpack it by zstd -d --long=31 and read what comes of it");
    }
    if (broken_ != nullptr) return corrupt(broken_);
    const std::span<const char> in(input_.get() + input_begin_, input_end_ - input_begin_);
    const Decoder::Step step = decoder_->decode(in, out);
    input_begin_ += step.consumed;
    raw_bytes_.fetch_add(step.consumed, std::memory_order_relaxed);  // a counter: orders nothing
    broken_ = step.error;
    if (step.produced > 0) return Chunk{step.produced, State::kData};
    if (step.consumed > 0 || broken_ != nullptr) continue;
    MAYFLY_ASSIGN_OR_RETURN(const Chunk chunk, fill_input(timeout_ns));
    if (chunk.state == State::kIdle) return chunk;
    if (chunk.state == State::kEnd) {
      decoded_ = decoder_->complete() && input_begin_ == input_end_;
      if (decoded_) {
        drop_input();
        return chunk;
      }
      return corrupt("it ends in the middle, so it was cut off; get the whole file again");
    }
  }
}

Status ByteSource::make_decoder() {
  if (input_ == nullptr) input_.reset(new char[kInputBytes]);  // rewound
  decoder_ = mayfly::make_decoder(encoding_);
  if (decoder_ != nullptr) return {};
  return {Code::kInternal, name_ + ": no memory for decompression"};
}

Status ByteSource::corrupt(const std::string& what) const {
  const char* const kind = encoding_ == Encoding::kGzip ? "gzip" : "zstd";
  return Status(Code::kIo, name_ + ": the " + kind + " data is broken at byte " +
                               std::to_string(raw_bytes()) + " of the file (after " +
                               std::to_string(offset_) + " uncompressed bytes): " + what);
}

Status ByteSource::skip_to(std::uint64_t byte, std::uint64_t* newlines, char newline) {
  if (!detected_) MAYFLY_RETURN_IF_ERROR(detect(-1).status());
  if (!text_known_) MAYFLY_RETURN_IF_ERROR(detect_text(-1).status());
  const bool jumps = is_file_ && is_verbatim() && newlines == nullptr;
  if (jumps && byte >= offset_ && byte <= raw_size_) return seek(byte);
  std::unique_ptr<char[]> scratch = std::make_unique<char[]>(kInputBytes);
  while (offset_ < byte) {
    const std::size_t want = std::min<std::uint64_t>(kInputBytes, byte - offset_);
    MAYFLY_ASSIGN_OR_RETURN(const Chunk chunk, read({scratch.get(), want}, -1));
    if (chunk.state == State::kEnd) {
      return Status(Code::kNoInput, name_ + ": expected at least " + std::to_string(byte) +
                                        " uncompressed bytes, found " + std::to_string(offset_));
    }
    if (newlines != nullptr) {
      *newlines += static_cast<std::uint64_t>(
          std::count(scratch.get(), scratch.get() + chunk.size, newline));
    }
  }
  return {};
}

// Of plain data, or to the first byte.
Status ByteSource::seek(std::uint64_t byte) {
  if (::lseek(fd_, static_cast<off_t>(byte), SEEK_SET) < 0) {
    return Status(Code::kIo,
                  name_ + ": can't go to byte " + std::to_string(byte) + ": " + error_text(errno));
  }
  drop_input();
  drop_text();
  raw_end_ = decoded_ = false;
  broken_ = nullptr;
  raw_read_ = offset_ = byte;
  raw_bytes_.store(byte, std::memory_order_relaxed);  // a counter: orders nothing
  return {};
}

// What was read of it; how it is to be decoded stays known.
void ByteSource::drop_text() {
  if (text_ == nullptr) return;
  auto decoder = std::move(text_->decoder);
  text_.reset();
  if (decoder == nullptr) return;
  decoder->reset();
  text_ = std::make_unique<Text>();
  text_->decoder = std::move(decoder);
}

Status ByteSource::rewind() {
  announced_ = 0;
  // Who waits in between sees to it that the file stays as it is.
  beginning_is_known_.store(false, std::memory_order_relaxed);
  beginning_.clear();
  return seek(0);
}

}  // namespace mayfly
