#include "mayfly/data/readers/number.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace mayfly {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
// As sqlite3Isspace.
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

// A number of the canonical grammar, taken apart.
struct Decimal {
  bool negative = false;
  bool has_point = false;
  bool has_exponent = false;
  bool is_zero = true;
  bool fraction_is_zero = true;
  std::size_t significant = 0;  // digits between the first and the last that isn't 0
};

// -?(0|[1-9][0-9]*)(.[0-9]+)?([eE][+-]?[0-9]+)?, which is JSON's grammar too.
bool split(std::string_view text, Decimal* out) {
  const char* p = text.data();
  const char* const end = p + text.size();
  Decimal number;
  if (p < end && *p == '-') number.negative = true, ++p;
  if (p == end || !is_digit(*p)) return false;
  if (*p == '0' && p + 1 < end && is_digit(p[1])) return false;
  std::size_t pending = 0;  // zeros that count once another digit follows
  const auto digit = [&number, &pending](char c) {
    if (c != '0') {
      number.significant += pending + 1;
      number.is_zero = false;
      pending = 0;
    } else if (!number.is_zero) {
      ++pending;
    }
  };
  for (; p < end && is_digit(*p); ++p) digit(*p);
  if (p < end && *p == '.') {
    number.has_point = true;
    if (++p == end || !is_digit(*p)) return false;
    for (; p < end && is_digit(*p); ++p) {
      digit(*p);
      number.fraction_is_zero &= *p == '0';
    }
  }
  if (p < end && (*p == 'e' || *p == 'E')) {
    number.has_exponent = true;
    ++p;
    if (p < end && (*p == '+' || *p == '-')) ++p;
    if (p == end || !is_digit(*p)) return false;
    while (p < end && is_digit(*p)) ++p;
  }
  if (p != end) return false;
  *out = number;
  return true;
}

bool to_double(std::string_view text, double* value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value);
  return error == std::errc() && end == text.data() + text.size();
}

bool canonical_real(std::string_view text, const Decimal& number, double* value) {
  constexpr std::size_t kSignificant = 15;  // what SQLite promises to keep
  if (number.significant > kSignificant) return false;
  double parsed = 0;
  if (number.is_zero) {
    parsed = number.negative ? -0.0 : 0.0;
  } else if (!to_double(text, &parsed) || std::fabs(parsed) < std::numeric_limits<double>::min()) {
    return false;  // beyond the range, or so small that digits are lost
  }
  *value = parsed;
  return true;
}

}  // namespace

bool parse_int64(std::string_view text, std::int64_t* value) {
  if (text.empty() || text.size() > 20) return false;
  const std::size_t first = text[0] == '-' ? 1 : 0;
  if (first == text.size() || !is_digit(text[first])) return false;
  if (text[first] == '0' && text.size() > 1) return false;  // 007, -0
  std::int64_t parsed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  *value = parsed;
  return true;
}

bool parse_real(std::string_view text, double* value) {
  Decimal number;
  return split(text, &number) && canonical_real(text, number, value);
}

bool parse_json_real(std::string_view text, double* value) {
  Decimal number;
  double parsed = 0;
  if (!split(text, &number)) return false;
  if (!number.is_zero && !to_double(text, &parsed)) return false;
  *value = number.is_zero ? (number.negative ? -0.0 : 0.0) : parsed;
  return true;
}

bool is_json_number(std::string_view text) {
  Decimal number;
  return split(text, &number);
}

bool looks_numeric(std::string_view text) {
  const char* p = text.data();
  const char* end = p + text.size();
  while (p < end && is_space(*p)) ++p;
  while (p < end && is_space(end[-1])) --end;
  if (p < end && (*p == '-' || *p == '+')) ++p;
  std::size_t digits = 0;
  for (; p < end && is_digit(*p); ++p) ++digits;
  if (p < end && *p == '.') {
    for (++p; p < end && is_digit(*p); ++p) ++digits;
  }
  if (digits == 0) return false;
  if (p < end && (*p == 'e' || *p == 'E')) {
    ++p;
    if (p < end && (*p == '-' || *p == '+')) ++p;
    if (p == end || !is_digit(*p)) return false;
    while (p < end && is_digit(*p)) ++p;
  }
  return p == end;
}

bool would_change(std::string_view text, Affinity affinity) {
  if (!looks_numeric(text)) return false;
  std::int64_t integer = 0;
  double real = 0;
  if (affinity == Affinity::kReal) return !parse_real(text, &real);
  if (parse_int64(text, &integer)) return false;
  Decimal number;
  // 1.5 stays 1.5, as REAL. What has no fraction (1.0, 1e3, 20 digits) would become another text.
  return !split(text, &number) || !number.has_point || number.has_exponent ||
         number.fraction_is_zero || !canonical_real(text, number, &real);
}

}  // namespace mayfly
