// KeyedItems: where for_each_keyed's workers get their items (for_each_source.h has the other
// sources).
//
// PROTOCOL   A lane for each key with items that run or wait. A worker takes, in this order: an
//            item whose turn in its lane has come; the next item of the range, which it runs if its
//            lane has room and sets aside if not. One worker at a time reads the range, outside the
//            mutex, so that one which waits for its next item holds up nobody; it comes back with
//            the item before another one reads, so lanes fill in the range's order. The others
//            sleep until an item ends, the reader comes back, or a stop is requested.
// THREADS    Any.
#pragma once

#include <fmt/format.h>

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "mayfly/base/status.h"
#include "mayfly/work/for_each_item.h"
#include "mayfly/work/for_each_run.h"
#include "mayfly/work/for_each_source.h"

namespace mayfly {

// A key that is text is kept as a string of its own: what it was taken from moves.
template <class KeySelector, class Range,
          class Made = std::decay_t<
              std::invoke_result_t<KeySelector&, std::remove_reference_t<ForEachItem<Range>>&>>>
using ForEachKey =
    std::conditional_t<std::is_convertible_v<const Made&, std::string_view>, std::string, Made>;

// What people are shown of a key.
template <class Key>
std::string for_each_key_text(const Key& key) {
  if constexpr (std::is_convertible_v<const Key&, std::string_view>) {
    return std::string(std::string_view(key));
  } else if constexpr (fmt::is_formattable<Key>::value) {
    return fmt::format("{}", key);
  } else {
    return {};
  }
}

template <class Range, class KeySelector>
class KeyedItems {
 public:
  using Ticket = ForEachTicket<Range>;

  // Borrows all of them.
  KeyedItems(Range& range, KeySelector& key_selector, ForEachRun& run)
      : reader_(range),
        key_selector_(key_selector),
        run_(run),
        per_key_(static_cast<std::size_t>(run.options().max_concurrency_per_key)),
        waiting_max_(static_cast<std::size_t>(run.options().queue_capacity != 0
                                                  ? run.options().queue_capacity
                                                  : run.options().max_tracked_operations)) {}

  bool claim(int, ForEachWorker& worker, Ticket& ticket) {
    std::unique_lock lock(mutex_);
    while (!run_.stopping()) {
      if (!ready_.empty()) {
        ticket = std::move(ready_.front());
        ready_.pop_front();
        return started(worker, lock);
      }
      if (!reading_ && !reader_.ended() && waiting_ < waiting_max_) {
        if (read(lock, ticket)) return started(worker, lock);
        continue;
      }
      if (!reading_ && reader_.ended() && waiting_ == 0) return false;
      changed_.wait(lock, run_.how().stop, [this, seen = changes_] { return changes_ != seen; });
    }
    return false;
  }
  // An item has ended: the next one of its lane may start.
  void release(void* lane_of_item) {
    if (lane_of_item == nullptr) return;
    Lane& lane = *static_cast<Lane*>(lane_of_item);
    const std::lock_guard lock(mutex_);
    if (!lane.waiting.empty()) {
      ready_.push_back(std::move(lane.waiting.front()));
      lane.waiting.pop_front();
      --waiting_;
    } else if (--lane.running == 0) {
      lanes_.erase(lanes_.find(*lane.key));
    }
    change();
  }
  // Whoever sleeps sees that the run was halted.
  void wake() {
    const std::lock_guard lock(mutex_);
    change();
  }
  // After all workers have ended.
  std::uint64_t known() const { return reader_.known(); }
  bool all_seen() const { return reader_.ended(); }
  const Status& status() const { return reader_.status(); }

 private:
  using Key = ForEachKey<KeySelector, Range>;
  struct Lane {
    std::size_t running = 0;  // those that are ready among them
    std::deque<Ticket> waiting;
    std::string text;
    const Key* key = nullptr;
  };

  // Whoever sleeps looks again. All of them: the one that may go on is not known.
  void change() {
    ++changes_;
    changed_.notify_all();
  }
  bool started(ForEachWorker& worker, std::unique_lock<std::mutex>& lock) {
    lock.unlock();
    worker.now_ns = run_.now_ns();  // it may have slept
    return true;
  }
  // One item of the range. True: it may run now. Whatever is thrown, the others don't wait for this
  // reader any more.
  bool read(std::unique_lock<std::mutex>& lock, Ticket& ticket) {
    reading_ = true;
    lock.unlock();
    std::optional<Key> key;
    std::optional<Ticket> next;
    const auto come_back = [&] {
      lock.lock();
      reading_ = false;
      change();
    };
    try {
      next = reader_.next();
      if (next) {
        next->enqueued_ns = run_.now_ns();
        next->key_status = for_each_guarded([&] {
          auto&& item = for_each_item<Range>(*next->held);
          key.emplace(key_selector_(item));
        });
      }
    } catch (...) {
      come_back();
      throw;
    }
    come_back();
    if (!next) return false;
    ticket = std::move(*next);
    return !key || admit(std::move(*key), ticket);
  }
  // Gives it a place in its lane. True: it may run now.
  bool admit(Key key, Ticket& ticket) {
    const auto [place, is_new] = lanes_.try_emplace(std::move(key));
    Lane& lane = place->second;
    if (is_new) {
      lane.key = &place->first;
      lane.text = for_each_key_text(place->first);
    }
    ticket.lane = &lane;
    ticket.key = lane.text;
    if (lane.running < per_key_) {
      ++lane.running;
      return true;
    }
    lane.waiting.push_back(std::move(ticket));
    ++waiting_;
    return false;
  }

  ForEachReader<Range> reader_;  // of the worker that has set reading_
  KeySelector& key_selector_;
  ForEachRun& run_;
  const std::size_t per_key_;
  const std::size_t waiting_max_;

  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::uint64_t changes_ = 0;
  bool reading_ = false;
  std::size_t waiting_ = 0;  // items set aside
  std::deque<Ticket> ready_;
  std::unordered_map<Key, Lane> lanes_;
};

}  // namespace mayfly
