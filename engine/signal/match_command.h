// match_command: the payload of a signal that is a command, "command:payload", without copying it.
//
// A prefix of whole dotted segments may stand before the command: "plant.window.size.set:100" is
// the command "window.size.set" too. The first colon ends the command, so the payload may have
// colons
// ("window.time.set:00:30:00") and may be empty ("window.size.set:"). No colon, no command.
// Owns nothing: the payload points into the name. Any thread. Allocates nothing, throws nothing.
#pragma once

#include <optional>
#include <string_view>

namespace mayfly {

// Nothing when the name isn't this command; an empty command is none.
constexpr std::optional<std::string_view> match_command(std::string_view name,
                                                        std::string_view command) {
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos || command.empty()) return std::nullopt;
  const std::string_view stem = name.substr(0, colon);
  if (!stem.ends_with(command)) return std::nullopt;
  const std::size_t prefix = stem.size() - command.size();
  if (prefix > 0 && stem[prefix - 1] != '.') return std::nullopt;
  return name.substr(colon + 1);
}

}  // namespace mayfly
