#include "mayfly/config/pipeline_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "mayfly/base/json_text.h"
#include "mayfly/config/pipeline_settings.h"
#include "mayfly/config/signal_rules.h"
#include "mayfly/data/schema.h"
#include "mayfly/plugin/describe.h"

namespace mayfly {
namespace {

using Names = std::vector<std::string_view>;

JsonText list_of(const Names& names) {
  JsonText list = JsonText::array();
  for (const std::string_view name : names) list.add(name);
  return list;
}

JsonText reference(std::string_view definition) {
  return JsonText::object().add("$ref", fmt::format("#/$defs/{}", definition));
}

// A table of a file, as a schema: what it may hold, what it has to.
class Section {
 public:
  void add(std::string_view name, const JsonText& schema, bool is_required = false) {
    properties_.add(name, schema);
    if (is_required) required_.push_back(name);
  }
  // All but those that are named.
  void add(OptionTable options, const Names& but = {}) {
    for (const mayfly_option& option : options) {
      if (std::ranges::find(but, std::string_view(option.name)) != but.end()) continue;
      properties_.add_json(option.name, option_schema(option));
      if ((option.flags & MAYFLY_OPTION_REQUIRED) != 0) required_.push_back(option.name);
    }
  }

  JsonText schema(std::string_view description) const {
    return JsonText::object()
        .add("type", "object")
        .add("description", description)
        .add("properties", properties_)
        .add("required", list_of(required_))
        .add("additionalProperties", false);
  }

 private:
  JsonText properties_ = JsonText::object();
  Names required_;
};

// A name or a list of names.
JsonText input_schema() {
  const JsonText name = JsonText::object().add("type", "string").add("minLength", 1);
  const JsonText names =
      JsonText::object().add("type", "array").add("items", name).add("minItems", 1);
  return JsonText::object()
      .add("description",
           "Where rows come from: NAME (its first port) or NAME.PORT, one or a list of them.")
      .add("anyOf", JsonText::array().add(name).add(names));
}

// [source.NAME] or [node.NAME] with this plugin.
JsonText step_schema(const PluginLibrary& library) {
  const mayfly_plugin& plugin = library.plugin();
  const OptionTable options(plugin.options);
  Section section;
  section.add("plugin", JsonText::object().add("const", plugin.name), true);
  if (plugin.kind != MAYFLY_SOURCE) section.add("input", reference("input"), true);
  section.add(options);
  // A plugin with an option of one of those names has it for itself.
  Names own;
  for (const mayfly_option& option : options) own.push_back(option.name);
  section.add(control_options(), own);
  JsonText schema = section.schema(plugin.summary);
  if (!options.find("resume_on")) {
    const JsonText defer_on = JsonText::array().add("defer_on");
    schema.add("dependentRequired", JsonText::object().add("resume_on", defer_on));
  }
  return schema;
}

// {"properties":{name:{"const":value}},"required":[name]}
JsonText is_given_as(std::string_view name, std::string_view value) {
  const JsonText constant = JsonText::object().add("const", value);
  return JsonText::object()
      .add("properties", JsonText::object().add(name, constant))
      .add("required", list_of({name}));
}

// Any [source.NAME] or [node.NAME]: which schema it has is its plugin's name.
JsonText steps_schema(const Names& plugins, std::string_view kind) {
  const JsonText path = JsonText::object().add("type", "string").add("pattern", "/");
  const JsonText known = JsonText::object().add("enum", list_of(plugins));
  const JsonText plugin =
      JsonText::object()
          .add("description", "A plugin's name, or a path with a slash to its library.")
          .add("anyOf", JsonText::array().add(known).add(path));
  JsonText choices = JsonText::array();
  for (const std::string_view name : plugins) {
    choices.add(JsonText::object()
                    .add("if", is_given_as("plugin", name))
                    .add("then", reference(fmt::format("{}.{}", kind, name))));
  }
  JsonText properties = JsonText::object().add("plugin", plugin);
  Names required = {"plugin"};
  if (kind == "node") {
    properties.add("input", reference("input"));
    required.push_back("input");
  }
  JsonText step = JsonText::object();
  step.add("type", "object").add("properties", properties).add("required", list_of(required));
  if (!plugins.empty()) step.add("allOf", choices);
  const JsonText name = JsonText::object()
                            .add("pattern", "^[a-z][a-z0-9_]*$")
                            .add("not", JsonText::object().add("const", "writer"));
  return JsonText::object()
      .add("type", "object")
      .add("description", kind == "node" ? "What rows pass through: [node.NAME]."
                                         : "Where rows come from: [source.NAME].")
      .add("propertyNames", name)
      .add("additionalProperties", step);
}

// In any case, as SQL's words are.
JsonText column_type_schema() {
  std::string pattern;
  for (const std::string_view word : column_type_words()) {
    pattern += pattern.empty() ? "^(" : "|";
    for (const char c : word) {
      if (c >= 'a' && c <= 'z') {
        pattern += fmt::format("[{}{}]", static_cast<char>(c - 'a' + 'A'), c);
      } else {
        pattern += c;
      }
    }
  }
  const std::span<const std::string_view> names = column_type_names();
  const JsonText known = JsonText::object().add("enum", list_of({names.begin(), names.end()}));
  const JsonText words = JsonText::object().add("type", "string").add("pattern", pattern + ")$");
  return JsonText::object().add("anyOf", JsonText::array().add(known).add(words));
}

JsonText writer_schema() {
  Section section;
  section.add("input", reference("input"), true);
  section.add("columns",
              JsonText::object()
                  .add("type", "object")
                  .add("description", "The columns of a table to be created, with types.")
                  .add("additionalProperties", column_type_schema()));
  section.add(writer_options());
  return section.schema("The table that rows are written to.");
}

// "then" of an action: what it needs beside it, and what it has no use for.
JsonText action_schema(std::string_view action, const Names& needed, const Names& unused) {
  JsonText none = JsonText::object();
  for (const std::string_view name : unused) none.add_json(name, "false");
  return JsonText::object()
      .add("if", is_given_as("do", action))
      .add("then", JsonText::object().add("required", list_of(needed)).add("properties", none));
}

JsonText reactions_schema() {
  Section section;
  section.add(reaction_options(), {"value"});
  JsonText types = JsonText::array();
  for (const char* type : {"string", "boolean", "number", "array"}) types.add(type);
  // Its type is that of the option which it is for.
  section.add("value",
              JsonText::object().add("description", "Of set: its new value.").add("type", types));
  JsonText schema = section.schema("What is done each time that a signal is raised.");
  schema.add("allOf", JsonText::array()
                          .add(action_schema("pause", {"target"}, {"option", "value"}))
                          .add(action_schema("resume", {"target"}, {"option", "value"}))
                          .add(action_schema("drain", {}, {"target", "option", "value"}))
                          .add(action_schema("set", {"target", "option", "value"}, {})));
  return JsonText::object().add("type", "array").add("items", schema);
}

}  // namespace

std::string pipeline_schema(std::span<const std::shared_ptr<const PluginLibrary>> plugins) {
  JsonText definitions = JsonText::object().add("input", input_schema());
  Names sources, nodes;
  for (const auto& library : plugins) {
    const std::uint32_t kind = library->plugin().kind;
    const bool is_source = kind == MAYFLY_SOURCE;
    (is_source ? sources : nodes).push_back(library->name());
    definitions.add(fmt::format("{}.{}", is_source ? "source" : "node", library->name()),
                    step_schema(*library));
  }
  Section pipeline;
  pipeline.add(pipeline_options());
  Section file;
  file.add("pipeline", pipeline.schema("Settings of the whole pipeline."));
  file.add("source", steps_schema(sources, "source"), true);
  file.add("node", steps_schema(nodes, "node"));
  file.add("writer", writer_schema(), true);
  file.add("reaction", reactions_schema());
  return file.schema("A pipeline of Mayfly.")
      .add("$schema", "https://json-schema.org/draft/2020-12/schema")
      .add("title", "Mayfly pipeline")
      .add("$defs", definitions)
      .text();
}

}  // namespace mayfly
