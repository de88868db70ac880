// UnendedLine: the last line of a file that ended without a newline, when the next record is to be
// read behind it.
//
// Whoever writes the file may have gone on since: with a newline, which ends the line and is no
// record of its own, or in the midst of the line, and then what was read of it isn't what stands
// there now.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

namespace mayfly::file {

class UnendedLine {
 public:
  // last: the byte before the next record. With a newline there is none.
  // newline: what ends a line.
  explicit UnendedLine(char last, char newline = '\n') : last_(last), newline_(newline) {}

  explicit operator bool() const { return last_ != newline_; }
  // How much of what stands behind it has to be seen, if there is so much.
  static constexpr std::size_t kBytesNeeded = 2;
  // Bytes of the newline that it has got; 0: nothing is behind it. None: the line went on.
  std::optional<std::size_t> newline(std::span<const char> behind) const;

 private:
  char last_;
  char newline_;
};

}  // namespace mayfly::file
