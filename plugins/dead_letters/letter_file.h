// LetterFile: the lines of a file of letters, one after the other.
//
// MEMORY  One buffer, which grows to the longest line. THREADS  One at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "mayfly/base/status.h"
#include "mayfly/data/readers/byte_source.h"
#include "mayfly/data/readers/letter_line.h"

namespace mayfly::dead_letters {

class LetterFile {
 public:
  static Result<LetterFile> open(const std::string& path);

  // Which file it is, and how long: another text is another file.
  std::string identity() const;

  // The next letter, with its rank and number: where the line says neither, its place in the file,
  // from 0 and from 1. None at the end. kIo: a line isn't a letter; which one is told.
  Result<std::optional<LetterLine>> next();

 private:
  explicit LetterFile(std::unique_ptr<ByteSource> source) : source_(std::move(source)) {}
  Result<bool> read_line(std::string& line);

  std::unique_ptr<ByteSource> source_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of what is left in it
  std::size_t scanned_ = 0;  // no newline before that
  std::uint64_t lines_ = 0;
  bool at_end_ = false;
};

}  // namespace mayfly::dead_letters
