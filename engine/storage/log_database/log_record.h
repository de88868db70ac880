// LogRecord, LogField, LogLevel: one record of a log as callers give it.
//
//   logs.log(LogLevel::kInfo, "downloads", "done", {{"track_id", 123}, {"retried", false}})
//
// OWNERSHIP  Texts and fields are only pointed to: they live until the call returns that takes
//            them.
// THREADS    Those of any value.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mayfly {

// How much a record matters, in rising order.
enum class LogLevel : std::uint8_t { kTrace, kDebug, kInfo, kWarning, kError, kCritical };

constexpr std::size_t kLogLevels = 6;

// As it stands in the table: "INFO".
constexpr std::string_view to_text(LogLevel level) {
  constexpr std::array<std::string_view, kLogLevels> kNames = {"TRACE",   "DEBUG", "INFO",
                                                               "WARNING", "ERROR", "CRITICAL"};
  const auto number = static_cast<std::size_t>(level);
  return number < kLogLevels ? kNames[number] : "CRITICAL";
}

// The level of such a name, in letters of either case; "warn", "err" and "fatal" are known, too.
std::optional<LogLevel> parse_log_level(std::string_view name);

// The value of a field. nullptr, an empty optional and a null pointer to text are JSON's null.
class LogValue {
 public:
  enum class Kind : std::uint8_t { kNull, kBool, kInt64, kUint64, kFloat64, kText };

  LogValue(std::nullptr_t) {}                                                      // NOLINT
  LogValue(std::nullopt_t) {}                                                      // NOLINT
  LogValue(std::same_as<bool> auto v) : kind_(Kind::kBool), uint64_(v ? 1 : 0) {}  // NOLINT
  template <std::integral T>
  requires(!std::same_as<T, bool>) LogValue(T v)  // NOLINT: a list reads as its values
      : kind_(std::signed_integral<T> ? Kind::kInt64 : Kind::kUint64),
        uint64_(static_cast<std::uint64_t>(v)) {}
  LogValue(std::floating_point auto v)  // NOLINT
      : kind_(Kind::kFloat64), float64_(static_cast<double>(v)) {}
  LogValue(std::string_view v) : kind_(Kind::kText), text_(v) {}     // NOLINT
  LogValue(const std::string& v) : LogValue(std::string_view(v)) {}  // NOLINT
  LogValue(const char* v) {                                          // NOLINT
    if (v != nullptr) *this = std::string_view(v);
  }
  template <class T>
  LogValue(const std::optional<T>& v)  // NOLINT
      : LogValue(v ? LogValue(*v) : LogValue(nullptr)) {}

  Kind kind() const { return kind_; }
  // A bool is 0 or 1.
  std::int64_t int64() const { return static_cast<std::int64_t>(uint64_); }
  std::uint64_t uint64() const { return uint64_; }
  double float64() const { return float64_; }
  std::string_view text() const { return text_; }

 private:
  Kind kind_ = Kind::kNull;
  union {
    std::uint64_t uint64_ = 0;
    double float64_;
  };
  std::string_view text_;
};

// One of a record's extra fields.
struct LogField {
  std::string_view name;
  LogValue value;
};

// A record with its own time.
struct LogRecord {
  std::int64_t wall_us = 0;  // microseconds since 1970, UTC
  LogLevel level = LogLevel::kInfo;
  std::string_view logger;
  std::string_view message;
  std::span<const LogField> extra = {};
};

}  // namespace mayfly
