// LogRing: records of different lengths from many threads to one, in a fixed piece of memory.
// Putting one in never waits: it succeeds, or is refused.
//
// PROTOCOL   tail   one word: how many units were claimed, how many records, whether it is closed.
//                   Producers move it by compare-exchange; what lies between its old and its new
//                   value is then theirs alone to fill.
//            state  the first word of a record's first unit: 0 until the record is complete, then
//                   its length in units (release, by its producer; acquire, by the consumer). A
//                   record that doesn't fit before the end of the memory leaves what is left there
//                   as a gap, which says so in the same word.
//            head   the consumer's: up to where it has released. Before storing it (release) the
//                   consumer sets the first word of every unit to 0, so whoever claims them again
//                   (after loading head with acquire) finds no old length in them.
// FULL       When the claim would go beyond the head by more units or records than there are. A
//            producer that loaded an old tail sees a head that is ahead of it, and looks again.
// CLOSING    A bit of the tail: what was claimed before it gets completed, and nothing is claimed
//            after it.
// STALLING   A producer that stands still between its claim and its end holds up the consumer, at
//            that record, and no other producer.
// MEMORY     Allocated and touched by the constructor; nothing afterwards.
// THREADS    claim, complete, close and the figures: any. The rest: one, the consumer.
// SOURCE     The layout is Martin Thompson's many-to-one ring buffer (Agrona, 2014).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace mayfly {

class LogRing {
 public:
  // Records begin at multiples of it: a cache line, so that producers don't share one.
  static constexpr std::size_t kUnitBytes = 64;
  static constexpr std::size_t kHeaderBytes = 8;  // of each record, for the protocol
  static constexpr std::size_t kRecordsMax = std::size_t{1} << 20;
  static constexpr std::size_t kBytesMax = std::size_t{1} << 30;

  // At most so many records and bytes; bytes is rounded up to a power of two. Throws
  // std::invalid_argument: beyond the limits above, or 0.
  LogRing(std::size_t records, std::size_t bytes);
  LogRing(const LogRing&) = delete;
  LogRing& operator=(const LogRing&) = delete;

  // A producer's place.
  struct Claim {
    std::byte* data = nullptr;  // nullptr: refused
    std::size_t pending = 0;    // records that are there, this one included
    bool half_full = false;     // half of the bytes, or more

   private:
    friend class LogRing;
    std::uint32_t units = 0;
  };
  // Room for so many bytes, at most half of the ring's.
  Claim claim(std::size_t bytes) noexcept;
  // What was claimed is filled.
  void complete(const Claim& claim) noexcept;
  void close() noexcept { tail_.fetch_or(kClosed, std::memory_order_seq_cst); }

  // Claimed and not released; more and less than it in the moment after.
  std::size_t pending() const noexcept;
  // Half of the bytes are claimed, or more.
  bool is_half_full() const noexcept {
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    const std::uint64_t used = (tail_.load(std::memory_order_seq_cst) - head) & kUnitMask;
    return used >= units_.size() / 2;
  }
  // Released since the beginning, and with those the pending ones.
  std::uint64_t released_total() const { return released_.load(std::memory_order_acquire); }
  std::uint64_t claimed_total() const noexcept;
  std::size_t records_max() const { return records_max_; }
  std::size_t bytes() const { return units_.size() * kUnitBytes; }

  // A place between two records.
  struct Cursor {
    std::uint64_t units = 0;
    std::uint64_t records = 0;  // before it, since the beginning
  };
  // Where the first one stands that isn't released.
  Cursor begin() const {
    return {units_of(head_.load(std::memory_order_relaxed)), released_total()};
  }
  // How many records had been claimed at a moment of this call.
  std::uint64_t end_records() const noexcept { return claimed_total(); }
  // The data of the record at the cursor, which then stands behind it; nullptr: it isn't complete,
  // or there is none.
  const std::byte* next(Cursor& cursor) noexcept;
  // What stands before the cursor is not needed any more.
  void release(const Cursor& cursor) noexcept;

 private:
  struct alignas(kUnitBytes) Unit {
    std::byte bytes[kUnitBytes];
  };
  static constexpr int kUnitBits = 40;
  static constexpr int kRecordBits = 23;
  static constexpr std::uint64_t kUnitMask = (std::uint64_t{1} << kUnitBits) - 1;
  static constexpr std::uint64_t kRecordMask = (std::uint64_t{1} << kRecordBits) - 1;
  static constexpr std::uint64_t kClosed = std::uint64_t{1} << 63;
  static constexpr std::uint32_t kGap = std::uint32_t{1} << 31;

  // Both count on beyond what their bits can say; differences are what matters.
  static std::uint64_t units_of(std::uint64_t word) { return word & kUnitMask; }
  static std::uint64_t records_of(std::uint64_t word) { return word >> kUnitBits & kRecordMask; }
  static std::uint64_t word(std::uint64_t units, std::uint64_t records) {
    return (units & kUnitMask) | (records & kRecordMask) << kUnitBits;
  }
  std::byte* at(std::uint64_t units) noexcept { return units_[units & (units_.size() - 1)].bytes; }

  const std::size_t records_max_;
  std::vector<Unit> units_;
  alignas(64) std::atomic<std::uint64_t> tail_{0};
  alignas(64) std::atomic<std::uint64_t> head_{0};
  std::atomic<std::uint64_t> released_{0};
};

}  // namespace mayfly
