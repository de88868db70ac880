#include "mayfly/storage/log_database/log_ring.h"

#include <algorithm>
#include <bit>
#include <stdexcept>

namespace mayfly {
namespace {

std::atomic_ref<std::uint32_t> state_of(std::byte* unit) {
  return std::atomic_ref<std::uint32_t>(*reinterpret_cast<std::uint32_t*>(unit));
}

std::size_t unit_count(std::size_t bytes) {
  if (bytes == 0 || bytes > LogRing::kBytesMax) {
    throw std::invalid_argument("LogRing: expected 1 to 2^30 bytes");
  }
  return std::bit_ceil((bytes + LogRing::kUnitBytes - 1) / LogRing::kUnitBytes);
}

}  // namespace

LogRing::LogRing(std::size_t records, std::size_t bytes)
    : records_max_(records), units_(unit_count(bytes)) {
  if (records == 0 || records > kRecordsMax) {
    throw std::invalid_argument("LogRing: expected 1 to 2^20 records");
  }
}

LogRing::Claim LogRing::claim(std::size_t bytes) noexcept {
  const std::uint64_t size = units_.size();
  const std::uint64_t units = (bytes + kHeaderBytes + kUnitBytes - 1) / kUnitBytes;
  std::uint64_t tail = tail_.load(std::memory_order_seq_cst);
  std::uint64_t gap = 0;
  std::uint64_t pending = 0;
  std::uint64_t used = 0;
  for (;;) {
    if ((tail & kClosed) != 0 || units > size / 2) return {};
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    used = (tail - head) & kUnitMask;
    pending = (records_of(tail) - records_of(head)) & kRecordMask;
    const std::uint64_t until_end = size - (tail & (size - 1));
    gap = units > until_end ? until_end : 0;
    if (used + gap + units > size || pending >= records_max_) {
      const std::uint64_t again = tail_.load(std::memory_order_seq_cst);
      if (again == tail) return {};
      tail = again;
      continue;
    }
    const std::uint64_t next = word(units_of(tail) + gap + units, records_of(tail) + 1);
    if (tail_.compare_exchange_weak(tail, next, std::memory_order_seq_cst)) break;
  }
  if (gap != 0) {
    state_of(at(tail)).store(kGap | static_cast<std::uint32_t>(gap), std::memory_order_release);
  }
  Claim claim;
  claim.data = at(tail + gap) + kHeaderBytes;
  claim.pending = static_cast<std::size_t>(pending) + 1;
  claim.half_full = used + gap + units >= size / 2;
  claim.units = static_cast<std::uint32_t>(units);
  return claim;
}

void LogRing::complete(const Claim& claim) noexcept {
  state_of(claim.data - kHeaderBytes).store(claim.units, std::memory_order_release);
}

std::size_t LogRing::pending() const noexcept {
  return static_cast<std::size_t>(claimed_total() - released_total());
}

std::uint64_t LogRing::claimed_total() const noexcept {
  for (;;) {
    const std::uint64_t released = released_.load(std::memory_order_acquire);
    const std::uint64_t tail = tail_.load(std::memory_order_seq_cst);
    // Unless the consumer went on meanwhile, fewer are between the two than the bits can say.
    if (released_.load(std::memory_order_acquire) != released) continue;
    return released + ((records_of(tail) - released) & kRecordMask);
  }
}

const std::byte* LogRing::next(Cursor& cursor) noexcept {
  for (;;) {
    // Beyond the last claim there are zeros, or what isn't released yet: a whole turn further on.
    const std::uint64_t used =
        (cursor.units - units_of(head_.load(std::memory_order_relaxed))) & kUnitMask;
    if (used >= units_.size()) return nullptr;
    std::byte* const unit = at(cursor.units);
    const std::uint32_t state = state_of(unit).load(std::memory_order_acquire);
    if (state == 0) return nullptr;
    cursor.units = (cursor.units + (state & ~kGap)) & kUnitMask;
    if ((state & kGap) != 0) continue;
    ++cursor.records;
    return unit + kHeaderBytes;
  }
}

void LogRing::release(const Cursor& cursor) noexcept {
  std::uint64_t units = units_of(head_.load(std::memory_order_relaxed));
  for (; units != cursor.units; units = (units + 1) & kUnitMask) {
    state_of(at(units)).store(0, std::memory_order_relaxed);
  }
  // First the figure: in between, claimed_total() counts nothing twice.
  released_.store(cursor.records, std::memory_order_release);
  head_.store(word(cursor.units, cursor.records), std::memory_order_release);
}

}  // namespace mayfly
