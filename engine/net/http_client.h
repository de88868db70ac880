// HttpClient: HTTP requests, one after the other, each with limits of its own and stopped from
// another thread at once. The one user of libcurl; http and https alone.
//
//   HttpClient client(clock);
//   const HttpResponse response = client.send({.method = "POST", .url = url, .body = text}, stop);
//   if (response.error != HttpError::kNone) ...   // no whole answer: response.message says why
//   if (response.status == 429) ...               // an answer: what it means is the caller's to
//   say
//
// CONNECTIONS  Are kept for the next request to the same server, a few of them. One that turns out
//              to be closed before anything came back is replaced, and the request sent again.
// TLS          The server's certificate is verified, always.
// PROXY        As the environment says: http_proxy, https_proxy, no_proxy.
// OWNERSHIP    A request's texts and callbacks are borrowed until send() has returned.
// THREADS      One at a time; any may request a stop. Callbacks are called by send().
// ERRORS       As values. A callback that throws ends its request with kFailed. SIGPIPE never
//              reaches the process on account of this.
// UNITS        Nanoseconds of the clock that was passed in; with one that stands still, the time to
//              connect alone is also limited by the machine's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/net/http_error.h"
#include "mayfly/net/http_text.h"

namespace mayfly {

// How long a request may take, and how large its answer may be. kNever: no limit; none is 0 or
// less.
struct HttpLimits {
  std::int64_t connect_ns = 10 * kSecond;  // until a connection is there, TLS included
  std::int64_t total_ns = 60 * kSecond;
  std::int64_t stall_ns = kNever;  // without a byte in either direction
  std::uint64_t headers_bytes_max = 256 * 1024;
  std::uint64_t body_bytes_max = 16 * 1024 * 1024;
};

// The beginning of an answer.
struct HttpHead {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::optional<std::uint64_t> body_bytes;  // nullopt: the server doesn't say
};

// Bytes of bodies that have gone over the connection so far.
struct HttpProgress {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  std::optional<std::uint64_t> to_receive;  // in all; nullopt: unknown
};

// What becomes known on the way. Each may be empty.
struct HttpEvents {
  std::function<void()> on_request;  // there is a connection, and the request goes out
  std::function<void(const HttpHead&)> on_head;
  // Gets the body piece by piece; the response has none then.
  std::function<void(std::string_view)> on_body;
  std::function<void(const HttpProgress&)> on_progress;  // when it has changed
};

// What to send, and where.
struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<HttpHeader> headers;
  std::string_view body;  // not of HEAD
  HttpLimits limits;
  int redirects_max = 0;  // followed for GET and HEAD, never from https to http
  std::string ca_file;    // certificates to trust, PEM; empty: the system's
  HttpEvents events;
};

// What came back.
struct HttpResponse {
  HttpError error = HttpError::kNone;
  std::string message;  // what was expected and what was found, when there is an error
  int status = 0;       // 0: none came; an answer that was cut short has one
  std::vector<HttpHeader> headers;
  std::string body;  // what there is of it
  // Of its field Retry-After, by the clock's wall time when it came.
  std::optional<std::int64_t> retry_after_ns;
  std::int64_t elapsed_ns = 0;

  // A whole answer that says yes.
  bool ok() const { return error == HttpError::kNone && status >= 200 && status < 300; }
};

class HttpClient {
 public:
  // The clock is borrowed.
  explicit HttpClient(const Clock& clock);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Waits for the answer. When a stop is requested it returns at once, with kCancelled, also while
  // a name is being looked up.
  HttpResponse send(const HttpRequest& request, std::stop_token stop = {});

 private:
  struct Handles;
  const Clock& clock_;
  const std::unique_ptr<Handles> handles_;
};

}  // namespace mayfly
