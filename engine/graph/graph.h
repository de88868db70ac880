// Graph: a plan brought to life: sources, nodes and writer wired together, run and drained.
//
// BUILD    build() opens everything in the order that schemas and positions flow
//          (graph_builder.cc); start() lets rows flow. Nothing is read or written before start().
// DRAIN    Sources stop; then component by component, in topological order, nodes let go what they
//          hold (drain.h); done when nothing is in flight by our own counters.
// THREADS  build, start, begin_drain, close: one thread. Everything marked so: any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/config/plan.h"
#include "mayfly/graph/answers.h"
#include "mayfly/graph/components.h"
#include "mayfly/graph/driver.h"
#include "mayfly/graph/heard_signals.h"
#include "mayfly/graph/node.h"
#include "mayfly/graph/source.h"
#include "mayfly/graph/stall_watch.h"
#include "mayfly/graph/writer_stage.h"

namespace mayfly {

// What a graph borrows, and its limits.
struct GraphOptions {
  const Clock& clock;
  SignalSink& signals;
  LogFunction log;
  TicketSink* tickets = nullptr;
  Schema inlet_schema;              // what producers append; columns of every inlet
  std::uint32_t producers_max = 0;  // an inlet
  bool resume = false;              // go on from the positions in the database
  bool durable_at_end = true;       // checkpoint and fsync in close()
  bool parallel_sources = true;     // false: one after the other, in the plan's order
  WriterExtras writer;              // what a plan doesn't say
};

class Graph {
 public:
  static Result<std::unique_ptr<Graph>> build(const PipelinePlan& plan, GraphOptions options);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  // Throws std::system_error when a thread can't be started; close() ends those that were.
  void start();

  // A producer's own way in; null when producers_max have theirs. Any thread.
  struct Lane {
    Edge edge;
    const Schema* schema;
  };
  Result<Lane> open_lane(std::uint32_t source);
  void close_lane(std::uint32_t source, const Edge& edge);

  // Sources stop after the batch they are in (those that ended have anyway). Any thread.
  void begin_drain();
  // Nothing new is accepted any more. Any thread.
  bool refuses_rows() const { return refuses_rows_.load(std::memory_order_acquire); }
  void refuse_rows() { refuses_rows_.store(true, std::memory_order_release); }
  // Wakes the driver: something outside changed (a signal was raised, a producer closed). Any
  // thread.
  void nudge() { driver_.nudge(); }
  // True once everything is answered, something failed or the drain's deadline has passed.
  bool wait(std::int64_t timeout_ns);
  bool done() const { return done_.load(std::memory_order_acquire); }
  // Joins everything and finishes the database. What couldn't be answered is left or handed back.
  // Returns the first failure, kTryAgain when a deadline passed. Idempotent.
  Status close();

  BatchPool& pool() { return *pool_; }
  Answers& answers() { return answers_; }
  Driver& driver() { return driver_; }
  const Clock& clock() const { return services_.clock; }
  const Schema& writer_schema() const { return writer_schema_; }
  WriterStage& writer() { return *writer_; }
  const std::vector<std::unique_ptr<Source>>& sources() const { return sources_; }
  const std::vector<std::unique_ptr<Node>>& nodes() const { return nodes_; }
  bool sources_finished() const;
  // The byte at which a source went on; 0: from its start.
  std::uint64_t resumed_from(std::uint32_t source) const { return resumed_from_[source]; }
  Status failure() const;

 private:
  friend class GraphBuilder;

  struct Inlet {
    std::string name;
    std::vector<Edge> free_lanes;
  };

  explicit Graph(GraphOptions options);
  void run_sources();
  void on_source_finished(std::uint32_t index);
  void fail(const Status& status);
  std::int64_t idle_work(std::int64_t now_ns);
  // Nodes and reactions hear what is raised from now on.
  void listen();
  void deliver_signals();
  void react(const ReactionPlan& reaction);
  void watch_pool(std::int64_t now_ns);
  void watch_stall(std::int64_t now_ns);
  bool lacks_room() const;
  bool drain_waits() const;
  std::uint64_t moves() const;
  std::string held_text() const;
  bool may_compact() const;
  void advance_drain(std::int64_t now_ns);
  bool component_has_arrivals(const std::vector<std::uint32_t>& members) const;
  bool component_is_empty(const std::vector<std::uint32_t>& members) const;
  std::uint64_t rows_in_writer() const;
  void finish(Status status);
  void leave_everything();
  // Of rows, of each source and node; in activations.
  std::uint32_t read_metrics(std::span<mayfly_metric> out) const;
  Status open_stores();
  Status close_stores();

  GraphOptions options_;
  PipelinePlan plan_;
  Services services_;
  std::unique_ptr<BatchPool> pool_;
  Answers answers_;
  Driver driver_;
  std::vector<std::unique_ptr<Source>> sources_;  // null where the plan has an inlet
  std::vector<std::unique_ptr<Node>> nodes_;
  Schema writer_schema_;
  std::unique_ptr<WriterStage> writer_;
  Components components_;  // vertices: nodes, then the writer
  std::mutex lanes_mutex_;
  std::vector<Inlet> inlets_;  // by source
  std::vector<std::thread> source_threads_;
  std::vector<std::uint64_t> resumed_from_;  // by source

  bool pool_is_low_ = false;
  std::int64_t next_compaction_ns_ = 0;
  StallWatch stall_;
  std::int64_t stall_logged_ns_ = INT64_MIN / 2;

  std::atomic<bool> refuses_rows_{false};
  std::atomic<bool> drain_requested_{false};
  std::int64_t drain_deadline_ns_ = kNever;  // set when the drain starts
  bool draining_ = false;
  std::atomic<bool> done_{false};
  bool closed_ = false;
  mutable std::mutex mutex_;
  std::condition_variable done_changed_;
  Status failure_;
  Status source_failure_;  // becomes failure_ once what was read is written

  std::vector<Glob> reacts_on_;  // as the plan's reactions
  // Last: their listeners wake the driver.
  std::optional<HeardSignals> heard_by_nodes_;
  std::optional<HeardSignals> heard_by_reactions_;
};

}  // namespace mayfly
