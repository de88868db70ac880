#include "mayfly/config/plan_builder.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "mayfly/config/check_plan.h"
#include "mayfly/config/step_mistake.h"
#include "mayfly/plugin/configure_check.h"
#include "mayfly/plugin/option_mistake.h"
#include "mayfly/plugin/tables.h"
#include "mayfly/storage/batch_expressions.h"

namespace mayfly {
namespace {

constexpr std::string_view kWriter = "writer";
constexpr std::string_view kFailed = "failed";

std::string_view kind_name(std::uint32_t kind) {
  return kind == MAYFLY_SOURCE ? "source" : kind == MAYFLY_NODE ? "node" : "sink";
}

}  // namespace

TextPlace PlanPlaces::of_node_input(std::size_t node, std::size_t input) const {
  if (node >= node_inputs.size() || input >= node_inputs[node].size()) return {};
  return node_inputs[node][input];
}

void PlanBuilder::declare(const std::string& name, TextPlace place, Upstream::Kind kind,
                          std::size_t index) {
  if (!is_name(name)) {
    report({place, fmt::format("\"{}\" is not a name: expected [a-z][a-z0-9_]*", name), ""});
  } else if (name == kWriter) {
    report({place, "\"writer\" is the writer's name; choose another", ""});
  } else if (const auto [it, added] =
                 names_.try_emplace(name, Declared{kind, static_cast<std::uint32_t>(index), place});
             !added) {
    const TextPlace first = it->second.place;
    report(
        {place,
         first.line == 0
             ? fmt::format("\"{}\" is used twice; sources and nodes share one set of names", name)
             : fmt::format("\"{}\" is used twice, first at {}:{}; sources and nodes share one "
                           "set of names",
                           name, first.line, first.column),
         ""});
  }
}

void PlanBuilder::inlet(std::string name) {
  declare(name, {}, Upstream::Kind::kSource, plan_.sources.size());
  places_.source_broken.push_back(false);
  plan_.sources.push_back({.name = std::move(name), .plugin = nullptr, .options = {}});
}

std::shared_ptr<const PluginLibrary> PlanBuilder::plugin_of(const StepDraft& draft,
                                                            std::uint32_t kind) {
  if (draft.plugin.empty()) {
    if (!draft.incomplete) report_no_plugin(draft);
    return nullptr;
  }
  auto library = registry_.find(draft.plugin);
  if (!library.ok()) {
    std::string suggestion;
    if (library.status().code() == Code::kUnavailable) {
      suggestion = registry_.nearest_name(draft.plugin);
    }
    report({draft.plugin_place, library.status().message(), std::move(suggestion)});
    return nullptr;
  }
  const std::uint32_t found = (*library)->plugin().kind;
  // A sink is a node that has threads.
  if (found != kind && !(kind == MAYFLY_NODE && found == MAYFLY_SINK)) {
    report({draft.plugin_place,
            fmt::format("plugin \"{}\" is a {}, so it can't be used as a {}", draft.plugin,
                        kind_name(found), kind_name(kind)),
            ""});
    return nullptr;
  }
  return *library;
}

void PlanBuilder::report_no_plugin(const StepDraft& draft) {
  constexpr std::string_view kKey[] = {"plugin"};
  const auto slip = std::ranges::find_if(
      draft.options, [&](const RawOption& option) { return !nearest(option.name, kKey).empty(); });
  if (slip != draft.options.end()) {
    return report({slip->key_place, fmt::format("{}.{}: unknown option", draft.name, slip->name),
                   std::string(kKey[0])});
  }
  report(
      {draft.place, fmt::format("\"{}\" names no plugin: add plugin = \"...\"", draft.name), ""});
}

void suggest_key(OptionError& error, std::span<const std::string_view> keys) {
  if (!error.message.starts_with("unknown option") || !error.suggestion.empty()) return;
  error.suggestion = nearest(error.option, keys);
  if (!error.suggestion.empty()) error.message = "unknown option";
}

OptionValues PlanBuilder::options_of(const StepDraft& draft, const PluginLibrary& plugin,
                                     std::vector<std::string>& wrong) {
  const OptionTable table(plugin.plugin().options);
  ParsedOptions parsed = parse_options(table, draft.options);
  // Beside the plugin's own.
  constexpr std::string_view kKeys[] = {"plugin", "cancel_on", "defer_on", "resume_on", "input"};
  const std::size_t keys = std::size(kKeys) - (plugin.plugin().kind == MAYFLY_SOURCE ? 1 : 0);
  for (OptionError& error : parsed.errors) {
    const bool missing = error.place.line == 0;
    suggest_key(error, std::span(kKeys, keys));
    wrong.push_back(error.option);
    if (missing && draft.incomplete) continue;
    report({missing ? draft.place : error.place,
            fmt::format("{}.{}: {}", draft.name, error.option, error.message),
            std::move(error.suggestion)});
  }
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    const bool is_required = (table[i].flags & MAYFLY_OPTION_REQUIRED) != 0;
    if (is_required && parsed.values[i].is_set == 0) return {};
  }
  return std::move(parsed.values);
}

// Whether the text has the name as a word of its own.
static bool mentions(std::string_view text, std::string_view name) {
  const auto is_of_word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  for (std::size_t at = 0; (at = text.find(name, at)) != text.npos; ++at) {
    const std::size_t end = at + name.size();
    const bool begins = at == 0 || !is_of_word(text[at - 1]);
    if (begins && (end == text.size() || !is_of_word(text[end]))) return true;
  }
  return false;
}

// Whether what a plugin says would be so whatever those options were that are wrong or unread: it
// is of one that is given, and doesn't speak of them.
static bool stands_alone(const StepDraft& draft, OptionTable table, std::string_view mistake,
                         const std::vector<std::string>& wrong) {
  if (wrong.empty() && !draft.incomplete) return true;
  const std::string_view option = read_option_mistake(table, mistake).option;
  const bool is_given =
      std::ranges::find(draft.options, option, &RawOption::name) != draft.options.end();
  return is_given && std::ranges::none_of(
                         wrong, [&](const std::string& name) { return mentions(mistake, name); });
}

template <class Step>
void PlanBuilder::take_options(const StepDraft& draft, Step& step) {
  const PluginLibrary& plugin = *step.plugin;
  step.name = draft.name;
  step.place = draft.place;
  for (const RawOption& option : draft.options) {
    step.given.push_back({option.name, option.place, option.elements});
  }
  std::vector<std::string> wrong;
  step.options = options_of(draft, plugin, wrong);
  if (step.options.size() == 0 && plugin.plugin().options.count > 0) return;  // which is reported
  for (const std::string& mistake :
       check_configure(plugin, step.options, &BatchExpressions::check_without_columns)) {
    if (!stands_alone(draft, OptionTable(plugin.plugin().options), mistake, wrong)) continue;
    report(diagnostic_of(step, mistake));
  }
}

// What an option that names something to be read leads to: of a file's several paths, one.
static std::string what_is_read(const mayfly_text& value) {
  const std::string name(value.data, static_cast<std::size_t>(value.size));
  std::error_code failed;
  const std::filesystem::path file = std::filesystem::canonical(name, failed);
  return failed ? name : file.string();
}

// What two sources read under one name would have one position. (Sources that make their names up
// themselves are known once they are open: the graph looks again.)
void PlanBuilder::check_unique(const StepDraft& draft, const PluginLibrary& plugin,
                               const OptionValues& values) {
  const OptionTable table(plugin.plugin().options);
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    if ((table[i].flags & MAYFLY_OPTION_UNIQUE) == 0 || values[i].is_set == 0) continue;
    const std::string value = what_is_read(values[i].text);
    const auto [first, is_new] =
        read_by_.try_emplace({std::string(plugin.name()), table[i].name, value}, draft.name);
    if (is_new) continue;
    const auto given = std::ranges::find(draft.options, table[i].name, &RawOption::name);
    report({given == draft.options.end() ? draft.place : given->place,
            fmt::format("{}.{}: source \"{}\" reads \"{}\" already, and a pipeline reads it once: "
                        "take its rows from there, or read it by a second pipeline",
                        draft.name, table[i].name, first->second, value),
            ""});
  }
}

void PlanBuilder::source(StepDraft draft) {
  declare(draft.name, draft.place, Upstream::Kind::kSource, plan_.sources.size());
  SourcePlan source;
  source.plugin = plugin_of(draft, MAYFLY_SOURCE);
  if (source.plugin) {
    source.controls = take_controls(draft.name, OptionTable(source.plugin->plugin().options),
                                    draft.options, diagnostics_);
    take_options(draft, source);
  }
  if (source.plugin && source.options.size() > 0) {
    check_unique(draft, *source.plugin, source.options);
  }
  places_.source_broken.push_back(source.plugin == nullptr);
  if (source.plugin == nullptr) places_.plugins_missing = true;
  source.name = std::move(draft.name);
  source.place = draft.place;
  plan_.sources.push_back(std::move(source));
}

void PlanBuilder::node(StepDraft draft) {
  declare(draft.name, draft.place, Upstream::Kind::kNode, plan_.nodes.size());
  NodePlan node;
  node.plugin = plugin_of(draft, MAYFLY_NODE);
  if (node.plugin) {
    node.controls = take_controls(draft.name, OptionTable(node.plugin->plugin().options),
                                  draft.options, diagnostics_);
    take_options(draft, node);
  }
  if (node.plugin == nullptr) places_.plugins_missing = true;
  if (draft.inputs.empty() && !draft.incomplete) {
    report({draft.place, fmt::format("node \"{}\" has no input: add input = \"...\"", draft.name),
            ""});
  }
  places_.node_broken.push_back(node.plugin == nullptr || draft.inputs.empty());
  node_inputs_.push_back(std::move(draft.inputs));
  node.name = std::move(draft.name);
  node.place = draft.place;
  plan_.nodes.push_back(std::move(node));
}

void PlanBuilder::writer_inputs(std::vector<InputName> inputs) {
  writer_inputs_ = std::move(inputs);
}

void PlanBuilder::reaction(ReactionDraft draft) {
  reactions_.push_back(read_reaction(draft, diagnostics_));
}

// What is wrong with its words has been reported; what they name may be wrong as well.
void PlanBuilder::link_reaction(const ReactionWords& words) {
  ReactionPlan reaction{.on = words.on, .place = words.on_place};
  if (words.action) reaction.action = *words.action;
  if (!words.target.empty() && words.action != ReactionPlan::Action::kDrain) {
    const auto found = names_.find(words.target);
    if (found == names_.end()) {
      std::vector<std::string_view> names;
      for (const auto& [known, declared] : names_) names.push_back(known);
      report({words.target_place,
              fmt::format("reaction.target: there is no source or node \"{}\"", words.target),
              std::string(nearest(words.target, names))});
    } else {
      reaction.target = {found->second.kind, found->second.index, 0};
      if (words.action == ReactionPlan::Action::kSet) {
        link_option(words, reaction);
      } else if (reaction.target.kind == Upstream::Kind::kSource &&
                 plan_.sources[reaction.target.index].plugin == nullptr &&
                 !places_.source_broken[reaction.target.index]) {
        report({words.target_place,
                fmt::format("reaction.target: \"{}\" is an inlet, whose producers can't be "
                            "paused; name the node behind it",
                            words.target),
                ""});
      }
    }
  }
  plan_.reactions.push_back(std::move(reaction));
}

void PlanBuilder::link_option(const ReactionWords& words, ReactionPlan& reaction) {
  if (reaction.target.kind != Upstream::Kind::kNode) {
    report({words.target_place,
            fmt::format("reaction.target: options change while rows flow in nodes alone, and "
                        "\"{}\" is a source",
                        words.target),
            ""});
    return;
  }
  const PluginLibrary* plugin = plan_.nodes[reaction.target.index].plugin.get();
  if (plugin == nullptr || words.option.empty()) return;  // which is reported
  const OptionTable table(plugin->plugin().options);
  if (!table.find(words.option)) {
    std::vector<std::string_view> names;
    for (const mayfly_option& option : table) {
      if ((option.flags & MAYFLY_OPTION_RUNTIME) != 0) names.push_back(option.name);
    }
    report({words.option_place,
            fmt::format("reaction.option: \"{}\" has no option \"{}\"", words.target, words.option),
            std::string(nearest(words.option, names))});
    return;
  }
  if (!words.value) return;
  RawOption given = *words.value;
  given.name = words.option;
  auto parsed = parse_runtime_option(table, given);
  if (!parsed.ok()) {
    report({words.value->place,
            fmt::format("reaction.value: {}.{}", words.target, parsed.status().message()), ""});
    return;
  }
  reaction.option = parsed->index;
  reaction.values = std::move(parsed->values);
}

const PluginLibrary* PlanBuilder::plugin_at(const Declared& declared) const {
  return declared.kind == Upstream::Kind::kSource ? plan_.sources[declared.index].plugin.get()
                                                  : plan_.nodes[declared.index].plugin.get();
}

std::string PlanBuilder::nearest_input(std::string_view name) const {
  std::vector<std::string_view> names = {"writer.failed"};
  for (const auto& [known, declared] : names_) names.push_back(known);
  return std::string(nearest(name, names));
}

void PlanBuilder::report_unknown_input(const InputName& name) {
  std::string near = nearest_input(name.text);
  places_.meant.insert(near);
  report({name.place, fmt::format("unknown input \"{}\"", name.text), std::move(near)});
}

void PlanBuilder::report_unknown_port(const InputName& name, std::string_view step,
                                      const PluginLibrary& plugin) {
  std::vector<std::string_view> names;
  for (const mayfly_named& port : NamedTable(plugin.plugin().ports)) names.push_back(port.name);
  const std::string_view text = name.text;
  const std::string_view near = nearest(text.substr(step.size() + 1), names);
  places_.meant.emplace(step);
  report({name.place,
          fmt::format("\"{}\" has no port \"{}\"; it has {}", step, text.substr(step.size() + 1),
                      fmt::join(names, ", ")),
          near.empty() ? std::string() : fmt::format("{}.{}", step, near)});
}

// False: unknown, and reported.
bool PlanBuilder::link(const InputName& name, std::vector<Upstream>& inputs) {
  const std::string_view text = name.text;
  const std::size_t dot = text.find('.');
  const std::string_view step = text.substr(0, dot);
  const std::string_view port = dot == std::string_view::npos ? "" : text.substr(dot + 1);
  if (step == kWriter) {
    if (port != kFailed) {
      report(
          {name.place,
           fmt::format("\"{}\" puts nothing out: the writer's one port is \"writer.failed\"", text),
           "writer.failed"});
      return false;
    }
    inputs.push_back({Upstream::Kind::kWriter, 0, 0});
    return true;
  }
  const auto found = names_.find(step);
  if (found == names_.end()) {
    report_unknown_input(name);
    return false;
  }
  Upstream upstream{found->second.kind, found->second.index, 0};
  const PluginLibrary* plugin = plugin_at(found->second);
  if (!port.empty() && plugin != nullptr) {
    const NamedTable ports(plugin->plugin().ports);
    const auto index = ports.find(port);
    if (!index) {
      report_unknown_port(name, step, *plugin);
      return false;
    }
    upstream.port = *index;
  }
  inputs.push_back(upstream);
  return true;
}

CheckedPlan PlanBuilder::build() && {
  places_.node_inputs.resize(plan_.nodes.size());
  for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
    for (const InputName& name : node_inputs_[i]) {
      if (link(name, plan_.nodes[i].inputs)) {
        places_.node_inputs[i].push_back(name.place);
      } else {
        places_.node_broken[i] = places_.inputs_unknown = true;
      }
    }
  }
  for (const InputName& name : writer_inputs_) {
    if (link(name, plan_.writer.inputs)) {
      places_.writer_inputs.push_back(name.place);
    } else {
      places_.writer_broken = places_.inputs_unknown = true;
    }
  }
  for (const ReactionWords& words : reactions_) link_reaction(words);
  std::vector<Diagnostic> found = check_plan(plan_, places_);
  diagnostics_.insert(diagnostics_.end(), std::make_move_iterator(found.begin()),
                      std::make_move_iterator(found.end()));
  std::stable_sort(
      diagnostics_.begin(), diagnostics_.end(), [](const Diagnostic& a, const Diagnostic& b) {
        return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
      });
  return {std::move(plan_), std::move(diagnostics_)};
}

}  // namespace mayfly
