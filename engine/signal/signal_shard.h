// SignalShard: the records that one thread raised, in order: the writer's side of a ring, and the
// long texts of its arguments.
//
// PROTOCOL   One writer (or several under a lock), any readers, who read the ring (signal_ring.h
//            has the protocol). When the window's capacity has been raised, the writer makes a
//            larger ring at its next record, which adopts what is intact, publishes it (release)
//            and writes there from then on. Who had loaded the outgrown ring (acquire) goes on in
//            it: nothing changes there any more. retract() and adopting exclude one another by a
//            mutex, so that no retraction falls between the rings; raising takes it only to grow,
//            reading never.
// SIZE       More than the window's capacity, so that a reader has time before what it reads is
//            overwritten; what is overwritten has left the window anyway.
// MEMORY     The ring's (signal_ring.h); outgrown rings are kept for readers, and each is at most
//            half as large as the next. Long arguments: text_ring.h, which grows by doubling up to
//            text_bytes (or to one text that is longer); outgrown rings are kept for readers.
//            Where there is no memory for a larger ring, older long texts leave earlier; a text
//            that is longer than the ring is lost, and its record leaves at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "mayfly/base/operation_id.h"
#include "mayfly/signal/name_buffer.h"
#include "mayfly/signal/signal_ring.h"
#include "mayfly/signal/stem_table.h"
#include "mayfly/signal/text_ring.h"

namespace mayfly {

// Up to two integers and their units ("rows"), which are string literals.
struct IntegerArgument {
  std::int64_t a = 0;
  std::string_view a_unit;
  std::int64_t b = 0;
  std::string_view b_unit;
  bool has_b = false;
};

class SignalShard {
 public:
  // Room for the `capacity` newest records. Throws std::bad_alloc.
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

  // Any thread. The records: load the ring once for each query.
  const SignalRing& ring() const { return *ring_.load(std::memory_order_acquire); }
  std::uint64_t head() const { return ring().head(); }
  // Appends the argument as text; false when it is no longer there (out is then as before). `ring`
  // is this shard's, as it was loaded.
  bool read_argument(const SignalRing& ring, std::uint64_t position, NameBuffer& out) const;
  // `seen` is the record's tag as it was read. False when the record was retracted or overwritten.
  bool retract(std::uint64_t position, std::uint64_t seen);
  // The next record that is appended finds room for so many. Never fewer than before. Memory that
  // can't be had leaves the ring as it is.
  void want_capacity(std::size_t capacity);
  std::uint64_t text_overwritten() const {
    return text_overwritten_.load(std::memory_order_relaxed);
  }

  // Writer. The ring that records go to, grown if that is wanted.
  SignalRing& own_ring() {
    // Acquire: the writer before may have been another thread.
    SignalRing* const ring = ring_.load(std::memory_order_acquire);
    if (!wants_to_grow()) return *ring;
    return grow(*ring);
  }
  bool wants_to_grow() const {
    return ring().size() < wanted_slots_.load(std::memory_order_relaxed);
  }

 private:
  SignalRing& grow(SignalRing& smaller);
  bool put_text(SignalRing& ring, std::uint64_t position, std::string_view text);
  TextRing* make_room(SignalRing& ring, std::uint64_t position, std::uint64_t bytes);
  bool grow_text(std::uint64_t bytes);
  void leave_without_text(SignalRing& ring, std::uint64_t position);
  bool oldest_long(const SignalRing& ring, std::uint64_t position, std::uint64_t& offset);

  std::atomic<SignalRing*> ring_{nullptr};
  std::atomic<std::size_t> wanted_slots_;
  std::atomic<std::size_t> capacity_;  // of the window, as far as it ever grew
  const std::size_t text_bytes_;
  std::atomic<TextRing*> text_{nullptr};
  std::atomic<std::uint64_t> text_overwritten_{0};

  std::mutex move_mutex_;  // held to retract, and to move to a larger ring
  // The writer's own.
  std::vector<std::unique_ptr<SignalRing>> rings_;
  std::vector<std::unique_ptr<TextRing>> text_rings_;
  std::uint64_t long_cursor_ = 0;  // no live long text lies at a lower position
};

inline std::int64_t SignalShard::append(std::int64_t at_ns, StemId stem, OperationId operation) {
  return own_ring().append(at_ns, stem, operation);
}

}  // namespace mayfly
