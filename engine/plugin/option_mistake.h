// What a plugin finds wrong with one of its options: a text that begins with the option's name,
// "rate: expected at most 10, found 11". Views: nothing is owned. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "mayfly/plugin/tables.h"

namespace mayfly {

// Such a text.
std::string of_option(const mayfly_plugin& plugin, std::uint32_t option, std::string_view what);

// The same, read.
struct OptionMistake {
  std::string_view option;  // empty: the text is of none
  std::string_view what;    // without the option's name
};
OptionMistake read_option_mistake(OptionTable options, std::string_view text);

}  // namespace mayfly
