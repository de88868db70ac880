#include "tools/mayfly/ingest_plan.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "mayfly/config/plan_builder.h"
#include "mayfly/data/readers/format.h"
#include "mayfly/data/readers/utf8_watch.h"
#include "mayfly/plugin/options.h"
#include "mayfly/storage/select_text.h"
#include "tools/mayfly/file_schemas.h"
#include "tools/mayfly/target_table.h"

namespace mayfly::cli {
namespace {

// Batches of a transaction, and how long one may take.
constexpr std::uint32_t kGroupBatches = 64;
constexpr std::int64_t kGroupNs = 500 * kMillisecond;
// Of all batches, however wide the rows are: about half of the 256 MB that are promised.
constexpr std::uint64_t kPoolBytes = 128ull << 20;
constexpr std::uint64_t kBatchBytesMin = 4096;
constexpr std::string_view kStdin = "-";

// What is passed to every file source besides its path.
struct Given {
  std::vector<std::string> types;
  std::vector<std::string> columns;
  std::string on_extra;
};

bool is_json(const std::string& file, const IngestOptions& options) {
  if (options.format != "auto") return options.format == "ndjson" || options.format == "json";
  return names_json(file);
}

// Standard input, or a pipe such as <(...): what was looked at is gone.
bool is_read_once(const std::string& file) {
  std::error_code error;
  const auto kind = std::filesystem::status(file, error).type();
  return file == kStdin || kind == std::filesystem::file_type::fifo ||
         kind == std::filesystem::file_type::socket ||
         kind == std::filesystem::file_type::character;
}

// Keys that come later in a file are columns to add, too, so all of it is looked at.
const std::string& infer_of(const std::string& file, const IngestOptions& options) {
  static const std::string kAll = "all";
  const bool adds_keys = options.alter && options.infer == "sample" && options.columns.empty();
  return adds_keys && is_json(file, options) && !is_read_once(file) ? kAll : options.infer;
}

std::vector<RawOption> options_of(const std::string& file, const IngestOptions& options,
                                  const Given& given) {
  std::vector<RawOption> raw = {{"path", file},
                                {"format", options.format},
                                {"infer", infer_of(file, options)},
                                {"empty", options.empty},
                                {"header", !options.no_header}};
  const auto add_text = [&raw](const char* name, const std::string& value) {
    if (!value.empty()) raw.push_back({name, value});
  };
  add_text("encoding", options.encoding);
  add_text("delimiter", options.delimiter);
  add_text("quote", options.quote);
  add_text("comment", options.comment);
  raw.push_back({"escape", options.escape});
  raw.push_back({"skip_rows", options.skip_rows});
  raw.push_back({"limit", options.limit});
  add_text("max_row_bytes", options.max_row_bytes);
  if (!options.nulls.empty()) raw.push_back({"null", options.nulls});
  if (!options.renamed.empty()) raw.push_back({"rename", options.renamed});
  add_text("on_extra", given.on_extra);
  if (options.coerce) raw.push_back({"on_change", std::string("text")});
  if (!given.types.empty()) raw.push_back({"types", given.types});
  if (!given.columns.empty()) raw.push_back({"columns", given.columns});
  return raw;
}

WriterPlan::Mode mode_of(const IngestOptions& options) {
  if (options.upsert) return WriterPlan::Mode::kUpsert;
  if (options.ignore) return WriterPlan::Mode::kIgnore;
  return options.replace ? WriterPlan::Mode::kReplace : WriterPlan::Mode::kInsert;
}

// Whether transactions will be large: a rollback journal costs two fsyncs for each.
bool is_bulk(const IngestOptions& options) {
  constexpr std::uint64_t kRowsInFlight = 32'768;
  const bool is_stream = !options.files.empty() && options.files[0] == kStdin;
  return !is_stream && std::uint64_t{options.batches} * options.batch_rows >= kRowsInFlight;
}

// The closing parenthesis stands on a line of its own, since a comment may end the expression.
std::string select_of_where(const std::string& where) {
  return fmt::format("SELECT * FROM mayfly_batch WHERE ({}\n)", where);
}

std::string select_of(const IngestOptions& options) {
  return options.where.empty() ? options.sql : select_of_where(options.where);
}

Result<PipelinePlan> build(const IngestOptions& options, const Given& given,
                           PluginRegistry& registry) {
  PlanBuilder builder(registry);
  std::vector<InputName> inputs;
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    const std::string name = options.files.size() == 1 ? "file" : fmt::format("file_{}", i + 1);
    builder.source(
        {.name = name, .plugin = "file", .options = options_of(options.files[i], options, given)});
    inputs.push_back({name});
  }
  builder.writer_inputs(std::move(inputs));

  PipelinePlan& plan = builder.settings();
  plan.name = "ingest";
  configure_like_ingest(options, plan);
  // What a file may have, a batch and the writer must take. A mistake in it is told by the source.
  if (const auto bytes = parse_size(options.max_row_bytes); bytes.ok()) {
    plan.max_row_bytes = std::max(plan.max_row_bytes, static_cast<std::uint64_t>(*bytes));
  }
  WriterPlan& writer = builder.writer();
  writer.database = options.database;
  writer.table = options.table.empty() ? table_name_from(options.files[0]) : options.table;
  writer.not_null = options.not_null;
  writer.defaults = options.defaults;
  writer.strict = options.strict;
  writer.select = select_of(options);
  CheckedPlan checked = std::move(builder).build();
  // Everything in it came from the command line.
  if (!checked.ok()) return Status(Code::kUsage, checked.status().message());
  return std::move(checked.plan);
}

bool names_column(const std::vector<std::string>& types, const std::string& column) {
  return std::ranges::any_of(types, [&](const std::string& entry) {
    return is_same_column(std::string_view(entry).substr(0, entry.rfind('=')), column);
  });
}

Status check_files_differ(const std::vector<std::string>& files) {
  std::map<std::string, const std::string&> seen;
  for (const std::string& file : files) {
    std::error_code error;
    const std::string real = std::filesystem::canonical(file, error).string();
    const auto [first, is_new] = seen.emplace(error ? file : real, file);
    if (is_new) continue;
    const std::string& other = first->second;
    return {Code::kUsage,
            file == other ? fmt::format("{} is given twice; give each file once", file)
                          : fmt::format("{} and {} are the same file; give it once", other, file)};
  }
  return {};
}

// One condition, which each row fulfils or doesn't by itself.
Status check_where(const std::string& where) {
  MAYFLY_RETURN_IF_ERROR(check_where_text(where));
  const Status status = check_select_text(select_of_where(where), false);
  if (status.ok()) return status;
  return {Code::kConfig,
          fmt::format("expected a condition on each row by itself, found \"{}\" ({})", where,
                      status.message().substr(status.message().find(": ") + 2))};
}

Status check(const IngestOptions& options) {
  const auto stream = std::ranges::find_if(options.files, is_read_once);
  if (stream != options.files.end() && options.files.size() > 1) {
    return {Code::kUsage,
            fmt::format("expected several files or one stream, found both: \"{}\" can be read only "
                        "once, so ingest it by itself",
                        *stream)};
  }
  if (stream != options.files.end() && options.resume) {
    return {Code::kUsage,
            fmt::format("--resume: expected files that can be read again, found {}; leave --resume "
                        "out and feed what is missing, or name the file behind it",
                        *stream == kStdin ? "standard input" : "the stream " + *stream)};
  }
  if (!is_valid_utf8(options.table)) {
    return {Code::kUsage, "--table: expected a name in UTF-8, found other bytes"};
  }
  if (options.table.empty() && table_name_from(options.files[0]).empty()) {
    return {Code::kUsage,
            fmt::format("--table is needed: \"{}\" names no table", options.files[0])};
  }
  for (const std::string& each : options.defaults) {
    if (each.find('=') != std::string::npos) continue;
    return {Code::kUsage, fmt::format("--default: expected column=value, found \"{}\"", each)};
  }
  if (!options.where.empty()) {
    const Status where = check_where(options.where);
    if (!where.ok()) return {Code::kUsage, "--where: " + where.message()};
  }
  return check_files_differ(options.files);
}

}  // namespace

std::string table_name_from(std::string_view path) {
  if (path == kStdin) return {};
  std::string stem = std::filesystem::path(path).filename().string();
  for (std::string_view ending : {".gz", ".zst", ".zstd"}) {
    if (stem.size() > ending.size() && stem.ends_with(ending)) {
      stem.resize(stem.size() - ending.size());
    }
  }
  if (const std::size_t dot = stem.rfind('.'); dot != std::string::npos && dot > 0)
    stem.resize(dot);
  const bool letters = is_valid_utf8(stem);  // of other alphabets
  std::string name;
  for (const char c : stem) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '_' || (byte >= 0x80 && letters)) {
      name += c;
    } else if (!name.empty() && name.back() != '_') {
      name += '_';
    }
  }
  while (!name.empty() && name.back() == '_') name.pop_back();
  if (!name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) != 0) name.insert(0, "_");
  return name;
}

void configure_like_ingest(const IngestOptions& options, PipelinePlan& plan) {
  plan.batch_rows = options.batch_rows;
  // One for each file to fill, though they are read one after the other.
  plan.batches = std::max(options.batches, static_cast<std::uint32_t>(options.files.size()) + 2);
  // What is asked for is done. Else the rows' text has half of the pool at most, however many files
  // there are, and wide rows come in smaller batches.
  if (options.batch_rows == IngestOptions().batch_rows &&
      options.batches == IngestOptions().batches) {
    plan.pool_bytes_max = kPoolBytes;
    plan.batch_bytes = static_cast<std::uint32_t>(
        std::clamp<std::uint64_t>(kPoolBytes / 2 / plan.batches, kBatchBytesMin, plan.batch_bytes));
  }
  // The writer's own deadline comes first.
  plan.drain_deadline_ns = options.deadline_ns + 60 * kSecond;

  WriterPlan& writer = plan.writer;
  writer.primary_key = options.primary_key;
  writer.mode = mode_of(options);
  writer.alter = options.alter;
  writer.coerce = options.coerce;
  writer.synchronous = options.synchronous == "full" ? WriterPlan::Synchronous::kFull
                                                     : WriterPlan::Synchronous::kNormal;
  // A file is read faster than it is written: few, large transactions, and a new database is
  // written once instead of twice. What waits is taken at once, so a slow stream isn't held up.
  if (is_bulk(options)) writer.journal = WriterPlan::Journal::kKeep;
  writer.group_batches = kGroupBatches;
  writer.group_delay_ns = kGroupNs;
  writer.deadline_ns = std::max<std::int64_t>(options.deadline_ns, 1);
}

bool is_about_a_source(const Status& status, const PipelinePlan& plan) {
  return std::ranges::any_of(plan.sources, [&](const SourcePlan& source) {
    return status.message().starts_with(source.name + ": ");
  });
}

Status blamed_on_command_line(const Status& status, const PipelinePlan& plan,
                              const IngestOptions& options) {
  if (status.code() != Code::kConfig) return status;
  if (is_about_a_source(status, plan)) return {Code::kUsage, status.message()};
  // What the writer says of columns that the options name, and the input hasn't.
  const bool has_where = !options.where.empty();
  const struct {
    std::string_view begins;
    std::string_view option;
  } kNames[] = {{"key column ", "--pk: "},
                {"NOT NULL column ", "--not-null: "},
                {"column with a default ", "--default: "},
                {"expected a column of table ", "--index: "},
                {"select: ", has_where ? "--where: " : "--sql: "}};
  for (const auto& [begins, option] : kNames) {
    if (!status.message().starts_with(begins)) continue;
    std::string text = status.message();
    if (begins == "select: ") text.erase(0, begins.size());
    constexpr std::string_view kSelect = "expected a SELECT over mayfly_batch";
    if (has_where && text.ends_with(kSelect)) {
      text.resize(text.size() - kSelect.size());
      text += "expected an expression over the columns of the input";
    }
    return {Code::kUsage, std::string(option) + text};
  }
  return status;
}

Result<PipelinePlan> make_ingest_plan(const IngestOptions& options, PluginRegistry& registry,
                                      const TextColumns& text_columns_of) {
  MAYFLY_RETURN_IF_ERROR(check(options));
  // By itself, so that a missing plugin isn't told as a mistake in the options.
  if (const auto plugin = registry.find("file"); !plugin.ok()) return plugin.status();
  Given given{options.types, options.columns, options.on_extra};
  MAYFLY_ASSIGN_OR_RETURN(PipelinePlan plan, build(options, given, registry));
  if (is_read_once(options.files[0])) return plan;
  MAYFLY_ASSIGN_OR_RETURN(const std::vector<std::string> text_columns,
                          text_columns_of(plan.writer.table));
  const bool several = options.files.size() > 1;
  if (!several && text_columns.empty()) return plan;

  std::vector<FileSchema> found;
  for (std::size_t i = 0; i < options.files.size(); ++i) {
    Result<Schema> schema = read_schema(plan.sources[i]);
    if (!schema.ok()) return blamed_on_command_line(schema.status(), plan, options);
    found.push_back({options.files[i], std::move(schema).value()});
  }
  const bool keyed = std::ranges::all_of(
      options.files, [&](const std::string& file) { return is_json(file, options); });
  MAYFLY_ASSIGN_OR_RETURN(const Schema schema, unify(found, keyed));
  for (const Column& column : schema.columns()) {
    if (names_column(options.types, column.name)) continue;
    // In a column that keeps text, nothing is to be taken for a number on the way there.
    const bool text = std::ranges::any_of(
        text_columns, [&](const std::string& name) { return is_same_column(name, column.name); });
    const ColumnType type = text ? ColumnType::kText : column.type;
    given.types.push_back(fmt::format("{}={}", column.name, name_of(type)));
  }
  if (several && keyed && options.columns.empty()) {
    for (const Column& column : schema.columns()) given.columns.push_back(column.name);
    if (given.on_extra.empty()) given.on_extra = "error";
  }
  return build(options, given, registry);
}

}  // namespace mayfly::cli
