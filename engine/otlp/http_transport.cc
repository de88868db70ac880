#include "mayfly/otlp/http_transport.h"

#include <stdexcept>
#include <utility>

namespace mayfly::otlp {
namespace {

void must(const Status& status) {
  if (!status.ok()) throw std::invalid_argument("telemetry: " + status.message());
}

void add_default(std::vector<HttpHeader>& headers, const char* name, const char* value) {
  if (find_header(headers, name) == nullptr) headers.push_back({name, value});
}

}  // namespace

Status check_endpoint(std::string_view endpoint) {
  MAYFLY_RETURN_IF_ERROR(check_http_url(endpoint));
  if (endpoint.find_first_of("?#") != endpoint.npos) {
    return {Code::kUsage, "expected an endpoint without query and fragment, found " +
                              http_url_shown(endpoint) + " with one"};
  }
  return {};
}

HttpTransport::HttpTransport(const Clock& clock, std::string endpoint,
                             std::vector<HttpHeader> headers)
    : clock_(clock), endpoint_(std::move(endpoint)), headers_(std::move(headers)) {
  must(check_endpoint(endpoint_));
  for (const HttpHeader& header : headers_) must(check_http_header(header));
  while (endpoint_.ends_with('/')) endpoint_.pop_back();
  add_default(headers_, "Content-Type", "application/json");
  add_default(headers_, "User-Agent", "OTel-OTLP-Exporter-mayfly");
}

std::unique_ptr<HttpClient> HttpTransport::take() {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<HttpClient> client = std::move(idle_.back());
      idle_.pop_back();
      return client;
    }
  }
  return std::make_unique<HttpClient>(clock_);
}

Reply HttpTransport::post(const Post& post, std::stop_token stop) {
  std::unique_ptr<HttpClient> client = take();
  HttpRequest request;
  request.method = "POST";
  request.url = endpoint_ + std::string(path_of(post.kind));
  request.headers = headers_;
  request.body = post.body;
  request.limits.connect_ns = post.timeout_ns;
  request.limits.total_ns = post.timeout_ns;
  request.limits.body_bytes_max = 1024 * 1024;
  HttpResponse response = client->send(request, std::move(stop));
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(client));
  }
  Reply reply;
  reply.retry_after_ns = response.retry_after_ns;
  if (response.error == HttpError::kNone) {
    reply.status = response.status;
    reply.body = std::move(response.body);
  } else {
    reply.may_pass_later = may_pass_later(response.error);
    reply.word = http_error_name(response.error);
    reply.message = std::move(response.message);
  }
  return reply;
}

}  // namespace mayfly::otlp
