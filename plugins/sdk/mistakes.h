// add_mistake: what a plugin says of an option's value that can't be, in the words that all use.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mayfly::sdk {

// `delimiter: expected one byte that isn't a newline, or tab, found "ab"`. A configuration's
// mistakes are told together, so they are gathered.
inline void add_mistake(std::vector<std::string>& mistakes, std::string_view option,
                        std::string_view expected, std::string_view found) {
  std::string text(option);
  text.append(": expected ").append(expected);
  text.append(", found \"").append(found).append("\"");
  mistakes.push_back(std::move(text));
}

}  // namespace mayfly::sdk
