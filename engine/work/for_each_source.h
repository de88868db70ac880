// Where for_each's workers get their items: each item once, in the range's order as nearly as
// several workers allow, and never all of a range at once.
//
// IndexedItems     Ranges of known size with random access: workers claim indexes (index_claims.h).
// SequentialItems  All others: whoever needs items advances the iterator, a few items at a time,
//                  under a mutex; those that it hasn't begun can be taken by others once the range
//                  has ended.
//
// Both have: claim(), release() for the lane of an item that has ended, wake() for those that sleep
// in claim() when the run was halted, and, once all workers have
// ended, known() items, whether those are all_seen(), and the range's status().
//
// THREADS  claim(w) by one thread at a time for each w. The range's iterator is advanced by one
//          thread at a time; what a random-access or multi-pass iterator refers to is looked at by
//          several.
// ERRORS   An iterator that throws ends the range, with ForEachRun::halt() left to the items before
//          it.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/work/for_each_item.h"
#include "mayfly/work/for_each_run.h"
#include "mayfly/work/index_claims.h"

namespace mayfly {

// An item that a worker has claimed.
template <class Range>
struct ForEachTicket {
  std::uint64_t index = 0;
  std::optional<ForEachHeld<Range>> held;
  std::int64_t enqueued_ns = 0;  // 0: when it was claimed
  // Keyed passes: the key's lane and text, and why the key couldn't be had.
  void* lane = nullptr;
  std::string_view key;
  Status key_status;
};

// Items of a range with random access and a known size.
template <class Range>
class IndexedItems {
 public:
  IndexedItems(Range& range, int workers)
      : first_(std::ranges::begin(range)),
        size_(static_cast<std::uint64_t>(std::ranges::size(range))),
        claims_(size_, workers) {}

  bool claim(int number, ForEachWorker& worker, ForEachTicket<Range>& ticket) {
    const std::uint64_t index = claims_.next(number, worker.run);
    if (index == IndexClaims::kNone) return false;
    ticket.index = index;
    ticket.held.emplace(first_ + static_cast<std::ranges::range_difference_t<Range>>(index));
    return true;
  }
  void release(void*) {}
  void wake() {}
  std::uint64_t known() const { return size_; }
  bool all_seen() const { return true; }
  Status status() const { return {}; }

 private:
  const std::ranges::iterator_t<Range> first_;
  const std::uint64_t size_;
  IndexClaims claims_;
};

// Reads the range, one thread at a time.
template <class Range>
class ForEachReader {
 public:
  explicit ForEachReader(Range& range) : range_(range) {}

  // The next item; none at the end of the range, or when its iterator throws.
  std::optional<ForEachTicket<Range>> next() {
    if (ended_) return std::nullopt;
    try {
      if (!at_) {
        at_.emplace(std::ranges::begin(range_));
      } else {
        ++*at_;
      }
      if (*at_ == std::ranges::end(range_)) {
        ended_ = true;
        return std::nullopt;
      }
      ForEachTicket<Range> ticket;
      ticket.index = known_;
      ticket.held.emplace(for_each_hold<Range>(*at_));
      ++known_;
      return ticket;
    } catch (const std::exception& error) {
      fail(error.what());
    } catch (...) {
      fail("something that isn't a std::exception");
    }
    return std::nullopt;
  }
  bool ended() const { return ended_; }
  std::uint64_t known() const { return known_; }
  const Status& status() const { return status_; }

 private:
  void fail(const char* what) {
    ended_ = true;
    status_ =
        Status(Code::kInternal, fmt::format("the range threw after {} items: {}", known_, what));
  }

  Range& range_;
  std::optional<std::ranges::iterator_t<Range>> at_;
  std::uint64_t known_ = 0;
  bool ended_ = false;
  Status status_;
};

// Items of any other range.
template <class Range>
class SequentialItems {
 public:
  SequentialItems(Range& range, int workers)
      : reader_(range), workers_(workers), batches_(std::make_unique<Batch[]>(workers)) {}

  bool claim(int number, [[maybe_unused]] ForEachWorker& worker, ForEachTicket<Range>& ticket) {
    Batch& own = batches_[number];
    if (own.pop(ticket)) return true;
    {
      const std::lock_guard lock(mutex_);
      if (std::optional<ForEachTicket<Range>> next = reader_.next()) {
        ticket = std::move(*next);
        // A single-pass range may be one that waits for its next item.
        if constexpr (std::ranges::forward_range<Range>) own.refill(reader_, worker.run - 1);
        return true;
      }
    }
    return steal(number, ticket);
  }
  void release(void*) {}
  void wake() {}
  // After all workers have ended.
  std::uint64_t known() const { return reader_.known(); }
  bool all_seen() const { return reader_.ended(); }
  const Status& status() const { return reader_.status(); }

 private:
  // What a worker has read and not begun.
  class alignas(64) Batch {
   public:
    bool pop(ForEachTicket<Range>& ticket) {
      const std::lock_guard lock(mutex_);
      if (next_ == tickets_.size()) return false;
      ticket = std::move(tickets_[next_++]);
      return true;
    }
    void refill(ForEachReader<Range>& reader, std::uint64_t count) {
      const std::lock_guard lock(mutex_);
      tickets_.clear();
      next_ = 0;
      while (tickets_.size() < count) {
        std::optional<ForEachTicket<Range>> next = reader.next();
        if (!next) break;
        tickets_.push_back(std::move(*next));
      }
    }
    // The newer half.
    std::vector<ForEachTicket<Range>> give() {
      const std::lock_guard lock(mutex_);
      const std::size_t left = next_ + (tickets_.size() - next_) / 2;
      std::vector<ForEachTicket<Range>> given(
          std::make_move_iterator(tickets_.begin() + static_cast<std::ptrdiff_t>(left)),
          std::make_move_iterator(tickets_.end()));
      tickets_.resize(left);
      return given;
    }
    void take(std::vector<ForEachTicket<Range>> given) {
      const std::lock_guard lock(mutex_);
      tickets_ = std::move(given);
      next_ = 0;
    }

   private:
    std::mutex mutex_;
    std::vector<ForEachTicket<Range>> tickets_;
    std::size_t next_ = 0;
  };

  bool steal(int number, ForEachTicket<Range>& ticket) {
    for (int step = 1; step < workers_; ++step) {
      std::vector<ForEachTicket<Range>> given = batches_[(number + step) % workers_].give();
      if (given.empty()) continue;
      batches_[number].take(std::move(given));
      if (batches_[number].pop(ticket)) return true;
    }
    return false;
  }

  std::mutex mutex_;  // of the reader
  ForEachReader<Range> reader_;
  const int workers_;
  const std::unique_ptr<Batch[]> batches_;
};

// Which of them a range needs.
template <class Range>
constexpr bool kForEachIndexed =
    std::ranges::random_access_range<Range>&& std::ranges::sized_range<Range>;

}  // namespace mayfly
