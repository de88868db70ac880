// PlanBuilder: names in, indices out. Makes a PipelinePlan from sources, nodes and a writer that
// refer to each other by name, finds their plugins, checks everything, and reports every mistake.
//
// The pipeline file goes through it, and so do programs that build a pipeline in code:
//
//   PlanBuilder builder(registry);
//   builder.inlet("orders");
//   builder.node({.name = "groups", .plugin = "batch", .inputs = {{"orders"}}});
//   builder.writer().database = "orders.db";
//   builder.writer().table = "orders";
//   builder.writer_inputs({{"groups"}});
//   CheckedPlan checked = std::move(builder).build();
//
// THREADS  One at a time.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "mayfly/config/diagnostic.h"
#include "mayfly/config/plan.h"
#include "mayfly/config/signal_rules.h"
#include "mayfly/plugin/registry.h"

namespace mayfly {

// "name" (its first port) or "name.port".
struct InputName {
  std::string text;
  TextPlace place = {};
};

// A source or a node.
struct StepDraft {
  std::string name;
  std::string plugin;
  std::vector<InputName> inputs = {};  // nodes
  std::vector<RawOption> options = {};
  TextPlace place = {};
  TextPlace plugin_place = {};
  bool incomplete = false;  // part of it couldn't be read: say nothing of what is missing
};

// A pipeline as far as it could be read, and all that is wrong with it.
struct CheckedPlan {
  PipelinePlan plan;  // to be run only when ok()
  std::vector<Diagnostic> diagnostics;

  bool ok() const { return diagnostics.empty(); }
  Status status() const { return to_status(diagnostics, plan.file); }
};

// Places in the file of what a plan holds without them, for its checks; all may be empty.
struct PlanPlaces {
  std::vector<std::vector<TextPlace>> node_inputs;
  std::vector<TextPlace> writer_inputs;
  // What has been reported already, so that its consequences aren't.
  std::vector<bool> source_broken;  // no plugin
  std::vector<bool> node_broken;    // no plugin, no input, or an unknown one
  bool writer_broken = false;       // an unknown input
  bool inputs_lost = false;         // they can't be read, and may be any port
  bool sections_lost = false;       // by a syntax error: a source that is missing may be there
  bool plugins_missing = false;
  bool inputs_unknown = false;
  std::set<std::string, std::less<>> meant;  // sources and nodes that unknown inputs were to name
  std::map<std::string, TextPlace, std::less<>> pipeline_options;
  std::map<std::string, TextPlace, std::less<>> writer_options;

  TextPlace of_node_input(std::size_t node, std::size_t input) const;
};

class PlanBuilder {
 public:
  explicit PlanBuilder(PluginRegistry& registry) : registry_(registry) {}

  // Everything but sources, nodes and writer.
  PipelinePlan& settings() { return plan_; }
  WriterPlan& writer() { return plan_.writer; }
  PlanPlaces& places() { return places_; }

  // Rows come from the producers of the embedding program.
  void inlet(std::string name);
  void source(StepDraft draft);
  void node(StepDraft draft);
  void writer_inputs(std::vector<InputName> inputs);
  void reaction(ReactionDraft draft);
  // A mistake found by whoever reads the names.
  void report(Diagnostic diagnostic) { diagnostics_.push_back(std::move(diagnostic)); }

  CheckedPlan build() &&;

 private:
  struct Declared {
    Upstream::Kind kind;
    std::uint32_t index;
    TextPlace place;
  };

  void declare(const std::string& name, TextPlace place, Upstream::Kind kind, std::size_t index);
  std::shared_ptr<const PluginLibrary> plugin_of(const StepDraft& draft, std::uint32_t kind);
  void report_no_plugin(const StepDraft& draft);
  // Parsed; what is wrong is reported, and its option put into `wrong`. Empty when a required one
  // has no value.
  OptionValues options_of(const StepDraft& draft, const PluginLibrary& plugin,
                          std::vector<std::string>& wrong);
  // Into a step whose plugin is known; checked by the plugin, too.
  template <class Step>
  void take_options(const StepDraft& draft, Step& step);
  void check_unique(const StepDraft& draft, const PluginLibrary& plugin,
                    const OptionValues& values);
  bool link(const InputName& name, std::vector<Upstream>& inputs);
  const PluginLibrary* plugin_at(const Declared& declared) const;
  void link_reaction(const ReactionWords& words);
  void link_option(const ReactionWords& words, ReactionPlan& reaction);
  std::string nearest_input(std::string_view name) const;
  void report_unknown_input(const InputName& name);
  void report_unknown_port(const InputName& name, std::string_view step,
                           const PluginLibrary& plugin);

  PluginRegistry& registry_;
  PipelinePlan plan_;
  PlanPlaces places_;
  std::map<std::string, Declared, std::less<>> names_;
  // plugin, option, value -> source
  std::map<std::tuple<std::string, std::string, std::string>, std::string> read_by_;
  std::vector<std::vector<InputName>> node_inputs_;
  std::vector<InputName> writer_inputs_;
  std::vector<ReactionWords> reactions_;
  std::vector<Diagnostic> diagnostics_;
};

// Of an unknown option that is no slip of another: the nearest of these keys, which may stand
// beside options.
void suggest_key(OptionError& error, std::span<const std::string_view> keys);

}  // namespace mayfly
