#include "mayfly/config/pipeline_settings.h"

#include <string_view>

namespace mayfly {
namespace {

constexpr mayfly_option option(const char* name, std::uint32_t type, const char* default_value,
                               const char* minimum, const char* maximum, const char* help) {
  return {name, type, 0, default_value, minimum, maximum, nullptr, help};
}
constexpr mayfly_option choice(const char* name, const char* default_value, const char* choices,
                               const char* help) {
  return {name, MAYFLY_OPTION_CHOICE, 0, default_value, nullptr, nullptr, choices, help};
}
constexpr mayfly_option required(mayfly_option row) {
  row.flags = MAYFLY_OPTION_REQUIRED;
  return row;
}

// The defaults are those of plan.h; a test compares.
constexpr mayfly_option kPipeline[] = {
    option("name", MAYFLY_OPTION_TEXT, nullptr, "1", "64", "What the pipeline is called in logs."),
    option("batch_rows", MAYFLY_OPTION_INT, "1024", "1", "65534", "Rows of a batch."),
    option("batches", MAYFLY_OPTION_INT, "256", "1", "65535",
           "Batches of the pool: the bound on what is in flight."),
    option("batch_bytes", MAYFLY_OPTION_SIZE, "192KiB", "1KiB", "1GiB",
           "Text and blobs of a batch."),
    option("max_row_bytes", MAYFLY_OPTION_SIZE, "32MiB", "1KiB", "1GiB",
           "Larger rows are dead letters."),
    option("drain_deadline", MAYFLY_OPTION_DURATION, "1m", "1ms", "24h",
           "How long a drain may take before what is left is handed back."),
    option("seed", MAYFLY_OPTION_INT, "0", "0", nullptr, "Seed of all random numbers."),
    option("memory_limit", MAYFLY_OPTION_SIZE, nullptr, "1MiB", nullptr,
           "Refuse the pipeline if its batches need more."),
};
enum PipelineOption : std::uint32_t {
  kName,
  kBatchRows,
  kBatches,
  kBatchBytes,
  kMaxRowBytes,
  kDrainDeadline,
  kSeed,
  kMemoryLimit,
};

constexpr mayfly_option kWriter[] = {
    required(option("database", MAYFLY_OPTION_TEXT, nullptr, "1", nullptr, "The SQLite file.")),
    required(option("table", MAYFLY_OPTION_TEXT, nullptr, "1", nullptr, "The table in it.")),
    option("primary_key", MAYFLY_OPTION_LIST, nullptr, nullptr, nullptr,
           "Key columns of a table to be created, and of upsert."),
    option("not_null", MAYFLY_OPTION_LIST, nullptr, nullptr, nullptr,
           "Columns of a table to be created that take no NULL."),
    option("default", MAYFLY_OPTION_LIST, nullptr, nullptr, nullptr,
           "What columns of a table to be created have where a row doesn't say it, each as "
           "column=value."),
    option("strict", MAYFLY_OPTION_BOOL, "false", nullptr, nullptr,
           "Whether a table to be created is STRICT: its columns take values of their type alone."),
    option(
        "select", MAYFLY_OPTION_TEXT, nullptr, "1", nullptr,
        "A SELECT over mayfly_batch whose rows are written in place of the batch's. A row with a "
        "value that the table would change is a dead letter, as without it; CAST says that a "
        "change is meant."),
    option(
        "per_batch", MAYFLY_OPTION_BOOL, "false", nullptr, nullptr,
        "Whether `select` groups, deduplicates, limits, or doesn't read mayfly_batch row by row, "
        "so that batches are answered whole."),
    option("alter", MAYFLY_OPTION_BOOL, "false", nullptr, nullptr,
           "Add the columns that an existing table lacks."),
    option("coerce", MAYFLY_OPTION_BOOL, "false", nullptr, nullptr,
           "Let the types of the table's columns change values; else a row with such a value is a "
           "dead letter. What the source reads a column as, it decides by itself (types, infer)."),
    choice("mode", "insert", "insert|ignore|upsert|replace", "What a conflict does."),
    choice("synchronous", "full", "normal|full",
           "full: durable when answered; normal: durable at the next checkpoint."),
    choice("transient", "wait", "wait|route",
           "Where rows go while the database is busy: they wait, or leave by writer.failed."),
    option("unordered", MAYFLY_OPTION_BOOL, "false", nullptr, nullptr,
           "Accept that a row may be written after a later one of its key."),
    option("at_least_once", MAYFLY_OPTION_BOOL, "false", nullptr, nullptr,
           "Accept that rows made from one row may be committed apart."),
    option("deadline", MAYFLY_OPTION_DURATION, nullptr, "1ms", nullptr,
           "How long a transient error is waited out; without it, for ever."),
    option("group_batches", MAYFLY_OPTION_INT, "8", "1", "65535", "Batches in one transaction."),
    option("group_delay", MAYFLY_OPTION_DURATION, nullptr, "0", "10s",
           "How long a transaction takes in more; without it 5 ms at normal, 20 ms at full."),
    option("initial_delay", MAYFLY_OPTION_DURATION, "10ms", "1ms", "1h",
           "The first wait after a transient error."),
    option("max_delay", MAYFLY_OPTION_DURATION, "2s", "1ms", "24h",
           "The longest wait after a transient error."),
    option("multiplier", MAYFLY_OPTION_FLOAT, "2.0", "1", "100",
           "How much longer each wait is than the one before."),
    option("jitter", MAYFLY_OPTION_FLOAT, "0.25", "0", "1", "Random share of a wait, both ways."),
};
enum WriterOption : std::uint32_t {
  kDatabase,
  kTable,
  kPrimaryKey,
  kNotNull,
  kDefault,
  kStrict,
  kSelect,
  kPerBatch,
  kAlter,
  kCoerce,
  kMode,
  kSynchronous,
  kTransient,
  kUnordered,
  kAtLeastOnce,
  kDeadline,
  kGroupBatches,
  kGroupDelay,
  kInitialDelay,
  kMaxDelay,
  kMultiplier,
  kJitter,
};
static_assert(kMemoryLimit + 1 == std::size(kPipeline));
static_assert(kJitter + 1 == std::size(kWriter));

template <std::size_t N>
OptionTable table_of(const mayfly_option (&rows)[N]) {
  return OptionTable({rows, N, sizeof(mayfly_option)});
}

std::string text_of(const mayfly_value& value) {
  return std::string(value.text.data, static_cast<std::size_t>(value.text.size));
}

}  // namespace

OptionTable pipeline_options() { return table_of(kPipeline); }
OptionTable writer_options() { return table_of(kWriter); }

void apply_pipeline_options(const OptionValues& values, PipelinePlan& plan) {
  const auto u32 = [&values](std::uint32_t row, std::uint32_t& into) {
    if (values[row].is_set != 0) into = static_cast<std::uint32_t>(values[row].i64);
  };
  const auto u64 = [&values](std::uint32_t row, std::uint64_t& into) {
    if (values[row].is_set != 0) into = static_cast<std::uint64_t>(values[row].i64);
  };
  if (values[kName].is_set != 0) plan.name = text_of(values[kName]);
  u32(kBatchRows, plan.batch_rows);
  u32(kBatches, plan.batches);
  u32(kBatchBytes, plan.batch_bytes);
  u64(kMaxRowBytes, plan.max_row_bytes);
  if (values[kDrainDeadline].is_set != 0) plan.drain_deadline_ns = values[kDrainDeadline].i64;
  u64(kSeed, plan.seed);
  u64(kMemoryLimit, plan.memory_limit_bytes);
}

void apply_writer_options(const OptionValues& values, WriterPlan& writer) {
  const auto is_set = [&values](std::uint32_t row) { return values[row].is_set != 0; };
  const auto text = [&](std::uint32_t row, std::string& into) {
    if (is_set(row)) into = text_of(values[row]);
  };
  const auto flag = [&](std::uint32_t row, bool& into) {
    if (is_set(row)) into = values[row].i64 != 0;
  };
  const auto time = [&](std::uint32_t row, std::int64_t& into) {
    if (is_set(row)) into = values[row].i64;
  };
  // The choices stand in the order of the enum.
  const auto choose = [&](std::uint32_t row, auto& into) {
    if (is_set(row)) into = static_cast<std::remove_reference_t<decltype(into)>>(values[row].i64);
  };
  text(kDatabase, writer.database);
  text(kTable, writer.table);
  const auto list = [&values](std::uint32_t row, std::vector<std::string>& into) {
    for (std::uint64_t i = 0; i < values[row].list_count; ++i) {
      const mayfly_text& item = values[row].list[i];
      into.emplace_back(item.data, static_cast<std::size_t>(item.size));
    }
  };
  list(kPrimaryKey, writer.primary_key);
  list(kNotNull, writer.not_null);
  list(kDefault, writer.defaults);
  flag(kStrict, writer.strict);
  text(kSelect, writer.select);
  flag(kPerBatch, writer.per_batch);
  flag(kAlter, writer.alter);
  flag(kCoerce, writer.coerce);
  choose(kMode, writer.mode);
  choose(kSynchronous, writer.synchronous);
  choose(kTransient, writer.transient);
  flag(kUnordered, writer.unordered);
  flag(kAtLeastOnce, writer.at_least_once);
  time(kDeadline, writer.deadline_ns);
  if (is_set(kGroupBatches)) {
    writer.group_batches = static_cast<std::uint32_t>(values[kGroupBatches].i64);
  }
  time(kGroupDelay, writer.group_delay_ns);
  time(kInitialDelay, writer.initial_delay_ns);
  time(kMaxDelay, writer.max_delay_ns);
  if (is_set(kMultiplier)) writer.multiplier = values[kMultiplier].f64;
  if (is_set(kJitter)) writer.jitter = values[kJitter].f64;
}

}  // namespace mayfly
