// PipelinePlan: a pipeline as plain data, checked and with every name turned into an index.
//
// Made from a pipeline file (pipeline_file.h) or in code (plan_builder.h); the runtime builds from
// it. OWNERSHIP  Values only; plugins and option values are shared and immutable, so a plan can be
// copied. UNITS      Nanoseconds and bytes, unless a name says otherwise.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/data/schema.h"
#include "mayfly/plugin/library.h"
#include "mayfly/plugin/options.h"

namespace mayfly {

// Where rows come from: one output port of a source, of a node, or of the writer.
struct Upstream {
  enum class Kind : std::uint8_t { kSource, kNode, kWriter };

  Kind kind = Kind::kSource;
  std::uint32_t index = 0;  // in sources or nodes; 0 for the writer
  std::uint32_t port = 0;   // the writer's only port is `failed`

  bool operator==(const Upstream&) const = default;
};

// What signals do to a source or node, whatever its plugin does with them: globs (graph/
// signal_control.h).
struct SignalControls {
  std::vector<std::string> cancel_on;
  std::vector<std::string> defer_on;
  std::vector<std::string> resume_on;
  // Of each of those in the file.
  std::vector<TextPlace> cancel_places = {};
  std::vector<TextPlace> defer_places = {};
  std::vector<TextPlace> resume_places = {};

  bool empty() const { return cancel_on.empty() && defer_on.empty(); }
};

// Where the file gives an option.
struct GivenOption {
  std::string name;
  TextPlace place = {};
  std::vector<TextPlace> elements = {};  // of a list's; empty: as the option

  TextPlace place_of(std::size_t element) const {
    return element < elements.size() ? elements[element] : place;
  }
};

// One source, with its options checked.
struct SourcePlan {
  std::string name;
  // Null: an inlet, which the producers of an embedding program feed.
  std::shared_ptr<const PluginLibrary> plugin;
  OptionValues options;
  std::vector<GivenOption> given = {};
  TextPlace place = {};
  SignalControls controls = {};
};

// One node, and what feeds it.
struct NodePlan {
  std::string name;
  std::shared_ptr<const PluginLibrary> plugin;
  OptionValues options;
  std::vector<GivenOption> given = {};
  std::vector<Upstream> inputs;
  TextPlace place = {};
  SignalControls controls = {};
};

// What is done each time that a signal is raised.
struct ReactionPlan {
  enum class Action : std::uint8_t { kPause, kResume, kDrain, kSet };

  std::string on;  // a glob
  Action action = Action::kPause;
  Upstream target = {};      // a source or a node; of kDrain none
  std::uint32_t option = 0;  // of kSet: its index, and
  OptionValues values = {};  // its value, values[option]
  TextPlace place = {};
};

// The writer, and what feeds it.
struct WriterPlan {
  enum class Mode : std::uint8_t { kInsert, kIgnore, kUpsert, kReplace };
  enum class Synchronous : std::uint8_t { kNormal, kFull };
  enum class Journal : std::uint8_t { kWal, kKeep };
  enum class Transient : std::uint8_t { kWait, kRoute };

  std::vector<Upstream> inputs;
  std::string database;
  std::string table;
  std::vector<Column> columns;           // of a table to be created; empty: as the rows have them
  std::vector<std::string> primary_key;  // column names
  std::vector<std::string> not_null;     // likewise, of a table to be created
  std::vector<std::string> defaults;     // likewise, each as column=value
  bool strict = false;                   // a STRICT one
  std::string select;      // own SELECT over mayfly_batch; empty: all columns as they are
  bool per_batch = false;  // `select` may depend on where batches begin and end
  bool alter = false;      // add the columns that an existing table lacks
  bool coerce = false;     // let the types of the table's columns change values
  Mode mode = Mode::kInsert;
  Synchronous synchronous = Synchronous::kFull;
  // kKeep: as the database has it, a rollback journal if it is new.
  Journal journal = Journal::kWal;
  Transient transient = Transient::kWait;
  bool unordered = false;             // a row may be written after a later one of its key
  bool at_least_once = false;         // siblings of one row may be committed apart
  std::int64_t deadline_ns = kNever;  // how long a transient error is waited out
  std::uint32_t group_batches = 8;    // in one transaction
  std::int64_t group_delay_ns = 0;    // how long a transaction waits for more; 0: by `synchronous`
  // Backoff after a transient error.
  std::int64_t initial_delay_ns = 10 * kMillisecond;
  std::int64_t max_delay_ns = 2 * kSecond;
  double multiplier = 2.0;
  double jitter = 0.25;  // +- this share of the delay
  TextPlace place = {};
};

struct PipelinePlan {
  std::string name = "pipeline";
  std::string file;  // empty: made in code
  std::uint32_t batch_rows = 1024;
  std::uint32_t batches = 256;            // of both parts of the pool
  std::uint32_t reserve_batches = 0;      // the nodes' part; set by check_plan
  std::uint32_t batch_bytes = 192 << 10;  // of text and blobs a batch
  std::uint64_t max_row_bytes = 32ull << 20;
  std::int64_t drain_deadline_ns = 60 * kSecond;
  std::uint64_t seed = 0;
  std::uint64_t memory_limit_bytes = 0;  // 0: none
  // Of the batches: where rows are so wide that the pool would need more, a batch takes fewer of
  // them. 0: no limit.
  std::uint64_t pool_bytes_max = 0;
  std::uint64_t memory_bytes = 0;  // the estimate; set by check_plan

  std::vector<SourcePlan> sources;
  std::vector<NodePlan> nodes;
  std::vector<ReactionPlan> reactions;
  WriterPlan writer;
};

// The step that these rows come from, "writer" for the writer, and what a pipeline file calls them:
// "batches", "check.bad", "writer.failed".
std::string_view step_name(const PipelinePlan& plan, const Upstream& upstream);
std::string name_of(const PipelinePlan& plan, const Upstream& upstream);

// What the batches take, for rows of so many columns.
std::uint64_t pool_bytes(const PipelinePlan& plan, std::uint64_t columns);
// Rows of a batch, so that the batches keep below pool_bytes_max; at least 1.
std::uint32_t batch_rows_within(const PipelinePlan& plan, std::uint64_t columns);

// Columns that the memory estimate assumes where none are declared.
constexpr std::uint32_t kColumnsAssumed = 16;

// Fewest batches with which the pipeline can't stand still: one for each source to fill, two for
// each node that holds rows, two for each that makes rows, two on their way to the writer.
std::uint32_t batches_min(const PipelinePlan& plan);
// What is wrong with plan.batches; "": nothing.
std::string batches_mistake(const PipelinePlan& plan);
// The nodes' share of those.
std::uint32_t reserve_batches_needed(const PipelinePlan& plan);

// How the batches are divided (data/batch_pool.h). A row that is made from another one is in flight
// beside it until it is answered, so that each node that makes rows has as many as the sources.
struct PoolShares {
  std::uint32_t intake = 0;
  std::uint32_t reserve = 0;
  std::vector<std::uint32_t> makers;  // of the nodes that make rows, in their order
};
PoolShares pool_shares(const PipelinePlan& plan);
// batches x (rows x (meta + cells) + heap), and one row of max_row_bytes.
std::uint64_t estimate_memory_bytes(const PipelinePlan& plan);

}  // namespace mayfly
