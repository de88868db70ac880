#include "mayfly/patterns/signaling_http.h"

#include <string>
#include <string_view>
#include <utility>

#include "mayfly/base/function_ref.h"

namespace mayfly {
namespace {

using Raise = FunctionRef<void(std::string_view)>;

// What has been told of one transfer.
class Course {
 public:
  Course(Raise raise, std::size_t to_send) : raise_(raise), to_send_(to_send) {}

  void begin() {
    raise_("stage.starting");
    raise_("progress:0");
  }
  void request() { raise_("stage.request"); }
  void head(const HttpHead& head) {
    // Of an error's page nobody wants to know how much is here.
    refused_ = head.status < 200 || head.status > 299;
    raise_("stage.headers");
    raise_("stage.reading");
    reading_ = true;
  }
  void progress(const HttpProgress& progress) {
    if (to_send_ > 0) {
      if (!reading_) tell(progress.sent, to_send_);
    } else if (progress.to_receive && !refused_) {
      tell(progress.received, *progress.to_receive);
    }
  }
  void end(const HttpResponse& response) {
    if (response.ok()) {
      raise_("progress:100");
      raise_("stage.completed");
    } else if (response.error == HttpError::kNone) {
      raise_("stage.failed:" + std::to_string(response.status));
    } else {
      raise_("stage.failed:" + std::string(http_error_name(response.error)));
    }
  }

 private:
  void tell(std::uint64_t done, std::uint64_t total) {
    if (total == 0 || done > total) return;
    // In floating point, since 100 times a length may be more than can be counted.
    const int percent =
        static_cast<int>(static_cast<double>(done) * 100.0 / static_cast<double>(total));
    if (percent <= told_ || percent >= 100) return;
    told_ = percent;
    raise_("progress:" + std::to_string(percent));
  }

  const Raise raise_;
  const std::size_t to_send_;
  int told_ = 0;
  bool reading_ = false;
  bool refused_ = false;
};

HttpResponse send(HttpClient& client, HttpRequest request, Raise raise, std::stop_token stop) {
  Course course(raise, request.body.size());
  const HttpEvents own = std::move(request.events);
  request.events.on_request = [&] {
    if (own.on_request) own.on_request();
    course.request();
  };
  request.events.on_head = [&](const HttpHead& head) {
    if (own.on_head) own.on_head(head);
    course.head(head);
  };
  request.events.on_body = own.on_body;
  request.events.on_progress = [&](const HttpProgress& progress) {
    if (own.on_progress) own.on_progress(progress);
    course.progress(progress);
  };
  course.begin();
  HttpResponse response = client.send(request, std::move(stop));
  course.end(response);
  return response;
}

HttpResponse send(HttpClient& client, HttpRequest request, SignalSink& sink, OperationId operation,
                  std::stop_token stop) {
  const auto raise = [&](std::string_view name) { sink.raise(name, operation); };
  return send(client, std::move(request), Raise(raise), std::move(stop));
}

HttpResponse send(HttpClient& client, HttpRequest request, Operation& operation) {
  const auto raise = [&](std::string_view name) { operation.raise(name); };
  return send(client, std::move(request), Raise(raise), operation.stop_token());
}

HttpRequest as_download(HttpRequest request) {
  request.method = "GET";
  request.body = {};
  return request;
}

HttpRequest as_post(HttpRequest request) {
  request.method = "POST";
  return request;
}

}  // namespace

HttpResponse download_with_signals(HttpClient& client, HttpRequest request, SignalSink& sink,
                                   OperationId operation, std::stop_token stop) {
  return send(client, as_download(std::move(request)), sink, operation, std::move(stop));
}
HttpResponse download_with_signals(HttpClient& client, HttpRequest request, Operation& operation) {
  return send(client, as_download(std::move(request)), operation);
}

HttpResponse post_with_signals(HttpClient& client, HttpRequest request, SignalSink& sink,
                               OperationId operation, std::stop_token stop) {
  return send(client, as_post(std::move(request)), sink, operation, std::move(stop));
}
HttpResponse post_with_signals(HttpClient& client, HttpRequest request, Operation& operation) {
  return send(client, as_post(std::move(request)), operation);
}

}  // namespace mayfly
