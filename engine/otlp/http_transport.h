// HttpTransport: requests of OTLP by HTTP, to one collector.
//
// ENDPOINT  Where the collector is, e.g. "http://localhost:4318"; "/v1/logs" and so on are
// appended. THREADS   Any; each request under way has a client of its own, which is kept for the
// next. UNITS     Nanoseconds of the clock that was passed in, which is borrowed.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"
#include "mayfly/net/http_client.h"
#include "mayfly/otlp/transport.h"

namespace mayfly::otlp {

// kUsage: no http or https URL, or one with a query or a fragment, behind which no path can stand.
Status check_endpoint(std::string_view endpoint);

class HttpTransport final : public Transport {
 public:
  // std::invalid_argument: what check_endpoint refuses, a header that can't be sent. Of the same
  // name as one of the transport's own (Content-Type), a header comes in its place.
  HttpTransport(const Clock& clock, std::string endpoint, std::vector<HttpHeader> headers = {});

  Reply post(const Post& post, std::stop_token stop) override;

 private:
  std::unique_ptr<HttpClient> take();

  const Clock& clock_;
  std::string endpoint_;  // without a slash at its end
  std::vector<HttpHeader> headers_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpClient>> idle_;
};

}  // namespace mayfly::otlp
