#include "mayfly/file/looked_at.h"

#include <algorithm>

#include "mayfly/file/fingerprint.h"

namespace mayfly::file {
namespace {

// Bytes of the newline at `at`, as readers know them: LF, CRLF, or the CR that a file ends with.
std::size_t newline_at(std::span<const char> text, std::size_t at) {
  const std::size_t left = text.size() - at;
  if (left == 0) return 0;
  if (text[at] == '\n') return 1;
  if (text[at] != '\r') return 0;
  return left == 1 ? 1 : text[at + 1] == '\n' ? 2 : 0;
}

}  // namespace

void LookedAt::keep(std::span<const char> text, std::uint64_t first_record) {
  size_ = std::min<std::size_t>(text.size(), std::max(first_record, kBytes));
  hash_ = hash_of(text.first(size_));
  ends_in_header_ =
      first_record > 0 && first_record == text.size() && text.back() != '\n' && text.back() != '\r';
}

bool LookedAt::is_same(std::span<const char> text) const {
  if (text.size() < size_ || hash_of(text.first(size_)) != hash_) return false;
  return !ends_in_header_ || text.size() == size_ || newline_at(text, size_) > 0;
}

std::size_t LookedAt::newline_bytes(std::span<const char> text) const {
  return ends_in_header_ ? newline_at(text, size_) : 0;
}

}  // namespace mayfly::file
