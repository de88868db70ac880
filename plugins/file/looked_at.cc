#include "mayfly/file/looked_at.h"

#include <algorithm>

#include "mayfly/file/fingerprint.h"

namespace mayfly::file {

void LookedAt::keep(std::span<const char> text, std::uint64_t first_record) {
  size_ = std::min<std::size_t>(text.size(), std::max(first_record, kBytes));
  hash_ = hash_of(text.first(size_));
}

bool LookedAt::is_same(std::span<const char> text) const {
  return text.size() >= size_ && hash_of(text.first(size_)) == hash_;
}

}  // namespace mayfly::file
