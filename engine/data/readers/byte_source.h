// ByteSource: the bytes of a file, a pipe or standard input, decompressed by content.
//
// CONTENT    Gzip (any number of members) and zstd (any number of frames) are told by their first
//            bytes, whatever the file is called; everything else is plain.
// MEMORY     Plain bytes are read straight into the caller's buffer; a compressed file has one
//            input buffer of 256 KiB and the decoder's window, from its first bytes to its end or
//            rewind(). Never a whole file, never mmap.
// ERRORS     A truncated or corrupt archive is told with the file's name and the byte where it was
//            found; what came before it was good and has been given out. A file that has become
//            shorter than it was when it was opened is told at its end (kNoInput).
// THREADS    One at a time; raw_bytes() from any.
// UNITS      Offsets are of uncompressed bytes unless they are called raw.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "mayfly/base/status.h"

namespace mayfly {

// How the bytes of a file are packed.
enum class Encoding : std::uint8_t { kPlain, kGzip, kZstd };

// By the first bytes of a file; four are enough.
Encoding detect_encoding(std::span<const char> head);

class Decoder;

class ByteSource {
 public:
  enum class State : std::uint8_t { kData, kIdle, kEnd };
  struct Chunk {
    std::size_t size = 0;  // bytes in the buffer, with kData
    State state = State::kEnd;
  };

  // "-" is standard input. Doesn't read yet.
  static Result<std::unique_ptr<ByteSource>> open(const std::string& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // At least one byte into `out`, or kIdle when none came within timeout_ns (files never idle; -1
  // waits for ever), or kEnd.
  Result<Chunk> read(std::span<char> out, std::int64_t timeout_ns);
  // Goes to an uncompressed offset behind the current one. Where newlines are to be counted, which
  // adds those on the way to *newlines, everything is read; otherwise plain files jump.
  Status skip_to(std::uint64_t byte, std::uint64_t* newlines = nullptr);
  // To the first byte again, of a regular file; keeps no memory until the next read.
  Status rewind();

  const std::string& name() const { return name_; }  // the path, or "standard input"
  int fd() const { return fd_; }
  bool is_file() const { return is_file_; }  // a regular file: has a size, can be read again
  std::uint64_t raw_size() const { return raw_size_; }  // 0 when unknown
  std::uint64_t raw_bytes() const { return raw_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t offset() const { return offset_; }
  // Known after the first read.
  Encoding encoding() const { return encoding_; }

 private:
  ByteSource(std::string name, int fd, bool owned);

  Result<Chunk> read_raw(std::span<char> out, std::int64_t timeout_ns);
  Status check_not_cut() const;
  Status seek(std::uint64_t byte);
  void drop_input();
  Status make_decoder();
  Result<Chunk> fill_input(std::int64_t timeout_ns);
  Result<Chunk> detect(std::int64_t timeout_ns);
  Result<Chunk> read_plain(std::span<char> out, std::int64_t timeout_ns);
  Result<Chunk> read_decoded(std::span<char> out, std::int64_t timeout_ns);
  Status corrupt(const std::string& what) const;
  void announce();

  std::string name_;
  int fd_;
  bool owned_;
  bool is_file_ = false;
  bool detected_ = false;
  bool raw_end_ = false;
  bool decoded_ = false;  // all that is packed was given out
  Encoding encoding_ = Encoding::kPlain;
  std::uint64_t raw_size_ = 0;
  std::atomic<std::uint64_t> raw_bytes_{0};  // given to the decoder or out
  std::uint64_t raw_read_ = 0;               // read from the file
  std::uint64_t announced_ = 0;              // up to here the kernel was asked to read ahead
  std::uint64_t offset_ = 0;
  std::unique_ptr<char[]> input_;  // raw bytes that were read and not yet used
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::unique_ptr<Decoder> decoder_;
  const char* broken_ = nullptr;  // what the decoder said after its last good bytes
};

}  // namespace mayfly
