#include "mayfly/config/pipeline_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "mayfly/base/nearest.h"
#include "mayfly/config/pipeline_settings.h"
#include "mayfly/config/toml_document.h"

namespace mayfly {
namespace {

constexpr std::size_t kFileBytesMax = 16 << 20;

using Entries = std::vector<TomlEntry>;

std::string_view described(const TomlEntry& entry) {
  if (entry.table() != nullptr) return "a table";
  if (entry.tables() != nullptr) return "a list of tables";
  const RawValue& value = *entry.raw();
  const auto* list = std::get_if<std::vector<std::string>>(&value);
  if (list != nullptr && list->empty()) return "an empty list";
  if (const auto* unfit = std::get_if<UnfitValue>(&value)) return unfit->what;
  constexpr std::string_view kWords[] = {"true or false", "an integer", "a number", "text",
                                         "a list"};
  return kWords[value.index()];
}

class Reader {
 public:
  Reader(TomlDocument document, PluginRegistry& registry)
      : document_(std::move(document)), builder_(registry) {}

  CheckedPlan read(std::string file) && {
    builder_.settings().file = std::move(file);
    for (Diagnostic& error : document_.errors) builder_.report(std::move(error));
    for (const TomlEntry& entry : document_.entries) section(entry);
    // Around a syntax error a whole section may have gone unread.
    const bool lost = !document_.errors.empty();
    builder_.places().sections_lost = lost;
    if (!has_writer_) builder_.places().writer_broken = true;
    if (!has_writer_ && (names_writer_ || lost)) {
      builder_.places().inputs_lost = true;
    } else if (!has_writer_) {
      report({}, "there is no [writer]: add one with input, database and table");
    }
    return std::move(builder_).build();
  }

 private:
  void report(TextPlace place, std::string message, std::string suggestion = {}) {
    builder_.report({place, std::move(message), std::move(suggestion)});
  }
  bool incomplete(const std::string& section) const {
    return document_.incomplete.contains(section);
  }

  void section(const TomlEntry& entry) {
    constexpr std::string_view kSections[] = {"pipeline", "source", "node", "writer", "reaction"};
    const std::string_view* known =
        std::find(std::begin(kSections), std::end(kSections), entry.key);
    if (known == std::end(kSections)) {
      report(entry.place,
             fmt::format("unknown section \"{}\": expected [pipeline], [source.NAME], [node.NAME], "
                         "[writer] or [[reaction]]",
                         entry.key),
             std::string(nearest(entry.key, kSections)));
      return;
    }
    if (entry.key == "reaction") return reactions(entry);
    const Entries* entries = entry.table();
    if (entry.key == "writer" && entries == nullptr) {
      names_writer_ = true;
      report(entry.value_place,
             fmt::format("writer: expected one section [writer], found {}: a pipeline has one "
                         "writer, to which several nodes may lead",
                         described(entry)));
    } else if (entries == nullptr) {
      report(entry.value_place,
             fmt::format("{}: expected a section such as [{}{}], found {}", entry.key, entry.key,
                         entry.key == "source" || entry.key == "node" ? ".NAME" : "",
                         described(entry)));
    } else if (entry.key == "pipeline") {
      pipeline(entry, *entries);
    } else if (entry.key == "writer") {
      writer(entry, *entries);
    } else {
      steps(entry, *entries);
    }
  }

  static std::vector<RawOption> raw_options(const Entries& entries,
                                            std::map<std::string, TextPlace, std::less<>>* places) {
    std::vector<RawOption> options;
    for (const TomlEntry& entry : entries) {
      if (places != nullptr) places->emplace(entry.key, entry.value_place);
      RawValue value =
          entry.raw() != nullptr ? *entry.raw() : UnfitValue{std::string(described(entry))};
      options.push_back(
          {entry.key, std::move(value), entry.value_place, entry.place, entry.elements});
    }
    return options;
  }

  // keys: what may stand there beside the options.
  OptionValues settings(const TomlEntry& section, const Entries& entries, OptionTable table,
                        std::map<std::string, TextPlace, std::less<>>& places,
                        std::span<const std::string_view> keys = {}) {
    ParsedOptions parsed = parse_options(table, raw_options(entries, &places));
    for (OptionError& error : parsed.errors) {
      suggest_key(error, keys);
      if (error.place.line == 0 && incomplete(section.key)) continue;
      report(error.place.line == 0 ? section.place : error.place,
             fmt::format("{}.{}: {}", section.key, error.option, error.message),
             std::move(error.suggestion));
    }
    return std::move(parsed.values);
  }

  void pipeline(const TomlEntry& section, const Entries& entries) {
    const OptionValues values =
        settings(section, entries, pipeline_options(), builder_.places().pipeline_options);
    apply_pipeline_options(values, builder_.settings());
  }

  void lose_writer_input() {
    builder_.places().writer_broken = builder_.places().inputs_lost = true;
  }

  // `input` and `columns` are no options: they name things of the pipeline and of the table.
  void writer(const TomlEntry& section, const Entries& entries) {
    constexpr std::string_view kKeys[] = {"input", "columns"};
    has_writer_ = true;
    builder_.writer().place = section.place;
    Entries options;
    bool has_input = false;
    for (const TomlEntry& entry : entries) {
      if (entry.key == "input") {
        has_input = true;
        std::vector<InputName> inputs = input_names("writer", entry);
        if (inputs.empty()) lose_writer_input();
        builder_.writer_inputs(std::move(inputs));
      } else if (entry.key == "columns") {
        columns(entry);
      } else {
        options.push_back(entry);
      }
    }
    const bool slip = std::ranges::any_of(options, [&](const TomlEntry& entry) {
      return !nearest(entry.key, std::span(kKeys, 1)).empty();
    });
    if (!has_input && (slip || incomplete("writer"))) lose_writer_input();
    const OptionValues values =
        settings(section, options, writer_options(), builder_.places().writer_options, kKeys);
    apply_writer_options(values, builder_.writer());
  }

  void columns(const TomlEntry& entry) {
    const Entries* columns = entry.table();
    if (columns == nullptr) {
      report(entry.value_place,
             fmt::format("writer.columns: expected [writer.columns] with NAME = \"TYPE\", found {}",
                         described(entry)));
      return;
    }
    for (const TomlEntry& column : *columns) {
      const RawValue* value = column.raw();
      const auto* type_name = value == nullptr ? nullptr : std::get_if<std::string>(value);
      const std::optional<ColumnType> type =
          type_name == nullptr ? std::nullopt : column_type_from(*type_name);
      // One of an unknown type is a column all the same: a key may name it.
      builder_.writer().columns.push_back(
          {.name = column.key, .type = type.value_or(ColumnType::kAny)});
      if (type) continue;
      const std::span<const std::string_view> types = column_type_names();
      report(column.value_place,
             fmt::format("writer.columns.{}: expected one of {}, found {}", column.key,
                         fmt::join(types, ", "),
                         type_name == nullptr ? std::string(described(column))
                                              : fmt::format("\"{}\"", *type_name)),
             type_name == nullptr ? std::string() : std::string(nearest(*type_name, types)));
    }
  }

  void reactions(const TomlEntry& section) {
    const Entries* tables = section.tables();
    if (tables == nullptr) {
      report(section.value_place,
             fmt::format("reaction: expected sections [[reaction]], found {}", described(section)));
      return;
    }
    for (const TomlEntry& table : *tables) {
      builder_.reaction(
          {raw_options(*table.table(), nullptr), table.place, incomplete("reaction")});
    }
  }

  std::vector<InputName> input_names(std::string_view owner, const TomlEntry& entry) {
    std::vector<InputName> names;
    if (const RawValue* value = entry.raw()) {
      if (const auto* name = std::get_if<std::string>(value))
        names.push_back({*name, entry.value_place});
      if (const auto* list = std::get_if<std::vector<std::string>>(value)) {
        for (std::size_t i = 0; i < list->size(); ++i) {
          names.push_back({(*list)[i], entry.elements[i]});
        }
      }
    }
    if (names.empty()) {
      report(entry.value_place,
             fmt::format("{}.input: expected a name or a list of names, found {}", owner,
                         described(entry)));
    }
    return names;
  }

  void steps(const TomlEntry& section, const Entries& entries) {
    for (const TomlEntry& step : entries) {
      if (const Entries* fields = step.table()) {
        this->step(section.key, step, *fields);
      } else {
        report(step.place, fmt::format("[{0}] holds sections only: expected [{0}.{1}], found {1} = "
                                       "{2}",
                                       section.key, step.key, described(step)));
      }
    }
  }

  void step(const std::string& kind, const TomlEntry& entry, const Entries& fields) {
    const bool source = kind == "source";
    StepDraft draft;
    draft.name = entry.key;
    draft.place = entry.place;
    draft.plugin_place = entry.place;
    draft.incomplete = incomplete(fmt::format("{}.{}", kind, entry.key));
    Entries options;
    for (const TomlEntry& field : fields) {
      if (field.key == "plugin") {
        plugin(entry.key, field, draft);
      } else if (field.key == "input" && source) {
        report(field.place, fmt::format("{}.input: a source has no input", entry.key));
      } else if (field.key == "input") {
        draft.inputs = input_names(entry.key, field);
        if (draft.inputs.empty()) draft.incomplete = builder_.places().inputs_lost = true;
      } else {
        options.push_back(field);
      }
    }
    draft.options = raw_options(options, nullptr);
    source ? builder_.source(std::move(draft)) : builder_.node(std::move(draft));
  }

  void plugin(const std::string& owner, const TomlEntry& field, StepDraft& draft) {
    draft.plugin_place = field.value_place;
    const RawValue* value = field.raw();
    const auto* name = value == nullptr ? nullptr : std::get_if<std::string>(value);
    if (name != nullptr && !name->empty()) {
      draft.plugin = *name;
      return;
    }
    draft.incomplete = true;
    report(field.value_place,
           fmt::format("{}.plugin: expected a plugin's name, found {}", owner, described(field)));
  }

  TomlDocument document_;
  PlanBuilder builder_;
  bool has_writer_ = false;
  bool names_writer_ = false;  // perhaps as something else
};

}  // namespace

CheckedPlan parse_pipeline(std::string_view text, std::string file, PluginRegistry& registry) {
  return Reader(read_toml(text), registry).read(std::move(file));
}

Result<CheckedPlan> read_pipeline(const std::string& path, PluginRegistry& registry) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) {
    return Status(Code::kNoInput,
                  fmt::format("{}: pipeline file can't be read: {}", path, std::strerror(errno)));
  }
  std::string text;
  char chunk[1 << 16];
  std::size_t size = 0;
  while ((size = std::fread(chunk, 1, sizeof chunk, file.get())) > 0) {
    text.append(chunk, size);
    if (text.size() > kFileBytesMax) {
      return Status(Code::kConfig, fmt::format("{}: a pipeline file has at most {} MiB", path,
                                               kFileBytesMax >> 20));
    }
  }
  if (std::ferror(file.get()) != 0) {
    if (errno == EISDIR) {
      return Status(Code::kNoInput,
                    fmt::format("{}: expected a pipeline file, found a directory", path));
    }
    return Status(Code::kIo, fmt::format("{}: reading failed: {}", path, std::strerror(errno)));
  }
  return parse_pipeline(text, path, registry);
}

}  // namespace mayfly
