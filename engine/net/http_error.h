// HttpError: why a request has no whole answer. An answer with a bad status is none of these.
#pragma once

#include <cstdint>
#include <string_view>

namespace mayfly {

// What went wrong between two programs, as far as the one that asks can tell.
enum class HttpError : std::uint8_t {
  kNone,
  kBadRequest,    // the URL, the method or a header can't be sent; nothing was
  kNoConnection,  // the name isn't known, or nobody takes the connection
  kTimedOut,      // one of the request's limits passed
  kCutShort,      // the connection ended before the answer did, or before it began
  kTls,           // no encrypted connection, or not to whom it should be
  kNotHttp,       // what came isn't HTTP
  kTooLarge,      // the answer is beyond the request's limit
  kRedirects,     // more of them than the request allows, or to another protocol
  kCancelled,     // the caller stopped it
  kFailed,        // a callback threw, no memory
};

// A word for signals and logs: "timed-out".
std::string_view http_error_name(HttpError error);

// Whether the same request may well succeed later: the network or the server was at fault. The
// server may have acted on it all the same.
bool may_pass_later(HttpError error);

}  // namespace mayfly
