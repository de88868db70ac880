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

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "mayfly/work/body.h"
#include "mayfly/work/coordinator.h"
#include "mayfly/work/enqueue.h"

namespace mayfly {

// The thread that pulls items from a source, and why it ended early.
class SourceThread {
 public:
  // Waits for its end, unless it is the calling thread, which then goes on by itself.
  ~SourceThread();
  void start(std::function<Status()> pull);
  bool started() const { return state_ != nullptr; }
  // Whether this thread is the source's.
  bool is_here() const;
  // Waits for its end. Any number of times. kUsage on the source's own thread.
  Status join();

 private:
  struct State {
    std::mutex mutex;
    std::condition_variable ended;
    bool has_ended = false;
    Status failure;
  };
  std::shared_ptr<State> state_;  // shared with the thread
  std::thread thread_;
};

template <class Item>
class WorkCoordinator : public ItemCoordinator<Item> {
 public:
  template <BodyOf<Item> Body>
  WorkCoordinator(WorkOptions options, Body body)
      : ItemCoordinator<Item>(make(std::move(options), std::move(body))) {}

  // The next item; none: there are no more. An exception ends the source, too.
  using Source = std::function<std::optional<Item>()>;
  // Takes items from the source on a thread of its own, as fast as there is room, and completes at
  // its end. drain() then waits for the source, and says if it failed. A source that doesn't return
  // keeps the destructor waiting, unless the source is where it is called.
  template <BodyOf<Item> Body>
  WorkCoordinator(WorkOptions options, Source source, Body body)
      : WorkCoordinator(std::move(options), std::move(body)) {
    require_callable(source, "a source of items");
    // The core alone: the source may be what destroys this object.
    source_.start([core = this->shared_core(), source = std::move(source)] {
      const Status status = status_of([&]() -> Status {
        while (std::optional<Item> item = source()) {
          PlainArrival<Item> arrival(*item);
          if (auto id = core->enqueue(kNever, 0, arrival); !id.ok()) return id.status();
        }
        return {};
      });
      const bool stopped = core->completed();
      core->complete();
      return stopped ? Status() : status;
    });
  }
  ~WorkCoordinator() {
    if (source_.started()) this->cancel();
  }

  // kUsage also from within the source.
  Status drain() override {
    if (WorkFrame::within(&this->core())) return Coordinator::drain();  // says why not
    if (source_.is_here()) return source_.join();
    if (!source_.started()) return Coordinator::drain();
    this->resume();  // or a source would wait for room for ever
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

  SourceThread source_;
};

}  // namespace mayfly
