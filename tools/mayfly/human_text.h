// Numbers and names as people read them. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mayfly::cli {

std::string with_commas(std::uint64_t count);   // 1,234,567
std::string short_count(double count);          // 1.23 M
std::string short_bytes(double bytes);          // 1.2 GiB
std::string short_seconds(double seconds);      // 0.52 s
std::string clock_text(std::uint64_t seconds);  // 1:02:03, 4:05
std::string rows_text(std::uint64_t rows);      // 1 row, 2 rows

// With what steers a terminal, looks like another line or isn't UTF-8 as JSON escapes it.
std::string on_one_line(std::string_view text);

}  // namespace mayfly::cli
