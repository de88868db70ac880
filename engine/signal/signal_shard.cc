#include "mayfly/signal/signal_shard.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <iterator>
#include <new>

namespace mayfly {
namespace {

constexpr std::size_t kFirstTextBytes = 4096;
constexpr std::uint64_t kUnitBits = 24;
constexpr std::uint64_t kUnitMask = (std::uint64_t{1} << kUnitBits) - 1;

std::size_t slots_for(std::size_t capacity) { return std::bit_ceil(capacity + capacity / 2 + 64); }

void append_integer(std::int64_t value, NameBuffer& out) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append({digits, static_cast<std::size_t>(end - digits)});
}

std::uint64_t word_of(const char* text) { return std::bit_cast<std::uintptr_t>(text); }

std::string_view unit_of(std::uint64_t word, std::uint64_t size) {
  return {std::bit_cast<const char*>(static_cast<std::uintptr_t>(word)), size};
}

}  // namespace

SignalShard::SignalShard(std::size_t capacity, std::size_t text_bytes)
    : wanted_slots_(slots_for(capacity)),
      capacity_(capacity),
      text_bytes_(std::bit_ceil(std::max(text_bytes, kFirstTextBytes))) {
  rings_.push_back(std::make_unique<SignalRing>(slots_for(capacity)));
  ring_.store(rings_.back().get(), std::memory_order_release);
}

void SignalShard::want_capacity(std::size_t capacity) {
  if (capacity <= capacity_.load(std::memory_order_relaxed)) return;
  capacity_.store(capacity, std::memory_order_relaxed);
  wanted_slots_.store(slots_for(capacity), std::memory_order_relaxed);
}

SignalRing& SignalShard::grow(SignalRing& smaller) {
  const std::size_t slots = wanted_slots_.load(std::memory_order_relaxed);
  try {
    rings_.reserve(rings_.size() + 1);
    auto larger = std::make_unique<SignalRing>(slots);
    const std::lock_guard lock(move_mutex_);
    larger->adopt(smaller);
    // Partner: the load in ring().
    ring_.store(larger.get(), std::memory_order_release);
    rings_.push_back(std::move(larger));
    return *rings_.back();
  } catch (const std::bad_alloc&) {
    // A raise never fails: the thread's window stays as it was.
    std::size_t tried = slots;
    wanted_slots_.compare_exchange_strong(tried, smaller.size(), std::memory_order_relaxed);
    return smaller;
  }
}

std::int64_t SignalShard::append(std::int64_t at_ns, StemId stem, OperationId operation,
                                 std::string_view argument) {
  SignalRing& ring = own_ring();
  const std::uint64_t position = ring.own_head();
  const bool has_text = put_text(ring, position, argument);
  at_ns = ring.publish(position, at_ns,
                       tag_index(stem, true) | ring.put_operation(position, operation));
  if (!has_text) leave_without_text(ring, position);
  return at_ns;
}

std::int64_t SignalShard::append(std::int64_t at_ns, StemId stem, OperationId operation,
                                 const IntegerArgument& argument) {
  SignalRing& ring = own_ring();
  const std::uint64_t position = ring.own_head();
  ArgumentSlot& slot = ring.own_argument(position);
  const std::uint64_t sizes = (argument.a_unit.size() & kUnitMask) << 8 | argument.b_unit.size()
                                                                              << (8 + kUnitBits);
  const ArgumentKind kind = argument.has_b ? ArgumentKind::kIntegers : ArgumentKind::kOneInteger;
  slot.shape.store(sizes | static_cast<std::uint64_t>(kind), std::memory_order_release);
  slot.words[0].store(static_cast<std::uint64_t>(argument.a), std::memory_order_release);
  slot.words[1].store(word_of(argument.a_unit.data()), std::memory_order_release);
  slot.words[2].store(static_cast<std::uint64_t>(argument.b), std::memory_order_release);
  slot.words[3].store(word_of(argument.b_unit.data()), std::memory_order_release);
  return ring.publish(position, at_ns,
                      tag_index(stem, true) | ring.put_operation(position, operation));
}

// False: there is no memory for it.
bool SignalShard::put_text(SignalRing& ring, std::uint64_t position, std::string_view text) {
  ArgumentSlot& slot = ring.own_argument(position);
  TextRing* texts = nullptr;
  const bool is_long = text.size() > kInlineArgumentBytes;
  if (is_long) texts = make_room(ring, position, TextRing::footprint(text.size()));
  const bool is_lost = is_long && texts == nullptr;
  if (is_lost) text = {};
  if (texts != nullptr) {
    const std::uint64_t offset = texts->append(text);
    slot.shape.store(static_cast<std::uint64_t>(ArgumentKind::kRing), std::memory_order_release);
    slot.words[0].store(offset, std::memory_order_release);
    slot.words[1].store(text.size(), std::memory_order_release);
    return true;
  }
  slot.shape.store(text.size() << 8 | static_cast<std::uint64_t>(ArgumentKind::kInline),
                   std::memory_order_release);
  for (std::size_t done = 0; done < text.size(); done += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + done, std::min<std::size_t>(8, text.size() - done));
    slot.words[done / 8].store(word, std::memory_order_release);
  }
  return !is_lost;
}

// The oldest long text that a query could still ask for once `position` is in the window.
bool SignalShard::oldest_long(const SignalRing& ring, std::uint64_t position,
                              std::uint64_t& offset) {
  const std::uint64_t capacity =
      std::min<std::uint64_t>(capacity_.load(std::memory_order_relaxed), ring.size());
  const std::uint64_t window = position >= capacity ? position + 1 - capacity : 0;
  long_cursor_ = std::max({long_cursor_, window, std::min(ring.intact(), position)});
  for (; long_cursor_ < position; ++long_cursor_) {
    if ((ring.tag(long_cursor_) & kTagHasArgument) == 0) continue;
    const ArgumentSlot& argument = ring.argument(long_cursor_);
    const std::uint64_t shape = argument.shape.load(std::memory_order_relaxed);
    if (shape != static_cast<std::uint64_t>(ArgumentKind::kRing)) continue;
    offset = argument.words[0].load(std::memory_order_relaxed);
    return true;
  }
  return false;
}

// Null: there is no memory for so many bytes.
TextRing* SignalShard::make_room(SignalRing& ring, std::uint64_t position, std::uint64_t bytes) {
  TextRing* text = text_.load(std::memory_order_relaxed);
  if (text == nullptr || text->size() < bytes) {
    if (!grow_text(std::bit_ceil(std::max<std::uint64_t>(bytes, kFirstTextBytes)))) return nullptr;
    text = text_.load(std::memory_order_relaxed);
  }
  std::uint64_t oldest = 0;
  while (oldest_long(ring, position, oldest) && text->end() + bytes > oldest + text->size()) {
    if (text->size() < text_bytes_ && grow_text(text->size() * 2)) {
      text = text_.load(std::memory_order_relaxed);
    } else {
      leave_without_text(ring, long_cursor_++);
    }
  }
  return text;
}

// Without its text it can't be named: it leaves, for every kind of query. Someone may retract it at
// this moment too.
void SignalShard::leave_without_text(SignalRing& ring, std::uint64_t position) {
  ring.retract(position, ring.tag(position));
  text_overwritten_.store(text_overwritten() + 1, std::memory_order_relaxed);
}

// False: there is no memory, and nothing has changed. A raise never fails.
bool SignalShard::grow_text(std::uint64_t bytes) {
  try {
    text_rings_.reserve(text_rings_.size() + 1);
    auto larger = std::make_unique<TextRing>(bytes);
    if (const TextRing* smaller = text_.load(std::memory_order_relaxed)) larger->adopt(*smaller);
    // Partner: the load in read_argument(). Records that need this ring are published later.
    text_.store(larger.get(), std::memory_order_release);
    text_rings_.push_back(std::move(larger));
    return true;
  } catch (const std::exception&) {  // no memory, or a text longer than there can be
    return false;
  }
}

bool SignalShard::read_argument(const SignalRing& ring, std::uint64_t position,
                                NameBuffer& out) const {
  const ArgumentSlot& slot = ring.argument(position);
  const std::uint64_t shape = slot.shape.load(std::memory_order_acquire);
  std::uint64_t words[kInlineArgumentBytes / 8];
  for (std::size_t i = 0; i < std::size(words); ++i) {
    words[i] = slot.words[i].load(std::memory_order_acquire);
  }
  // Before any of it is believed: these are sizes and addresses.
  if (position < ring.intact()) return false;
  const auto a_unit = unit_of(words[1], shape >> 8 & kUnitMask);
  switch (static_cast<ArgumentKind>(shape & 0xFF)) {
    case ArgumentKind::kInline:
      out.append({reinterpret_cast<const char*>(words), shape >> 8});
      return true;
    case ArgumentKind::kRing:
      return text_.load(std::memory_order_acquire)->read(words[0], words[1], out);
    case ArgumentKind::kOneInteger:
      append_integer(static_cast<std::int64_t>(words[0]), out);
      out.append(a_unit);
      return true;
    case ArgumentKind::kIntegers:
      append_integer(static_cast<std::int64_t>(words[0]), out);
      out.append(a_unit);
      out.push_back(':');
      append_integer(static_cast<std::int64_t>(words[2]), out);
      out.append(unit_of(words[3], shape >> (8 + kUnitBits)));
      return true;
  }
  return false;
}

bool SignalShard::retract(std::uint64_t position, std::uint64_t seen) {
  const std::lock_guard lock(move_mutex_);
  return ring_.load(std::memory_order_acquire)->retract(position, seen);
}

}  // namespace mayfly
