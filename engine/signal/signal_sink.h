// SignalSink: a bounded window of named signals that many threads raise and anyone can query.
//
// NAME       "stem" or "stem:argument"; the first colon separates. Globs and queries see the
// composed
//            name.
// PRESENT    Raised, not retracted, not older than max_age_ns at the moment of the check, and among
//            the `capacity` newest raises. Nothing has to happen for a signal to age out.
// ORDER      Exact for the raises of one thread; across threads by time. The time of a raise is
// never
//            before that of the same thread's previous one.
// PROTOCOL   Every raising thread writes a shard of its own (signal_window.h), a ring that it alone
//            appends to: the words of a record, then the head (release). A reader loads the head,
//            then the words, then the head again, and drops what was overwritten meanwhile
//            (signal_shard.h). Nobody waits for anybody. Threads beyond shards_max share one more
//            shard under a spinlock.
// MEMORY     Fixed for each shard, allocated at a thread's first raise. Stems and long texts grow
// to
//            their limits (stem_table.h, text_ring.h); after that a raise allocates nothing.
// THREADS    Any thread may call anything. Not for asynchronous signal handlers.
// UNITS      Times in nanoseconds of the clock that was passed in.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/function_ref.h"
#include "mayfly/base/operation_id.h"
#include "mayfly/signal/pattern_cache.h"
#include "mayfly/signal/signal_query.h"
#include "mayfly/signal/signal_view.h"
#include "mayfly/signal/signal_window.h"
#include "mayfly/signal/stem_table.h"

namespace mayfly {

struct SignalSinkOptions {
  std::size_t capacity = 1000;             // newest raises that queries see; at least 1
  std::int64_t max_age_ns = 60 * kSecond;  // kNever: signals leave by capacity alone
  std::size_t stems_max = 65536;           // beyond, names are kept as text: slower, never lost
  std::size_t shards_max = 64;             // threads that raise without sharing
  std::size_t text_bytes = 1024 * 1024;    // long arguments a shard keeps; one may be longer
};

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
  explicit SignalSink(const Clock& clock, SignalSinkOptions options = {});
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
      window_.append(now_ns, stem, operation);
    } else {
      window_.append(now_ns, stem, operation, argument);
    }
  }
  void raise_at(std::int64_t now_ns, StemId stem, std::int64_t a, std::string_view a_unit,
                std::int64_t b, std::string_view b_unit, OperationId operation = 0);

  // No earlier raise of exactly this name (and of this operation, unless it is 0) is present any
  // more. Returns how many were.
  std::size_t retract(std::string_view name, OperationId operation = 0);
  // The same for every name that matches.
  std::size_t retract_matching(std::string_view glob, OperationId operation = 0);

  // Queries see what is present at the moment of the call, and of it only what was raised at
  // since_ns or later. They are in signal_sink_queries.cc. A predicate that throws counts as "no"
  // and adds to predicate_failures().

  // Whether exactly this name is present: "stem" doesn't stand for "stem:argument".
  bool detect(std::string_view name) const;
  // Whether something that matches is present.
  bool detect_matching(std::string_view glob, std::int64_t since_ns = kAlways) const;
  bool detect_if(FunctionRef<bool(const SignalView&)> predicate) const;
  // What is present and matches (glob.h), oldest first.
  std::vector<Signal> sense(std::string_view glob = "*", std::int64_t since_ns = kAlways) const;
  // The same into `out`, whose signals and their names are overwritten: once they are large enough
  // it allocates nothing.
  void sense_into(std::vector<Signal>& out, std::string_view glob = "*",
                  std::int64_t since_ns = kAlways) const;
  std::vector<Signal> sense_if(FunctionRef<bool(const SignalView&)> predicate) const;
  // Shows each to the visitor, oldest first, until it returns false. The visitor may do anything
  // but keep the name. Allocates only for names beyond NameBuffer::kInlineBytes. What it throws
  // passes through.
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
  const SignalSinkOptions& options() const { return options_; }
  // The clock that was passed in.
  const Clock& clock() const { return clock_; }

 private:
  std::int64_t oldest_ns() const;
  // Calls visit(range, stem) for every way to split the name into a stem that is known and an
  // argument.
  bool any_split(std::string_view name, FunctionRef<bool(const StoredName&)> visit) const;
  bool says_yes(FunctionRef<bool(const SignalView&)> predicate, const SignalView& signal) const;
  // What all queries are made of. A null glob stands for every name.
  bool visit_filtered(const std::string_view* glob, std::int64_t since_ns,
                      std::span<const OperationId> operations, bool by_operation,
                      FunctionRef<bool(const FoundRecord&)> visit) const;

  const Clock& clock_;
  const SignalSinkOptions options_;
  StemTable stems_;
  SignalWindow window_;
  mutable PatternCache patterns_;
  std::atomic<std::uint64_t> uninterned_{0};
  mutable std::atomic<std::uint64_t> predicate_failures_{0};
};

}  // namespace mayfly
