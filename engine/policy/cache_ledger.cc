#include "mayfly/policy/cache_ledger.h"

#include <stdexcept>
#include <string>

namespace mayfly {
namespace {

void require(bool ok, const char* option, const char* expected, std::int64_t found) {
  if (ok) return;
  throw std::invalid_argument(std::string("cache ledger: ") + option + " expected " + expected +
                              ", found " + std::to_string(found));
}

const CacheLedgerOptions& checked(const CacheLedgerOptions& options) {
  require(options.size_max > 0 && options.size_max <= CacheLedger::kSizeMax, "size_max",
          "1 to 2^31", static_cast<std::int64_t>(options.size_max));
  require(options.hot_ttl_ns >= 0, "hot_ttl_ns", "at least 0", options.hot_ttl_ns);
  require(options.lifetime_ns > 0, "lifetime_ns", "at least 1", options.lifetime_ns);
  require(options.hot_threshold > 0, "hot_threshold", "at least 1", options.hot_threshold);
  return options;
}

}  // namespace

CacheLedger::CacheLedger(const CacheLedgerOptions& options)
    : options_(checked(options)), nodes_(1) {}

CacheSlot CacheLedger::add(std::int64_t now_ns, std::int64_t ttl_ns, std::uint32_t chances) {
  if (full()) return kNoSlot;
  CacheSlot slot = free_;
  if (slot != kNoSlot) {
    free_ = nodes_[slot].next_free;
  } else {
    slot = static_cast<CacheSlot>(nodes_.size());
    nodes_.emplace_back();
  }
  Node& node = nodes_[slot];
  node = {.expires_ns = now_ns, .ttl_ns = ttl_ns, .added_ns = now_ns, .accesses = 1};
  node.own_chances = static_cast<std::uint8_t>(std::min(chances, kChancesMax));
  refresh(node, now_ns);
  expiry_.push(slot, node.expires_ns);
  use_.push(slot, node.used);
  return slot;
}

void CacheLedger::remove(CacheSlot slot) {
  expiry_.remove(slot);
  use_.remove(slot);
  nodes_[slot].next_free = free_;
  free_ = slot;
}

CacheSlot CacheLedger::find_expired(std::int64_t now_ns) {
  for (int looks = 0; looks < kLooksMax && may_have_expired(now_ns); ++looks) {
    const CacheSlot slot = expiry_.top().slot;
    if (expired(slot, now_ns)) return slot;
    expiry_.delay_top(nodes_[slot].expires_ns);
  }
  return kNoSlot;
}

CacheSlot CacheLedger::choose_victim(std::int64_t now_ns) {
  if (const CacheSlot slot = find_expired(now_ns); slot != kNoSlot) return slot;
  if (use_.empty()) return kNoSlot;
  CacheSlot least = kNoSlot;  // recently used of those that were looked at
  for (int looks = 0; looks < kLooksMax; ++looks) {
    const LazyHeap::Item top = use_.top();
    Node& node = nodes_[top.slot];
    if (top.at == node.used) {
      if (node.chances == 0) return top.slot;
      --node.chances;
      node.used = ++uses_;
    } else if (least == kNoSlot || node.used < nodes_[least].used) {
      least = top.slot;
    }
    use_.delay_top(node.used);
  }
  return least != kNoSlot ? least : use_.top().slot;
}

CacheEntryInfo CacheLedger::info(CacheSlot slot) const {
  const Node& node = nodes_[slot];
  return {.accesses = node.accesses,
          .hot = is_hot(node),
          .added_ns = node.added_ns,
          .expires_ns = node.expires_ns};
}

CacheLedgerCounts CacheLedger::counts(std::int64_t now_ns) const {
  CacheLedgerCounts counts;
  for (const auto& [at, slot] : expiry_.items()) {
    if (expired(slot, now_ns)) {
      ++counts.expired;
    } else {
      ++counts.valid;
      if (is_hot(nodes_[slot])) ++counts.hot;
    }
  }
  return counts;
}

}  // namespace mayfly
