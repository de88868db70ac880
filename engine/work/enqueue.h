// How items come into a coordinator: arrivals, which make items in their slots, and the calls that
// all coordinators share.
//
// AN ARRIVAL  Makes one item: operator()(place, record) constructs it in raw memory and may write
//             the record's key. kQuick says that no code of the user's runs in it; then it is
//             called with the intake's lock held. Otherwise the lock is given up meanwhile, so that
//             a constructor may throw, take long, or enqueue.
// THREADS     Any, at once.
#pragma once

#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "mayfly/work/coordinator.h"
#include "mayfly/work/no_memory.h"
#include "mayfly/work/work_core.h"

namespace mayfly {

// Appends places for so many ids. kUnavailable: there is no memory for them, and nothing changed.
inline Status grow_ids(std::vector<OperationId>& ids, std::size_t count) {
  try {
    ids.resize(ids.size() + count);
    return {};
  } catch (const std::exception&) {
    return {Code::kUnavailable, "no memory for the ids of operations"};
  }
}

// An item that is moved into its slot as it is.
template <class Item>
class PlainArrival {
 public:
  static constexpr bool kQuick = std::is_trivially_move_constructible_v<Item>;

  explicit PlainArrival(Item& item) : item_(item) {}
  Status status() const { return {}; }
  void operator()(void* place, OperationRecord&) { ::new (place) Item(std::move(item_)); }

 private:
  Item& item_;
};

// Makes the arrivals of items without keys.
template <class Item>
struct PlainArrivals {
  PlainArrival<Item> operator()(Item& item) const { return PlainArrival<Item>(item); }
};

// What coordinators of items of one kind share, whatever their enqueue() takes. Arrivals: Item& to
// an arrival that has a status().
template <class Item, class Arrivals>
class EnqueuingCoordinator : public Coordinator {
 protected:
  explicit EnqueuingCoordinator(std::shared_ptr<WorkCore> core, Arrivals arrivals = {})
      : Coordinator(std::move(core)), arrivals_(std::move(arrivals)) {}

  // One after the other, until one isn't taken; that one is given back.
  template <class Items, class Enqueue>
  static EnqueuedMany each_of(Items& items, std::vector<OperationId>* ids, Enqueue enqueue_one) {
    EnqueuedMany taken;
    const std::size_t first_id = ids != nullptr ? ids->size() : 0;
    taken.status = unless_no_memory([&]() -> Status {
      for (auto&& given : items) {
        // Room for the id comes first: an item that is taken is told.
        if (ids != nullptr) {
          MAYFLY_RETURN_IF_ERROR(grow_ids(*ids, 1));
        }
        Item item(std::move(given));
        const Result<OperationId> id = enqueue_one(item);
        if (!id.ok()) {
          if constexpr (std::is_assignable_v<decltype(given), Item>) given = std::move(item);
          return id.status();
        }
        if (ids != nullptr) ids->back() = *id;
        ++taken.count;
      }
      return {};
    });
    if (ids != nullptr) ids->resize(first_id + taken.count);
    return taken;
  }
  Result<OperationId> enqueue_into(std::uint16_t lane, std::int64_t deadline_ns, Item& item) {
    return unless_no_memory([&]() -> Result<OperationId> {
      auto arrival = arrivals_(item);
      MAYFLY_RETURN_IF_ERROR(arrival.status());
      return core().enqueue(deadline_ns, lane, arrival);
    });
  }
  const Arrivals& arrivals() const { return arrivals_; }

 private:
  const Arrivals arrivals_;
};

// Coordinators of items of one kind, without lanes.
template <class Item, class Arrivals = PlainArrivals<Item>>
class ItemCoordinator : public EnqueuingCoordinator<Item, Arrivals> {
 public:
  // Waits for room. A body that enqueues here waits for other bodies then. kUsage: completed, or an
  // item or key that couldn't be made; kUnavailable: kAbandonedMax threads are abandoned, or there
  // is no memory for another operation. One that is refused has left no trace.
  Result<OperationId> enqueue(Item item) { return enqueue_until(kNever, item); }
  // kTryAgain: no room now, or not within timeout_ns.
  Result<OperationId> try_enqueue(Item item) { return enqueue_until(0, item); }
  Result<OperationId> enqueue_for(Item item, std::int64_t timeout_ns) {
    return enqueue_until(deadline_after(this->core().now_ns(), timeout_ns), item);
  }
  // When the queue is full, what has waited longest is cancelled to make room. Never waits.
  Result<OperationId> enqueue_dropping_oldest(Item item) {
    for (;;) {
      this->core().drop_oldest_if_full();
      Result<OperationId> id = enqueue_until(0, item);
      if (id.ok() || id.status().code() != Code::kTryAgain) return id;
    }
  }
  // All of them, in order, waiting for room; moves from those it took. How many those were, and why
  // there are no more: as enqueue() says, and kUnavailable when there is no memory for their ids.
  // Their ids are appended to `ids`, if it isn't null.
  template <std::ranges::input_range Items>
  EnqueuedMany enqueue_many(Items&& items, std::vector<OperationId>* ids = nullptr) {
    using Reference = std::ranges::range_reference_t<Items>;
    constexpr bool kAtOnce = std::ranges::random_access_range<Items> &&
                             std::is_same_v<Arrivals, PlainArrivals<Item>> &&
                             std::is_same_v<Reference, Item&>;
    if constexpr (kAtOnce && PlainArrival<Item>::kQuick) {
      const auto first = std::ranges::begin(items);
      const auto count = static_cast<std::size_t>(std::ranges::distance(items));
      return this->core().enqueue_many(
          count,
          [&](std::size_t i) { return this->arrivals()(first[static_cast<std::ptrdiff_t>(i)]); },
          ids);
    } else {
      return this->each_of(items, ids, [this](Item& item) { return enqueue_until(kNever, item); });
    }
  }

 protected:
  using EnqueuingCoordinator<Item, Arrivals>::EnqueuingCoordinator;

  Result<OperationId> enqueue_until(std::int64_t deadline_ns, Item& item) {
    return this->enqueue_into(0, deadline_ns, item);
  }
};

template <class Arrival>
Status WorkCore::make_item(OperationSlot slot, Arrival& arrival) {
  try {
    arrival(table_.item(slot), table_[slot]);
    return {};
  } catch (const std::exception& error) {
    return {Code::kUsage, std::string("the item wasn't enqueued: ") + error.what()};
  } catch (...) {
    return {Code::kUsage, "the item wasn't enqueued: it threw"};
  }
}

// The item of a slot that was claimed. Gives the lock up where the item's own code runs.
template <class Arrival>
Status WorkCore::fill(Lock& lock, OperationSlot slot, Arrival& arrival) {
  if constexpr (Arrival::kQuick) {
    arrival(table_.item(slot), table_[slot]);
    return {};
  } else {
    lock.unlock();
    Status made = make_item(slot, arrival);
    lock.lock();
    if (!made.ok() || !intake_.closed()) return made;
    lock.unlock();  // completed meanwhile: whoever drains doesn't know of it
    handler_->destroy(table_.item(slot));
    lock.lock();
    return refusal(false).status();
  }
}

template <class Arrival>
Result<OperationId> WorkCore::enqueue(std::int64_t deadline_ns, std::uint16_t lane,
                                      Arrival& arrival) {
  const std::int64_t now_ns = clock_.now_ns();
  OperationId id = 0;
  {
    Lock lock(intake_.mutex());
    Lane& queue = *lanes_[lane];
    const auto full = [&] { return intake_.room() == 0 || queue.full(); };
    while (!intake_.closed() && full()) {
      if (queue.full() && queue.refuses_when_full()) return lane_refusal(queue);
      if (deadline_ns != kNever && clock_.now_ns() >= deadline_ns) {
        return queue.full() ? Result<OperationId>(lane_refusal(queue)) : refusal(true);
      }
      intake_.wait_for_room(lock, clock_, deadline_ns, full);
    }
    if (intake_.closed() || abandoned_.load(std::memory_order_relaxed) >= kAbandonedMax) {
      return refusal(false);
    }
    const OperationSlot slot = intake_.claim(now_ns);
    if (slot == kNoOperationSlot) {
      return Status(Code::kUnavailable, "no memory for another operation");
    }
    table_[slot].lane = lane;
    queue.enter();
    const auto give_up = [&] {
      if (!lock.owns_lock()) lock.lock();
      queue.leave(false);
      intake_.unclaim(slot);
    };
    try {
      if (Status made = fill(lock, slot, arrival); !made.ok()) {
        give_up();
        return made;
      }
    } catch (const std::bad_alloc&) {  // of a refusal's text
      give_up();
      throw;
    }
    id = intake_.push(slot);
    intake_.flush();
  }
  wake_after_enqueue(1);
  return id;
}

template <class ArrivalOf>
EnqueuedMany WorkCore::enqueue_many(std::size_t count, ArrivalOf arrival_of,
                                    std::vector<OperationId>* ids) {
  EnqueuedMany taken;
  const std::size_t first_id = ids != nullptr ? ids->size() : 0;
  if (ids != nullptr) taken.status = grow_ids(*ids, count);
  if (!taken.status.ok()) return taken;
  const auto note = [&](OperationId id) {
    if (ids != nullptr) (*ids)[first_id + taken.count] = id;
    ++taken.count;
  };
  while (taken.count < count) {
    // One waits for room; then as many as there is room for go in at once.
    auto one = arrival_of(taken.count);
    const auto first = unless_no_memory([&] { return enqueue(kNever, 0, one); });
    if (!first.ok()) {
      taken.status = first.status();
      break;
    }
    note(*first);
    const std::size_t before = taken.count;
    const std::int64_t now_ns = clock_.now_ns();
    {
      const Lock lock(intake_.mutex());
      std::uint32_t room = intake_.closed() ? 0 : intake_.room();
      for (; room > 0 && taken.count < count; --room) {
        const OperationSlot slot = intake_.claim(now_ns);
        if (slot == kNoOperationSlot) break;
        auto arrival = arrival_of(taken.count);
        arrival(table_.item(slot), table_[slot]);
        note(intake_.push(slot));
      }
      intake_.flush();
    }
    wake_after_enqueue(taken.count - before);
  }
  if (ids != nullptr) ids->resize(first_id + taken.count);
  return taken;
}

}  // namespace mayfly
