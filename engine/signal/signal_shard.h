// SignalShard: the records that one thread raised, in order, in a ring.
//
// PROTOCOL   One writer (or several under a lock), any readers. Positions count records ever
// appended;
//            position p lives in slot p % size. The writer stores the record's words (release),
//            then head = p + 1 (release). A reader loads the head (acquire), the words (acquire),
//            then the head again: a position is intact if it is still above head - size, because
//            the writer stores nothing of position p before head = p. A reader that loaded a word
//            of position p therefore sees a head of at least p, and drops p - size. Retraction is
//            the one write from outside: a compare-exchange that sets a bit of the record's tag.
//            The tag holds 32 bits of its position, so it fails on a newer record.
// OPERATIONS A column of their own, which is allocated and written when a raise carries one; a bit
// of
//            the tag says whether the record's word in it counts.
// SIZE       More than the window's capacity, so that a reader has time before what it reads is
//            overwritten; what is overwritten has left the window anyway.
// TIMES      Never decrease within a shard: readers search them by halving.
// MEMORY     64 bytes a slot, at construction; 8 more once an operation was given. Long arguments:
// text_ring.h, which grows by doubling up to
//            text_bytes (or to one text that is longer); outgrown rings are kept for readers.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/operation_id.h"
#include "mayfly/signal/stem_table.h"
#include "mayfly/signal/text_ring.h"

namespace mayfly {

// A record's tag: position << 32 | has operation << 26 | stem << 2 | has argument << 1 | retracted.
// Its low 26 bits index a table of verdicts (pattern_cache.h), in which a retracted record's are
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

// Up to two integers and their units ("rows"), which are string literals.
struct IntegerArgument {
  std::int64_t a = 0;
  std::string_view a_unit;
  std::int64_t b = 0;
  std::string_view b_unit;
  bool has_b = false;
};

constexpr std::size_t kInlineArgumentBytes = 40;

class SignalShard {
 public:
  SignalShard(std::size_t capacity, std::size_t text_bytes);
  SignalShard(const SignalShard&) = delete;
  SignalShard& operator=(const SignalShard&) = delete;

  // Writer. Each returns the record's time: at_ns, or the record's before if that is later. An
  // operation of 0 is none.
  std::int64_t append(std::int64_t at_ns, StemId stem, OperationId operation);
  std::int64_t append(std::int64_t at_ns, StemId stem, OperationId operation,
                      std::string_view argument);
  std::int64_t append(std::int64_t at_ns, StemId stem, OperationId operation,
                      const IntegerArgument& argument);

  // Any thread.
  std::uint64_t head() const { return head_.load(std::memory_order_acquire); }
  std::size_t size() const { return mask_ + 1; }
  // Lowest position that is intact now. Ask after reading: what lies below was perhaps not intact.
  std::uint64_t intact() const {
    const std::uint64_t now = head();
    return now >= size() ? now - size() + 1 : 0;
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
  // Appends the argument as text; false when it is no longer there (out is then as before).
  bool read_argument(std::uint64_t position, std::string& out) const;
  // First position in [from, to) that is intact and not before `at`; `to` when there is none.
  std::uint64_t lower_bound(std::uint64_t from, std::uint64_t to, std::int64_t at) const;
  // `seen` is the record's tag as it was read. False when the record was overwritten.
  bool retract(std::uint64_t position, std::uint64_t seen);
  std::uint64_t text_overwritten() const {
    return text_overwritten_.load(std::memory_order_relaxed);
  }

 private:
  // Writer. Acquire: the writer before may have been another thread (signal_window.h).
  std::uint64_t own_head() const { return head_.load(std::memory_order_acquire); }
  enum Kind : std::uint64_t { kInline = 0, kIntegers = 1, kOneInteger = 2, kRing = 3 };
  // Low byte: the kind; then the size of an inline text, or those of the units, 24 bits each.
  struct Argument {
    std::atomic<std::uint64_t> shape;
    std::atomic<std::uint64_t> words[kInlineArgumentBytes / 8];
  };
  static_assert(sizeof(Argument) == 48);

  void put_text(Argument& slot, std::uint64_t position, std::string_view text);
  std::uint64_t put_long(std::uint64_t position, std::string_view text);
  void make_room(std::uint64_t position, std::uint64_t bytes);
  void grow_text(std::uint64_t bytes);
  bool oldest_long(std::uint64_t position, std::uint64_t& offset);
  // Returns what the record's tag says of it.
  std::uint32_t put_operation(std::uint64_t position, OperationId operation);
  void add_operations();
  std::int64_t publish(std::uint64_t position, std::int64_t at_ns, std::uint32_t low);

  const std::size_t mask_;
  const std::size_t capacity_;
  const std::size_t text_bytes_;
  std::unique_ptr<std::atomic<std::int64_t>[]> times_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> tags_;
  std::unique_ptr<Argument[]> arguments_;
  std::atomic<std::atomic<std::uint64_t>*> operations_{nullptr};
  std::atomic<TextRing*> text_{nullptr};
  std::atomic<std::uint64_t> text_overwritten_{0};

  // The writer's own.
  std::unique_ptr<std::atomic<std::uint64_t>[]> owned_operations_;
  std::vector<std::unique_ptr<TextRing>> text_rings_;
  std::uint64_t long_cursor_ = 0;  // no live long text lies at a lower position
  std::int64_t last_ns_ = INT64_MIN;

  alignas(64) std::atomic<std::uint64_t> head_{0};
};

inline std::int64_t SignalShard::publish(std::uint64_t position, std::int64_t at_ns,
                                         std::uint32_t low) {
  last_ns_ = at_ns > last_ns_ ? at_ns : last_ns_;
  const std::size_t slot = position & mask_;
  times_[slot].store(last_ns_, std::memory_order_release);
  tags_[slot].store(position << 32 | low, std::memory_order_release);
  head_.store(position + 1, std::memory_order_release);
  return last_ns_;
}

inline std::uint32_t SignalShard::put_operation(std::uint64_t position, OperationId operation) {
  if (operation == 0) return 0;
  // Relaxed: only the writer stores it; for another thread's, own_head() was its partner.
  if (operations_.load(std::memory_order_relaxed) == nullptr) add_operations();
  operations_.load(std::memory_order_relaxed)[position & mask_].store(operation,
                                                                      std::memory_order_release);
  return kTagHasOperation;
}

inline std::int64_t SignalShard::append(std::int64_t at_ns, StemId stem, OperationId operation) {
  const std::uint64_t position = own_head();
  return publish(position, at_ns, tag_index(stem, false) | put_operation(position, operation));
}

}  // namespace mayfly
