// CaptureBuffer: what was raised and isn't written yet: bounded, filled by the raising threads,
// emptied by the one that writes.
//
// PROTOCOL   Each thread appends to the part that its key names (raising_thread.h), under the
//            part's mutex, which nobody else takes but a thread of the same part and, for an
//            exchange of two vectors, the one that empties it. So a thread's own order is kept, and
//            a raise never waits for a disk.
// MEMORY     Bytes of a part are one vector; vectors that were written go back to the parts.
//            Nothing is allocated once they are large enough. Together at most the limits.
// THREADS    add(), figures: any. take(), release(), give_back(): one at a time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "mayfly/base/operation_id.h"

namespace mayfly {

// A signal as it was raised. Borrows its texts.
struct CapturedSignal {
  std::string_view name;
  std::optional<std::string_view> key;
  std::int64_t at_ns = 0;
  OperationId operation = 0;

  // What it counts for against the limit of bytes.
  std::size_t bytes() const;
};

// What was taken together: by time, and of one thread in the order of its raises.
struct CapturedBatch {
  std::vector<CapturedSignal> signals;  // their texts lie in `texts`
  std::vector<std::vector<char>> texts;
};

class CaptureBuffer {
 public:
  CaptureBuffer(std::size_t signals_max, std::size_t bytes_max);
  CaptureBuffer(const CaptureBuffer&) = delete;
  CaptureBuffer& operator=(const CaptureBuffer&) = delete;

  enum class Added : std::uint8_t { kKept, kKeptHalfFull, kDropped };
  // kDropped: there was no room, or no memory.
  Added add(const CapturedSignal& signal) noexcept;

  // All that was added before the call, and perhaps some of what is added meanwhile. It still
  // counts against the limits. Throws std::bad_alloc; the next call then has all of it.
  CapturedBatch take();
  // So much of what was taken is written.
  void release(std::size_t signals, std::size_t bytes);
  // All of it is; its memory is used again.
  void give_back(CapturedBatch batch);

  // Added, and not released.
  std::size_t held() const { return held_.load(std::memory_order_relaxed); }
  std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
  // All calls of add().
  std::uint64_t added() const;

 private:
  static constexpr std::size_t kParts = 64;
  struct alignas(64) Part {
    mutable std::mutex mutex;
    std::vector<char> bytes;
    std::uint64_t added = 0;
  };
  static Part& own_part(std::array<Part, kParts>& parts);

  const std::size_t signals_max_;
  const std::size_t bytes_max_;
  alignas(64) std::atomic<std::size_t> held_{0};
  std::atomic<std::size_t> held_bytes_{0};
  std::atomic<std::uint64_t> dropped_{0};
  std::array<Part, kParts> parts_;
  // Of the thread that empties.
  std::vector<std::vector<char>> spare_;
  std::vector<std::vector<char>> taken_;  // and not given out, for want of memory
};

}  // namespace mayfly
