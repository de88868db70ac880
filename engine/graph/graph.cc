#include "mayfly/graph/graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "mayfly/base/glob.h"
#include "mayfly/graph/graph_builder.h"

namespace mayfly {
namespace {

// How often a drain that waits looks at the clock.
constexpr std::int64_t kDrainTickNs = 20 * kMillisecond;
// How often a node may be asked to compact what it holds; and which part of the driver's time that
// may take, where very many rows are held.
constexpr std::int64_t kCompactionNs = 10 * kMillisecond;
constexpr std::int64_t kCompactionShare = 20;
// How long nothing has moved before it is logged, and how often.
constexpr std::int64_t kStallLoggedAfterNs = 10 * kSecond;
constexpr std::int64_t kStallLoggedEveryNs = 60 * kSecond;
// How long nothing has moved in a drain, though there is room.
constexpr std::int64_t kDrainStallNs = kSecond;

}  // namespace

Graph::Graph(GraphOptions options)
    : options_(std::move(options)),
      services_{.clock = options_.clock,
                .signals = options_.signals,
                .pool = nullptr,
                .seed = 0,
                .log = options_.log,
                .metrics = [this](std::span<mayfly_metric> out) { return read_metrics(out); }},
      driver_(options_.clock) {
  answers_.set_ticket_sink(options_.tickets);
  answers_.set_on_failed([this](const Status& status) { fail(status); });
  answers_.set_on_progress([this] {
    // The drain is the only one who waits for answers.
    if (drain_requested_.load(std::memory_order_relaxed)) driver_.nudge();
  });
  driver_.set_idle_work([this](std::int64_t now_ns) { return idle_work(now_ns); });
}

Result<std::unique_ptr<Graph>> Graph::build(const PipelinePlan& plan, GraphOptions options) {
  return GraphBuilder(plan, std::move(options)).build();
}

Graph::~Graph() { static_cast<void>(close()); }

// ---- running ------------------------------------------------------------------------------------

void Graph::start() {
  listen();
  writer_->start();
  driver_.start();
  run_sources();
}

void Graph::run_sources() {
  if (!options_.parallel_sources) {
    source_threads_.emplace_back([this] {
      for (const auto& source : sources_) {
        if (source != nullptr) source->run();
      }
    });
    return;
  }
  for (const auto& source : sources_) {
    if (source != nullptr) source_threads_.emplace_back([s = source.get()] { s->run(); });
  }
}

void Graph::on_source_finished(std::uint32_t index) {
  const Source& source = *sources_[index];
  if (source.ended()) {
    writer_->source_ended(static_cast<std::uint16_t>(index), source.ordinal_end());
  }
  if (const Status why = source.failure(); !why.ok()) {
    // What was read so far is written; then the failure is what close() returns.
    {
      const std::lock_guard lock(mutex_);
      if (source_failure_.ok()) source_failure_ = why;
    }
    begin_drain();
  }
  driver_.nudge();
}

Result<Graph::Lane> Graph::open_lane(std::uint32_t source) {
  const std::lock_guard lock(lanes_mutex_);
  if (source >= inlets_.size() || sources_[source] != nullptr) {
    return Status(Code::kUsage, fmt::format("source {} isn't an inlet for producers", source));
  }
  Inlet& inlet = inlets_[source];
  if (inlet.free_lanes.empty()) {
    return Status(Code::kUsage,
                  fmt::format("{}: all {} producers are open; raise producers_max or close one",
                              inlet.name, options_.producers_max));
  }
  const Edge edge = inlet.free_lanes.back();
  inlet.free_lanes.pop_back();
  return Lane{edge, &options_.inlet_schema};
}

void Graph::close_lane(std::uint32_t source, const Edge& edge) {
  const std::lock_guard lock(lanes_mutex_);
  inlets_[source].free_lanes.push_back(edge);
}

bool Graph::sources_finished() const {
  return std::ranges::all_of(
      sources_, [](const auto& source) { return source == nullptr || source->finished(); });
}

Status Graph::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

void Graph::fail(const Status& status) {
  {
    const std::lock_guard lock(mutex_);
    if (failure_.ok()) failure_ = status;
  }
  refuse_rows();
  for (const auto& source : sources_) {
    if (source != nullptr) source->request_stop();
  }
  driver_.nudge();
}

// ---- the driver's idle work ---------------------------------------------------------------------

std::int64_t Graph::idle_work(std::int64_t now_ns) {
  if (done_.load(std::memory_order_relaxed)) return kNever;
  deliver_signals();
  watch_pool(now_ns);
  watch_stall(now_ns);
  if (Status why = failure(); !why.ok()) {
    finish({});
    return kNever;
  }
  const bool inlets = std::ranges::any_of(sources_, [](const auto& s) { return s == nullptr; });
  if (drain_requested_.load(std::memory_order_acquire) || (!inlets && sources_finished())) {
    advance_drain(now_ns);
    return done_.load(std::memory_order_relaxed) ? kNever : now_ns + kDrainTickNs;
  }
  // What is held and can't be compacted costs nothing: whatever changes it wakes the driver.
  return std::min(pool_is_low_ && may_compact() ? next_compaction_ns_ : kNever,
                  stall_.next_look_ns());
}

bool Graph::may_compact() const {
  return std::ranges::any_of(nodes_, [](const auto& node) { return node->may_compact(); });
}

void Graph::listen() {
  std::vector<std::string> globs;
  for (const auto& node : nodes_) {
    for (const Listen& listen : node->listens()) globs.push_back(listen.glob);
  }
  if (!globs.empty()) {
    heard_by_nodes_.emplace(services_.signals, globs, true, [this] { driver_.nudge(); });
  }
  if (plan_.reactions.empty()) return;
  globs.clear();
  for (const ReactionPlan& reaction : plan_.reactions) {
    globs.push_back(reaction.on);
    reacts_on_.emplace_back(reaction.on);
  }
  // What was raised before rows flow isn't reacted to.
  heard_by_reactions_.emplace(services_.signals, globs, false, [this] { driver_.nudge(); });
}

void Graph::deliver_signals() {
  if (heard_by_reactions_) {
    for (const HeardSignal& signal : heard_by_reactions_->take()) {
      for (std::size_t i = 0; i < reacts_on_.size(); ++i) {
        if (reacts_on_[i].matches(signal.name)) react(plan_.reactions[i]);
      }
    }
  }
  if (!heard_by_nodes_) return;
  const std::vector<HeardSignal> heard = heard_by_nodes_->take();
  if (heard.empty()) return;
  for (const auto& node : nodes_) node->deliver(heard);
}

void Graph::react(const ReactionPlan& reaction) {
  using Action = ReactionPlan::Action;
  const std::uint32_t index = reaction.target.index;
  const bool source = reaction.target.kind == Upstream::Kind::kSource;
  switch (reaction.action) {
    case Action::kPause:
    case Action::kResume: {
      const bool paused = reaction.action == Action::kPause;
      if (!source) {
        nodes_[index]->set_paused(paused);
      } else if (sources_[index] != nullptr) {
        sources_[index]->set_paused(paused);
      }
      return;
    }
    case Action::kDrain:
      begin_drain();
      return;
    case Action::kSet:
      nodes_[index]->set_option(reaction.option, reaction.values);
  }
}

void Graph::watch_pool(std::int64_t now_ns) {
  const std::uint32_t free = pool_->free_batches(BatchPool::Part::kIntake);
  const bool low = free < (pool_->part_batches(BatchPool::Part::kIntake) + 3) / 4;
  const bool holding =
      std::ranges::any_of(nodes_, [](const auto& node) { return node->rows_held() > 0; });
  if (low && now_ns >= next_compaction_ns_ && may_compact()) {
    for (const auto& node : nodes_) {
      if (node->may_compact()) node->compact_held();
    }
    const std::int64_t took_ns = services_.clock.now_ns() - now_ns;
    next_compaction_ns_ = now_ns + std::max(kCompactionNs, kCompactionShare * took_ns);
  }
  // A full pool is what backpressure looks like, so it is told only where rows are held.
  if (low == pool_is_low_ || (low && !holding)) return;
  pool_is_low_ = low;
  services_.signals.raise(low ? "pool.low" : "pool.ok");
}

// Rows that wait for others keep batches, and those others may need a batch to come: whoever holds
// rows for such a reason lets go on pool.stalled. In a drain a row may also wait for one that a
// node behind it holds, which would be asked only later: then all are asked.
void Graph::watch_stall(std::int64_t now_ns) {
  const bool no_room = lacks_room();
  const bool waits = no_room || drain_waits();
  if (!stall_.look(now_ns, waits, !writer_->is_resting(), moves())) return;
  const std::int64_t stands_ns = stall_.stands_for_ns(now_ns);
  if (no_room) services_.signals.raise("pool.stalled");
  if (draining_ && (no_room || stands_ns >= kDrainStallNs)) {
    for (const auto& node : nodes_) node->drain_again();
  }
  const bool held = std::ranges::any_of(
      nodes_, [](const auto& node) { return node->rows_held() > 0 || node->is_blocked(); });
  if (services_.log && held && stands_ns >= kStallLoggedAfterNs &&
      now_ns - stall_logged_ns_ >= kStallLoggedEveryNs) {
    stall_logged_ns_ = now_ns;
    services_.log(MAYFLY_LOG_WARN, plan_.name,
                  fmt::format("nothing has moved for {} s{}: {}", stands_ns / kSecond,
                              no_room ? ", and there is no free batch" : "", held_text()));
  }
}

bool Graph::lacks_room() const {
  return pool_->free_batches(BatchPool::Part::kIntake) == 0 ||
         std::ranges::any_of(nodes_, [](const auto& node) { return node->is_blocked(); });
}

// Rows that have a time come by themselves.
bool Graph::drain_waits() const {
  return draining_ && answers_.in_flight() > 0 &&
         std::ranges::none_of(nodes_, [](const auto& node) { return node->has_rows_due(); });
}

std::uint64_t Graph::moves() const {
  const ConservationCounts rows = answers_.counts();
  std::uint64_t moves = rows.accepted + rows.emitted + rows.answered();
  for (const auto& node : nodes_) moves += node->moves();
  return moves;
}

std::string Graph::held_text() const {
  std::string text;
  const auto add = [&text](std::string part) {
    text.append(text.empty() ? "" : ", ").append(part);
  };
  for (const auto& node : nodes_) {
    if (node->is_blocked()) {
      add(fmt::format("{} is blocked{}", node->name(),
                      node->has(MAYFLY_TRANSFORMS) ? ", as when it waits for a batch" : ""));
    }
    if (node->rows_held() > 0)
      add(fmt::format("{} holds {} rows", node->name(), node->rows_held()));
  }
  return text.empty() ? "no node holds rows" : text;
}

// ---- drain --------------------------------------------------------------------------------------

void Graph::begin_drain() {
  refuse_rows();
  for (const auto& source : sources_) {
    if (source != nullptr) source->request_stop();
  }
  drain_requested_.store(true, std::memory_order_release);
  driver_.nudge();
}

void Graph::advance_drain(std::int64_t now_ns) {
  if (!draining_) {
    draining_ = true;
    drain_deadline_ns_ = deadline_after(now_ns, plan_.drain_deadline_ns);
    drain_requested_.store(true, std::memory_order_release);
    services_.signals.raise("drain.started");
    for (const auto& node : nodes_) node->start_drain(drain_deadline_ns_);
  }
  if (sources_finished() && answers_.in_flight() == 0) {
    finish({});
    return;
  }
  if (now_ns >= drain_deadline_ns_) {
    finish(
        {Code::kTryAgain,
         fmt::format("the drain's deadline of {} passed with {} row(s) unanswered ({}); run it "
                     "again to go on from the last commit",
                     format_duration(plan_.drain_deadline_ns), answers_.in_flight(), held_text())});
    return;
  }
  if (!sources_finished()) return;
  for (const auto& members : components_.members) {
    // A plugin is asked to let go when nothing new will come: not while rows lie before it.
    if (component_has_arrivals(members)) return;
    for (const std::uint32_t v : members) {
      if (v < nodes_.size()) nodes_[v]->drain_again();
    }
    if (!component_is_empty(members)) return;
  }
}

bool Graph::component_has_arrivals(const std::vector<std::uint32_t>& members) const {
  return std::ranges::any_of(
      members, [this](std::uint32_t v) { return v < nodes_.size() && nodes_[v]->has_arrivals(); });
}

bool Graph::component_is_empty(const std::vector<std::uint32_t>& members) const {
  return std::ranges::all_of(members, [this](std::uint32_t v) {
    return v == nodes_.size() ? rows_in_writer() == 0 : nodes_[v]->rows_inside() == 0;
  });
}

std::uint64_t Graph::rows_in_writer() const {
  std::uint64_t inside = 0;
  for (const auto& node : nodes_) inside += node->rows_inside();
  const std::uint64_t in_flight = answers_.in_flight();
  return in_flight > inside ? in_flight - inside : 0;
}

void Graph::finish(Status status) {
  const std::lock_guard lock(mutex_);
  if (failure_.ok()) failure_ = std::move(status);
  if (failure_.ok()) failure_ = source_failure_;
  if (failure_.ok()) services_.signals.raise("drain.done");
  done_.store(true, std::memory_order_release);
  done_changed_.notify_all();
}

bool Graph::wait(std::int64_t timeout_ns) {
  std::unique_lock lock(mutex_);
  return done_changed_.wait_for(lock, std::chrono::nanoseconds(timeout_ns),
                                [this] { return done(); });
}

Status Graph::close() {
  if (closed_ || writer_ == nullptr) return failure();
  closed_ = true;
  for (const auto& source : sources_) {
    if (source != nullptr) source->request_stop();
  }
  for (std::thread& thread : source_threads_) thread.join();
  driver_.stop();
  if (answers_.in_flight() > 0) leave_everything();
  // Every row has its answer; what is left must not take longer than the drain was to take.
  const std::int64_t give_up_ns = draining_ ? drain_deadline_ns_ : services_.clock.now_ns();
  // Before the writer, whose database they may share.
  const Status stored = close_stores();
  const Status finished = writer_->finish(options_.durable_at_end, give_up_ns);
  // What is written doesn't wait for what sinks have left to send.
  for (const auto& node : nodes_) node->end_plugin();
  const std::lock_guard lock(mutex_);
  if (failure_.ok()) failure_ = finished;
  if (failure_.ok()) failure_ = stored;
  return failure_;
}

// The stores of signals that nodes asked for.
Status Graph::open_stores() {
  for (const auto& node : nodes_) {
    if (node->store() == nullptr) continue;
    const Status opened = node->store()->open(plan_.writer.database, services_.signals,
                                              services_.clock, plan_.drain_deadline_ns);
    if (!opened.ok()) return {opened.code(), node->name() + ": " + opened.message()};
  }
  return {};
}

Status Graph::close_stores() {
  Status first;
  for (const auto& node : nodes_) {
    if (node->store() == nullptr) continue;
    const Status closed = node->store()->close();
    if (first.ok() && !closed.ok()) first = {closed.code(), node->name() + ": " + closed.message()};
  }
  return first;
}

void Graph::leave_everything() {
  // Nodes first, so that the writer has everything that still goes to it when it is abandoned; what
  // it gives back may owe nodes a completion, hence once more.
  const auto settle_nodes = [this] {
    while (driver_.run_pending()) {
    }
  };
  for (const auto& node : nodes_) node->give_up();
  settle_nodes();
  writer_->abandon();
  settle_nodes();
  answers_.leave_orphans();
}

}  // namespace mayfly
