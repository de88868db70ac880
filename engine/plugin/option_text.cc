// Text of one type: numbers, durations, sizes.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "mayfly/base/clock.h"
#include "mayfly/plugin/options.h"

namespace mayfly {
namespace {

using Wide = unsigned __int128;

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::array<Unit, 8> kDurationUnits = {{{"ns", 1},
                                                 {"us", kMicrosecond},
                                                 {"\u00b5s", kMicrosecond},
                                                 {"ms", kMillisecond},
                                                 {"s", kSecond},
                                                 {"m", 60 * kSecond},
                                                 {"h", 3600 * kSecond},
                                                 {"d", 86400 * kSecond}}};

constexpr std::array<Unit, 9> kSizeUnits = {{{"b", 1},
                                             {"kb", 1'000},
                                             {"mb", 1'000'000},
                                             {"gb", 1'000'000'000},
                                             {"tb", 1'000'000'000'000},
                                             {"kib", 1ll << 10},
                                             {"mib", 1ll << 20},
                                             {"gib", 1ll << 30},
                                             {"tib", 1ll << 40}}};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// A decimal number, exactly: digits / 10^decimals.
struct Decimal {
  Wide digits = 0;
  Wide scale = 1;
  std::size_t length = 0;  // of its text; 0: there is none
};

Decimal take_decimal(std::string_view text) {
  constexpr Wide kDigitsMax = Wide{1} << 80;  // so that digits x factor stays below 2^128
  Decimal number;
  bool point = false;
  std::size_t i = 0;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && !point && i > 0) {
      point = true;
    } else if (is_digit(text[i]) && number.digits < kDigitsMax) {
      number.digits = number.digits * 10 + static_cast<unsigned>(text[i] - '0');
      if (point) number.scale *= 10;
    } else {
      break;
    }
  }
  if (i > 0 && text[i - 1] == '.') return {};
  number.length = i;
  return number;
}

// digits / scale x factor, or nothing when it doesn't fit in 63 bits.
std::optional<std::int64_t> scaled(const Decimal& number, std::int64_t factor) {
  const Wide value = number.digits * static_cast<Wide>(factor) / number.scale;
  if (value > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

Status expected(std::string_view what, std::string_view found) {
  return {Code::kConfig, fmt::format("expected {}, found \"{}\"", what, found)};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

}  // namespace

Result<std::int64_t> parse_int(std::string_view text) {
  std::int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc::result_out_of_range) {
    return Status(Code::kConfig, fmt::format("{} does not fit in 64 bits", text));
  }
  if (error != std::errc() || at != end) return expected("an integer", text);
  return value;
}

Result<double> parse_float(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || at != end || !std::isfinite(value)) {
    return expected("a number", text);
  }
  return value;
}

Result<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return expected("true or false", text);
}

Result<std::int64_t> parse_duration(std::string_view text) {
  constexpr std::string_view kWhat = "a duration such as \"250ms\", \"1.5s\" or \"2h\"";
  if (text == "0") return std::int64_t{0};
  Wide total = 0;
  std::string_view rest = text;
  if (rest.empty()) return expected(kWhat, text);
  while (!rest.empty()) {
    const Decimal number = take_decimal(rest);
    if (number.length == 0) return expected(kWhat, text);
    rest.remove_prefix(number.length);
    const std::size_t size =
        static_cast<std::size_t>(std::find_if(rest.begin(), rest.end(), is_digit) - rest.begin());
    const std::string_view name = rest.substr(0, size);
    rest.remove_prefix(size);
    const auto unit = std::find_if(kDurationUnits.begin(), kDurationUnits.end(),
                                   [&](const Unit& u) { return u.name == name; });
    if (unit == kDurationUnits.end()) return expected(kWhat, text);
    const std::optional<std::int64_t> part = scaled(number, unit->factor);
    if (part) total += static_cast<Wide>(*part);
    if (!part || total > static_cast<Wide>(std::numeric_limits<std::int64_t>::max())) {
      return Status(Code::kConfig, fmt::format("{} is longer than 292 years", text));
    }
  }
  return static_cast<std::int64_t>(total);
}

Result<std::int64_t> parse_size(std::string_view text) {
  constexpr std::string_view kWhat = "a size such as \"64KiB\", \"2MiB\" or \"1GB\"";
  const Decimal number = take_decimal(text);
  if (number.length == 0) return expected(kWhat, text);
  const std::string name = lower(text.substr(number.length));
  const auto unit = std::find_if(kSizeUnits.begin(), kSizeUnits.end(),
                                 [&](const Unit& u) { return u.name == name; });
  if (unit == kSizeUnits.end() && !name.empty()) return expected(kWhat, text);
  if (name.empty() && number.scale != 1) return expected(kWhat, text);
  const std::optional<std::int64_t> bytes = scaled(number, name.empty() ? 1 : unit->factor);
  if (!bytes) return Status(Code::kConfig, fmt::format("{} is over 8 EiB", text));
  return *bytes;
}

std::vector<std::string_view> split_choices(const char* choices) {
  std::vector<std::string_view> parts;
  std::string_view rest = choices == nullptr ? "" : choices;
  while (!rest.empty()) {
    const std::size_t bar = rest.find('|');
    parts.push_back(rest.substr(0, bar));
    rest = bar == std::string_view::npos ? "" : rest.substr(bar + 1);
  }
  return parts;
}

std::string_view option_type_name(std::uint32_t type) {
  constexpr std::array<std::string_view, 8> kNames = {"bool", "int",  "float",  "duration",
                                                      "size", "text", "choice", "list"};
  return type < kNames.size() ? kNames[type] : "unknown";
}

}  // namespace mayfly
