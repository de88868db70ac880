// The rules of the ABI for a descriptor, one function a rule.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "mayfly/data/asked_once.h"
#include "mayfly/plugin/library.h"
#include "mayfly/plugin/option_parser.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

// What 1.0 has; later minors only append.
constexpr std::uint32_t kPluginSizeMin = offsetof(mayfly_plugin, on_wake) + sizeof(void*);
constexpr std::uint32_t kOptionSizeMin = offsetof(mayfly_option, help) + sizeof(void*);
constexpr std::uint32_t kNamedSizeMin = offsetof(mayfly_named, help) + sizeof(void*);
constexpr std::uint32_t kTableCountMax = 1024;
constexpr std::uint32_t kStateAlignMax = 4096;
constexpr std::size_t kNameSizeMax = 64;

constexpr std::uint32_t kNodeFlags = MAYFLY_KEEPS_ORDER | MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER |
                                     MAYFLY_WANTS_COMPLETIONS | MAYFLY_TRANSFORMS | MAYFLY_DELAYS |
                                     MAYFLY_SPLITS | MAYFLY_OPTIONAL_PORTS | MAYFLY_ASKED_ONCE |
                                     MAYFLY_KEEPS_SIGNALS;
constexpr std::uint32_t kSinkFlags = kNodeFlags | MAYFLY_FAILS_ATTEMPTS;
constexpr std::uint32_t kSourceFlags = MAYFLY_REPLAYABLE | MAYFLY_PARSES_TEXT;

// A signal's stem or a code: a name, with dots and dashes inside.
bool is_dotted_name(std::string_view text) {
  if (text.empty() || text.size() > kNameSizeMax) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  });
}

bool is_pattern(std::string_view text) {
  if (text.empty()) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c != 127; });
}

class DescriptorCheck {
 public:
  DescriptorCheck(const mayfly_plugin& plugin, std::string_view file)
      : plugin_(plugin), file_(file) {}

  Status run() {
    MAYFLY_RETURN_IF_ERROR(texts());
    MAYFLY_RETURN_IF_ERROR(kind());
    MAYFLY_RETURN_IF_ERROR(flags());
    MAYFLY_RETURN_IF_ERROR(state());
    MAYFLY_RETURN_IF_ERROR(calls());
    MAYFLY_RETURN_IF_ERROR(named("ports", plugin_.ports, is_name));
    MAYFLY_RETURN_IF_ERROR(ports());
    MAYFLY_RETURN_IF_ERROR(named("counters", plugin_.counters, is_dotted_name));
    MAYFLY_RETURN_IF_ERROR(named("reasons", plugin_.reasons, is_dotted_name));
    MAYFLY_RETURN_IF_ERROR(named("raises", plugin_.raises, is_dotted_name));
    MAYFLY_RETURN_IF_ERROR(named("listens", plugin_.listens, is_pattern));
    return options();
  }

 private:
  Status refuse(const std::string& what) const {
    return {Code::kConfig, fmt::format("{}: {}; this is a mistake in the plugin", file_, what)};
  }

  Status texts() const {
    if (plugin_.name == nullptr || !is_name(plugin_.name)) {
      return refuse(fmt::format("the plugin's name must be [a-z][a-z0-9_]*, found \"{}\"",
                                plugin_.name == nullptr ? "NULL" : plugin_.name));
    }
    if (plugin_.version == nullptr || *plugin_.version == 0) return refuse("version is empty");
    if (plugin_.summary == nullptr || *plugin_.summary == 0) return refuse("summary is empty");
    return {};
  }

  Status kind() const {
    if (plugin_.kind >= MAYFLY_SOURCE && plugin_.kind <= MAYFLY_SINK) return {};
    return refuse(
        fmt::format("kind must be source (1), node (2) or sink (3), found {}", plugin_.kind));
  }

  Status flags() const {
    const std::uint32_t known = plugin_.kind == MAYFLY_SOURCE ? kSourceFlags
                                : plugin_.kind == MAYFLY_NODE ? kNodeFlags
                                                              : kSinkFlags;
    if ((plugin_.flags & ~known) != 0) {
      return refuse(fmt::format("flags {:#x} mean nothing for its kind", plugin_.flags & ~known));
    }
    const auto has = [this](std::uint32_t flag) { return (plugin_.flags & flag) != 0; };
    if (has(MAYFLY_HOLDS) && has(MAYFLY_KEEPS_ORDER)) {
      return refuse("HOLDS contradicts KEEPS_ORDER");
    }
    if (has(MAYFLY_KEEPS_KEY_ORDER) && !has(MAYFLY_HOLDS)) {
      return refuse("KEEPS_KEY_ORDER needs HOLDS");
    }
    if (has(MAYFLY_OPTIONAL_PORTS) && has(MAYFLY_TRANSFORMS)) {
      return refuse("OPTIONAL_PORTS is for nodes that make no rows");
    }
    const std::uint32_t ports = plugin_.ports.count;
    if (has(MAYFLY_ASKED_ONCE) &&
        (has(MAYFLY_TRANSFORMS) || ports == 0 || ports > AskedOnce::kPortsMax)) {
      return refuse(fmt::format("ASKED_ONCE is for nodes of 1 to {} ports that make no rows",
                                AskedOnce::kPortsMax));
    }
    if (has(MAYFLY_SPLITS) && !has(MAYFLY_TRANSFORMS)) return refuse("SPLITS needs TRANSFORMS");
    if (has(MAYFLY_FAILS_ATTEMPTS) && (plugin_.ports.count == 0 || plugin_.reasons.count == 0)) {
      return refuse("FAILS_ATTEMPTS needs a port, and reasons for rows of which nobody takes it");
    }
    if (has(MAYFLY_FAILS_ATTEMPTS) && has(MAYFLY_TRANSFORMS)) {
      return refuse("FAILS_ATTEMPTS is for sinks that make no rows");
    }
    return {};
  }

  Status state() const {
    const std::uint32_t align = plugin_.state_align;
    if (align == 0 && plugin_.state_size == 0) return {};
    if (align == 0 || (align & (align - 1)) != 0 || align > kStateAlignMax) {
      return refuse(fmt::format("state_align must be a power of two up to {}, found {}",
                                kStateAlignMax, align));
    }
    return {};
  }

  Status calls() const {
    const auto need = [this](bool present, std::string_view call, std::string_view why) -> Status {
      if (present) return {};
      return refuse(fmt::format("{} needs the call `{}`, which is NULL", why, call));
    };
    const bool source = plugin_.kind == MAYFLY_SOURCE;
    MAYFLY_RETURN_IF_ERROR(need(!source || plugin_.poll != nullptr, "poll", "a source"));
    MAYFLY_RETURN_IF_ERROR(need(source || plugin_.process != nullptr, "process", "a node or sink"));
    const auto flagged = [this](std::uint32_t flag) { return (plugin_.flags & flag) != 0; };
    MAYFLY_RETURN_IF_ERROR(need(!flagged(MAYFLY_REPLAYABLE) || plugin_.fingerprint != nullptr,
                                "fingerprint", "REPLAYABLE"));
    MAYFLY_RETURN_IF_ERROR(
        need(!flagged(MAYFLY_WANTS_COMPLETIONS) || plugin_.on_completion != nullptr,
             "on_completion", "WANTS_COMPLETIONS"));
    MAYFLY_RETURN_IF_ERROR(
        need(!flagged(MAYFLY_TRANSFORMS) || plugin_.open != nullptr, "open", "TRANSFORMS"));
    MAYFLY_RETURN_IF_ERROR(need(plugin_.listens.count == 0 || plugin_.on_signal != nullptr,
                                "on_signal", "a plugin with listens[]"));
    return need(plugin_.options.count == 0 || plugin_.configure != nullptr, "configure",
                "a plugin with options[]");
  }

  Status table(std::string_view which, const mayfly_table& table, std::uint32_t size_min) const {
    if (table.count == 0) return {};
    if (table.data == nullptr) {
      return refuse(fmt::format("{} counts {} elements but is NULL", which, table.count));
    }
    if (table.count > kTableCountMax) {
      return refuse(fmt::format("{} counts {} elements; the limit is {}", which, table.count,
                                kTableCountMax));
    }
    if (table.element_size < size_min || table.element_size % alignof(mayfly_option) != 0) {
      return refuse(
          fmt::format("{} has elements of {} bytes; at least {}, a multiple of {}, are "
                      "expected",
                      which, table.element_size, size_min, alignof(mayfly_option)));
    }
    return {};
  }

  Status named(std::string_view which, const mayfly_table& raw,
               bool (*valid)(std::string_view)) const {
    MAYFLY_RETURN_IF_ERROR(table(which, raw, kNamedSizeMin));
    std::set<std::string_view> seen;
    for (const mayfly_named& row : NamedTable(raw)) {
      if (row.name == nullptr || !valid(row.name)) {
        return refuse(fmt::format("{} has the invalid name \"{}\"", which,
                                  row.name == nullptr ? "NULL" : row.name));
      }
      if (row.help == nullptr || *row.help == 0) {
        return refuse(fmt::format("{} \"{}\" has no help sentence", which, row.name));
      }
      if (!seen.insert(row.name).second) {
        return refuse(fmt::format("{} names \"{}\" twice", which, row.name));
      }
    }
    return {};
  }

  Status ports() const {
    const std::uint32_t count = plugin_.ports.count;
    const std::uint32_t count_min = plugin_.kind == MAYFLY_SINK ? 0 : 1;
    if (count >= count_min && count <= MAYFLY_PORTS_MAX) return {};
    return refuse(fmt::format("it must have {} to {} output ports, found {}", count_min,
                              +MAYFLY_PORTS_MAX, count));
  }

  Status node_option(const mayfly_option& option) const {
    const auto has = [&option](std::uint32_t flag) { return (option.flags & flag) != 0; };
    const bool node = plugin_.kind != MAYFLY_SOURCE;
    const bool texts = option.type == MAYFLY_OPTION_TEXT || option.type == MAYFLY_OPTION_LIST;
    if (has(MAYFLY_OPTION_SIGNALS) && (!node || !texts || plugin_.on_signal == nullptr)) {
      return refuse(fmt::format(
          "option \"{}\": SIGNALS is for a text or list of a node with the call `on_signal`",
          option.name));
    }
    if (has(MAYFLY_OPTION_RUNTIME) && (!node || plugin_.set_option == nullptr)) {
      return refuse(fmt::format("option \"{}\": RUNTIME is for a node with the call `set_option`",
                                option.name));
    }
    if (has(MAYFLY_OPTION_RUNTIME) && has(MAYFLY_OPTION_SIGNALS)) {
      return refuse(
          fmt::format("option \"{}\": what is listened to can't change at run time", option.name));
    }
    return {};
  }

  Status options() const {
    MAYFLY_RETURN_IF_ERROR(table("options", plugin_.options, kOptionSizeMin));
    std::set<std::string_view> seen;
    for (const mayfly_option& option : OptionTable(plugin_.options)) {
      if (option.name == nullptr || !is_name(option.name)) {
        return refuse(fmt::format("options has the invalid name \"{}\"",
                                  option.name == nullptr ? "NULL" : option.name));
      }
      // The pipeline file says these two of every source and node.
      if (std::string_view(option.name) == "plugin" || std::string_view(option.name) == "input") {
        return refuse(fmt::format("option \"{}\" has a reserved name", option.name));
      }
      if (option.help == nullptr || *option.help == 0) {
        return refuse(fmt::format("option \"{}\" has no help sentence", option.name));
      }
      if ((option.flags & MAYFLY_OPTION_UNIQUE) != 0 &&
          (plugin_.kind != MAYFLY_SOURCE || option.type != MAYFLY_OPTION_TEXT)) {
        return refuse(fmt::format("option \"{}\": UNIQUE is for a text of a source", option.name));
      }
      MAYFLY_RETURN_IF_ERROR(node_option(option));
      if (!seen.insert(option.name).second) {
        return refuse(fmt::format("options names \"{}\" twice", option.name));
      }
      if (const Status row = OptionParser::check_row(option); !row.ok()) {
        return refuse(fmt::format("option \"{}\": {}", option.name, row.message()));
      }
    }
    return {};
  }

  const mayfly_plugin& plugin_;
  std::string_view file_;
};

}  // namespace

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > kNameSizeMax || text[0] < 'a' || text[0] > 'z') return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Result<mayfly_plugin> check_descriptor(const mayfly_plugin* found, std::string_view file) {
  const auto refuse = [&](const std::string& what) {
    return Status(Code::kConfig, fmt::format("{}: {}", file, what));
  };
  if (found == nullptr) return refuse(MAYFLY_PLUGIN_ENTRY " returned NULL; it must not");
  // These three stand first in every version.
  if (found->abi_major != MAYFLY_ABI_MAJOR) {
    return refuse(fmt::format(
        "built for plugin ABI {}.{}, this program has {}.{}, and majors must be equal; build the "
        "plugin with this version's mayfly_abi.h",
        found->abi_major, found->abi_minor, MAYFLY_ABI_MAJOR, MAYFLY_ABI_MINOR));
  }
  if (found->abi_minor > MAYFLY_ABI_MINOR) {
    return refuse(fmt::format(
        "built for plugin ABI {}.{}, newer than this program's {}.{}; update the program or build "
        "the plugin with its mayfly_abi.h",
        found->abi_major, found->abi_minor, MAYFLY_ABI_MAJOR, MAYFLY_ABI_MINOR));
  }
  if (found->struct_size < kPluginSizeMin) {
    return refuse(fmt::format(
        "its descriptor is cut short: struct_size is {}, ABI {}.{} has {} bytes; set it to "
        "sizeof(mayfly_plugin)",
        found->struct_size, found->abi_major, found->abi_minor, kPluginSizeMin));
  }
  mayfly_plugin copy;
  std::memset(&copy, 0, sizeof copy);
  std::memcpy(&copy, found, std::min<std::size_t>(found->struct_size, sizeof copy));
  copy.struct_size = sizeof copy;
  MAYFLY_RETURN_IF_ERROR(DescriptorCheck(copy, file).run());
  return copy;
}

}  // namespace mayfly
