// WorkCoordinator: a long-lived queue of items and a body for each, bounded and observable.
//
//   WorkCoordinator<Job> jobs({.max_concurrency = 8}, [](Job& job, Operation& op) { ... });
//   jobs.enqueue(Job{...});
//   jobs.complete();
//   jobs.drain();
//
// Items start in the order they were enqueued. coordinator.h says what holds for all coordinators.
//
// OWNERSHIP  Items are moved in, live until their body has returned, and are destroyed then.
#pragma once

#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <ranges>
#include <thread>
#include <utility>

#include "mayfly/work/body.h"
#include "mayfly/work/coordinator.h"

namespace mayfly {

// Why a source of items ended early, and the thread that pulls from it.
class SourceThread {
 public:
  ~SourceThread() { static_cast<void>(join()); }
  void start(std::function<Status()> pull);
  bool started() const { return thread_.joinable() || ended_; }
  // Waits for its end. Any number of times.
  Status join();

 private:
  std::mutex mutex_;
  std::thread thread_;
  bool ended_ = false;
  Status failure_;
};

template <class Item>
class WorkCoordinator : public Coordinator {
 public:
  template <BodyOf<Item> Body>
  WorkCoordinator(WorkOptions options, Body body)
      : Coordinator(make(std::move(options), std::move(body))) {}

  // The next item; none: there are no more. An exception ends the source, too.
  using Source = std::function<std::optional<Item>()>;
  // Takes items from the source on a thread of its own, as fast as there is room, and completes at
  // its end. drain() then waits for the source, and says if it failed.
  template <BodyOf<Item> Body>
  WorkCoordinator(WorkOptions options, Source source, Body body)
      : WorkCoordinator(std::move(options), std::move(body)) {
    require_callable(source, "a source of items");
    source_.start([this, source = std::move(source)] {
      const Status status = status_of([&]() -> Status {
        while (std::optional<Item> item = source()) {
          if (Result<OperationId> id = enqueue(std::move(*item)); !id.ok()) return id.status();
        }
        return {};
      });
      const bool stopped = completed();
      complete();
      return stopped ? Status() : status;
    });
  }
  ~WorkCoordinator() {
    if (source_.started()) cancel();
    static_cast<void>(source_.join());
  }

  // Waits for room. kUsage: completed.
  Result<OperationId> enqueue(Item item) { return enqueue_until(kNever, item); }
  // kTryAgain: no room now, or not within timeout_ns.
  Result<OperationId> try_enqueue(Item item) { return enqueue_until(0, item); }
  Result<OperationId> enqueue_for(Item item, std::int64_t timeout_ns) {
    return enqueue_until(core().now_ns() + timeout_ns, item);
  }
  // All of them, waiting for room; moves from those it took. How many those were: fewer than all
  // when the coordinator was completed meanwhile.
  template <std::ranges::random_access_range Items>
  std::size_t enqueue_many(Items&& items) {
    auto first = std::ranges::begin(items);
    const auto count = static_cast<std::size_t>(std::ranges::distance(items));
    return core()
        .enqueue_many(count, kNever,
                      [&](std::size_t i, void* place, OperationRecord&) {
                        ::new (place) Item(std::move(first[static_cast<std::ptrdiff_t>(i)]));
                      })
        .first;
  }
  // When the queue is full, what has waited longest is cancelled to make room. Never waits.
  Result<OperationId> enqueue_dropping_oldest(Item item) {
    for (;;) {
      core().drop_oldest_if_full();
      Result<OperationId> id = enqueue_until(0, item);
      if (id.ok() || id.status().code() != Code::kTryAgain) return id;
    }
  }

  Status drain() override {
    resume();  // or a source would wait for room for ever
    const Status source = source_.join();
    const Status drained = Coordinator::drain();
    return source.ok() ? drained : source;
  }

 private:
  template <class Body>
  static std::shared_ptr<WorkCore> make(WorkOptions options, Body body) {
    require_callable(body, "a body");
    auto core = std::make_shared<WorkCore>(
        std::move(options), std::make_unique<BodyHandler<Item, Body>>(std::move(body)),
        sizeof(Item), alignof(Item), std::vector<PriorityLane>());
    core->start(std::make_unique<ArrivalOrder>(core->intake()));
    return core;
  }

  Result<OperationId> enqueue_until(std::int64_t deadline_ns, Item& item) {
    return core().enqueue(deadline_ns, 0, [&](void* place, OperationRecord&) {
      ::new (place) Item(std::move(item));
    });
  }

  SourceThread source_;
};

}  // namespace mayfly
