// What a collector answers to a request of OTLP/HTTP in JSON.
//
// THREADS  Pure functions; any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mayfly::otlp {

// How much of a request was refused by a collector that took the rest.
struct PartialSuccess {
  std::uint64_t rejected = 0;  // log records, data points or spans
  std::string message;         // why; or a warning, where nothing was rejected
};

// Of the body of an answer with status 200. Nothing was rejected where the body says nothing of it,
// or isn't what it should be: what was sent was taken, or there would be another status.
PartialSuccess partial_success(std::string_view body);

// Whether the same request may be taken later, as OTLP has it: 429, 502, 503 and 504.
constexpr bool is_retryable(int http_status) {
  return http_status == 429 || (http_status >= 502 && http_status <= 504);
}

}  // namespace mayfly::otlp
