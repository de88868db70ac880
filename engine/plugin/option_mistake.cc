#include "mayfly/plugin/option_mistake.h"

namespace mayfly {

std::string of_option(const mayfly_plugin& plugin, std::uint32_t option, std::string_view what) {
  return std::string(OptionTable(plugin.options)[option].name).append(": ").append(what);
}

OptionMistake read_option_mistake(OptionTable options, std::string_view text) {
  const std::size_t colon = text.find(": ");
  if (colon == text.npos || !options.find(text.substr(0, colon))) return {"", text};
  return {text.substr(0, colon), text.substr(colon + 2)};
}

}  // namespace mayfly
