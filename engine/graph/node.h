// Node: one plugin node in the graph: its inbox, what it holds, its timers, its routes.
//
// An activation delivers, in this order: signals, completions, timers, rows that are due or
// resumed, then new slices. The plugin writes a route for every row; scatter() sends the rows
// there.
//
// THREADS  push (Inbox): one thread a lane. complete(): one thread a lane. Everything else: the
//          activation, which the driver runs serially; drain calls: the driver between activations.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/data/asked_once.h"
#include "mayfly/data/row_expressions.h"
#include "mayfly/data/slice_chain.h"
#include "mayfly/graph/answers.h"
#include "mayfly/graph/driver.h"
#include "mayfly/graph/heard_signals.h"
#include "mayfly/graph/held_rows.h"
#include "mayfly/graph/inbox.h"
#include "mayfly/graph/made_rows.h"
#include "mayfly/graph/plugin_instance.h"
#include "mayfly/graph/signal_control.h"
#include "mayfly/graph/signal_store.h"
#include "mayfly/graph/timers.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {

class Node final : public PluginInstance, public Inbox, public Activation, public CompletionInbox {
 public:
  struct Wiring {
    std::vector<Edge> ports;  // one a port of the plugin
    Edge record;              // to the writer, for rows that were rejected, dropped or consumed
  };

  Node(const mayfly_plugin& plugin, std::string name, std::uint16_t index, Services& services,
       Driver& driver, Answers& answers);
  ~Node() override { destroy_plugin(); }  // whose threads may wake this until then

  // Nothing will be asked of it any more. What a sink still sends now, it counts and logs.
  void end_plugin() { destroy_plugin(); }

  // Whose batches the rows that it makes are in.
  void set_part(BatchPool::Part part) { part_ = part; }
  // Once services.pool is there. `lanes_max`: how many may push.
  void attach_pool(std::uint32_t lanes_max);
  // Before the first push.
  void wire(Wiring wiring) { wiring_ = std::move(wiring); }
  // The columns that come in, then open().
  Status open_with(const Schema& input);
  // What comes in; schema() is what goes out.
  const Schema& input() const { return input_; }
  Driver::NodeIndex driver_index() const { return driver_index_; }
  // Where rows go whose attempt this sink failed.
  bool is_failed_port(std::uint32_t port) const { return mayfly::is_failed_port(plugin(), port); }
  // Bit of batch.owed for this node; 0 when it doesn't want completions.
  std::uint64_t owed_bit() const { return owed_bit_; }
  // Rows that it sent on may come again after a failed attempt: it isn't asked for those
  // (MAYFLY_ASKED_ONCE). Before the first row.
  const AskedOnce& asked_once() const { return asked_once_; }
  void ask_once(AskedOnce noted) { asked_once_ = noted; }
  // Before the first row: cancel_on, defer_on, resume_on.
  void control(const SignalControls& controls);
  // While it is paused no new rows go in; what is inside goes on. The driver's thread, between
  // activations; so is the next.
  void set_paused(bool paused);
  // Checked (parse_runtime_option).
  void set_option(std::uint32_t option, const OptionValues& values);
  // Copies what it holds out of sparsely held batches into fewer, so that a few held rows don't pin
  // every batch. The driver's thread, between activations.
  void compact_held() { held_->compact(input_); }
  bool may_compact() const { return held_->may_compact(); }

  // Inbox
  SliceQueue::LaneId add_lane() override { return queue_->add_lane(); }
  void push(SliceQueue::LaneId lane, RowRef head, std::uint32_t input, bool forward) override;
  // CompletionInbox
  SliceQueue::LaneId add_completion_lane() override { return completions_->add_lane(); }
  void complete(SliceQueue::LaneId lane, RowRef head) override;
  // Activation
  void activate() noexcept override;
  std::int64_t next_due_ns() const override { return next_due_ns_.load(std::memory_order_relaxed); }

  // Signals for listens[] and options, found by the graph, oldest first; the driver's thread,
  // between activations.
  void deliver(std::span<const HeardSignal> heard);

  // What it asked for in open; null: nothing.
  SignalStore* store() { return store_.get(); }

  // Rows queued here, held here, or waiting for a completion to be delivered here.
  std::uint64_t rows_inside() const;
  std::uint64_t rows_held() const { return held_->total(); }
  bool has_rows_due() const { return held_->next_due_ns() != kNever; }
  // It waits for a batch. The driver's thread, between activations; so is the next.
  bool is_blocked() const { return blocked_ != MAYFLY_REF_NONE || !released_.empty(); }
  // Slices that the plugin has taken, and completions.
  std::uint64_t moves() const { return moves_; }
  // Slices came that the plugin hasn't seen, and nothing keeps it from taking them. The driver's
  // thread, between activations.
  bool has_arrivals() const { return blocked_ == MAYFLY_REF_NONE && queue_->size_approx() > 0; }
  // Drain: nothing new comes from outside. From then on rows due after deadline_ns are let go then,
  // and neither a pause nor a signal keeps them from going in.
  void start_drain(std::int64_t deadline_ns);
  // Asks the plugin to let go what it holds; the driver's thread.
  void drain_again();
  // The deadline has passed: what is held or comes to be held is left.
  void give_up();

 private:
  // Times a row may be held again within one activation before it counts as a loop.
  static constexpr std::uint16_t kHoldsMax = 3;

  struct Released {
    RowRef head;
    std::uint64_t tag;
    bool end_of_group;
  };

  // mayfly_host
  mayfly_result declare_column(std::string_view name, std::int32_t type,
                               std::uint32_t flags) override;
  const mayfly_schema* input_schema() override { return &input_.c(); }
  void timer_set(std::uint32_t timer, std::int64_t due_ns) override;
  void timer_cancel(std::uint32_t timer) override;
  std::uint64_t resume(std::uint64_t tag, std::uint64_t max_rows) override;
  std::uint64_t held(std::uint64_t tag) override { return held_ ? held_->count(tag) : 0; }
  std::uint64_t signals_present(std::uint32_t listen) override;
  mayfly_result expr_check(std::uint32_t option, std::string_view expression) override;
  mayfly_expressions* expr_prepare(std::span<const mayfly_text> expressions) override;
  mayfly_result expr_test(mayfly_expressions* expressions, const mayfly_slice* slice,
                          std::uint8_t* truth) override;
  mayfly_result expr_fill(mayfly_expressions* expressions, const mayfly_slice* slice,
                          std::uint32_t first, mayfly_batch* made, std::uint8_t* truth,
                          std::uint32_t* taken) override;
  void wake() override;
  std::uint32_t metrics(std::span<mayfly_metric> out) override;
  mayfly_result store_open(const mayfly_store_options& options) override;
  void store_flush() override;
  mayfly_result store_stats(mayfly_store_stats& out) override;
  mayfly_batch* batch_new() override;
  mayfly_result batch_reserve(mayfly_batch* batch, std::uint64_t bytes) override;
  mayfly_result emit(std::uint32_t port, mayfly_batch* batch, const mayfly_lineage* lineage,
                     std::uint32_t count) override;

  mayfly_result fail_null_expressions();
  void tell_errors(const RowExpressions& expressions, const mayfly_slice& slice,
                   std::span<const std::uint8_t> truth);
  // Whether new rows may go in; else when to look again.
  GateVerdict admission(std::int64_t now_ns);
  void cancel(RowRef head);
  void run_timers(std::int64_t now_ns);
  void run_wakes(std::int64_t now_ns);
  void run_completions(std::int64_t now_ns);
  void release_due(std::int64_t now_ns);
  void process_released(std::int64_t now_ns);
  // False when the plugin was BLOCKED: the slice waits.
  bool process(RowRef head, std::uint32_t flags, std::uint64_t tag, std::int64_t now_ns);
  // After every call but process(): sends what was emitted, or ends the node.
  void after_call(std::string_view call, mayfly_result result);
  // The plugin failed; `why` unless it said so itself.
  void end(std::string_view why);
  const std::uint16_t* rows_of(const mayfly_batch& batch, std::uint16_t head);
  // Sends on the rows that come again; what is left of the slice, or MAYFLY_REF_NONE.
  RowRef without_asked(RowRef head);
  void scatter(mayfly_batch& batch, const mayfly_slice& slice, std::uint16_t head);
  void scatter_rows(mayfly_batch& batch, const mayfly_slice& slice);
  void route_row(mayfly_batch& batch, std::uint16_t row, const mayfly_slice& slice);
  void hold(mayfly_batch& batch, std::uint16_t row, bool resumed);
  void judge(mayfly_batch& batch, std::uint16_t row, std::uint8_t outcome);
  void collect_released(RowRef ref, std::uint64_t tag);
  void finish_released(bool end_of_group);
  void update_due(std::int64_t due_ns);
  // For transforms: what is wrong with the row's route, or "".
  std::string_view mistake_in_route(const mayfly_batch& batch, std::uint16_t row) const;
  void refuse_route(mayfly_batch& batch, std::uint16_t row, std::string_view where);

  Driver& driver_;
  Answers& answers_;
  MadeRows made_;
  Driver::NodeIndex driver_index_ = 0;
  Wiring wiring_;
  BatchPool::Part part_ = BatchPool::Part::kReserve;
  Schema input_;
  bool rows_may_pass_ = true;  // what it puts out has the columns of what comes in
  std::uint64_t owed_bit_ = 0;
  AskedOnce asked_once_;

  std::unique_ptr<SliceQueue> queue_;
  std::atomic<std::uint64_t> queued_rows_{0};
  std::unique_ptr<SliceQueue> completions_;
  std::atomic<std::uint64_t> completing_rows_{0};
  std::unique_ptr<HeldRows> held_;

  // Released rows on their way into process(), as slices of runs of one batch.
  std::vector<Released> released_;
  SliceChain release_chain_;
  mayfly_batch* release_batch_ = nullptr;
  std::uint64_t release_tag_ = 0;

  std::uint64_t moves_ = 0;
  std::optional<std::int64_t> blocked_since_ns_;  // and no slice was taken since
  std::uint64_t blocked_moves_ = 0;               // moves_ then
  RowRef blocked_ = MAYFLY_REF_NONE;              // a new slice that process() couldn't take yet

  Timers timers_;
  std::atomic<bool> woken_{false};  // by a thread of the plugin
  std::atomic<std::int64_t> next_due_ns_{kNever};
  std::int64_t drain_deadline_ns_ = kNever;
  bool draining_ = false;
  bool paused_ = false;
  bool gave_up_ = false;
  std::uint16_t activation_stamp_ = 0;

  std::vector<std::uint16_t> rows_scratch_;
  std::vector<std::unique_ptr<RowExpressions>> expressions_;
  std::int64_t next_error_told_ns_ = std::numeric_limits<std::int64_t>::min();
  std::map<std::string, std::uint32_t> option_of_;  // an expression that configure checked
  std::unique_ptr<SignalStore> store_;
  std::vector<Glob> hears_;  // as listens()
  std::array<SliceChain, MAYFLY_PORTS_MAX> port_chains_;
  SliceChain record_chain_;
  // The last member: its listener wakes the node.
  std::optional<SignalControl> control_;
};

}  // namespace mayfly
