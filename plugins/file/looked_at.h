// LookedAt: how a file began when open looked at it, to know at its turn whether it is still that
// one.
//
// Compared are its first kBytes, or all up to the first record where that is more, unpacked, as far
// as open had it (a resumed one's mark is compared beside it, fingerprint.h). A file
// may have grown since, but not within its header (unended_line.h).
// THREADS  One at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace mayfly::file {

class LookedAt {
 public:
  static constexpr std::uint64_t kBytes = 4096;

  // text: its beginning, as it was read. first_record: where in it that begins.
  void keep(std::span<const char> text, std::uint64_t first_record);
  // What is_same() has to be given, if there is so much.
  std::size_t bytes_needed() const { return size_; }
  bool is_same(std::span<const char> text) const;

 private:
  std::size_t size_ = 0;
  std::uint64_t hash_ = 0;
};

}  // namespace mayfly::file
