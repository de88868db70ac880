// One request, from its first byte to the last of its answer, by libcurl: its options and header
// fields, its limits, and what comes back.
//
// OWNERSHIP  Borrows all it is given until it returns. THREADS  That of the handles, one at a time.
// ERRORS     HttpResponse::error; nothing is thrown.
#pragma once

#include <curl/curl.h>

#include <stop_token>

#include "mayfly/base/clock.h"
#include "mayfly/net/http_client.h"

namespace mayfly {

// Null handles: there was no memory for them, and the response says so.
HttpResponse transfer(const Clock& clock, const HttpRequest& request, std::stop_token stop,
                      CURLM* multi, CURL* easy);

}  // namespace mayfly
