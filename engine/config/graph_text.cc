#include "mayfly/config/graph_text.h"

#include <fmt/format.h>

#include <functional>
#include <iterator>

#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

// The port, where it says something: "failed", or one of several.
std::string_view port_label(const PipelinePlan& plan, const Upstream& upstream) {
  if (upstream.kind == Upstream::Kind::kWriter) return "failed";
  const PluginLibrary* plugin = upstream.kind == Upstream::Kind::kSource
                                    ? plan.sources[upstream.index].plugin.get()
                                    : plan.nodes[upstream.index].plugin.get();
  if (plugin == nullptr || plugin->plugin().ports.count < 2) return {};
  return NamedTable(plugin->plugin().ports)[upstream.port].name;
}

std::string_view plugin_name(const PluginLibrary* plugin) {
  return plugin == nullptr ? std::string_view("producers") : plugin->name();
}

using Edge = std::function<void(std::string_view from, std::string_view to, std::string_view port)>;

void for_each_edge(const PipelinePlan& plan, const Edge& edge) {
  const auto into = [&](const std::vector<Upstream>& inputs, std::string_view to) {
    for (const Upstream& upstream : inputs) {
      edge(step_name(plan, upstream), to, port_label(plan, upstream));
    }
  };
  for (const NodePlan& node : plan.nodes) into(node.inputs, node.name);
  into(plan.writer.inputs, "writer");
}

// Names are [a-z0-9_]; database and table are anything.
std::string escaped(std::string_view text, std::string_view quote) {
  std::string out;
  for (const char c : text) {
    if (c == '"') {
      out += quote;
    } else if (c == '\\' && quote.size() == 2) {
      out += "\\\\";
    } else {
      out += c == '\n' ? ' ' : c;
    }
  }
  return out;
}

}  // namespace

std::string to_dot(const PipelinePlan& plan) {
  std::string out = fmt::format("digraph \"{}\" {{\n  rankdir=LR;\n  node [fontname=sans];\n",
                                escaped(plan.name, "\\\""));
  const auto to = std::back_inserter(out);
  for (const SourcePlan& source : plan.sources) {
    fmt::format_to(to, "  \"{0}\" [shape=cds, label=\"{0}\\n{1}\"];\n", source.name,
                   plugin_name(source.plugin.get()));
  }
  for (const NodePlan& node : plan.nodes) {
    fmt::format_to(to, "  \"{0}\" [shape=box, label=\"{0}\\n{1}\"];\n", node.name,
                   plugin_name(node.plugin.get()));
  }
  fmt::format_to(to, "  \"writer\" [shape=cylinder, label=\"{}\\n{}\"];\n",
                 escaped(plan.writer.database, "\\\""), escaped(plan.writer.table, "\\\""));
  for_each_edge(plan, [&](std::string_view from, std::string_view into, std::string_view port) {
    fmt::format_to(to, "  \"{}\" -> \"{}\"", from, into);
    if (!port.empty()) fmt::format_to(to, " [label=\"{}\"]", port);
    out += ";\n";
  });
  return out + "}\n";
}

// The prefix keeps names such as "end" from being read as Mermaid's words.
std::string to_mermaid(const PipelinePlan& plan) {
  std::string out = "flowchart LR\n";
  const auto to = std::back_inserter(out);
  for (const SourcePlan& source : plan.sources) {
    fmt::format_to(to, "  n_{0}>\"{0}<br/>{1}\"]\n", source.name, plugin_name(source.plugin.get()));
  }
  for (const NodePlan& node : plan.nodes) {
    fmt::format_to(to, "  n_{0}[\"{0}<br/>{1}\"]\n", node.name, plugin_name(node.plugin.get()));
  }
  fmt::format_to(to, "  n_writer[(\"{}<br/>{}\")]\n", escaped(plan.writer.database, "#quot;"),
                 escaped(plan.writer.table, "#quot;"));
  for_each_edge(plan, [&](std::string_view from, std::string_view into, std::string_view port) {
    if (port.empty()) {
      fmt::format_to(to, "  n_{} --> n_{}\n", from, into);
    } else {
      fmt::format_to(to, "  n_{} -->|{}| n_{}\n", from, port, into);
    }
  });
  return out;
}

}  // namespace mayfly
