#include "mayfly/signal/stem_table.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace mayfly {
namespace {

std::uint64_t hash_of(std::string_view stem) { return std::hash<std::string_view>{}(stem); }

// The low half chooses the slot, the high half tells entries of one slot apart.
std::uint64_t word_of(std::uint64_t hash, std::uint32_t id) {
  return (hash & 0xFFFFFFFF00000000u) | id;
}

}  // namespace

StemTable::StemTable(std::size_t stems_max) : stems_max_(std::min(stems_max, kStemsLimit)) {
  indexes_.push_back(std::make_unique<Index>(kFirstSlots));
  index_.store(indexes_.back().get(), std::memory_order_relaxed);
  add("sink.stems.full", hash_of("sink.stems.full"));
  // Without an index word: no name finds it, and no stem is taken from users.
  add({}, 0);
}

const std::string& StemTable::entry(std::uint32_t id) const {
  const std::uint64_t from_first = std::uint64_t{id} + kFirstChunk;
  const int chunk = std::bit_width(from_first) - std::bit_width(kFirstChunk);
  const std::uint64_t base = std::uint64_t{kFirstChunk} << chunk;
  // Partner: the store in add(). Whoever has the id has seen it.
  return chunks_[chunk].load(std::memory_order_acquire)[from_first - base];
}

std::string_view StemTable::text(StemId id) const { return entry(id.value); }

bool StemTable::find_hashed(const Index& index, std::string_view stem, std::uint64_t hash,
                            StemId& id) const {
  for (std::size_t slot = hash & index.mask;; slot = (slot + 1) & index.mask) {
    // Partner: the store in insert().
    const std::uint64_t word = index.words[slot].load(std::memory_order_acquire);
    if (word == 0) return false;
    const auto candidate = static_cast<std::uint32_t>(word) - 1;
    if ((word ^ hash) >> 32 == 0 && entry(candidate) == stem) {
      id = StemId{candidate};
      return true;
    }
  }
}

bool StemTable::find(std::string_view stem, StemId& id) const {
  // Partner: the store in grow().
  return find_hashed(*index_.load(std::memory_order_acquire), stem, hash_of(stem), id);
}

bool StemTable::intern(std::string_view stem, StemId& id) {
  const std::uint64_t hash = hash_of(stem);
  if (find_hashed(*index_.load(std::memory_order_acquire), stem, hash, id)) return true;
  // Partner: the store below. Full for good, and every stem is in the index that is read now, so
  // that a name is either always interned or always text.
  if (full_.load(std::memory_order_acquire)) {
    return find_hashed(*index_.load(std::memory_order_acquire), stem, hash, id);
  }
  const std::lock_guard lock(mutex_);
  if (find_hashed(*index_.load(std::memory_order_relaxed), stem, hash, id)) return true;
  const bool fits = size() < stems_max_;
  if (fits) id = add(stem, hash);
  if (size() >= stems_max_) full_.store(true, std::memory_order_release);
  return fits;
}

StemId StemTable::add(std::string_view stem, std::uint64_t hash) {
  const std::uint32_t id = end_.load(std::memory_order_relaxed);
  const std::uint64_t from_first = std::uint64_t{id} + kFirstChunk;
  const int chunk = std::bit_width(from_first) - std::bit_width(kFirstChunk);
  const std::uint64_t base = std::uint64_t{kFirstChunk} << chunk;
  if (from_first == base) {
    owned_chunks_.push_back(std::make_unique<std::string[]>(base));
    chunks_[chunk].store(owned_chunks_.back().get(), std::memory_order_release);
  }
  chunks_[chunk].load(std::memory_order_relaxed)[from_first - base] = stem;
  // Half full at most: probes stay short, and a reader always meets an empty word. Before anybody
  // can see the entry: without memory there is none.
  if (std::size_t{id} * 2 >= index_.load(std::memory_order_relaxed)->mask) grow();
  end_.store(id + 1, std::memory_order_release);
  if (id == kTextStem.value) return kTextStem;
  insert(*index_.load(std::memory_order_relaxed), hash, id);
  return StemId{id};
}

void StemTable::insert(Index& index, std::uint64_t hash, std::uint32_t id) {
  std::size_t slot = hash & index.mask;
  while (index.words[slot].load(std::memory_order_relaxed) != 0) slot = (slot + 1) & index.mask;
  index.words[slot].store(word_of(hash, id + 1), std::memory_order_release);
}

void StemTable::grow() {
  indexes_.reserve(indexes_.size() + 1);
  const Index& old = *index_.load(std::memory_order_relaxed);
  auto next = std::make_unique<Index>((old.mask + 1) * 2);
  for (const auto& slot : old.words) {
    const std::uint64_t word = slot.load(std::memory_order_relaxed);
    if (word == 0) continue;
    const auto id = static_cast<std::uint32_t>(word) - 1;
    insert(*next, hash_of(entry(id)), id);
  }
  index_.store(next.get(), std::memory_order_release);
  indexes_.push_back(std::move(next));
}

}  // namespace mayfly
