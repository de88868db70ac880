// for_each: one pass over a range by several threads at once, and what became of each item.
//
//   mayfly::ForEachResult result = mayfly::for_each(
//       files, {.max_concurrency = 8}, [](const std::string& file) { return load(file); });
//   if (!result.ok()) report(result.to_status());
//
// BODY       body(item) or body(item, Operation&), returning void or Status. One that throws or
//            returns a failed Status fails its item alone: all others are tried. The same body
//            object is called by several threads at the same time. Bodies may call for_each.
// RANGE      Anything that can be iterated. It is read by whoever needs the next item and never
//            copied as a whole: a few items for each thread are all there is at a time. Random
//            access of known size is claimed by index, and its items are looked at by several
//            threads at the same time, as are those of other multi-pass ranges, which are advanced
//            by one thread at a time. Items start in the range's order, as nearly as several
//            threads can. An iterator that throws ends the pass after the items before it.
// THREADS    max_concurrency bodies at once, the first on the calling thread; more threads are
//            started when there is work for them. They are the call's own, and gone when it
//            returns. With ForEachOptions::blocking = false: oneTBB's.
// STOP       ForEachOptions::stop. When for_each returns, no body runs, but for abandoned ones.
// OPTIONS    Honoured: max_concurrency, max_tracked_operations, max_operation_lifetime_ns, signals,
//            clock, body_time_limit_ns, on_signal and on_signal_retracted (of the sink, during the
//            pass), on_sample and on_finalized; for_each_keyed also max_concurrency_per_key and
//            queue_capacity. The last two observers cost a lock for each body, on_sample a copy of
//            the window besides. Without an effect: echoes, drain_on_signals, and defaults that
//            belong to refused options. Refused, since nothing would come of them:
//            cancel_on_signals, defer_on_signals, resume_on_signals, coordinator_id,
//            dynamic_concurrency, fair_scheduling, on_signal_async, on_signal_retracted_async.
// LIMIT      With body_time_limit_ns, bodies work on a copy of their item (which must be copyable)
//            by a copy of the body, on threads of their own. One that takes longer is told to stop,
//            fails, raises "coordinator.body.timeout", and its thread is abandoned: it may go on
//            after for_each has returned, so what the body refers to must outlive it. After
//            ForEachWatch::kAbandonedMax of them no further item starts.
// ERRORS     Throws std::invalid_argument for bad or refused options; everything later is in the
//            result.
// NO MEMORY  Ends the pass, like a stop: the result says kUnavailable, and which items were
//            skipped. Bodies that ran are counted, though the window and the failures may lack
//            some, and one that failed and has no memory for its Status counts as skipped; under a
//            time limit that ends the process. Only where there is none for the options' copies,
//            a Status, std::bad_alloc is thrown; no body is running by then.
// UNITS      Nanoseconds of the options' clock. A body's start is the end of the one before it on
//            the same thread: one reading for each.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <ranges>
#include <stdexcept>
#include <type_traits>
#include <utility>

#include "mayfly/work/callable.h"
#include "mayfly/work/for_each_item.h"
#include "mayfly/work/for_each_loop.h"
#include "mayfly/work/for_each_result.h"
#include "mayfly/work/for_each_run.h"
#include "mayfly/work/for_each_source.h"
#include "mayfly/work/work_options.h"

namespace mayfly {

// What can be called with a range's items.
template <class Body, class Range>
concept ForEachBody = std::ranges::input_range<Range> &&
    (ForEachCallable<Body, ForEachItem<Range>> ||
     ForEachCallable<Body, ForEachItem<Range>, Operation>);

// One pass over a source by at most `workers` threads.
template <class Range, class Source, class Body>
ForEachResult for_each_pass_over(ForEachRun& run, Source& source, int workers, Body&& body) {
  run.set_workers(workers + ForEachWatch::kAbandonedMax + 1);
  for_each_run_workers<Range>(run, source, workers, std::forward<Body>(body));
  if (!source.status().ok()) run.halt(source.status());
  return run.result(source.known(), source.all_seen());
}

// How many threads can find something to do.
template <class Range>
int for_each_workers(Range& range, const WorkOptions& options) {
  if constexpr (std::ranges::sized_range<Range>) {
    const auto size = static_cast<std::uint64_t>(std::ranges::size(range));
    return static_cast<int>(std::clamp<std::uint64_t>(size, 1, options.max_concurrency));
  }
  return options.max_concurrency;
}

// Throws std::invalid_argument for what this range and this body can't have either.
template <class Range, class Body>
ForEachRun for_each_checked_run(const WorkOptions& options, const ForEachOptions& how,
                                ForEachKind kind, const std::remove_reference_t<Body>& body) {
  require_callable(body, "a body");
  if (!ForEachLimitable<Range, Body> && options.body_time_limit_ns != kNever) {
    throw std::invalid_argument(
        "body_time_limit_ns: expected items and a body that can be copied, since an abandoned "
        "thread "
        "keeps them, found some that can't");
  }
  return ForEachRun(options, how, kind, ForEachCallable<Body, ForEachItem<Range>, Operation>);
}

// An object, not a function: so an unqualified call doesn't also find std::for_each by its
// arguments.
struct ForEach {
  // See above.
  template <std::ranges::input_range Range, class Body>
  requires ForEachBody<std::remove_reference_t<Body>, std::remove_reference_t<Range>> ForEachResult
  operator()(Range&& range, const WorkOptions& options, const ForEachOptions& how,
             Body&& body) const {
    using Plain = std::remove_reference_t<Range>;
    ForEachRun run = for_each_checked_run<Plain, Body>(options, how, ForEachKind::kPlain, body);
    const int workers = for_each_workers(range, options);
    if constexpr (kForEachIndexed<Plain>) {
      if (static_cast<std::uint64_t>(std::ranges::size(range)) <= IndexClaims::kSizeMax) {
        IndexedItems<Plain> items(range, workers + ForEachWatch::kAbandonedMax);
        return for_each_pass_over<Plain>(run, items, workers, std::forward<Body>(body));
      }
    }
    SequentialItems<Plain> items(range, workers + ForEachWatch::kAbandonedMax);
    return for_each_pass_over<Plain>(run, items, workers, std::forward<Body>(body));
  }

  // The same with ForEachOptions' defaults.
  template <std::ranges::input_range Range, class Body>
  requires ForEachBody<std::remove_reference_t<Body>, std::remove_reference_t<Range>> ForEachResult
  operator()(Range&& range, const WorkOptions& options, Body&& body) const {
    return (*this)(std::forward<Range>(range), options, ForEachOptions(), std::forward<Body>(body));
  }
};
inline constexpr ForEach for_each;

}  // namespace mayfly
