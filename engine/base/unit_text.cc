#include "mayfly/base/unit_text.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <string_view>

#include "mayfly/base/clock.h"

namespace mayfly {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::array<Unit, 3> kWhole = {
    {{"d", 86400 * kSecond}, {"h", 3600 * kSecond}, {"m", 60 * kSecond}}};
constexpr std::array<Unit, 3> kDecimal = {
    {{"s", kSecond}, {"ms", kMillisecond}, {"us", kMicrosecond}}};

}  // namespace

std::string format_duration(std::int64_t ns) {
  for (const Unit& unit : kWhole) {
    if (ns != 0 && ns % unit.factor == 0) return fmt::format("{}{}", ns / unit.factor, unit.name);
  }
  for (const Unit& unit : kDecimal) {
    if (ns < unit.factor) continue;
    std::string text = fmt::format("{}", ns / unit.factor);
    if (const std::int64_t rest = ns % unit.factor; rest != 0) {
      // factor is a power of ten, so its zeros are the decimals.
      const int decimals = static_cast<int>(std::log10(static_cast<double>(unit.factor)) + 0.5);
      std::string fraction = fmt::format("{:0{}}", rest, decimals);
      fraction.erase(fraction.find_last_not_of('0') + 1);
      text += "." + fraction;
    }
    return text + std::string(unit.name);
  }
  return ns == 0 ? "0s" : fmt::format("{}ns", ns);
}

std::string format_size(std::int64_t bytes) {
  constexpr std::array<std::string_view, 4> kNames = {"KiB", "MiB", "GiB", "TiB"};
  std::string_view name;
  std::int64_t value = bytes;
  for (std::size_t i = 0; i < kNames.size() && value != 0 && value % 1024 == 0; ++i) {
    value /= 1024;
    name = kNames[i];
  }
  return fmt::format("{}{}", value, name);
}

std::string format_number(double number) { return fmt::format("{:.15g}", number); }

}  // namespace mayfly
