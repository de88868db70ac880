#include "mayfly/dead_letters/letter_file.h"

#include <sys/stat.h>

#include <algorithm>
#include <span>
#include <utility>

namespace mayfly::dead_letters {
namespace {

constexpr std::size_t kChunk = 256 << 10;

}  // namespace

Result<LetterFile> LetterFile::open(const std::string& path) {
  MAYFLY_ASSIGN_OR_RETURN(std::unique_ptr<ByteSource> source, ByteSource::open(path));
  return LetterFile(std::move(source));
}

std::string LetterFile::identity() const {
  struct stat file {};
  ::fstat(source_->fd(), &file);
  return "dev=" + std::to_string(file.st_dev) + " ino=" + std::to_string(file.st_ino) +
         " size=" + std::to_string(file.st_size);
}

// Without its newline. False: there is none.
Result<bool> LetterFile::read_line(std::string& line) {
  for (;;) {
    const std::size_t newline = buffer_.find('\n', std::max(begin_, scanned_));
    if (newline != std::string::npos || (at_end_ && begin_ < buffer_.size())) {
      const std::size_t end = std::min(newline, buffer_.size());
      line.assign(buffer_, begin_, end - begin_);
      begin_ = scanned_ = std::min(end + 1, buffer_.size());
      ++lines_;
      return true;
    }
    if (at_end_) return false;
    scanned_ = buffer_.size() - begin_;
    buffer_.erase(0, begin_);
    begin_ = 0;
    const std::size_t before = buffer_.size();
    buffer_.resize(before + kChunk);
    const auto chunk = source_->read(std::span(buffer_).subspan(before), -1);
    buffer_.resize(before + (chunk.ok() ? chunk->size : 0));
    if (!chunk.ok()) return chunk.status();
    at_end_ = chunk->state == ByteSource::State::kEnd;
  }
}

Result<std::optional<LetterLine>> LetterFile::next() {
  std::string line;
  do {
    MAYFLY_ASSIGN_OR_RETURN(const bool there, read_line(line));
    if (!there) return std::optional<LetterLine>();
  } while (line.find_first_not_of(" \t\r") == std::string::npos);
  auto letter = parse_letter_line(line);
  if (!letter.ok()) {
    return Status(Code::kIo, source_->name() + ":" + std::to_string(lines_) +
                                 ": expected a dead letter as `mayfly dlq show --output json` "
                                 "writes it: " +
                                 letter.status().message());
  }
  if (!letter->rank) letter->rank = lines_ - 1;
  if (!letter->id) letter->id = static_cast<std::int64_t>(lines_);
  return std::optional<LetterLine>(std::move(*letter));
}

}  // namespace mayfly::dead_letters
