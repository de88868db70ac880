// Transport: how a request of OTLP gets to a collector, and what comes back. HttpTransport
// (http_transport.h) is the real one; tests have their own.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace mayfly::otlp {

// Which of the three a request carries.
enum class Kind : std::uint8_t { kLogs, kTraces, kMetrics };

constexpr std::size_t kKinds = 3;

// Behind the endpoint: "/v1/logs".
constexpr std::string_view path_of(Kind kind) {
  return kind == Kind::kLogs ? "/v1/logs" : kind == Kind::kTraces ? "/v1/traces" : "/v1/metrics";
}

constexpr std::string_view name_of(Kind kind) { return path_of(kind).substr(4); }

// One request. The body is borrowed until post() returns.
struct Post {
  Kind kind = Kind::kLogs;
  std::string_view body;
  std::int64_t timeout_ns = 0;  // above 0
};

// What became of it.
struct Reply {
  int status = 0;               // of HTTP; 0: there is no whole answer
  bool may_pass_later = false;  // without an answer: whether to try again
  std::optional<std::int64_t> retry_after_ns = std::nullopt;  // from now on, if the collector says
  std::string body = {};
  std::string word = {};     // without an answer: why, for signals: "timed-out"
  std::string message = {};  // and for people
};

// THREADS  post() is called by several threads at once.
class Transport {
 public:
  virtual ~Transport() = default;
  // Waits for the answer; returns soon after a stop is requested.
  virtual Reply post(const Post& post, std::stop_token stop) = 0;
};

}  // namespace mayfly::otlp
