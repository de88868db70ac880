// Engine: the public face. Opens a database, loads a pipeline, takes rows, answers every one.
//
//   auto engine = mayfly::Engine::open({.database = "app.db", .table = "events",
//                                       .columns = {{"id", mayfly::ColumnType::kInt64},
//                                       {"name"}}});
//   auto producer = (*engine)->open_producer();
//   (*producer)->append(1, "first");
//   mayfly::Status end = (*engine)->close();     // drains: every accepted row is answered
//
// OWNERSHIP  The engine owns graph, writer, threads and signals. Producers and tickets must be gone
//            before it is destroyed. The destructor closes, but can't say how it went: call
//            close().
// THREADS    open, close, abort: one thread. Everything else: any thread.
// DURABILITY With Synchronous kFull an answered row is on disk; with kNormal it is after close().
// The library never calls sqlite3_config: whoever has the process decides that.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"
#include "mayfly/config/plan.h"
#include "mayfly/data/schema.h"
#include "mayfly/graph/graph.h"
#include "mayfly/plugin/registry.h"
#include "mayfly/runtime/linger.h"
#include "mayfly/runtime/producer.h"
#include "mayfly/runtime/ticket.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {

// One node of a chain between the producers and the writer.
struct NodeSpec {
  std::string name;    // within the pipeline
  std::string plugin;  // a name the registry finds, or a path
  std::vector<RawOption> options;
};

// A pipeline for programs that produce rows themselves: producers -> chain of nodes -> one table.
struct EngineConfig {
  std::string database;
  std::string table;
  std::vector<Column> columns;           // what producers append
  std::vector<std::string> primary_key;  // for the table to be created, and for upsert
  WriterPlan::Mode mode = WriterPlan::Mode::kInsert;
  WriterPlan::Synchronous synchronous = WriterPlan::Synchronous::kFull;
  std::vector<NodeSpec> nodes;
  std::uint32_t batch_rows = 1024;
  std::uint32_t batches = 64;
};

// What every engine is told, whatever feeds it.
struct EngineOptions {
  const Clock* clock = nullptr;  // null: the machine's
  SignalSinkOptions signals = {};
  LogFunction log = {};              // null: silent
  std::uint32_t producers_max = 16;  // open at a time
  std::uint32_t tickets = 4096;      // taken at a time
  std::int64_t linger_ns = 5 * kMillisecond;
  Schema inlet_schema = {};  // columns of the plan's inlets
  bool resume = false;
  bool durable_at_end = true;
  bool parallel_sources = true;
  WriterExtras writer = {};
};

// How far one source has come.
struct SourceStats {
  std::string name;
  std::string key;  // a file's path, say
  RowTotals totals;
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  // 0: unknown
  std::uint64_t resumed_from = 0;
  bool finished = false;
};

// One counter of one plugin instance.
struct CounterStats {
  std::string instance;
  std::string counter;
  std::uint64_t value = 0;
};

// What an engine has done, at the moment it was asked.
struct EngineStats {
  ConservationCounts rows;  // of this run
  WriterTotals writer;
  std::vector<SourceStats> sources;
  std::vector<CounterStats> counters;  // of plugins
  std::uint64_t memory_bytes = 0;      // of the batch pool
  std::uint64_t signals_raised = 0;
  std::int64_t outage_since_ns = 0;  // the writer waits for the database; 0: it doesn't
};

class Engine {
 public:
  static Result<std::unique_ptr<Engine>> open(const EngineConfig& config,
                                              EngineOptions options = {});
  static Result<std::unique_ptr<Engine>> open(const EngineConfig& config, PluginRegistry& registry,
                                              EngineOptions options = {});
  // Of a plan from PlanBuilder, or one put together by hand, of which links and limits are checked
  // here (check_limits()). Rows flow from here on.
  static Result<std::unique_ptr<Engine>> open(const PipelinePlan& plan, EngineOptions options = {});
  // Closes an engine that runs still, so it may wait as long as close() does; abort() before it to
  // leave at once.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // For one thread at a time. `source` names an inlet of the plan; an EngineConfig has one.
  Result<std::unique_ptr<Producer>> open_producer(std::string_view source = "producers");

  SignalSink& signals() { return signals_; }
  const SignalSink& signals() const { return signals_; }
  // Raises a signal and lets the nodes that listen know.
  void raise(std::string_view name);

  // Nothing new is accepted; what is inside goes on to be answered. Any thread, any number of
  // times.
  void begin_drain();
  // True once everything is answered, something failed or the drain's deadline has passed.
  bool wait(std::int64_t timeout_ns);
  // Drains, waits, makes all durable. Any number of times; the first failure is returned again.
  Status close();
  // Doesn't wait for what is inside: unanswered rows are left or handed back.
  Status abort();

  EngineStats stats() const;
  // Something ended the run before its end; close() says what.
  bool failed() const;
  // Since when the writer waits for the database; 0: it doesn't.
  std::int64_t outage_since_ns() const;

 private:
  explicit Engine(EngineOptions options);
  static Result<std::unique_ptr<Engine>> open_checked(const PipelinePlan& plan,
                                                      EngineOptions options);

  SystemClock system_clock_;
  EngineOptions options_;
  const Clock& clock_;
  SignalSink signals_;
  std::vector<std::string> source_names_;
  std::unique_ptr<TicketTable> tickets_;
  std::unique_ptr<Linger> linger_;
  bool running_ = false;          // neither closed nor aborted
  std::unique_ptr<Graph> graph_;  // its driver runs linger_: closed before that goes
};

}  // namespace mayfly
