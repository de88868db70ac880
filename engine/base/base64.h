// Base64 (RFC 4648, section 4): bytes as text that JSON can hold. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace mayfly {

// With padding, in one line.
std::string to_base64(std::string_view bytes);
// None: it isn't base64. Padding may be missing; blanks aren't skipped.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace mayfly
