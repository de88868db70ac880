// What the plan's graph must be like: joined, reachable, ending in the writer, no cycle without
// delay.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "mayfly/base/glob.h"
#include "mayfly/config/check_plan.h"
#include "mayfly/config/plan_builder.h"
#include "mayfly/config/plan_graph.h"
#include "mayfly/data/asked_once.h"
#include "mayfly/plugin/listens.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

// An input's number travels in 8 bits, and so that "none" stays free.
constexpr std::size_t kInputsMax = 255;
// batch.owed has a bit for each node that waits for answers.
constexpr std::size_t kCompletionNodesMax = 64;

class GraphCheck {
 public:
  GraphCheck(const PipelinePlan& plan, const PlanPlaces& places, std::vector<Diagnostic>& out)
      : plan_(plan), places_(places), out_(out), graph_(plan) {}

  void run() {
    counts();
    asked_once();
    joined_once();
    every_port_joined();
    reachable();
    cycles();
    splits();
    listens();
  }

 private:
  bool broken(std::size_t node) const {
    return node < places_.node_broken.size() && places_.node_broken[node];
  }
  // Its ports are unknown, since its plugin is.
  bool ports_unknown(const Upstream& upstream) const {
    if (upstream.kind == Upstream::Kind::kNode) return plugin_of(upstream) == nullptr;
    return upstream.kind == Upstream::Kind::kSource &&
           upstream.index < places_.source_broken.size() && places_.source_broken[upstream.index];
  }
  const NodePlan& node_of(PlanGraph::Vertex v) const { return plan_.nodes[graph_.node_index(v)]; }
  bool node_has(PlanGraph::Vertex v, std::uint32_t flag) const {
    return graph_.is_node(v) && node_of(v).plugin && node_of(v).plugin->has(flag);
  }
  void report(TextPlace place, std::string message) {
    out_.push_back({place, std::move(message), ""});
  }

  const PluginLibrary* plugin_of(const Upstream& upstream) const {
    if (upstream.kind == Upstream::Kind::kSource) return plan_.sources[upstream.index].plugin.get();
    if (upstream.kind == Upstream::Kind::kNode) return plan_.nodes[upstream.index].plugin.get();
    return nullptr;
  }
  std::string name_of(const Upstream& upstream) const { return mayfly::name_of(plan_, upstream); }
  std::string name_of(PlanGraph::Vertex v) const {
    if (v == graph_.writer()) return "writer";
    return graph_.is_node(v) ? node_of(v).name : plan_.sources[v].name;
  }

  void counts() {
    if (plan_.sources.empty() && !places_.sections_lost) {
      report({}, "there is no source: add [source.NAME] with plugin = \"...\"");
    }
    std::size_t waiting = 0;
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      if (plan_.nodes[i].inputs.size() > kInputsMax) {
        report(plan_.nodes[i].place,
               fmt::format("node \"{}\" has {} inputs; the limit is {}", plan_.nodes[i].name,
                           plan_.nodes[i].inputs.size(), kInputsMax));
      }
      if (node_has(graph_.node(i), MAYFLY_WANTS_COMPLETIONS) && ++waiting > kCompletionNodesMax) {
        report(plan_.nodes[i].place,
               fmt::format("node \"{}\" is the {}th that waits for the answers to its rows; the "
                           "limit is {}",
                           plan_.nodes[i].name, waiting, kCompletionNodesMax));
      }
    }
  }

  // Those that rows may come to again after a failed attempt have their part of batch.passed.
  void asked_once() {
    std::vector<PlanGraph::Vertex> starts;
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      if (std::ranges::any_of(plan_.nodes[i].inputs,
                              [this](const Upstream& input) { return is_failed(input); })) {
        starts.push_back(graph_.node(i));
      }
    }
    const std::vector<bool> again = graph_.reachable(starts);
    std::size_t found = 0;
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      const PlanGraph::Vertex v = graph_.node(i);
      if (!again[v] || !node_has(v, MAYFLY_ASKED_ONCE) || ++found <= AskedOnce::kNodesMax) continue;
      report(plan_.nodes[i].place,
             fmt::format(
                 "node \"{}\" is the {}th that asks about a row once ({}) and that rows may "
                 "come to again after a failed attempt; the limit is {}: take such nodes "
                 "out, or out of the way that failed rows take",
                 plan_.nodes[i].name, found, plan_.nodes[i].plugin->name(), AskedOnce::kNodesMax));
    }
  }
  bool is_failed(const Upstream& input) const {
    if (input.kind == Upstream::Kind::kWriter) return true;
    const PluginLibrary* plugin = plugin_of(input);
    return plugin != nullptr && is_failed_port(plugin->plugin(), input.port);
  }

  using Port = std::tuple<Upstream::Kind, std::uint32_t, std::uint32_t>;
  static Port port_of(const Upstream& u) { return {u.kind, u.index, u.port}; }

  // A row is in one place at a time, so a port has one receiver.
  void joined_once() {
    const auto join = [this](const Upstream& upstream, const std::string& receiver,
                             TextPlace place) {
      const auto [it, first] = joined_.try_emplace(port_of(upstream), receiver);
      if (first || ports_unknown(upstream)) return;
      report(place, fmt::format("\"{}\" is already the input of \"{}\"; a port has one receiver, "
                                "rows aren't copied",
                                name_of(upstream), it->second));
    };
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      const NodePlan& node = plan_.nodes[i];
      for (std::size_t k = 0; k < node.inputs.size(); ++k) {
        join(node.inputs[k], node.name, places_.of_node_input(i, k));
      }
    }
    const WriterPlan& writer = plan_.writer;
    for (std::size_t k = 0; k < writer.inputs.size(); ++k) {
      const TextPlace place =
          k < places_.writer_inputs.size() ? places_.writer_inputs[k] : TextPlace{};
      if (writer.inputs[k].kind == Upstream::Kind::kWriter) {
        report(place,
               "the writer can't be its own input: put a node that delays, such as retry, "
               "between \"writer.failed\" and the writer");
      }
      join(writer.inputs[k], "writer", place);
    }
    if (writer.inputs.empty() && !places_.writer_broken) {
      report(writer.place, "the writer has no input: add input = \"...\"");
    }
  }

  void every_port_joined() {
    if (places_.inputs_lost) return;
    const auto check = [this](Upstream upstream, TextPlace place) {
      const PluginLibrary* plugin = plugin_of(upstream);
      const std::uint32_t count = plugin == nullptr ? 1 : plugin->plugin().ports.count;
      for (upstream.port = 0; upstream.port < count; ++upstream.port) {
        if (joined_.contains(port_of(upstream))) continue;
        if (plugin != nullptr && may_be_unjoined(plugin->plugin(), upstream.port)) continue;
        // An unknown input, which has been reported, was probably to name it.
        if (places_.meant.contains(step_name(plan_, upstream))) continue;
        report(place, fmt::format("nobody takes the rows of \"{0}\": name \"{0}\" as the input of "
                                  "a node or of the writer",
                                  name_of(upstream)));
      }
    };
    for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
      check({Upstream::Kind::kSource, static_cast<std::uint32_t>(i), 0}, plan_.sources[i].place);
    }
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      check({Upstream::Kind::kNode, static_cast<std::uint32_t>(i), 0}, plan_.nodes[i].place);
    }
  }

  void reachable() {
    std::vector<PlanGraph::Vertex> starts;
    for (std::size_t i = 0; i < plan_.sources.size(); ++i) {
      starts.push_back(static_cast<PlanGraph::Vertex>(i));
    }
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      if (broken(i)) starts.push_back(graph_.node(i));
    }
    const std::vector<bool> reached = graph_.reachable(starts);
    const std::vector<bool> ends = graph_.reaching(graph_.writer());
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      const NodePlan& node = plan_.nodes[i];
      const PlanGraph::Vertex v = graph_.node(i);
      if (!reached[v]) {
        report(node.place,
               fmt::format("node \"{}\" can't be reached: no source leads to it", node.name));
      } else if (!ends[v] && !graph_.next(v).empty() && !places_.inputs_unknown) {
        report(node.place,
               fmt::format("rows that enter node \"{}\" never reach the writer", node.name));
      }
    }
    if (!reached[graph_.writer()] && !places_.writer_broken && !plan_.writer.inputs.empty()) {
      report(plan_.writer.place, "the writer can't be reached: no source leads to it");
    }
  }

  // A cycle may begin anywhere; told from its first node on.
  void rotate(std::vector<PlanGraph::Vertex>& cycle) const {
    const auto first = std::find_if(cycle.begin(), cycle.end(),
                                    [this](PlanGraph::Vertex v) { return graph_.is_node(v); });
    if (first != cycle.end()) std::rotate(cycle.begin(), first, cycle.end());
  }
  std::string written(const std::vector<PlanGraph::Vertex>& cycle) const {
    std::string text;
    for (const PlanGraph::Vertex v : cycle) text += name_of(v) + " -> ";
    return text + name_of(cycle.front());
  }
  void cycles() {
    std::vector<bool> without(graph_.size());
    for (PlanGraph::Vertex v = 0; v < graph_.size(); ++v) {
      // A node without its plugin may well be one that delays.
      without[v] =
          node_has(v, MAYFLY_DELAYS) || (graph_.is_node(v) && node_of(v).plugin == nullptr);
    }
    for (auto cycle = graph_.find_cycle(without); !cycle.empty();
         cycle = graph_.find_cycle(without)) {
      rotate(cycle);
      // The writer as its own input has been reported.
      if (graph_.is_node(cycle.front())) {
        report(node_of(cycle.front()).place,
               fmt::format("the cycle {} has no node that delays, so rows would go round it at "
                           "full speed: put one in, such as retry or batch",
                           written(cycle)));
      }
      // One report a cycle; what else goes through its first vertex is found when this is mended.
      without[cycle.front()] = true;
    }
    cycles_of_rows_that_have_not_failed();
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      const PlanGraph::Vertex v = graph_.node(i);
      if (!node_has(v, MAYFLY_TRANSFORMS)) continue;
      if (!graph_.reachable(graph_.next(v))[v]) continue;
      report(plan_.nodes[i].place,
             fmt::format("node \"{}\" makes new rows and stands in a cycle, which could use up the "
                         "pool: move it out of the cycle",
                         plan_.nodes[i].name));
    }
  }

  // A row has one answer, and whoever waits for it lets the row pass once more only when its
  // attempt has failed: retry would not delay it, a node with permits would give it a second one.
  void cycles_of_rows_that_have_not_failed() {
    const PlanGraph ways(plan_, PlanGraph::Ways::kNotFailed);
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      const PlanGraph::Vertex v = graph_.node(i);
      if (!node_has(v, MAYFLY_WANTS_COMPLETIONS) || !ways.reachable(ways.next(v))[v]) continue;
      report(plan_.nodes[i].place,
             fmt::format("node \"{}\" waits for what becomes of its rows, and stands in a cycle "
                         "that rows go round without having failed: move it out of the cycle, or "
                         "close the cycle by writer.failed",
                         plan_.nodes[i].name));
    }
  }

  // Siblings can be committed together only if nothing parts them on the way.
  void splits() {
    if (plan_.writer.at_least_once) return;
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i) {
      const PlanGraph::Vertex v = graph_.node(i);
      if (!node_has(v, MAYFLY_SPLITS)) continue;
      const std::vector<bool> after = graph_.reachable(graph_.next(v));
      for (PlanGraph::Vertex w = 0; w < graph_.size(); ++w) {
        const bool parts =
            node_has(w, MAYFLY_HOLDS) || (graph_.is_node(w) && graph_.next(w).size() > 1);
        if (!after[w] || !parts) continue;
        report(plan_.nodes[i].place,
               fmt::format(
                   "node \"{}\" makes several rows from one, and node \"{}\" may part them, "
                   "so a crash could repeat some: accept that with at_least_once = true in "
                   "[writer], or move \"{}\" before \"{}\"",
                   plan_.nodes[i].name, node_of(w).name, node_of(w).name, plan_.nodes[i].name));
        break;
      }
    }
  }

  void listens() {
    // An embedding program may raise what it likes.
    for (std::uint32_t i = 0; i < plan_.sources.size(); ++i) {
      if (plan_.sources[i].plugin == nullptr && !ports_unknown({Upstream::Kind::kSource, i, 0})) {
        return;
      }
    }
    std::vector<std::string_view> stems = engine_signals();
    const auto add = [&stems](const std::shared_ptr<const PluginLibrary>& plugin) {
      if (!plugin) return;
      for (const mayfly_named& stem : NamedTable(plugin->plugin().raises)) {
        stems.push_back(stem.name);
      }
    };
    for (const SourcePlan& source : plan_.sources) add(source.plugin);
    for (const NodePlan& node : plan_.nodes) add(node.plugin);
    for (const NodePlan& node : plan_.nodes) {
      if (!node.plugin) continue;
      for (const Listen& listen : listens_of(node.plugin->plugin(), node.options)) {
        if (is_default(node.plugin->plugin(), listen)) continue;
        check_listened(fmt::format("node \"{}\"", node.name), place_of(node, listen), listen.glob,
                       stems);
      }
    }
    for (const SourcePlan& source : plan_.sources) {
      check_controls(fmt::format("source \"{}\"", source.name), source.controls, stems);
    }
    for (const NodePlan& node : plan_.nodes) {
      check_controls(fmt::format("node \"{}\"", node.name), node.controls, stems);
    }
    for (const ReactionPlan& reaction : plan_.reactions) {
      if (!reaction.on.empty()) check_listened("reaction", reaction.place, reaction.on, stems);
    }
  }

  // Where the option names it, or else the node.
  static TextPlace place_of(const NodePlan& node, const Listen& listen) {
    if (listen.id < MAYFLY_LISTEN_OPTION) return node.place;
    const OptionTable options(node.plugin->plugin().options);
    const std::string_view option = options[listen.id - MAYFLY_LISTEN_OPTION].name;
    const auto given = std::ranges::find(node.given, option, &GivenOption::name);
    return given == node.given.end() ? node.place : given->place_of(listen.entry);
  }

  // A glob that an option names unless told otherwise: nobody wrote it, so nobody mistyped it.
  static bool is_default(const mayfly_plugin& plugin, const Listen& listen) {
    if (listen.id < MAYFLY_LISTEN_OPTION) return false;
    const OptionTable options(plugin.options);
    const mayfly_option& option = options[listen.id - MAYFLY_LISTEN_OPTION];
    if (option.default_value == nullptr) return false;
    std::string_view left = option.default_value;
    while (!left.empty()) {
      const std::size_t comma = left.find(',');
      if (left.substr(0, comma) == listen.glob) return true;
      left.remove_prefix(comma == left.npos ? left.size() : comma + 1);
    }
    return false;
  }

  void check_controls(const std::string& who, const SignalControls& c,
                      const std::vector<std::string_view>& stems) {
    const auto check = [&](const std::vector<std::string>& globs,
                           const std::vector<TextPlace>& places) {
      for (std::size_t i = 0; i < globs.size(); ++i) {
        check_listened(who, i < places.size() ? places[i] : TextPlace{}, globs[i], stems);
      }
    };
    check(c.cancel_on, c.cancel_places);
    check(c.defer_on, c.defer_places);
    check(c.resume_on, c.resume_places);
  }

  void check_listened(const std::string& who, TextPlace place, std::string_view pattern,
                      const std::vector<std::string_view>& stems) {
    const Glob glob(pattern);
    for (const std::string_view stem : stems) {
      const std::string with_argument = std::string(stem) + ":";
      if ((glob.matches(stem) && !always_has_argument(stem)) ||
          glob.verdict(with_argument) != Glob::Verdict::kNone)
        return;
    }
    out_.push_back(
        {place,
         fmt::format("{} listens to the signal \"{}\", which nobody in this "
                     "pipeline raises{}",
                     who, pattern,
                     places_.plugins_missing ? ", as far as its plugins were found" : ""),
         always_has_argument(pattern) ? std::string(pattern) + "*"
                                      : std::string(nearest(pattern, stems))});
  }

  const PipelinePlan& plan_;
  const PlanPlaces& places_;
  std::vector<Diagnostic>& out_;
  PlanGraph graph_;
  std::map<Port, std::string> joined_;  // port -> receiver
};

}  // namespace

// Never raised as the stem alone.
bool always_has_argument(std::string_view stem) {
  return stem == "write.done" || stem == "write.error" || stem == "write.checkpoint.error";
}

const std::vector<std::string_view>& engine_signals() {
  static const std::vector<std::string_view> kSignals = {
      "write.start",  "write.done",       "write.busy",
      "write.error",  "write.checkpoint", "write.checkpoint.error",
      "wal.growing",  "pool.low",         "pool.ok",
      "pool.stalled", "drain.started",    "drain.done"};
  return kSignals;
}

void check_graph(const PipelinePlan& plan, const PlanPlaces& places, std::vector<Diagnostic>& out) {
  GraphCheck(plan, places, out).run();
}

}  // namespace mayfly
