#include "mayfly/net/curl_error.h"

namespace mayfly {

HttpError error_of(CURLcode code) {
  switch (code) {
    case CURLE_OK:
      return HttpError::kNone;
    case CURLE_URL_MALFORMAT:
      return HttpError::kBadRequest;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT:
    case CURLE_PROXY:
    case CURLE_INTERFACE_FAILED:
      return HttpError::kNoConnection;
    case CURLE_OPERATION_TIMEDOUT:
      return HttpError::kTimedOut;
    case CURLE_PARTIAL_FILE:
    case CURLE_GOT_NOTHING:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SEND_FAIL_REWIND:
      return HttpError::kCutShort;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_USE_SSL_FAILED:
      return HttpError::kTls;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_UNSUPPORTED_PROTOCOL:  // an answer in the manner of HTTP/0.9, or a redirect to ftp
      return HttpError::kNotHttp;
    case CURLE_TOO_MANY_REDIRECTS:
      return HttpError::kRedirects;
    default:
      return HttpError::kFailed;
  }
}

std::string_view expected_instead(HttpError error) {
  switch (error) {
    case HttpError::kNoConnection:
      return "a connection";
    case HttpError::kTls:
      return "an encrypted connection to a server that is who it says";
    case HttpError::kNotHttp:
      return "an answer in HTTP";
    default:
      return "a whole answer";
  }
}

}  // namespace mayfly
