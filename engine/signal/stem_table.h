// StemTable: the text before the colon of a signal's name, as a small integer.
//
// Bounded; a stem is never forgotten, so ids and the texts they stand for are valid as long as the
// table.
//
// PROTOCOL   Lookups take no lock. An index is an array of words, hash << 32 | id; a writer, under
//            the mutex, fills the entry first and publishes it by storing its word (release), which
//            a reader loads (acquire). A full index is replaced by one twice as large; the old one
//            is kept for readers that still stand in it, where a miss only leads to the mutex.
// THREADS    Any thread may call anything.
#pragma once

#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mayfly {

// StemId{} is a reserved stem, "sink.stems.full".
struct StemId {
  std::uint32_t value = 0;
  friend auto operator<=>(StemId, StemId) = default;
};

// A record of this stem has its whole name as argument.
constexpr StemId kTextStem{1};
constexpr std::uint32_t kReservedStems = 2;
// A record's word has 24 bits for a stem.
constexpr std::size_t kStemsLimit = (std::size_t{1} << 24) - kReservedStems;

class StemTable {
 public:
  // At most stems_max stems (and never more than kStemsLimit), reserved ones not counted.
  explicit StemTable(std::size_t stems_max);
  StemTable(const StemTable&) = delete;
  StemTable& operator=(const StemTable&) = delete;

  // False when the stem is new and the table full. Throws std::bad_alloc, and has changed nothing
  // then, when there is no memory for a new stem.
  bool intern(std::string_view stem, StemId& id);
  // False when the stem was never interned.
  bool find(std::string_view stem, StemId& id) const;
  std::string_view text(StemId id) const;
  // Ids are below this number; entries of ids below it are readable.
  std::uint32_t end() const { return end_.load(std::memory_order_acquire); }  // partner: add()
  std::size_t size() const { return end() - kReservedStems; }

 private:
  struct Index {
    explicit Index(std::size_t slots) : mask(slots - 1), words(slots) {}
    std::size_t mask;
    std::vector<std::atomic<std::uint64_t>> words;  // 0: empty
  };
  static constexpr std::size_t kFirstSlots = 256;
  static constexpr std::size_t kFirstChunk = 64;
  static constexpr std::size_t kChunks = 19;  // 64 * (2^19 - 1) entries, more than kStemsLimit

  bool find_hashed(const Index& index, std::string_view stem, std::uint64_t hash, StemId& id) const;
  StemId add(std::string_view stem, std::uint64_t hash);
  void grow();
  static void insert(Index& index, std::uint64_t hash, std::uint32_t id);
  const std::string& entry(std::uint32_t id) const;

  const std::size_t stems_max_;
  std::atomic<Index*> index_;
  std::atomic<std::uint32_t> end_{0};
  std::atomic<bool> full_{false};
  // Chunk c holds kFirstChunk << c entries, so that an entry never moves.
  std::atomic<std::string*> chunks_[kChunks] = {};

  std::mutex mutex_;  // guards what follows, and all changes
  std::vector<std::unique_ptr<Index>> indexes_;
  std::vector<std::unique_ptr<std::string[]>> owned_chunks_;
};

}  // namespace mayfly
