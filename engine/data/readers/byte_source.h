// ByteSource: the bytes of a file, a pipe or standard input, decompressed by content, as UTF-8.
//
// CONTENT    Gzip (any number of members) and zstd (any number of frames) are told by their first
//            bytes, whatever the file is called; everything else is plain. Unpacked text that
//            begins with the byte order mark of UTF-16, or is said to be in another encoding,
//            becomes UTF-8 (text_decoder.h); all else is given out as it is.
// MEMORY     Plain bytes are read straight into the caller's buffer; a compressed file has one
//            input buffer of 256 KiB and the decoder's window, a decoded text two of 64 KiB, from
//            the first bytes to the end or rewind(). Never a whole file, never mmap.
// ERRORS     A truncated or corrupt archive is told with the file's name and the byte where it was
//            found; what came before it was good and has been given out. A file that has become
//            shorter than it was when it was opened is told at its end (kNoInput).
// THREADS    One at a time; raw_bytes() from any.
// UNITS      Offsets are of what is given out, unless they are called raw.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

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

  // "-" is standard input. Doesn't read yet. text_encoding: is_text_encoding(), or empty: UTF-8, or
  // what a byte order mark says.
  static Result<std::unique_ptr<ByteSource>> open(const std::string& path,
                                                  std::string text_encoding = {});
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // At least one byte into `out`, or kIdle when none came within timeout_ns (files never idle; -1
  // waits for ever), or kEnd.
  Result<Chunk> read(std::span<char> out, std::int64_t timeout_ns);
  // Goes to an uncompressed offset behind the current one. Where newlines are to be counted, which
  // adds those on the way (the character `newline`) to *newlines, everything is read; otherwise
  // verbatim files jump.
  Status skip_to(std::uint64_t byte, std::uint64_t* newlines = nullptr, char newline = '\n');
  // To the first byte again, of a regular file; keeps no memory until the next read.
  Status rewind();
  // Whether a file begins as it did when it was read, or nothing of that is known; kNoInput: no.
  // Asked at its end anyway; by who ends before that.
  Status check_not_overwritten() const;
  // A file's first bytes, 4 KiB at most, as they were read; empty before that. Any thread.
  std::string_view beginning() const {
    return beginning_is_known_.load(std::memory_order_acquire) ? beginning_ : std::string_view();
  }

  const std::string& name() const { return name_; }  // the path, or "standard input"
  int fd() const { return fd_; }
  bool is_file() const { return is_file_; }  // a regular file: has a size, can be read again
  std::uint64_t raw_size() const { return raw_size_; }  // 0 when unknown
  std::uint64_t raw_bytes() const { return raw_bytes_.load(std::memory_order_relaxed); }
  std::uint64_t offset() const { return offset_; }
  // Known after the first read.
  Encoding encoding() const { return encoding_; }
  // The file's bytes are given out as they are, so that offsets are the file's. Likewise.
  bool is_verbatim() const { return encoding_ == Encoding::kPlain && text_ == nullptr; }

 private:
  struct Text;

  ByteSource(std::string name, int fd, bool owned, std::string text_encoding);

  Result<Chunk> read_raw(std::span<char> out, std::int64_t timeout_ns);
  Status check_not_cut() const;
  void keep_beginning(std::span<const char> read);
  Status seek(std::uint64_t byte);
  void drop_input();
  void drop_text();
  Status make_decoder();
  Result<Chunk> fill_input(std::int64_t timeout_ns);
  Result<Chunk> detect(std::int64_t timeout_ns);
  Result<Chunk> detect_text(std::int64_t timeout_ns);
  Result<Chunk> read_bytes(std::span<char> out, std::int64_t timeout_ns);
  Result<Chunk> read_text(std::span<char> out, std::int64_t timeout_ns);
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
  std::uint64_t start_ = 0;                  // where standard input was when it was opened
  std::string beginning_;                    // from there, as it was read; then stays as it is
  std::atomic<bool> beginning_is_known_{false};
  std::uint64_t announced_ = 0;  // up to here the kernel was asked to read ahead
  std::uint64_t offset_ = 0;
  std::unique_ptr<char[]> input_;  // raw bytes that were read and not yet used
  std::size_t input_begin_ = 0;
  std::size_t input_end_ = 0;
  std::unique_ptr<Decoder> decoder_;
  const std::string text_encoding_;
  bool text_known_ = false;
  std::unique_ptr<Text> text_;    // null: as it is
  const char* broken_ = nullptr;  // what the decoder said after its last good bytes
};

}  // namespace mayfly
