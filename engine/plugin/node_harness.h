// NodeHarness: one node plugin with a host around it, but no engine: for tests of plugins and for
// the conformance suite. Time stands still until advance(); nothing runs but inside the caller.
//
// Rows are known by their ordinal. A row that was passed, dropped, rejected or consumed stays in
// its batch until clear(), so that tests can look at it, complete it or send it in again.
//
// What breaks the ABI's rules is collected in violations(): a route that is no port, a reason that
// isn't in reasons[], rows held without MAYFLY_HOLDS, values changed, order lost, and so on.
//
// OWNERSHIP  Owns the plugin's state and a pool of batches; keeps the library alive.
// THREADS    One; those of a sink under test wake it.
#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/base/clock.h"
#include "mayfly/base/rng.h"
#include "mayfly/base/status.h"
#include "mayfly/data/batch_pool.h"
#include "mayfly/data/lineage_rules.h"
#include "mayfly/data/row_expressions.h"
#include "mayfly/data/schema.h"
#include "mayfly/plugin/library.h"
#include "mayfly/plugin/listens.h"
#include "mayfly/plugin/options.h"

namespace mayfly {

// The schema, the pool and the limits a node is tested with.
struct HarnessSettings {
  // Of what push_rows makes: column 0 gets the ordinal, texts get "t<ordinal>".
  std::vector<Column> columns = {{"id", ColumnType::kInt64}, {"name", ColumnType::kText}};
  std::uint32_t batch_rows = 1024;
  std::uint32_t batches = 64;
  std::uint64_t seed = 1;
  // Who evaluates SQL (storage/batch_expressions.h); empty: a node that asks for it fails.
  MakeExpressions expressions = {};
};

// The store of signals that a node asked for; its texts are copied.
struct HarnessStore {
  mayfly_store_options options{};
  std::string database;
  std::string restore_pattern;
};

class NodeHarness {
 public:
  struct Passed {
    std::uint64_t ordinal = 0;
    std::uint32_t port = 0;
    std::int64_t at_ns = 0;
    RowRef ref = MAYFLY_REF_NONE;
    bool emitted = false;  // made by this node
  };
  struct Judged {
    std::uint64_t ordinal = 0;
    std::string reason;
  };
  struct Logged {
    std::int32_t level = MAYFLY_LOG_INFO;
    std::string text;
  };

  // Parses the options, then configure and open.
  static Result<std::unique_ptr<NodeHarness>> create(std::shared_ptr<const PluginLibrary> library,
                                                     std::span<const RawOption> options,
                                                     HarnessSettings settings = {});
  ~NodeHarness();
  NodeHarness(const NodeHarness&) = delete;
  NodeHarness& operator=(const NodeHarness&) = delete;

  // ---- what comes in. Each call delivers, then does all that is due.

  // `count` new rows, with ordinals from 0 on; null, and nothing pushed, when the pool is empty.
  mayfly_batch* push_rows(std::uint32_t count, std::uint32_t input = 0);
  // A batch to be filled by hand (batch_view.h) and pushed; ordinals are the test's affair.
  mayfly_batch* new_batch();
  void push(mayfly_batch* batch, std::uint32_t input = 0);
  // Rows that were passed come in again, after a failed attempt.
  void push_again(std::span<const std::uint64_t> ordinals, std::uint32_t input = 0);
  // Their answers, for on_completion. MAYFLY_PENDING: an attempt to write them failed.
  void complete(std::span<const std::uint64_t> ordinals, std::uint8_t outcome);
  // Raised from outside: present, and to everything listened to that matches.
  void signal(std::string_view name) { signal(name, clock_.now_ns()); }
  // The same for one that was raised then, perhaps in an earlier run, and is restored.
  void signal(std::string_view name, std::int64_t at_ns);
  // No longer present; nobody is told.
  void retract(std::string_view name) { retracted(name); }
  // Of an option flagged RUNTIME.
  Status set_option(const RawOption& option);
  // Moves the clock, stopping at every timer and due time on the way.
  void advance(std::int64_t ns);
  // Calls drain until nothing more comes; rows due by then are released. Returns how many stay
  // held.
  std::uint64_t drain(std::int64_t deadline_ns = 60 * kSecond);
  // Waits until a thread of the sink calls wake, then delivers it. False: none did within `limit`
  // of real time.
  bool wait_for_wake(std::chrono::nanoseconds limit = std::chrono::seconds(60));
  // While true, batch_new gives NULL.
  void block_batches(bool blocked);

  const std::vector<Listen>& listens() const { return listens_; }

  // ---- what came out

  const std::vector<Passed>& passed() const { return passed_; }
  std::vector<std::uint64_t> port(std::uint32_t port) const;  // ordinals, in order
  const std::vector<Judged>& dropped() const { return dropped_; }
  const std::vector<Judged>& rejected() const { return rejected_; }
  const std::vector<std::uint64_t>& consumed() const { return consumed_; }
  // "stem:argument"; "-stem:argument" when retracted.
  const std::vector<std::string>& signals() const { return signals_; }
  const std::vector<Logged>& logged() const { return logged_; }
  std::uint64_t counter(std::string_view name) const;
  std::uint64_t held() const { return held_count_; }
  // What it asked for in open.
  const std::optional<HarnessStore>& store() const { return store_; }
  std::uint64_t store_flushes() const { return store_flushes_; }
  // What store_stats says from now on.
  void set_store_figures(const mayfly_store_stats& figures) { store_figures_ = figures; }
  std::int64_t next_due_ns() const;
  const Status& failure() const { return failure_; }
  const std::vector<std::string>& violations() const { return violations_; }
  // Every row that came in or was made is accounted for exactly once.
  bool conserves() const;
  // Answers and forgets what came out.
  void clear();

  ManualClock& clock() { return clock_; }
  BatchPool& pool() { return *pool_; }
  // What it puts out: declared at open, or what comes in.
  const Schema& output_schema() const { return output_; }

 private:
  friend struct HarnessCalls;
  struct Pending {
    mayfly_batch* batch = nullptr;
    std::vector<std::uint16_t> rows;
    std::uint32_t flags = 0;
    std::uint32_t input = 0;
    std::uint64_t tag = 0;
  };
  struct FreeState {
    void operator()(void* state) const;
  };

  NodeHarness(std::shared_ptr<const PluginLibrary> library, OptionValues options,
              HarnessSettings settings);
  Status start();
  mayfly_context* context() { return reinterpret_cast<mayfly_context*>(this); }
  const mayfly_plugin& plugin() const { return library_->plugin(); }

  // harness_host.cc
  static const mayfly_host& host_table();
  void violate(std::string what);
  std::uint64_t resume(std::uint64_t tag, std::uint64_t rows_max);
  void raise(std::uint32_t signal, std::string_view argument, bool retract);
  void retracted(std::string_view name);
  std::uint64_t signals_present(std::uint32_t listen) const;
  mayfly_expressions* expr_prepare(std::span<const mayfly_text> expressions);
  std::uint32_t read_metrics(std::span<mayfly_metric> out) const;
  mayfly_result store_open(const mayfly_store_options& options);
  mayfly_batch* batch_new();
  mayfly_result refuse(std::string why);
  void check_order(std::uint32_t port, std::span<const mayfly_lineage> lineage);
  std::uint64_t& last_ordinal_out(std::uint32_t port);
  mayfly_result emit(std::uint32_t port, mayfly_batch* batch, const mayfly_lineage* lineage,
                     std::uint32_t count);

  void run();
  bool run_pending();
  bool run_timers();
  bool run_wake();
  bool release_due();
  bool process(const Pending& slice);
  void scatter(const Pending& slice);
  void route_row(const Pending& slice, std::uint16_t row);
  void judge(std::vector<Judged>& into, mayfly_batch& batch, std::uint16_t row);
  void hold(mayfly_batch& batch, std::uint16_t row);
  void pass(mayfly_batch& batch, std::uint16_t row, std::uint32_t port, bool emitted);
  void release(const std::vector<RowRef>& refs, std::uint64_t tag);
  void check_result(std::string_view call, mayfly_result result);
  const Passed* find_passed(std::uint64_t ordinal) const;
  std::uint64_t fingerprint(const Pending& slice) const;

  std::shared_ptr<const PluginLibrary> library_;
  OptionValues options_;
  HarnessSettings settings_;
  ManualClock clock_;
  Rng rng_;
  Schema input_;
  Schema output_;
  std::vector<Column> declared_;
  std::unique_ptr<BatchPool> pool_;
  std::unique_ptr<void, FreeState> state_;
  bool configured_ = false;
  bool open_ = false;
  bool batches_blocked_ = false;
  bool emitted_in_call_ = false;
  bool found_no_batch_in_call_ = false;
  std::set<mayfly_batch*> lent_;  // to the plugin
  LineageRules rules_;
  OpenParents open_parents_;
  std::vector<RowRef> parents_in_call_;

  std::deque<Pending> released_;
  std::deque<Pending> pending_;
  std::array<std::int64_t, 64> timers_;
  std::map<std::uint64_t, std::deque<RowRef>> held_by_tag_;
  std::multimap<std::int64_t, RowRef> held_by_due_;
  std::uint64_t held_count_ = 0;
  std::unordered_map<RowRef, std::uint32_t> holds_now_;  // since time last moved

  std::uint64_t next_ordinal_ = 0;
  std::vector<std::uint64_t> last_ordinal_out_;  // by port
  std::uint64_t rows_in_ = 0;
  std::uint64_t rows_out_ = 0;
  std::vector<Passed> passed_;
  std::unordered_map<std::uint64_t, std::size_t> newest_passed_;  // ordinal -> index in passed_
  std::vector<Judged> dropped_;
  std::vector<Judged> rejected_;
  std::vector<std::uint64_t> consumed_;
  std::vector<RowRef> done_;   // rows to be settled by clear()
  std::vector<RowRef> group_;  // rows consumed by a released group whose last slice is to come
  bool group_open_ = false;
  std::vector<std::string> signals_;
  std::vector<Logged> logged_;
  std::vector<Listen> listens_;
  std::vector<std::string> present_;
  std::vector<std::unique_ptr<RowExpressions>> expressions_;
  std::optional<HarnessStore> store_;
  std::uint64_t store_flushes_ = 0;
  mayfly_store_stats store_figures_{};
  std::mutex wake_mutex_;
  std::condition_variable wake_;
  bool woken_ = false;  // guarded by wake_mutex_
  std::vector<std::uint64_t> counters_;
  Status failure_;
  std::vector<std::string> violations_;
};

}  // namespace mayfly
