// What libcurl's codes are to whoever sends a request. Any thread.
#pragma once

#include <curl/curl.h>

#include <string_view>

#include "mayfly/net/http_error.h"

namespace mayfly {

HttpError error_of(CURLcode code);
// What was expected where there was such an error, for a message.
std::string_view expected_instead(HttpError error);

}  // namespace mayfly
