#include "mayfly/graph/writer_stage.h"

#include <algorithm>
#include <utility>

#include "mayfly/graph/reason.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

// How long opening waits for another connection's lock, where no deadline is shorter.
constexpr std::int64_t kOpenWaitNs = 60 * kSecond;

WriteMode mode_of(WriterPlan::Mode mode) {
  switch (mode) {
    case WriterPlan::Mode::kInsert:
      return WriteMode::kInsert;
    case WriterPlan::Mode::kIgnore:
      return WriteMode::kIgnore;
    case WriterPlan::Mode::kUpsert:
      return WriteMode::kUpsert;
    case WriterPlan::Mode::kReplace:
      return WriteMode::kReplace;
  }
  return WriteMode::kInsert;
}

WriterOptions options_of(const WriterPlan& plan, const WriterExtras& extras,
                         std::uint64_t max_row_bytes) {
  WriterOptions options;
  options.database = plan.database;
  options.table = plan.table;
  options.mode = mode_of(plan.mode);
  options.key_columns = plan.primary_key;
  options.synchronous = plan.synchronous == WriterPlan::Synchronous::kFull ? Synchronous::kFull
                                                                           : Synchronous::kNormal;
  options.journal = plan.journal == WriterPlan::Journal::kKeep ? Journal::kKeep : Journal::kWal;
  options.create_table = extras.create_table;
  options.truncate = extras.truncate;
  options.indexed = extras.indexed;
  options.alter = plan.alter;
  options.coerce = plan.coerce;
  options.not_null = plan.not_null;
  options.defaults = plan.defaults;
  options.strict = plan.strict;
  options.select = plan.select;
  options.per_batch = plan.per_batch;
  options.on_error = extras.fail_on_row_error ? OnRowError::kFail : OnRowError::kDeadLetter;
  options.row_bytes_max = max_row_bytes;
  options.group_batches = plan.group_batches;
  options.group_ns = plan.group_delay_ns;
  options.transient = plan.transient == WriterPlan::Transient::kRoute ? TransientPolicy::kRoute
                                                                      : TransientPolicy::kWait;
  options.retry = {.max_retries = RetryOptions::kUnlimited,
                   .initial_delay_ns = plan.initial_delay_ns,
                   .multiplier = plan.multiplier,
                   .max_delay_ns = plan.max_delay_ns,
                   .jitter = plan.jitter,
                   .deadline_ns = plan.deadline_ns == kNever ? 0 : plan.deadline_ns};
  options.open_wait_ns = std::min(plan.deadline_ns, kOpenWaitNs);
  return options;
}

// A table to be created has the plan's columns where it names them.
Schema with_plan_columns(const Schema& schema, const WriterPlan& plan) {
  if (plan.columns.empty()) return schema;
  std::vector<Column> columns = schema.columns();
  for (Column& column : columns) {
    for (const Column& named : plan.columns) {
      if (named.name == column.name) {
        column.not_null = named.not_null;
        column.key = named.key;
      }
    }
  }
  return Schema(std::move(columns));
}

}  // namespace

Result<std::unique_ptr<WriterStage>> WriterStage::open(
    const WriterPlan& plan, const WriterExtras& extras, const WriterInput& input,
    const Services& services, AnswerSink& answers,
    const std::vector<std::unique_ptr<Source>>& sources,
    const std::vector<std::unique_ptr<Node>>& nodes) {
  std::unique_ptr<WriterStage> stage(new WriterStage(*services.pool, sources, nodes));
  stage->ahead_ = input.ahead;
  WriterOptions options = options_of(plan, extras, input.max_row_bytes);
  options.parsed = input.parsed_text;
  for (const auto& source : sources) {
    const bool resumes = input.resume && source != nullptr && source->replayable();
    if (resumes) options.resumed_sources.push_back(source->key());
  }
  MAYFLY_ASSIGN_OR_RETURN(
      stage->writer_, SqliteWriter::open(options, with_plan_columns(input.schema, plan),
                                         *services.pool, services.clock, services.signals, *stage));
  stage->loop_ = std::make_unique<WriterLoop>(*stage->writer_, *services.pool, answers,
                                              services.clock, services.signals, services.seed,
                                              WriterLoopOptions{.lanes_max = input.lanes_max});
  return stage;
}

Result<SourceStart> WriterStage::add_source(std::uint16_t index, bool resume) {
  auto& fingerprint = fingerprints_.emplace_back(std::make_unique<Fingerprint>());
  fingerprint->sources = &sources_;
  fingerprint->index = index;
  return writer_->add_source(index, {.key = sources_[index]->key(),
                                     .replayable = sources_[index]->replayable(),
                                     .resume = resume,
                                     .fingerprint = fingerprint.get(),
                                     .record_format = sources_[index]->record_format()});
}

void WriterStage::push(SliceQueue::LaneId lane, RowRef head, std::uint32_t /*input*/,
                       bool /*forward*/) {
  pool_.batch(head)->extent[row_of(head)] &= MAYFLY_EXTENT_DENSE | 0xFFFFu;
  loop_->push(lane, head);
}

Status WriterStage::finish(bool durable, std::int64_t give_up_ns) {
  if (std::exchange(finished_, true)) return {};
  return loop_->stop(durable, give_up_ns);
}

void WriterStage::abandon() { loop_->abandon(); }

const PluginInstance* WriterStage::instance(std::uint16_t judge) const {
  if (judge < sources_.size()) return sources_[judge].get();
  const std::size_t node = judge - sources_.size();
  return node < nodes_.size() ? nodes_[node].get() : nullptr;
}

std::string_view WriterStage::node(std::uint16_t judge) const {
  const PluginInstance* found = instance(judge);
  return found == nullptr ? "mayfly" : std::string_view(found->name());
}

mayfly_named WriterStage::reason_of(std::uint16_t judge, std::uint16_t reason) const {
  const PluginInstance* found = instance(judge);
  const bool declared = found != nullptr && reason < found->plugin().reasons.count;
  return declared ? NamedTable(found->plugin().reasons)[reason] : host_reason(reason);
}

std::string_view WriterStage::code(std::uint16_t judge, std::uint16_t reason) const {
  return reason_of(judge, reason).name;
}

std::string_view WriterStage::text(std::uint16_t judge, std::uint16_t reason) const {
  return reason_of(judge, reason).help;
}

const Schema* WriterStage::schema(std::uint16_t judge) const {
  const std::size_t node = judge - sources_.size();
  return judge >= sources_.size() && node < nodes_.size() ? &nodes_[node]->input() : nullptr;
}

std::string_view WriterStage::ahead(std::uint16_t judge) const {
  return judge < ahead_.size() ? std::string_view(ahead_[judge]) : std::string_view();
}

}  // namespace mayfly
