// TextRing: bytes of long arguments, overwritten oldest first.
//
// PROTOCOL   One writer, any readers. The writer moves `claimed_` to where its text will end
//            (release), then stores the bytes, a word at a time (release); the caller publishes
//            offset and size afterwards. A reader copies the words (acquire), then loads
//            `claimed_`: if it is more than the ring's size beyond the text's offset, the text was
//            overwritten, perhaps in the middle of the copy. A copied word of a newer text implies
//            that its claim is seen, because the claim was stored before it.
// MEMORY     Fixed at construction. Offsets count bytes ever written, so they are never used twice.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "mayfly/signal/name_buffer.h"

namespace mayfly {

class TextRing {
 public:
  // `bytes` is a power of two and at least 8.
  explicit TextRing(std::size_t bytes) : mask_(bytes - 1), words_(bytes / 8) {}

  std::size_t size() const { return mask_ + 1; }

  // Writer. Where `text` will begin if it is appended next, and the bytes it takes.
  std::uint64_t end() const { return claimed_.load(std::memory_order_relaxed); }
  static std::uint64_t footprint(std::size_t bytes) { return (bytes + 7) & ~std::uint64_t{7}; }
  // Writer. Returns the text's offset. It has to fit: footprint(text) <= size().
  std::uint64_t append(std::string_view text);
  // Writer, before other threads know this ring: takes over the bytes of a smaller one, which keep
  // their offsets.
  void adopt(const TextRing& smaller);

  // Any thread. Appends the text to `out`; false when it was overwritten (out is then as before).
  bool read(std::uint64_t offset, std::uint64_t bytes, NameBuffer& out) const;

 private:
  const std::size_t mask_;
  std::uint64_t floor_ = 0;  // offsets below it were never here
  std::atomic<std::uint64_t> claimed_{0};
  std::vector<std::atomic<std::uint64_t>> words_;
};

}  // namespace mayfly
