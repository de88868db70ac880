// Status and Result<T>: expected failures as values. Success is one null pointer wide.
//
// A message says what was expected, what was found, where, and what to do. Nothing in engine/ throws
// after start.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace mayfly {

// What kind of failure; the command line turns it into an exit status (sysexits(3)).
enum class Code : std::uint8_t {
  kOk,
  kUsage,           // 64: the caller asked for something that can't be
  kBadData,         // 65: a row that can't be stored, where that was to stop the run
  kNoInput,         // 66: missing, unreadable or changed
  kUnavailable,     // 69: something needed isn't installed
  kInternal,        // 1
  kCannotCreate,    // 73: output can't be created
  kIo,              // 74: disk failed, database corrupt
  kTryAgain,        // 75: locked, deadline passed
  kConfig,          // 78: configuration, or a table with other columns
};

// Success, or why not: a code and a message.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Code code, std::string message)
      : rep_(std::make_unique<Rep>(Rep{code, std::move(message)})) {}
  Status(const Status& other) : rep_(other.rep_ ? std::make_unique<Rep>(*other.rep_) : nullptr) {}
  Status(Status&&) noexcept = default;
  Status& operator=(const Status& other) { return *this = Status(other); }
  Status& operator=(Status&&) noexcept = default;

  static Status success() { return {}; }
  bool ok() const { return rep_ == nullptr; }
  Code code() const { return rep_ ? rep_->code : Code::kOk; }
  const std::string& message() const {
    static const std::string kNone;
    return rep_ ? rep_->message : kNone;
  }

 private:
  struct Rep {
    Code code;
    std::string message;
  };
  std::unique_ptr<Rep> rep_;
};

// A value or why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}              // NOLINT(google-explicit-constructor)
  Result(Status status) : status_(std::move(status)) {}      // NOLINT(google-explicit-constructor)

  bool ok() const { return value_.has_value(); }
  const Status& status() const { return status_; }
  T& value() & { return *value_; }
  const T& value() const& { return *value_; }
  T&& value() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }
  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

#define MAYFLY_CONCAT_(a, b) a##b
#define MAYFLY_CONCAT(a, b) MAYFLY_CONCAT_(a, b)

// Leaves the function with the status unless it is ok.
#define MAYFLY_RETURN_IF_ERROR(expression)                                  \
  do {                                                                      \
    if (::mayfly::Status mayfly_status_ = (expression); !mayfly_status_.ok()) \
      return mayfly_status_;                                                \
  } while (false)

// `MAYFLY_ASSIGN_OR_RETURN(auto file, Open(path));`
#define MAYFLY_ASSIGN_OR_RETURN(declaration, expression) \
  MAYFLY_ASSIGN_OR_RETURN_(declaration, expression, MAYFLY_CONCAT(mayfly_result_, __LINE__))
#define MAYFLY_ASSIGN_OR_RETURN_(declaration, expression, result) \
  auto result = (expression);                                     \
  if (!result.ok()) return result.status();                       \
  declaration = std::move(result).value()

}  // namespace mayfly
