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
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/work/coordinator.h"
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

// What both have in common.
class PriorityCoordinator : public Coordinator {
 public:
  std::vector<LaneDepth> pending_by_lane() const;

 protected:
  explicit PriorityCoordinator(std::shared_ptr<WorkCore> core) : Coordinator(std::move(core)) {}
  // kUsage: no such lane; names those there are.
  Result<std::uint16_t> lane_named(std::string_view name);

  template <class Fill>
  Result<OperationId> enqueue_into(std::string_view lane, std::int64_t deadline_ns, Fill fill) {
    const Result<std::uint16_t> index = lane_named(lane);
    if (!index.ok()) return index.status();
    return core().enqueue(deadline_ns, *index, fill);
  }
};

// A coordinator whose items wait in lanes; a higher lane goes first.
template <class Item>
class PriorityWorkCoordinator : public PriorityCoordinator {
 public:
  template <BodyOf<Item> Body>
  PriorityWorkCoordinator(WorkOptions options, std::vector<PriorityLane> lanes, Body body)
      : PriorityCoordinator(make(std::move(options), std::move(lanes), std::move(body))) {}

  // kTryAgain: the lane holds max_depth items already. A lane without max_depth waits for room.
  Result<OperationId> enqueue(Item item, std::string_view lane = "normal") {
    return enqueue_into(lane, kNever, placing(item));
  }
  // kTryAgain: no room now.
  Result<OperationId> try_enqueue(Item item, std::string_view lane = "normal") {
    return enqueue_into(lane, 0, placing(item));
  }

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
  static auto placing(Item& item) {
    return [&item](void* place, OperationRecord&) { ::new (place) Item(std::move(item)); };
  }
};

template <class Item, class Key>
class PriorityKeyedWorkCoordinator : public PriorityCoordinator {
 public:
  using KeySelector = std::function<Key(const Item&)>;

  template <BodyOf<Item> Body>
  PriorityKeyedWorkCoordinator(WorkOptions options, std::vector<PriorityLane> lanes,
                               KeySelector key_selector, Body body)
      : PriorityCoordinator(make(std::move(options), std::move(lanes), std::move(body))),
        key_selector_(std::move(key_selector)) {
    require_callable(key_selector_, "a key selector");
  }

  // As above. kUsage also: the key selector threw.
  Result<OperationId> enqueue(Item item, std::string_view lane = "normal") {
    return enqueue_until(kNever, item, lane);
  }
  Result<OperationId> try_enqueue(Item item, std::string_view lane = "normal") {
    return enqueue_until(0, item, lane);
  }

 private:
  template <class Body>
  static std::shared_ptr<WorkCore> make(WorkOptions options, std::vector<PriorityLane> lanes,
                                        Body body) {
    lanes = check_lanes(std::move(lanes), options);
    return make_keyed_core<Item, Key>(std::move(options), std::move(lanes), std::move(body));
  }
  Result<OperationId> enqueue_until(std::int64_t deadline_ns, Item& item, std::string_view lane) {
    KeyedArrival<Item, Key> arrival(item, key_selector_);
    MAYFLY_RETURN_IF_ERROR(arrival.status());
    return enqueue_into(lane, deadline_ns, std::ref(arrival));
  }

  const KeySelector key_selector_;
};

}  // namespace mayfly
