#include "tools/mayfly/human_text.h"

#include <fmt/format.h>

#include <array>
#include <cstddef>

#include "mayfly/base/json_text.h"

namespace mayfly::cli {

std::string with_commas(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string short_count(double count) {
  constexpr std::array kUnits = {"", " k", " M", " G", " T"};
  std::size_t unit = 0;
  // 999.5 would be written as 1000.
  while (count >= 999.5 && unit + 1 < kUnits.size()) {
    count /= 1000;
    ++unit;
  }
  const int decimals = unit == 0 ? 0 : count < 9.995 ? 2 : count < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", count, decimals, kUnits[unit]);
}

std::string short_bytes(double bytes) {
  constexpr std::array kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1023.5 && unit + 1 < kUnits.size()) {
    bytes /= 1024;
    ++unit;
  }
  return fmt::format("{:.{}f} {}", bytes, unit == 0 || bytes >= 99.95 ? 0 : 1, kUnits[unit]);
}

std::string short_seconds(double seconds) {
  return seconds < 100 ? fmt::format("{:.2f} s", seconds) : fmt::format("{:.0f} s", seconds);
}

std::string clock_text(std::uint64_t seconds) {
  const std::uint64_t hours = seconds / 3600;
  const std::uint64_t minutes = seconds / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, seconds % 60);
  return fmt::format("{}:{:02}", minutes, seconds % 60);
}

std::string rows_text(std::uint64_t rows) {
  return with_commas(rows) + (rows == 1 ? " row" : " rows");
}

std::string on_one_line(std::string_view text) {
  const std::string quoted = json_quoted(text);
  std::string plain;
  plain.reserve(quoted.size());
  for (std::size_t i = 1; i + 1 < quoted.size(); ++i) {
    const auto byte = static_cast<unsigned char>(quoted[i]);
    const auto next = static_cast<unsigned char>(quoted[i + 1]);
    if (byte == '\\') {
      if (next != '"') plain += '\\';  // which needs no escape here
      plain += quoted[++i];
    } else if (byte == 0x7F) {
      plain += "\\u007f";
    } else if (byte == 0xC2 && next < 0xA0) {  // U+0080 to U+009F steer terminals, too
      plain += fmt::format("\\u00{:02x}", next);
      ++i;
    } else {
      plain += quoted[i];
    }
  }
  return plain;
}

}  // namespace mayfly::cli
