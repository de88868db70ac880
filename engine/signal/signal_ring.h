// SignalRing: the columns of one shard's records: times, tags, arguments, operations.
//
// PROTOCOL   One writer, any readers. Positions count records ever appended; position p lives in
//            slot p % size. The writer stores the record's words (release), then head = p + 1
//            (release). A reader loads the head (acquire), the words (acquire), then the head
//            again: a position is intact if it is still above head - size, because the writer
//            stores nothing of position p before head = p. A reader that loaded a word of position
//            p therefore sees a head of at least p, and drops p - size.
// GROWTH     A ring never changes its size. The writer may go on in a larger ring that has adopted
//            what was intact (signal_shard.h); it then stores nothing here any more, so that the
//            head stands still and a reader that began here ends here, with all it could see.
// RETRACTION The one write from outside: a compare-exchange that sets a bit of the record's tag.
//            The tag holds 32 bits of its position, so it fails on a newer record. retract() is not
//            called while a larger ring adopts this one (a mutex of the shard). It then adds to the
//            retractions of the record's block, which tell those that remember something of a block
//            that it changed: remember the number that was loaded before the tags.
// OPERATIONS A column of their own, allocated and written when a raise carries one; a bit of the
//            tag says whether the record's word in it counts.
// TIMES      Never decrease: readers search them by halving.
// MEMORY     64 bytes a slot, at construction; 8 more once an operation was given.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "mayfly/base/operation_id.h"
#include "mayfly/signal/stem_table.h"

namespace mayfly {

// A record's tag: position << 32 | has operation << 26 | stem << 2 | has argument << 1 | retracted.
// Its low 26 bits index a table of verdicts (compiled_pattern.h), in which a retracted record's are
// "no": counting has no branches.
constexpr std::uint64_t kTagIndexMask = (std::uint64_t{1} << 26) - 1;
constexpr std::uint64_t kTagRetracted = 1;
constexpr std::uint64_t kTagHasArgument = 2;
constexpr std::uint32_t kTagHasOperation = std::uint32_t{1} << 26;
constexpr std::uint32_t tag_index(StemId stem, bool has_argument) {
  return stem.value << 2 | static_cast<std::uint32_t>(has_argument) << 1;
}
constexpr StemId tag_stem(std::uint64_t tag) {
  return StemId{static_cast<std::uint32_t>((tag & kTagIndexMask) >> 2)};
}

constexpr std::size_t kInlineArgumentBytes = 40;

// Records whose retractions are counted together.
constexpr std::uint64_t kBlockRecords = 256;

// An argument as its slot keeps it. Low byte of the shape: the kind; then the size of an inline
// text, or those of the units, 24 bits each.
enum class ArgumentKind : std::uint64_t { kInline = 0, kIntegers = 1, kOneInteger = 2, kRing = 3 };
// The argument of one record.
struct ArgumentSlot {
  std::atomic<std::uint64_t> shape;
  std::atomic<std::uint64_t> words[kInlineArgumentBytes / 8];
};
static_assert(sizeof(ArgumentSlot) == 48);

class SignalRing {
 public:
  // `slots` is a power of two. Throws std::bad_alloc.
  explicit SignalRing(std::size_t slots);
  SignalRing(const SignalRing&) = delete;
  SignalRing& operator=(const SignalRing&) = delete;

  // Any thread.
  std::uint64_t head() const { return head_.load(std::memory_order_acquire); }
  std::size_t size() const { return mask_ + 1; }
  // Lowest position that is intact now. Ask after reading: what lies below was perhaps not intact.
  std::uint64_t intact() const {
    const std::uint64_t now = head();
    const std::uint64_t lowest = now >= size() ? now - size() + 1 : 0;
    return lowest > floor_ ? lowest : floor_;
  }
  std::int64_t at_ns(std::uint64_t position) const {
    return times_[position & mask_].load(std::memory_order_acquire);
  }
  std::uint64_t tag(std::uint64_t position) const {
    return tags_[position & mask_].load(std::memory_order_acquire);
  }
  // Of the record with this tag; 0 when it has none. Like every word: believe it once the position
  // is known to be intact after it was read.
  OperationId operation(std::uint64_t position, std::uint64_t tag) const {
    if ((tag & kTagHasOperation) == 0) return 0;
    // Partners: put_operation(), and before it add_operations().
    const std::atomic<std::uint64_t>* operations = operations_.load(std::memory_order_acquire);
    return operations == nullptr ? 0 : operations[position & mask_].load(std::memory_order_acquire);
  }
  const ArgumentSlot& argument(std::uint64_t position) const {
    return arguments_[position & mask_];
  }
  // Changes with every retraction among the positions of this block; loads what a retraction that
  // had ended wrote.
  std::uint16_t retractions(std::uint64_t block) const {
    // Partner: the addition in retract().
    return retractions_[block & block_mask_].load(std::memory_order_acquire);
  }
  // First position in [from, to) that is intact and not before `at`; `to` when there is none.
  std::uint64_t lower_bound(std::uint64_t from, std::uint64_t to, std::int64_t at) const;

  // Any thread, but not during adopt(). `seen` is the record's tag as it was read. False when the
  // record was retracted or overwritten since.
  bool retract(std::uint64_t position, std::uint64_t seen);

  // Writer. Acquire: the writer before may have been another thread (signal_window.h).
  std::uint64_t own_head() const { return head_.load(std::memory_order_acquire); }
  ArgumentSlot& own_argument(std::uint64_t position) { return arguments_[position & mask_]; }
  // Returns what the record's tag says of it. Allocates the first time.
  std::uint32_t put_operation(std::uint64_t position, OperationId operation);
  // Returns the record's time: at_ns, or that of the record before if that is later.
  std::int64_t publish(std::uint64_t position, std::int64_t at_ns, std::uint32_t low) {
    // A branch, not a maximum: which would make each record wait for the time of the one before.
    if (at_ns > last_ns_) {
      last_ns_ = at_ns;
    } else {
      at_ns = last_ns_;
    }
    const std::size_t slot = position & mask_;
    times_[slot].store(at_ns, std::memory_order_release);
    tags_[slot].store(position << 32 | low, std::memory_order_release);
    head_.store(position + 1, std::memory_order_release);
    return at_ns;
  }
  // Writer. A record without an argument. Returns the record's time.
  std::int64_t append(std::int64_t at_ns, StemId stem, OperationId operation) {
    const std::uint64_t position = own_head();
    return publish(position, at_ns, tag_index(stem, false) | put_operation(position, operation));
  }
  // Writer, before other threads know this ring, and with no retract() of the smaller one: takes
  // over what is intact there; positions stay.
  void adopt(const SignalRing& smaller);

 private:
  void add_operations();

  const std::size_t mask_;
  const std::size_t block_mask_;
  std::unique_ptr<std::atomic<std::int64_t>[]> times_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> tags_;
  std::unique_ptr<ArgumentSlot[]> arguments_;
  std::unique_ptr<std::atomic<std::uint16_t>[]> retractions_;
  std::atomic<std::atomic<std::uint64_t>*> operations_{nullptr};
  std::unique_ptr<std::atomic<std::uint64_t>[]> owned_operations_;  // the writer's
  std::uint64_t floor_ = 0;  // positions below were never here; constant once others know the ring

  // What the writer changes with each record.
  alignas(64) std::atomic<std::uint64_t> head_{0};
  std::int64_t last_ns_ = INT64_MIN;
};

inline std::uint32_t SignalRing::put_operation(std::uint64_t position, OperationId operation) {
  if (operation == 0) return 0;
  // Relaxed: only the writer stores it; for another thread's, own_head() was its partner.
  if (operations_.load(std::memory_order_relaxed) == nullptr) add_operations();
  operations_.load(std::memory_order_relaxed)[position & mask_].store(operation,
                                                                      std::memory_order_release);
  return kTagHasOperation;
}

}  // namespace mayfly
