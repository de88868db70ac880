// SignalSink: a bounded window of named signals that many threads raise and anyone can query.
//
// NAME       "stem" or "stem:argument"; the first colon separates. Globs and queries see the
//            composed name.
// PRESENT    Raised, not retracted, not older than max_age_ns at the moment of the check, and among
//            the `capacity` newest raises. Nothing has to happen for a signal to age out.
// ORDER      Exact for the raises of one thread; across threads by time. The time of a raise is
//            never before that of the same thread's previous one.
// PROTOCOL   Every raising thread writes a shard of its own (signal_window.h), a ring that it alone
//            appends to: the words of a record, then the head (release). A reader loads the head,
//            then the words, then the head again, and drops what was overwritten meanwhile
//            (signal_shard.h). Nobody waits for anybody. Threads beyond shards_max share one more
//            shard under a mutex.
// MEMORY     Fixed for each shard, allocated at a thread's first raise. Stems and long texts grow
//            to their limits (stem_table.h, text_ring.h); after that a raise allocates nothing.
// LISTENERS  Called by the raising thread (signal_subscription.h); what they raise is caused by
//            what they listen to, and allowed or blocked (signal_constraints.h). A raise in a sink
//            without subscriptions pays one comparison for it (signal_window.h, SHORT WAY).
// NO MEMORY  A raise throws std::bad_alloc, and nothing was raised, where there is none for a new
//            stem or for a thread's shard at its first raise; later none fails: long texts leave
//            earlier (signal_shard.h), and listeners that can't be looked up are counted as
//            failures. Subscribing and queries that return lists throw it too; ending a
//            subscription, or a sink, doesn't.
// THREADS    Any thread may call anything. Not for asynchronous signal handlers.
// UNITS      Times in nanoseconds of the clock that was passed in.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/function_ref.h"
#include "mayfly/base/operation_id.h"
#include "mayfly/base/status.h"
#include "mayfly/signal/pattern_cache.h"
#include "mayfly/signal/signal_constraints.h"
#include "mayfly/signal/signal_delivery.h"
#include "mayfly/signal/signal_event.h"
#include "mayfly/signal/signal_query.h"
#include "mayfly/signal/signal_subscription.h"
#include "mayfly/signal/signal_view.h"
#include "mayfly/signal/signal_window.h"
#include "mayfly/signal/stem_table.h"

namespace mayfly {

// The limits of a sink.
struct SignalSinkOptions {
  std::size_t capacity = 1000;             // newest raises that queries see; at least 1
  std::int64_t max_age_ns = 60 * kSecond;  // kNever: signals leave by capacity alone
  std::size_t stems_max = 65536;           // beyond, names are kept as text: slower, never lost
  std::size_t shards_max = 64;             // threads that raise without sharing
  std::size_t text_bytes = 1024 * 1024;    // long arguments a shard keeps; one may be longer
  SignalConstraints constraints = {};      // of what listeners raise here
};

// A signal as queries give it out: a value that owns its name.
struct Signal {
  std::string name;
  std::int64_t at_ns = 0;
  std::uint64_t sequence = 0;  // unique in its sink, increasing for each thread
  OperationId operation = 0;   // of the work that raised it; 0: none

  // What stands before the first colon of the name, and behind it.
  std::string_view stem() const { return std::string_view(name).substr(0, name.find(':')); }
  std::string_view argument() const {
    const std::size_t colon = name.find(':');
    return colon == std::string::npos ? std::string_view()
                                      : std::string_view(name).substr(colon + 1);
  }
  bool is(std::string_view other) const { return name == other; }
  bool starts_with(std::string_view prefix) const { return name.starts_with(prefix); }
};

class SignalSink {
 public:
  // Throws std::invalid_argument for a capacity of 0, an age that isn't positive, and constraints
  // out of range. (Retuning is milder: it may be asked for by a signal.)
  explicit SignalSink(const Clock& clock, SignalSinkOptions options = {});
  // Nobody raises any more. Subscriptions may live on, listening to nothing.
  ~SignalSink();
  SignalSink(const SignalSink&) = delete;
  SignalSink& operator=(const SignalSink&) = delete;

  // The id stays valid as long as the sink. Once stems_max stems are known, a new stem gives
  // StemId{}, whose raises appear as "sink.stems.full": raise(name) is the call that keeps any
  // name.
  StemId intern(std::string_view stem);

  // An empty argument gives the stem alone, an operation of 0 none.
  void raise(std::string_view name, OperationId operation = 0);
  void raise(StemId stem, std::string_view argument = {}, OperationId operation = 0) {
    raise_at(clock_.now_ns(), stem, argument, operation);
  }
  // "write.done:3rows:12ms", rendered when it is read. Units must be string literals.
  void raise(StemId stem, std::int64_t a, std::string_view a_unit);
  void raise(StemId stem, std::int64_t a, std::string_view a_unit, std::int64_t b,
             std::string_view b_unit);
  // For callers that read the clock once for many raises.
  void raise_at(std::int64_t now_ns, StemId stem, std::string_view argument = {},
                OperationId operation = 0) {
    if (argument.empty()) {
      record(now_ns, stem, operation);
    } else {
      record(now_ns, stem, operation, argument);
    }
  }
  void raise_at(std::int64_t now_ns, StemId stem, std::int64_t a, std::string_view a_unit,
                std::int64_t b, std::string_view b_unit, OperationId operation = 0);

  // As if it were raised while `cause` is delivered: for handlers that run later, with the copy of
  // an event. Returns whether it was allowed, and so raised.
  bool raise_caused(std::string_view name, const SignalEvent& cause, OperationId operation = 0);

  // Calls `listener` with each signal that matches one of `patterns`, a comma-separated list of
  // globs (GlobSet), from now until the subscription ends. Throws std::invalid_argument when there
  // is no pattern or no listener.
  [[nodiscard]] SignalSubscription subscribe(std::string_view patterns, SignalListener listener,
                                             SubscribeOptions options = {});

  // No earlier raise of exactly this name (and of this operation, unless it is 0) is present any
  // more. Returns how many were.
  std::size_t retract(std::string_view name, OperationId operation = 0);
  // The same for every name that matches.
  std::size_t retract_matching(std::string_view glob, OperationId operation = 0);

  // Queries see what is present at a moment of the call, and of it only what was raised at since_ns
  // or later: a raise that was over before the call is seen, or pushed out, and then so many later
  // ones are seen as the capacity says. They are in signal_sink_queries.cc. Raises that push out
  // what a query is about to look at make it begin anew (predicates are then asked again), though
  // not for ever: where one thread raises half the capacity and 64 more during each of several
  // tries, the oldest are missing in the last. A predicate that throws counts as "no" and adds to
  // predicate_failures().

  // Whether exactly this name is present: "stem" doesn't stand for "stem:argument".
  bool detect(std::string_view name) const;
  // Whether something that matches is present.
  bool detect_matching(std::string_view glob, std::int64_t since_ns = kAlways) const;
  bool detect_if(FunctionRef<bool(const SignalView&)> predicate) const;
  // What is present and matches (glob.h), oldest first.
  std::vector<Signal> sense(std::string_view glob = "*", std::int64_t since_ns = kAlways) const;
  // The same in the caller's buffer: the returned part of it. The buffer only grows, and its
  // signals' names are overwritten: once it is large enough, nothing is allocated. What lies behind
  // the part is left over from earlier queries.
  std::span<const Signal> sense_into(std::vector<Signal>& buffer, std::string_view glob = "*",
                                     std::int64_t since_ns = kAlways) const;
  std::vector<Signal> sense_if(FunctionRef<bool(const SignalView&)> predicate) const;
  // Shows each to the visitor, oldest first, until it returns false. The visitor may do anything
  // but keep the name. It is shown everything once: what is pushed out while it visits others is
  // left out, and nothing else is shown for it. Allocates only for names beyond
  // NameBuffer::kInlineBytes. What it throws passes through.
  void visit(std::string_view glob, FunctionRef<bool(const SignalView&)> visitor,
             std::int64_t since_ns = kAlways) const;
  std::size_t count(std::string_view glob = "*", std::int64_t since_ns = kAlways) const;
  // Of exactly this name; of names that begin with the prefix; of names that have the text in them.
  // Wildcards are ordinary bytes.
  std::size_t count_exact(std::string_view name, std::int64_t since_ns = kAlways) const;
  std::size_t count_prefix(std::string_view prefix, std::int64_t since_ns = kAlways) const;
  std::size_t count_containing(std::string_view text, std::int64_t since_ns = kAlways) const;

  // What one operation raised, or those of a sorted list, oldest first.
  std::vector<Signal> sense_operation(OperationId operation, std::string_view glob = "*") const;
  std::vector<Signal> sense_operations(std::span<const OperationId> sorted,
                                       std::string_view glob = "*") const;
  // Nothing when no signal of the operation is present.
  std::optional<OperationSummary> operation_summary(OperationId operation) const;

  // Clearing takes what is present at the moment of the call out of the window, in place: readers
  // never see what stays vanish or change its order, and what is raised meanwhile stays. Each
  // returns how many it removed, and subscribers to removals are told once. clear() that removed N
  // raises "sink.cleared:N", clear_pattern() "sink.cleared.pattern:GLOB:N" (the argument stands
  // where the original had a key; the number is behind the last colon); the others raise nothing.
  // Blank patterns, empty arguments and null predicates are refused (Code::kUsage). All of this is
  // in signal_sink_clear.cc.
  std::size_t clear();
  Result<std::size_t> clear_pattern(std::string_view glob);
  // A predicate that throws counts as "no" and adds to predicate_failures().
  Result<std::size_t> clear_matching(const std::function<bool(const SignalView&)>& predicate);
  // Of one operation; of 0 there are none.
  std::size_t clear_operation(OperationId operation);
  // Whose argument (behind the name's first colon) is exactly this.
  Result<std::size_t> clear_argument(std::string_view argument);

  // Raises what coordinators listen to: "coordinator.drain.all", "coordinator.drain.id:ID",
  // "coordinator.drain.pattern:GLOB". A blank pattern is refused (Code::kUsage).
  void request_drain_all();
  void request_drain(std::uint64_t coordinator);
  Status request_drain_pattern(std::string_view glob);
  // Clears first, so that the request itself stays. Returns how many were removed.
  std::size_t request_drain_and_clear();

  // Retuning. A capacity is cut to [1, kCapacityMax], or to the one at construction if that is
  // more; a maximum age that isn't positive is ignored. What is in the window stays as far as it
  // fits, and what has left it doesn't come back. Memory for a larger capacity is allocated at each
  // thread's next raise (up to 220 bytes for each signal of the capacity); when there is none, that
  // thread's signals stay bounded as before.
  static constexpr std::size_t kCapacityMax = std::size_t{1} << 20;
  void set_capacity(std::int64_t capacity);
  void set_max_age(std::int64_t max_age_ns);
  void resize(std::int64_t capacity, std::int64_t max_age_ns);
  std::size_t capacity() const { return window_.capacity(); }
  std::int64_t max_age_ns() const { return max_age_ns_.load(std::memory_order_acquire); }

  std::uint64_t raised_total() const { return window_.appended_total(); }
  // Raises that newer ones pushed out of the window.
  std::uint64_t overwritten_total() const { return window_.overwritten_total(); }
  // Raises kept as text because the stem table was full.
  std::uint64_t uninterned_total() const { return uninterned_.load(std::memory_order_relaxed); }
  // Calls of predicates that threw.
  std::uint64_t predicate_failures() const {
    return predicate_failures_.load(std::memory_order_relaxed);
  }
  // Raises that left the window early: their long text was overwritten by newer long texts.
  std::uint64_t text_overwritten_total() const { return window_.text_overwritten_total(); }
  std::size_t stem_count() const { return stems_.size(); }
  // Exceptions that listeners (and on_blocked, and what routes call) threw.
  std::uint64_t listener_failures() const { return delivery_->failures(); }
  // Raises that the constraints forbade.
  std::uint64_t blocked_total() const { return blocked_.load(std::memory_order_relaxed); }
  // As constructed; capacity() and max_age_ns() tell what they are now.
  const SignalSinkOptions& options() const { return options_; }
  // The clock that was passed in.
  const Clock& clock() const { return clock_; }

 private:
  friend class PatternSet;

  // Before it, a signal has aged.
  std::int64_t oldest_ns() const { return clock_.now_ns() - max_age_ns(); }
  // Calls visit(range, stem) for every way to split the name into a stem that is known and an
  // argument.
  bool any_split(std::string_view name, FunctionRef<bool(const StoredName&)> visit) const;
  bool says_yes(FunctionRef<bool(const SignalView&)> predicate, const SignalView& signal) const;
  // Which records a query means. A null glob stands for every name.
  struct RecordQuery {
    const std::string_view* glob = nullptr;
    std::int64_t since_ns = kAlways;
    bool by_operation = false;  // only those of `operations`, which are sorted
    std::span<const OperationId> operations = {};
  };
  // What all queries are made of. Calls query(view) until it returns true, which says that it needs
  // no more, or its view wasn't overtaken by raises (SignalWindow::ask()).
  void ask(std::int64_t since_ns, FunctionRef<bool(const WindowView&)> query) const;
  bool visit_view(const WindowView& view, const RecordQuery& query,
                  FunctionRef<bool(const FoundRecord&)> visit) const;
  // For whoever can't begin anew: what leaves the window while it is visited isn't visited.
  bool visit_once(const RecordQuery& query, FunctionRef<bool(const FoundRecord&)> visit) const;
  // For others: begin() is called each time that it is asked anew.
  bool visit_all(const RecordQuery& query, FunctionRef<void()> begin,
                 FunctionRef<bool(const FoundRecord&)> visit) const;
  std::size_t count_names(std::int64_t since_ns, FunctionRef<bool(std::string_view)> chosen) const;

  // What all clearing is made of.
  std::size_t remove_those(const std::string_view* glob, std::span<const OperationId> operations,
                           bool by_operation, FunctionRef<bool(const FoundRecord&)> chosen);

  // Every raise. `argument` is nothing, a text, or integers.
  template <class... Argument>
  void record(std::int64_t now_ns, StemId stem, OperationId operation,
              const Argument&... argument) {
    if (window_.append_quick(now_ns, stem, operation, argument...)) [[likely]]
      return;
    record_slowly(now_ns, stem, operation, RaisedArgument(argument...));
  }
  // There may be listeners or a cause, or the thread hasn't raised here yet.
  void record_slowly(std::int64_t now_ns, StemId stem, OperationId operation,
                     const RaisedArgument& argument);
  // False when it was blocked.
  bool record_caused(std::int64_t now_ns, StemId stem, OperationId operation,
                     const RaisedArgument& argument, const SignalEvent& cause);
  SignalEvent event_of(StemId stem, OperationId operation, const RaisedArgument& argument,
                       const SignalEvent* cause);
  // Counts and tells what forbids it.
  bool permits(SignalEvent& event, const SignalEvent& cause);
  std::int64_t append(std::int64_t now_ns, StemId stem, OperationId operation,
                      const RaisedArgument& argument);
  // Whether a removal has to be told to anybody, by notify_removed(). Ask before removing.
  bool removals_are_heard() const { return delivery_->wants_removals(); }
  // Once for each call that removed something: `removed`, oldest first, isn't in the window any
  // more.
  void notify_removed(std::span<const Signal> removed);

  const Clock& clock_;
  const SignalSinkOptions options_;
  std::atomic<std::int64_t> max_age_ns_;
  StemTable stems_;
  SignalWindow window_;
  mutable PatternCache patterns_;
  std::atomic<std::uint64_t> uninterned_{0};
  mutable std::atomic<std::uint64_t> predicate_failures_{0};
  std::atomic<std::uint64_t> blocked_{0};
  const std::shared_ptr<SignalDelivery> delivery_;  // subscriptions may outlive the sink
};

}  // namespace mayfly
