// WriteTracker: the newest writes, as anybody can look at them.
//
// PROTOCOL   A write takes the next id, and with it the slot id % capacity. The slot's word is
//            2 * id, or 2 * id + 1 while whoever has the odd number stores fields. To store, one
//            changes the word from even to odd by compare-exchange (acquire), stores the fields,
//            and makes it even again. begin() takes a slot from an older write and leaves it to a
//            newer one; later stores of a write whose slot was taken find another number and do
//            nothing. A reader loads the word, the fields, the word: unequal or odd, and it looks
//            again. Stores are releases and loads acquires: who sees a field of the next store also
//            sees that the word has changed.
// MEMORY     64 bytes for each tracked write, at construction.
// THREADS    Any. Nobody sleeps; a reader that meets a slot being written a few times leaves
//            it out.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace mayfly {

// What kind of write it is.
enum class WriteKind : std::uint8_t { kWrite, kBatch, kTransaction };
// How far it is.
enum class WriteState : std::uint8_t { kPending, kRunning, kCompleted, kFailed };

// One write as it stood when it was looked at.
struct WriteSnapshot {
  std::uint64_t id = 0;  // increasing, from 1
  WriteKind kind = WriteKind::kWrite;
  WriteState state = WriteState::kPending;
  std::int64_t rows = 0;         // changed; of one that completed
  std::int64_t enqueued_ns = 0;  // 0: its times weren't taken (sample_rate)
  std::int64_t started_ns = 0;
  std::int64_t finished_ns = 0;
};

class WriteTracker {
 public:
  // capacity: at least 1.
  explicit WriteTracker(std::size_t capacity);
  WriteTracker(const WriteTracker&) = delete;
  WriteTracker& operator=(const WriteTracker&) = delete;

  std::uint64_t begin(WriteKind kind, std::int64_t now_ns);
  void started(std::uint64_t id, std::int64_t now_ns);
  void finished(std::uint64_t id, bool ok, std::int64_t rows, std::int64_t now_ns);

  // Oldest first.
  std::vector<WriteSnapshot> snapshot() const;
  // How many have begun.
  std::uint64_t total() const { return next_.load(std::memory_order_relaxed) - 1; }

 private:
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> word{0};
    std::atomic<WriteKind> kind{};
    std::atomic<WriteState> state{};
    std::atomic<std::int64_t> rows{0};
    std::atomic<std::int64_t> enqueued_ns{0};
    std::atomic<std::int64_t> started_ns{0};
    std::atomic<std::int64_t> finished_ns{0};
  };

  template <class Store>
  void store(std::uint64_t id, Store fields);
  static bool read(const Slot& slot, WriteSnapshot& out);

  const std::size_t capacity_;
  const std::unique_ptr<Slot[]> slots_;
  alignas(64) std::atomic<std::uint64_t> next_{1};
};

}  // namespace mayfly
