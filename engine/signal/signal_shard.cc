#include "mayfly/signal/signal_shard.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

namespace mayfly {
namespace {

constexpr std::size_t kFirstTextBytes = 4096;
constexpr std::uint64_t kUnitBits = 24;
constexpr std::uint64_t kUnitMask = (std::uint64_t{1} << kUnitBits) - 1;

std::size_t slots_for(std::size_t capacity) { return std::bit_ceil(capacity + capacity / 2 + 64); }

void append_integer(std::int64_t value, std::string& out) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, end);
}

std::uint64_t word_of(const char* text) { return std::bit_cast<std::uintptr_t>(text); }

std::string_view unit_of(std::uint64_t word, std::uint64_t size) {
  return {std::bit_cast<const char*>(static_cast<std::uintptr_t>(word)), size};
}

}  // namespace

SignalShard::SignalShard(std::size_t capacity, std::size_t text_bytes)
    : mask_(slots_for(capacity) - 1),
      capacity_(capacity),
      text_bytes_(std::bit_ceil(std::max(text_bytes, kFirstTextBytes))),
      times_(std::make_unique<std::atomic<std::int64_t>[]>(mask_ + 1)),
      tags_(std::make_unique<std::atomic<std::uint64_t>[]>(mask_ + 1)),
      arguments_(std::make_unique<Argument[]>(mask_ + 1)) {}

void SignalShard::add_operations() {
  owned_operations_ = std::make_unique<std::atomic<std::uint64_t>[]>(mask_ + 1);
  // Partner: the load in operation(). Records that need it are published later.
  operations_.store(owned_operations_.get(), std::memory_order_release);
}

std::int64_t SignalShard::append(std::int64_t at_ns, StemId stem, OperationId operation,
                                 std::string_view argument) {
  const std::uint64_t position = own_head();
  put_text(arguments_[position & mask_], position, argument);
  return publish(position, at_ns, tag_index(stem, true) | put_operation(position, operation));
}

std::int64_t SignalShard::append(std::int64_t at_ns, StemId stem, OperationId operation,
                                 const IntegerArgument& argument) {
  const std::uint64_t position = own_head();
  Argument& slot = arguments_[position & mask_];
  const std::uint64_t sizes = (argument.a_unit.size() & kUnitMask) << 8 | argument.b_unit.size()
                                                                              << (8 + kUnitBits);
  slot.shape.store(sizes | (argument.has_b ? kIntegers : kOneInteger), std::memory_order_release);
  slot.words[0].store(static_cast<std::uint64_t>(argument.a), std::memory_order_release);
  slot.words[1].store(word_of(argument.a_unit.data()), std::memory_order_release);
  slot.words[2].store(static_cast<std::uint64_t>(argument.b), std::memory_order_release);
  slot.words[3].store(word_of(argument.b_unit.data()), std::memory_order_release);
  return publish(position, at_ns, tag_index(stem, true) | put_operation(position, operation));
}

void SignalShard::put_text(Argument& slot, std::uint64_t position, std::string_view text) {
  if (text.size() > kInlineArgumentBytes) {
    const std::uint64_t offset = put_long(position, text);
    slot.shape.store(kRing, std::memory_order_release);
    slot.words[0].store(offset, std::memory_order_release);
    slot.words[1].store(text.size(), std::memory_order_release);
    return;
  }
  slot.shape.store(text.size() << 8 | kInline, std::memory_order_release);
  for (std::size_t done = 0; done < text.size(); done += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + done, std::min<std::size_t>(8, text.size() - done));
    slot.words[done / 8].store(word, std::memory_order_release);
  }
}

std::uint64_t SignalShard::put_long(std::uint64_t position, std::string_view text) {
  make_room(position, TextRing::footprint(text.size()));
  return text_.load(std::memory_order_relaxed)->append(text);
}

// The oldest long text that a query could still ask for once `position` is in the window.
bool SignalShard::oldest_long(std::uint64_t position, std::uint64_t& offset) {
  const std::uint64_t window = position >= capacity_ ? position + 1 - capacity_ : 0;
  for (long_cursor_ = std::max(long_cursor_, window); long_cursor_ < position; ++long_cursor_) {
    if ((tag(long_cursor_) & kTagHasArgument) == 0) continue;
    const Argument& argument = arguments_[long_cursor_ & mask_];
    if (argument.shape.load(std::memory_order_relaxed) != kRing) continue;
    offset = argument.words[0].load(std::memory_order_relaxed);
    return true;
  }
  return false;
}

void SignalShard::make_room(std::uint64_t position, std::uint64_t bytes) {
  const TextRing* ring = text_.load(std::memory_order_relaxed);
  if (ring == nullptr || ring->size() < bytes) {
    grow_text(std::bit_ceil(std::max<std::uint64_t>(bytes, kFirstTextBytes)));
    ring = text_.load(std::memory_order_relaxed);
  }
  std::uint64_t oldest = 0;
  while (oldest_long(position, oldest) && ring->end() + bytes > oldest + ring->size()) {
    if (ring->size() < text_bytes_) {
      grow_text(ring->size() * 2);
      ring = text_.load(std::memory_order_relaxed);
    } else {
      // Without its text it can't be named: it leaves, for every kind of query.
      tags_[long_cursor_ & mask_].fetch_or(kTagRetracted, std::memory_order_release);
      ++long_cursor_;
      text_overwritten_.store(text_overwritten() + 1, std::memory_order_relaxed);
    }
  }
}

void SignalShard::grow_text(std::uint64_t bytes) {
  auto larger = std::make_unique<TextRing>(bytes);
  if (const TextRing* smaller = text_.load(std::memory_order_relaxed)) larger->adopt(*smaller);
  // Partner: the load in read_argument(). Records that need this ring are published later.
  text_.store(larger.get(), std::memory_order_release);
  text_rings_.push_back(std::move(larger));
}

bool SignalShard::read_argument(std::uint64_t position, std::string& out) const {
  const Argument& slot = arguments_[position & mask_];
  const std::uint64_t shape = slot.shape.load(std::memory_order_acquire);
  std::uint64_t words[kInlineArgumentBytes / 8];
  for (std::size_t i = 0; i < std::size(words); ++i) {
    words[i] = slot.words[i].load(std::memory_order_acquire);
  }
  // Before any of it is believed: these are sizes and addresses.
  if (position < intact()) return false;
  const auto a_unit = unit_of(words[1], shape >> 8 & kUnitMask);
  switch (static_cast<Kind>(shape & 0xFF)) {
    case kInline:
      out.append(reinterpret_cast<const char*>(words), shape >> 8);
      return true;
    case kRing:
      return text_.load(std::memory_order_acquire)->read(words[0], words[1], out);
    case kOneInteger:
      append_integer(static_cast<std::int64_t>(words[0]), out);
      out.append(a_unit);
      return true;
    case kIntegers:
      append_integer(static_cast<std::int64_t>(words[0]), out);
      out.append(a_unit).push_back(':');
      append_integer(static_cast<std::int64_t>(words[2]), out);
      out.append(unit_of(words[3], shape >> (8 + kUnitBits)));
      return true;
  }
  return false;
}

std::uint64_t SignalShard::lower_bound(std::uint64_t from, std::uint64_t to,
                                       std::int64_t at) const {
  // A slot that is overwritten while it is looked at shows a later time, so the search ends too low
  // and intact() has passed its end: it is done again above. `from` rises each time.
  for (;;) {
    std::uint64_t low = from;
    std::uint64_t high = to;
    while (low < high) {
      const std::uint64_t middle = low + (high - low) / 2;
      if (at_ns(middle) < at) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    const std::uint64_t lowest = std::min(intact(), to);
    if (low >= lowest) return low;
    from = lowest;
  }
}

bool SignalShard::retract(std::uint64_t position, std::uint64_t seen) {
  return tags_[position & mask_].compare_exchange_strong(
      seen, seen | kTagRetracted, std::memory_order_acq_rel, std::memory_order_relaxed);
}

}  // namespace mayfly
