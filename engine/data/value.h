// Value: one value as callers write it down: of a row that a producer appends, of a statement's
// parameter.
//
// OWNERSHIP  Text and blobs are only pointed to: they must live until the call returns that takes
//            the value.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mayfly {

// One value of a row. std::nullopt and nullptr are NULL.
class Value {
 public:
  enum class Kind : std::uint8_t { kNull, kInt64, kFloat64, kText, kBlob };

  Value(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): a row reads as its values
  Value(std::nullopt_t) {}  // NOLINT
  // A std::uint64_t may not fit, so its caller says what it is to become.
  template <std::integral T>
  requires(std::signed_integral<T> || sizeof(T) < sizeof(std::int64_t)) Value(T v)
      : kind_(Kind::kInt64), int64_(static_cast<std::int64_t>(v)) {}         // NOLINT
  Value(std::floating_point auto v) : kind_(Kind::kFloat64), float64_(v) {}  // NOLINT
  Value(std::string_view v) : kind_(Kind::kText), text_(v) {}                // NOLINT
  Value(const char* v) : Value(std::string_view(v)) {}                       // NOLINT
  Value(const std::string& v) : Value(std::string_view(v)) {}                // NOLINT
  Value(std::span<const std::byte> v)                                        // NOLINT
      : kind_(Kind::kBlob), text_(reinterpret_cast<const char*>(v.data()), v.size()) {}
  template <class T>
  Value(const std::optional<T>& v) : Value(v ? Value(*v) : Value(nullptr)) {}  // NOLINT

  Kind kind() const { return kind_; }
  std::int64_t int64() const { return int64_; }
  double float64() const { return float64_; }
  std::string_view text() const { return text_; }

 private:
  Kind kind_ = Kind::kNull;
  union {
    std::int64_t int64_ = 0;
    double float64_;
  };
  std::string_view text_;
};

}  // namespace mayfly
