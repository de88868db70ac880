// The texts of a request, checked before anything is sent, and header fields by name. Pure; any
// thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "mayfly/base/status.h"

namespace mayfly {

// A header field. Names are compared without regard to case.
struct HttpHeader {
  std::string name;
  std::string value;
};

// The value of the first field of that name; null: there is none.
const std::string* find_header(std::span<const HttpHeader> headers, std::string_view name);

// kUsage: not an absolute http or https URL with a host. Looks nothing up.
Status check_http_url(std::string_view url);
// kUsage: a name that is no token, a value with a line break or NUL, which would be another field.
Status check_http_header(const HttpHeader& header);
// kUsage: not a token.
Status check_http_method(std::string_view method);

// "Name: value" as people write it; kUsage without a colon, and as check_http_header. A message
// never holds the value, which may be a secret.
Result<HttpHeader> parse_http_header(std::string_view line);

// The URL without user, password, query and fragment, which may be secrets: for messages.
std::string http_url_shown(std::string_view url);

}  // namespace mayfly
