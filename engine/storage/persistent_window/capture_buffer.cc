#include "mayfly/storage/persistent_window/capture_buffer.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "mayfly/signal/raising_thread.h"

namespace mayfly {
namespace {

// What stands before the texts of a signal, name and key.
struct Head {
  std::int64_t at_ns;
  OperationId operation;
  std::uint32_t name_bytes;
  std::uint32_t key_bytes;
};
constexpr std::uint32_t kNoKey = UINT32_MAX;
// Longer texts are cut: SQLite takes no more than 1e9 bytes.
constexpr std::size_t kTextMax = 1'000'000'000;

// A vector that once held a flood isn't kept.
constexpr std::size_t kSpareBytesMax = std::size_t{1} << 20;

void append(std::vector<char>& bytes, const CapturedSignal& signal) {
  Head head{
      signal.at_ns, signal.operation,
      static_cast<std::uint32_t>(std::min(signal.name.size(), kTextMax)),
      signal.key ? static_cast<std::uint32_t>(std::min(signal.key->size(), kTextMax)) : kNoKey};
  const std::size_t key_bytes = signal.key ? head.key_bytes : 0;
  const std::size_t at = bytes.size();
  bytes.resize(at + sizeof head + head.name_bytes + key_bytes);
  char* to = bytes.data() + at;
  std::memcpy(to, &head, sizeof head);
  std::memcpy(to + sizeof head, signal.name.data(), head.name_bytes);
  if (key_bytes > 0) std::memcpy(to + sizeof head + head.name_bytes, signal.key->data(), key_bytes);
}

void read_all(const std::vector<char>& bytes, std::vector<CapturedSignal>& out) {
  for (std::size_t at = 0; at < bytes.size();) {
    Head head;
    std::memcpy(&head, bytes.data() + at, sizeof head);
    at += sizeof head;
    CapturedSignal& signal = out.emplace_back();
    signal.at_ns = head.at_ns;
    signal.operation = head.operation;
    signal.name = {bytes.data() + at, head.name_bytes};
    at += head.name_bytes;
    if (head.key_bytes == kNoKey) continue;
    signal.key = std::string_view(bytes.data() + at, head.key_bytes);
    at += head.key_bytes;
  }
}

}  // namespace

std::size_t CapturedSignal::bytes() const {
  return sizeof(Head) + std::min(name.size(), kTextMax) +
         (key ? std::min(key->size(), kTextMax) : 0);
}

CaptureBuffer::CaptureBuffer(std::size_t signals_max, std::size_t bytes_max)
    : signals_max_(signals_max), bytes_max_(bytes_max) {}

CaptureBuffer::Part& CaptureBuffer::own_part(std::array<Part, kParts>& parts) {
  return parts[RaisingThread::home(RaisingThread::key()) % kParts];
}

CaptureBuffer::Added CaptureBuffer::add(const CapturedSignal& signal) noexcept {
  const std::size_t bytes = signal.bytes();
  // Relaxed: they only count; what they count is under the parts' mutexes.
  const std::size_t held = held_.fetch_add(1, std::memory_order_relaxed);
  const std::size_t held_bytes = held_bytes_.fetch_add(bytes, std::memory_order_relaxed);
  Part& part = own_part(parts_);
  const std::lock_guard lock(part.mutex);
  ++part.added;
  // One that is longer than the limit is taken when nothing else is held.
  const bool fits = held < signals_max_ && (held_bytes + bytes <= bytes_max_ || held_bytes == 0);
  if (fits) {
    try {
      append(part.bytes, signal);
      const bool half = held + 1 > signals_max_ / 2 || held_bytes + bytes > bytes_max_ / 2;
      return half ? Added::kKeptHalfFull : Added::kKept;
    } catch (const std::bad_alloc&) {
      // As if there were no room.
    }
  }
  release(1, bytes);
  dropped_.fetch_add(1, std::memory_order_relaxed);
  return Added::kDropped;
}

CapturedBatch CaptureBuffer::take() {
  // What may throw comes before, or leaves what was taken in taken_, for the next call.
  taken_.reserve(taken_.size() + kParts);
  spare_.resize(std::max(spare_.size(), kParts));
  for (Part& part : parts_) {
    const std::lock_guard lock(part.mutex);
    if (part.bytes.empty()) continue;
    taken_.push_back(std::exchange(part.bytes, std::move(spare_.back())));
    spare_.pop_back();
  }
  CapturedBatch batch;
  for (const std::vector<char>& bytes : taken_) read_all(bytes, batch.signals);
  // Stable: a thread's times never go back, and its order stays where they are equal.
  std::ranges::stable_sort(batch.signals, {}, &CapturedSignal::at_ns);
  batch.texts = std::exchange(taken_, {});
  return batch;
}

void CaptureBuffer::release(std::size_t signals, std::size_t bytes) {
  held_.fetch_sub(signals, std::memory_order_relaxed);
  held_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
}

void CaptureBuffer::give_back(CapturedBatch batch) {
  for (std::vector<char>& bytes : batch.texts) {
    if (spare_.size() >= kParts || bytes.capacity() > kSpareBytesMax) continue;
    bytes.clear();
    spare_.push_back(std::move(bytes));
  }
}

std::uint64_t CaptureBuffer::added() const {
  std::uint64_t sum = 0;
  for (const Part& part : parts_) {
    const std::lock_guard lock(part.mutex);
    sum += part.added;
  }
  return sum;
}

}  // namespace mayfly
