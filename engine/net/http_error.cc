#include "mayfly/net/http_error.h"

namespace mayfly {

std::string_view http_error_name(HttpError error) {
  switch (error) {
    case HttpError::kNone:
      return "none";
    case HttpError::kBadRequest:
      return "bad-request";
    case HttpError::kNoConnection:
      return "no-connection";
    case HttpError::kTimedOut:
      return "timed-out";
    case HttpError::kCutShort:
      return "cut-short";
    case HttpError::kTls:
      return "tls";
    case HttpError::kNotHttp:
      return "not-http";
    case HttpError::kTooLarge:
      return "too-large";
    case HttpError::kRedirects:
      return "redirects";
    case HttpError::kCancelled:
      return "cancelled";
    case HttpError::kFailed:
      return "failed";
  }
  return "failed";
}

bool may_pass_later(HttpError error) {
  switch (error) {
    case HttpError::kNoConnection:
    case HttpError::kTimedOut:
    case HttpError::kCutShort:
    // A certificate that has run out is renewed; a handshake is cut short.
    case HttpError::kTls:
    // Somebody else on that port for the moment.
    case HttpError::kNotHttp:
    case HttpError::kCancelled:
    case HttpError::kFailed:
      return true;
    case HttpError::kNone:
    case HttpError::kBadRequest:
    case HttpError::kTooLarge:
    case HttpError::kRedirects:
      return false;
  }
  return false;
}

}  // namespace mayfly
