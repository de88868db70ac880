#include "mayfly/signal/text_ring.h"

#include <algorithm>
#include <cstring>

namespace mayfly {

std::uint64_t TextRing::append(std::string_view text) {
  const std::uint64_t offset = end();
  claimed_.store(offset + footprint(text.size()), std::memory_order_release);
  for (std::size_t done = 0; done < text.size(); done += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + done, std::min<std::size_t>(8, text.size() - done));
    // Release: after the claim. Partner: the load in read().
    words_[((offset + done) & mask_) / 8].store(word, std::memory_order_release);
  }
  return offset;
}

void TextRing::adopt(const TextRing& smaller) {
  const std::uint64_t end = smaller.end();
  floor_ = std::max(smaller.floor_, end > smaller.size() ? end - smaller.size() : 0);
  for (std::uint64_t offset = floor_; offset < end; offset += 8) {
    const std::uint64_t word =
        smaller.words_[(offset & smaller.mask_) / 8].load(std::memory_order_relaxed);
    words_[(offset & mask_) / 8].store(word, std::memory_order_relaxed);
  }
  claimed_.store(end, std::memory_order_relaxed);
}

bool TextRing::read(std::uint64_t offset, std::uint64_t bytes, NameBuffer& out) const {
  if (offset < floor_ || claimed_.load(std::memory_order_acquire) > offset + size()) return false;
  const std::size_t before = out.size();
  out.resize(before + bytes);
  for (std::uint64_t done = 0; done < bytes; done += 8) {
    const std::uint64_t word =
        words_[((offset + done) & mask_) / 8].load(std::memory_order_acquire);
    std::memcpy(out.data() + before + done, &word, std::min<std::uint64_t>(8, bytes - done));
  }
  // Partner: the claim in append(), stored before any word that could have been read above.
  if (claimed_.load(std::memory_order_acquire) > offset + size()) {
    out.resize(before);
    return false;
  }
  return true;
}

}  // namespace mayfly
