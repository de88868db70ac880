#include "mayfly/config/check_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "mayfly/config/plan_builder.h"
#include "mayfly/data/schema.h"
#include "mayfly/plugin/from_abi.h"
#include "mayfly/storage/select_text.h"
#include "mayfly/storage/single_writer/database_name.h"

namespace mayfly {
namespace {

TextPlace place_of(const std::map<std::string, TextPlace, std::less<>>& places,
                   std::string_view name, TextPlace otherwise) {
  const auto found = places.find(name);
  return found == places.end() ? otherwise : found->second;
}

bool takes_failed(const PipelinePlan& plan) {
  const auto from_writer = [](const Upstream& u) { return u.kind == Upstream::Kind::kWriter; };
  return std::ranges::any_of(plan.nodes, [&](const NodePlan& node) {
    return std::ranges::any_of(node.inputs, from_writer);
  });
}

void check_memory(PipelinePlan& plan, const PlanPlaces& places, std::vector<Diagnostic>& out) {
  plan.reserve_batches = reserve_batches_needed(plan);
  plan.memory_bytes = estimate_memory_bytes(plan);
  const auto report = [&](std::string_view option, std::string message) {
    out.push_back({place_of(places.pipeline_options, option, {}), std::move(message), ""});
  };
  if (plan.batch_rows == 0 || plan.batch_rows > MAYFLY_BATCH_ROWS_MAX) {
    report("batch_rows", fmt::format("pipeline.batch_rows: expected 1 to {}, found {}",
                                     MAYFLY_BATCH_ROWS_MAX, plan.batch_rows));
  }
  if (std::string mistake = batches_mistake(plan); !mistake.empty()) {
    report("batches", std::move(mistake));
  }
  if (plan.memory_limit_bytes != 0 && plan.memory_bytes > plan.memory_limit_bytes) {
    report("memory_limit",
           fmt::format("pipeline.memory_limit: {} batches of {} rows need about {} MiB, over the "
                       "limit of {} MiB; lower batches, batch_rows or batch_bytes",
                       plan.batches, plan.batch_rows, (plan.memory_bytes >> 20) + 1,
                       plan.memory_limit_bytes >> 20));
  }
}

void check_links(const PipelinePlan& plan, const std::string& owner,
                 const std::vector<Upstream>& inputs, std::vector<Diagnostic>& out) {
  for (const Upstream& input : inputs) {
    std::size_t known = 1;
    if (input.kind == Upstream::Kind::kSource) known = plan.sources.size();
    if (input.kind == Upstream::Kind::kNode) known = plan.nodes.size();
    if (input.index < known) continue;
    out.push_back({{},
                   fmt::format("{}: expected an input of {} that there are, found number {}", owner,
                               known, input.index),
                   ""});
  }
}

// The graph looks again at what nodes do in open: a plugin of ABI 1.0 has no flag that says so.
constexpr std::string_view kSignalsTable = "signals";

void check_stores(const PipelinePlan& plan, const PlanPlaces& places,
                  std::vector<Diagnostic>& out) {
  // One that can't be read is refused as it is opened.
  const auto key_of = [](std::string_view database) {
    const auto name = DatabaseName::parse(database);
    return name.ok() ? name->key() : std::string();
  };
  std::map<std::string, std::string_view> kept_by;
  for (const NodePlan& node : plan.nodes) {
    const std::string database = signal_database(plan, node);
    const std::string key = database.empty() ? database : key_of(database);
    if (key.empty()) continue;
    if (const auto [first, is_new] = kept_by.emplace(key, node.name); !is_new) {
      const auto given = std::ranges::find(node.given, "database", &GivenOption::name);
      out.push_back({given == node.given.end() ? node.place : given->place,
                     fmt::format("{}.database: expected one node that keeps the pipeline's signals "
                                 "in {}, found \"{}\" before it; each signal would be there twice: "
                                 "take one of the two out, or name another database",
                                 node.name, database, first->second),
                     ""});
    } else if (key == key_of(plan.writer.database) &&
               is_same_column(plan.writer.table, kSignalsTable)) {
      out.push_back({place_of(places.writer_options, "table", plan.writer.place),
                     fmt::format("writer.table: node \"{}\" keeps signals in the table {} of {}; "
                                 "name another table here, or another database there",
                                 node.name, kSignalsTable, database),
                     ""});
    }
  }
}

}  // namespace

std::string signal_database(const PipelinePlan& plan, const NodePlan& node) {
  if (node.plugin == nullptr || !node.plugin->has(MAYFLY_KEEPS_SIGNALS)) return {};
  const OptionTable options(node.plugin->plugin().options);
  const auto option = options.find("database");
  if (!option || options[*option].type != MAYFLY_OPTION_TEXT || *option >= node.options.size()) {
    return plan.writer.database;
  }
  const std::string_view database = view(node.options[*option].text);
  return database.empty() ? plan.writer.database : std::string(database);
}

void check_writer(const PipelinePlan& plan, const PlanPlaces& places,
                  std::vector<Diagnostic>& out) {
  const WriterPlan& writer = plan.writer;
  const auto report = [&](std::string_view option, std::string message) {
    out.push_back({place_of(places.writer_options, option, writer.place), std::move(message), ""});
  };
  const bool routes = writer.transient == WriterPlan::Transient::kRoute;
  const bool joined = takes_failed(plan);
  if (routes && !joined) {
    report(
        "transient",
        "writer.transient: \"route\" needs a node with input = \"writer.failed\", such as retry");
  }
  if (!routes && joined) {
    report("transient",
           "nothing ever leaves by \"writer.failed\": set transient = \"route\" in [writer], or "
           "remove the node that takes it");
  }
  const bool overwrites =
      writer.mode == WriterPlan::Mode::kUpsert || writer.mode == WriterPlan::Mode::kReplace;
  if (routes && overwrites && !writer.unordered) {
    report("mode",
           "writer.mode: with transient = \"route\" an older row may overwrite a newer one; accept "
           "that with unordered = true, or use transient = \"wait\"");
  }
  if (const std::string_view prefix = reserved_prefix_of(writer.table); !prefix.empty()) {
    report("table", fmt::format("writer.table: names that begin with {} are reserved; choose "
                                "another than \"{}\"",
                                prefix, writer.table));
  }
  if (writer.database == ":memory:") {
    report("database", "writer.database: expected the path of a file, found \":memory:\"");
  }
  if (writer.per_batch && writer.select.empty()) {
    report("per_batch", "writer.per_batch: only a `select` of your own can depend on batches");
  }
  if (!writer.select.empty()) {
    if (const Status status = check_select_text(writer.select, writer.per_batch); !status.ok()) {
      report("select", "writer." + status.message());
    }
  }
  if (writer.max_delay_ns < writer.initial_delay_ns) {
    report("max_delay", fmt::format("writer.max_delay: {} is under initial_delay, {}",
                                    format_duration(writer.max_delay_ns),
                                    format_duration(writer.initial_delay_ns)));
  }
  std::vector<std::string_view> names;
  for (const Column& column : writer.columns) names.push_back(column.name);
  for (std::size_t i = 0; i < writer.primary_key.size(); ++i) {
    const std::string& key = writer.primary_key[i];
    const auto is_key = [&key](std::string_view name) { return is_same_column(name, key); };
    const auto first = std::ranges::find_if(writer.primary_key, is_key);
    if (key.empty()) {
      report("primary_key", "writer.primary_key: expected names of columns, found an empty one");
    } else if (first - writer.primary_key.begin() < static_cast<std::ptrdiff_t>(i)) {
      report("primary_key", fmt::format("writer.primary_key: \"{}\" is named twice", key));
    } else if (!names.empty() && std::ranges::none_of(names, is_key)) {
      out.push_back({place_of(places.writer_options, "primary_key", writer.place),
                     fmt::format("writer.primary_key: \"{}\" is not in [writer.columns]", key),
                     std::string(nearest(key, names))});
    }
  }
}

std::vector<Diagnostic> check_plan(PipelinePlan& plan, const PlanPlaces& places) {
  std::vector<Diagnostic> out;
  check_graph(plan, places, out);
  check_writer(plan, places, out);
  check_stores(plan, places, out);
  check_memory(plan, places, out);
  return out;
}

std::vector<Diagnostic> check_plan(PipelinePlan& plan) { return check_plan(plan, PlanPlaces{}); }

std::vector<Diagnostic> check_limits(PipelinePlan& plan) {
  std::vector<Diagnostic> out;
  for (const NodePlan& node : plan.nodes) {
    if (node.plugin == nullptr) {
      out.push_back({{}, fmt::format("{}: expected a plugin, found none", node.name), ""});
    }
    check_links(plan, node.name, node.inputs, out);
  }
  check_links(plan, "writer", plan.writer.inputs, out);
  if (!out.empty()) return out;
  check_writer(plan, PlanPlaces{}, out);
  check_memory(plan, PlanPlaces{}, out);
  return out;
}

}  // namespace mayfly
