// The texts inside JSON: is a value valid, what does an escaped string say. Pure functions.
//
// UTF-8 is not looked at: whoever calls has done so.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace mayfly {

inline constexpr int kJsonDepth = 1000;

// Added to a message about a line that ends within an object.
inline constexpr const char* kOneLineHint =
    "; an object over several lines goes on one line: jq -c .";

// Null when the text is one JSON value (RFC 8259) with nothing around it; else what was expected.
// Deeper than kJsonDepth is refused.
const char* find_json_error(std::string_view text);

// What stands between a string's quotes, without its escapes, at `out`, which has room for
// text.size() bytes. None: an escape that isn't one, half a surrogate pair, or a control character.
std::optional<std::size_t> unescape_json(std::string_view text, char* out);

}  // namespace mayfly
