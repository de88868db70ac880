// Compressed texts, as gzip and zstd files hold them. Fail the test when they can't be made.
#pragma once

#include <string>
#include <string_view>

namespace mayfly::testing {

std::string gzip(std::string_view text);
std::string zstd(std::string_view text);  // with a checksum, as the tool writes it

}  // namespace mayfly::testing
