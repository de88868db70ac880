// What the status of an HTTP answer means for what was sent: taken, to be sent again, or refused
// for good. Pure, any thread.
#pragma once

#include <cstdint>

namespace mayfly {

// What to do with a request that was answered.
enum class HttpVerdict : std::uint8_t {
  kDelivered,  // the server has it
  kTryLater,   // the same request may be taken another time
  kRefused,    // it won't be, however often
};

// Of a final status. kTryLater: 408, 425, 429, 500, 502, 503 and 504, where server or network were
// too busy, slow or broken (RFC 9110, 6585 and 8470). A redirect is refused: it would have been
// followed by whoever wanted that.
constexpr HttpVerdict judge_http_status(int status) {
  if (status >= 200 && status < 300) return HttpVerdict::kDelivered;
  switch (status) {
    case 408:
    case 425:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return HttpVerdict::kTryLater;
    default:
      return HttpVerdict::kRefused;
  }
}

// Whether the status asks for less: with it, a Retry-After is a limit of rate.
constexpr bool is_http_rate_limit(int status) { return status == 429 || status == 503; }

}  // namespace mayfly
