#include "mayfly/storage/persistent_window/stored_time.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace mayfly {
namespace {

constexpr std::int64_t kMicros = 1'000'000;
// The first and the last microsecond whose year has four digits.
constexpr std::int64_t kFirstUs = -62'167'219'200 * kMicros;
constexpr std::int64_t kLastUs = 253'402'300'800 * kMicros - 1;

void put_digits(char* to, int digits, std::int64_t number) {
  for (int i = digits - 1; i >= 0; --i, number /= 10) to[i] = static_cast<char>('0' + number % 10);
}

// Reads a text from its begin.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool done() const { return text_.empty(); }
  bool skip_any_of(std::string_view characters) {
    if (text_.empty() || characters.find(text_.front()) == std::string_view::npos) return false;
    text_.remove_prefix(1);
    return true;
  }
  // Exactly so many digits.
  bool number(std::size_t digits, int& out) {
    if (text_.size() < digits) return false;
    out = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (!is_digit(text_[i])) return false;
      out = out * 10 + (text_[i] - '0');
    }
    text_.remove_prefix(digits);
    return true;
  }
  // At least one digit behind a point, as microseconds; more than six are cut.
  bool micros(std::int64_t& out) {
    if (text_.empty() || !is_digit(text_.front())) return false;
    out = 0;
    for (std::int64_t unit = kMicros / 10; !text_.empty() && is_digit(text_.front()); unit /= 10) {
      out += unit * (text_.front() - '0');
      text_.remove_prefix(1);
    }
    return true;
  }
  char front() const { return text_.empty() ? '\0' : text_.front(); }

 private:
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  std::string_view text_;
};

// "Z", "+02:00", "-0530", or nothing; as microseconds to the east.
bool parse_zone(Scanner& scanner, std::int64_t& east_us) {
  east_us = 0;
  if (scanner.done() || scanner.skip_any_of("Zz")) return scanner.done();
  const std::int64_t sign = scanner.front() == '-' ? -1 : 1;
  int hours = 0;
  int minutes = 0;
  if (!scanner.skip_any_of("+-") || !scanner.number(2, hours)) return false;
  scanner.skip_any_of(":");
  if (!scanner.done() && !scanner.number(2, minutes)) return false;
  if (hours > 23 || minutes > 59) return false;
  east_us = sign * (hours * 3600 + minutes * 60) * kMicros;
  return scanner.done();
}

bool parse_clock(Scanner& scanner, std::int64_t& us) {
  int hours = 0;
  int minutes = 0;
  int seconds = 0;
  std::int64_t micros = 0;
  if (!scanner.number(2, hours) || !scanner.skip_any_of(":") || !scanner.number(2, minutes)) {
    return false;
  }
  if (scanner.skip_any_of(":") && !scanner.number(2, seconds)) return false;
  if (scanner.skip_any_of(".,") && !scanner.micros(micros)) return false;
  if (hours > 23 || minutes > 59 || seconds > 60) return false;
  us = ((hours * 60 + minutes) * std::int64_t{60} + seconds) * kMicros + micros;
  return true;
}

}  // namespace

std::string_view StoredTime::text(std::int64_t wall_us) {
  namespace chrono = std::chrono;
  wall_us = std::clamp(wall_us, kFirstUs, kLastUs);
  const auto second = chrono::floor<chrono::seconds>(chrono::microseconds(wall_us)).count();
  if (second != second_) {
    const chrono::sys_seconds time{chrono::seconds(second)};
    const auto day = chrono::floor<chrono::days>(time);
    const chrono::year_month_day date(day);
    const chrono::hh_mm_ss clock(time - day);
    std::memcpy(text_, "0000-00-00T00:00:00.000000Z", kBytes);
    put_digits(text_, 4, static_cast<int>(date.year()));
    put_digits(text_ + 5, 2, static_cast<unsigned>(date.month()));
    put_digits(text_ + 8, 2, static_cast<unsigned>(date.day()));
    put_digits(text_ + 11, 2, clock.hours().count());
    put_digits(text_ + 14, 2, clock.minutes().count());
    put_digits(text_ + 17, 2, clock.seconds().count());
    second_ = second;
  }
  put_digits(text_ + 20, 6, wall_us - second * kMicros);
  return {text_, kBytes};
}

std::optional<std::int64_t> parse_time(std::string_view text) {
  namespace chrono = std::chrono;
  Scanner scanner(text);
  int year = 0;
  int month = 0;
  int day = 0;
  if (!scanner.number(4, year) || !scanner.skip_any_of("-") || !scanner.number(2, month) ||
      !scanner.skip_any_of("-") || !scanner.number(2, day)) {
    return std::nullopt;
  }
  const chrono::year_month_day date{chrono::year(year), chrono::month(unsigned(month)),
                                    chrono::day(unsigned(day))};
  if (!date.ok()) return std::nullopt;
  std::int64_t us = chrono::sys_days(date).time_since_epoch().count() * 86'400 * kMicros;
  std::int64_t clock_us = 0;
  std::int64_t east_us = 0;
  if (scanner.skip_any_of("Tt ")) {
    if (!parse_clock(scanner, clock_us) || !parse_zone(scanner, east_us)) return std::nullopt;
  } else if (!scanner.done()) {
    return std::nullopt;
  }
  us += clock_us - east_us;
  return us;
}

}  // namespace mayfly
