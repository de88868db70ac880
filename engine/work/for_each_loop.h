// The loops of for_each's workers: claim an item, run the body, note down how it ended. One for
// bodies without a time limit, one for those with.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <ranges>
#include <type_traits>
#include <utility>

#include "mayfly/base/function_ref.h"
#include "mayfly/base/status.h"
#include "mayfly/work/for_each_crew.h"
#include "mayfly/work/for_each_item.h"
#include "mayfly/work/for_each_limit.h"
#include "mayfly/work/for_each_run.h"
#include "mayfly/work/for_each_source.h"
#include "mayfly/work/for_each_tbb.h"
#include "mayfly/work/operation.h"
#include "mayfly/work/operation_slot.h"

namespace mayfly {

template <class Range>
ForEachStart for_each_start(ForEachWorker& worker, const ForEachTicket<Range>& ticket) {
  ForEachStart start;
  start.index = ticket.index;
  start.id = operation_id(worker.ids.next(), 0);
  start.key = ticket.key;
  start.started_ns = worker.now_ns;
  start.enqueued_ns = ticket.enqueued_ns == 0 ? worker.now_ns : ticket.enqueued_ns;
  return start;
}

// Calls the body with an item, and the operation if it takes one.
template <class Item, class Body>
decltype(auto) for_each_call(OperationHost& host, const ForEachStart& start, Body& body,
                             std::remove_reference_t<Item>& item) {
  if constexpr (ForEachCallable<Body, Item, Operation>) {
    Operation operation(host, start.id, start.key, start.enqueued_ns, start.started_ns);
    return for_each_pass<Item>(body, item, operation);
  } else {
    return for_each_pass<Item>(body, item);
  }
}

// Runs a worker's loop. When it throws std::bad_alloc, all of them end.
template <class Source, class Loop>
void for_each_until_no_memory(ForEachRun& run, Source& source, Loop loop) {
  try {
    loop();
  } catch (const std::bad_alloc&) {
    run.halt_without_memory();
    source.wake();
  }
}

// `grow` is called once: there may be work for another worker.
template <class Range, class Source, class Body>
void for_each_work(ForEachRun& run, Source& source, Body& body, int number,
                   FunctionRef<void(int)> grow) {
  using Item = ForEachItem<Range>;
  ForEachWorker& worker = run.worker(number);
  ForEachTicket<Range> ticket;
  bool grown = false;
  while (!run.stopping() && source.claim(number, worker, ticket)) {
    if (!grown) grow(number);
    grown = true;
    const ForEachStart start = for_each_start(worker, ticket);
    run.begin(start);
    Status status = std::move(ticket.key_status);
    if (status.ok()) {
      status = for_each_guarded([&] {
        auto&& item = for_each_item<Range>(*ticket.held);
        return for_each_call<Item>(run, start, body, item);
      });
    }
    run.end(worker, start, std::move(status));
    source.release(ticket.lane);
  }
}

// A slot with what a body with a time limit needs.
template <class Value, class Body>
class ForEachBodySlot final : public ForEachSlot {
 public:
  ForEachBodySlot(ForEachRun& run, std::shared_ptr<Body> body)
      : ForEachSlot(run), body_(std::move(body)) {}

  template <class Item>
  void set_item(Item&& item) {
    item_.emplace(std::forward<Item>(item));
  }
  // Throws nothing: the thread may be abandoned by the time it returns.
  Status call(const ForEachStart& start) noexcept {
    return for_each_guarded([&] { return for_each_call<Value&&>(*this, start, *body_, *item_); });
  }

 private:
  const std::shared_ptr<Body> body_;
  std::optional<Value> item_;
};

// Whether bodies can be given copies of the range's items, and be shared with threads.
template <class Range, class Body, class Value = std::ranges::range_value_t<Range>>
concept ForEachLimitable = std::constructible_from<Value, ForEachItem<Range>> &&
    std::constructible_from<std::decay_t<Body>, Body> &&
    (ForEachCallable<std::decay_t<Body>, Value&&> ||
     ForEachCallable<std::decay_t<Body>, Value&&, Operation>);

template <class Range, class Slot, class Source>
void for_each_work_limited(ForEachRun& run, Source& source, ForEachWatch& watch, int number,
                           Slot& slot) {
  bool abandoned = false;
  for_each_until_no_memory(run, source, [&] {
    ForEachWorker& worker = run.worker(number);
    ForEachTicket<Range> ticket;
    while (!run.stopping() && source.claim(number, worker, ticket)) {
      watch.grow();
      ForEachStart start = for_each_start(worker, ticket);
      run.begin(start);
      void* const lane = ticket.lane;
      Status status = std::move(ticket.key_status);
      if (status.ok()) {
        status = for_each_guarded([&] { slot.set_item(for_each_item<Range>(*ticket.held)); });
      }
      if (status.ok()) {
        // Once the body is abandoned, nothing of the range may be left here.
        ticket.held.reset();
        slot.begin(start, lane, deadline_after(start.started_ns, run.options().body_time_limit_ns));
        status = slot.call(start);
        abandoned = !slot.end();
        if (abandoned) return;
      }
      run.end(worker, start, std::move(status));
      source.release(lane);
    }
  });
  if (!abandoned) watch.leave();
}

// Runs all workers on the threads they belong on.
template <class Range, class Source, class Body>
void for_each_run_workers(ForEachRun& run, Source& source, int workers, Body&& body) {
  if constexpr (ForEachLimitable<Range, Body>) {
    if (run.has_limit()) {
      using Shared = std::decay_t<Body>;
      using Slot = ForEachBodySlot<std::ranges::range_value_t<Range>, Shared>;
      const auto shared = std::make_shared<Shared>(std::forward<Body>(body));
      const auto make_slot = [&]() -> std::shared_ptr<ForEachSlot> {
        return std::make_shared<Slot>(run, shared);
      };
      const auto release = [&](void* lane) {
        for_each_until_no_memory(run, source, [&] { source.release(lane); });
      };
      ForEachWatch watch(
          run, workers,
          [&run, &source](ForEachWatch& of, int number, ForEachSlot& slot) {
            for_each_work_limited<Range>(run, source, of, number, static_cast<Slot&>(slot));
          },
          make_slot, release);
      watch.run();
      return;
    }
  }
  if (!run.how().blocking) {
    run_on_tbb(workers, [&](int number) {
      for_each_until_no_memory(
          run, source, [&] { for_each_work<Range>(run, source, body, number, [](int) {}); });
    });
    return;
  }
  std::optional<ForEachCrew> crew;
  const auto grow = [&](int number) { crew->grow(number); };
  const auto work = [&](int number) {
    for_each_until_no_memory(run, source,
                             [&] { for_each_work<Range>(run, source, body, number, grow); });
  };
  crew.emplace(workers, work);
  crew->run();
}

}  // namespace mayfly
