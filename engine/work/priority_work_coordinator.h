// PriorityWorkCoordinator, PriorityKeyedWorkCoordinator: items go into named lanes; whoever is free
// takes from the highest lane that has something that may run.
//
//   PriorityWorkCoordinator<Job> jobs({.max_concurrency = 4},
//                                     {{.name = "critical", .max_depth = 100}, {.name = "normal"}},
//                                     body);
//   jobs.enqueue(job, "critical");
//
// Each lane has room of its own, so a backlog in one keeps nobody out of another, and what is
// enqueued into a higher lane overtakes all that waits in lower ones. With keys, a key's items run
// in order within their lane, and at most max_concurrency_per_key of all lanes at once.
#pragma once

#include <functional>
#include <memory>
#include <ranges>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/work/enqueue.h"
#include "mayfly/work/keyed_item.h"
#include "mayfly/work/lanes.h"

namespace mayfly {

// Throws std::invalid_argument: a lane without a name or with another's, a negative depth, rules
// for signals without WorkOptions::signals. None at all gives one lane "normal".
std::vector<PriorityLane> check_lanes(std::vector<PriorityLane> lanes, const WorkOptions& options);

// How many operations wait in a lane.
struct LaneDepth {
  std::string name;
  std::uint32_t pending = 0;
};
std::vector<LaneDepth> lane_depths(const Lanes& lanes);
// kUsage: no such lane; names those there are.
Result<std::uint16_t> lane_named(const Lanes& lanes, std::string_view name);

// What both have in common. They are no ItemCoordinators, which know nothing of lanes.
template <class Item, class Arrivals>
class PriorityCoordinator : public EnqueuingCoordinator<Item, Arrivals> {
 public:
  // Into a lane. kTryAgain: the lane holds max_depth items already, or, without one, there is no
  // room now (try_enqueue) or not within timeout_ns. kUsage also for an unknown lane, which it
  // says.
  Result<OperationId> enqueue(Item item, std::string_view lane = "normal") {
    return into(lane, kNever, item);
  }
  Result<OperationId> try_enqueue(Item item, std::string_view lane = "normal") {
    return into(lane, 0, item);
  }
  Result<OperationId> enqueue_for(Item item, std::int64_t timeout_ns,
                                  std::string_view lane = "normal") {
    return into(lane, deadline_after(this->core().now_ns(), timeout_ns), item);
  }
  // All of them into one lane, as above; the one that isn't taken is left as it was.
  template <std::ranges::input_range Items>
  EnqueuedMany enqueue_many(Items&& items, std::string_view lane = "normal",
                            std::vector<OperationId>* ids = nullptr) {
    return this->each_of(items, ids, [this, lane](Item& item) { return into(lane, kNever, item); });
  }
  // Each lane has its own bound; none drops its oldest.
  Result<OperationId> enqueue_dropping_oldest(Item) = delete;

  std::vector<LaneDepth> pending_by_lane() const { return lane_depths(this->core().lanes()); }

 protected:
  using EnqueuingCoordinator<Item, Arrivals>::EnqueuingCoordinator;

 private:
  Result<OperationId> into(std::string_view lane, std::int64_t deadline_ns, Item& item) {
    const auto index = unless_no_memory([&] { return lane_named(this->core().lanes(), lane); });
    if (!index.ok()) return index.status();
    return this->enqueue_into(*index, deadline_ns, item);
  }
};

// A coordinator whose items wait in lanes; a higher lane goes first.
template <class Item>
class PriorityWorkCoordinator : public PriorityCoordinator<Item, PlainArrivals<Item>> {
 public:
  template <BodyOf<Item> Body>
  PriorityWorkCoordinator(WorkOptions options, std::vector<PriorityLane> lanes, Body body)
      : PriorityCoordinator<Item, PlainArrivals<Item>>(
            make(std::move(options), std::move(lanes), std::move(body))) {}

 private:
  template <class Body>
  static std::shared_ptr<WorkCore> make(WorkOptions options, std::vector<PriorityLane> lanes,
                                        Body body) {
    require_callable(body, "a body");
    lanes = check_lanes(std::move(lanes), options);
    auto core = std::make_shared<WorkCore>(
        std::move(options), std::make_unique<BodyHandler<Item, Body>>(std::move(body)),
        sizeof(Item), alignof(Item), std::move(lanes));
    core->start(std::make_unique<LaneOrder>(core->table(), core->intake(), core->lanes()));
    return core;
  }
};

// The same with keys: items of a key in order within their lane.
template <class Item, class Key>
class PriorityKeyedWorkCoordinator : public PriorityCoordinator<Item, KeyedArrivals<Item, Key>> {
 public:
  using KeySelector = std::function<Key(const Item&)>;

  // enqueue() and its like return kUsage also when the key selector threw.
  template <BodyOf<Item> Body>
  PriorityKeyedWorkCoordinator(WorkOptions options, std::vector<PriorityLane> lanes,
                               KeySelector key_selector, Body body)
      : PriorityCoordinator<Item, KeyedArrivals<Item, Key>>(
            make(std::move(options), std::move(lanes), std::move(body)),
            KeyedArrivals<Item, Key>(std::move(key_selector))) {}

 private:
  template <class Body>
  static std::shared_ptr<WorkCore> make(WorkOptions options, std::vector<PriorityLane> lanes,
                                        Body body) {
    lanes = check_lanes(std::move(lanes), options);
    return make_keyed_core<Item, Key>(std::move(options), std::move(lanes), std::move(body));
  }
};

}  // namespace mayfly
