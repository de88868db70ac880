#include "mayfly/net/http_transfer.h"

#include <algorithm>
#include <charconv>
#include <climits>
#include <exception>
#include <utility>

#include "mayfly/net/curl_error.h"
#include "mayfly/net/http_date.h"
#include "mayfly/net/sigpipe_guard.h"

namespace mayfly {
namespace {

// A clock that is moved by hand wakes nobody, so limits are looked at this often.
constexpr std::int64_t kLookNs = 100 * kMillisecond;
constexpr char kAgent[] = "mayfly";

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, FreeList>;

bool append(List& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) return false;
  (void)list.release();
  list.reset(longer);
  return true;
}

std::string time_text(std::int64_t ns) {
  return ns % kSecond == 0 ? std::to_string(ns / kSecond) + " s"
                           : std::to_string(ns / kMillisecond) + " ms";
}

// One request while it is on its way.
class Transfer {
 public:
  Transfer(const Clock& clock, const HttpRequest& request, std::stop_token stop)
      : clock_(clock), request_(request), stop_(std::move(stop)), began_ns_(clock.now_ns()) {
    moved_ns_ = began_ns_;
  }

  HttpResponse run(CURLM* multi, CURL* easy) {
    easy_ = easy;
    if (const Status status = check(); !status.ok()) {
      return fail(HttpError::kBadRequest, status.message());
    }
    if (multi == nullptr || easy == nullptr) return fail(HttpError::kFailed, "no memory");
    if (stop_.stop_requested()) return cancelled();
    curl_easy_reset(easy);
    if (!set_options()) return fail(HttpError::kFailed, "no memory for the request");
    const SigpipeGuard no_sigpipe;
    if (curl_multi_add_handle(multi, easy) != CURLM_OK) {
      return fail(HttpError::kFailed, "libcurl takes no request");
    }
    {
      const std::stop_callback wake(stop_, [multi] { curl_multi_wakeup(multi); });
      perform(multi);
    }
    curl_multi_remove_handle(multi, easy);
    return std::move(response_);
  }

 private:
  Status check() const {
    MAYFLY_RETURN_IF_ERROR(check_http_url(request_.url));
    MAYFLY_RETURN_IF_ERROR(check_http_method(request_.method));
    for (const HttpHeader& header : request_.headers) {
      MAYFLY_RETURN_IF_ERROR(check_http_header(header));
    }
    const HttpLimits& limits = request_.limits;
    if (std::min({limits.connect_ns, limits.total_ns, limits.stall_ns}) <= 0) {
      return {Code::kUsage, "expected limits of time above 0, found one that isn't"};
    }
    return {};
  }

  bool set_options() {
    CURL* easy = easy_;
    const bool https = request_.url.size() > 5 && (request_.url[4] | 0x20) == 's';
    const bool get = request_.method == "GET";
    const bool head = request_.method == "HEAD";
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, detail_);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a stop doesn't wait for a name's address
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, https ? "https" : "http,https");
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    // Ours are by the given clock; this one divides the time among a name's addresses.
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     static_cast<long>(std::clamp<std::int64_t>(
                         request_.limits.connect_ns / kMillisecond, 1, INT_MAX)));
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &Transfer::on_moved);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
    curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, &Transfer::on_connected);
    curl_easy_setopt(easy, CURLOPT_PREREQDATA, this);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header_line);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_piece);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    follows_ = (get || head) && request_.redirects_max > 0;
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, follows_ ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, static_cast<long>(request_.redirects_max));
    if (curl_easy_setopt(easy, CURLOPT_USERAGENT, kAgent) != CURLE_OK) return false;
    if (curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str()) != CURLE_OK) return false;
    if (!request_.ca_file.empty() &&
        curl_easy_setopt(easy, CURLOPT_CAINFO, request_.ca_file.c_str()) != CURLE_OK) {
      return false;
    }
    const bool usually_has_body =
        request_.method == "POST" || request_.method == "PUT" || request_.method == "PATCH";
    const char* own_method = "GET";
    if (head) {
      own_method = "HEAD";
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    } else if (!request_.body.empty() || usually_has_body) {
      own_method = "POST";
      curl_easy_setopt(easy, CURLOPT_POST, 1L);
      curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.empty() ? "" : request_.body.data());
      curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE,
                       static_cast<curl_off_t>(request_.body.size()));
    } else {
      curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L);
    }
    if (request_.method != own_method &&
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str()) != CURLE_OK) {
      return false;
    }
    return set_headers();
  }

  bool set_headers() {
    for (const HttpHeader& header : request_.headers) {
      // A colon without a value would take a field out.
      const std::string line =
          header.value.empty() ? header.name + ";" : header.name + ": " + header.value;
      if (!append(fields_, line)) return false;
    }
    // What libcurl would add: a type that is none of ours, and a wait of up to a second for leave
    // to send a large body.
    for (const char* name : {"Content-Type", "Expect"}) {
      if (find_header(request_.headers, name) == nullptr &&
          !append(fields_, std::string(name) + ":")) {
        return false;
      }
    }
    return curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, fields_.get()) == CURLE_OK;
  }

  void perform(CURLM* multi) {
    for (;;) {
      int running = 0;
      const CURLMcode code = curl_multi_perform(multi, &running);
      if (code != CURLM_OK) {
        fail(HttpError::kFailed, curl_multi_strerror(code));
        return;
      }
      if (running == 0) {
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi, &left)) {
          if (message->msg == CURLMSG_DONE) finish(message->data.result);
        }
        return;
      }
      if (stop_.stop_requested()) {
        cancelled();
        return;
      }
      const std::int64_t wait_ns = check_limits(clock_.now_ns());
      if (response_.error != HttpError::kNone) return;
      const std::int64_t ms =
          wait_ns == kNever ? INT_MAX : std::min(wait_ns, kLookNs) / kMillisecond + 1;
      curl_multi_poll(multi, nullptr, 0, static_cast<int>(ms), nullptr);
    }
  }

  // How long until the first of them passes; kNever: there is none.
  std::int64_t check_limits(std::int64_t now) {
    const HttpLimits& limits = request_.limits;
    std::int64_t first = kNever;
    const auto look = [&](std::int64_t from_ns, std::int64_t limit_ns, const char* what) {
      if (limit_ns == kNever) return;
      const std::int64_t left = deadline_after(from_ns, limit_ns) - now;
      first = std::min(first, left);
      if (left <= 0 && response_.error == HttpError::kNone) {
        fail(HttpError::kTimedOut, std::string("expected ") + what + " within " +
                                       time_text(limit_ns) + ", found " + far());
      }
    };
    if (!connected_) look(began_ns_, limits.connect_ns, "a connection");
    look(began_ns_, limits.total_ns, "a whole answer");
    look(moved_ns_, limits.stall_ns, "the next byte");
    return first;
  }

  // How far it came, for messages.
  std::string far() const {
    if (!connected_) return "none";
    if (!headed_) return "no answer";
    return "status " + std::to_string(head_.status) + " and " + std::to_string(received_) +
           " bytes of its body" +
           (head_.body_bytes ? " of " + std::to_string(*head_.body_bytes) : std::string());
  }

  void finish(CURLcode code) {
    if (code == CURLE_OK) {
      take_head();
      response_.elapsed_ns = clock_.now_ns() - began_ns_;
      return;
    }
    if (stop_.stop_requested()) {
      cancelled();
    } else if (why_ != HttpError::kNone) {
      fail(why_, why_text_);
    } else if (code == CURLE_OPERATION_TIMEDOUT) {
      fail(HttpError::kTimedOut, "expected a connection within " +
                                     time_text(request_.limits.connect_ns) + ", found none");
    } else {
      const HttpError error = error_of(code);
      std::string text = "expected " + std::string(expected_instead(error)) + ", found ";
      if (error == HttpError::kCutShort) text += "an end of the connection after " + far() + ": ";
      fail(error, text + (detail_[0] != '\0' ? detail_ : curl_easy_strerror(code)));
    }
  }

  void take_head() {
    if (!headed_) return;
    response_.status = head_.status;
    response_.headers = std::move(head_.headers);
    if (const std::string* after = find_header(response_.headers, "Retry-After")) {
      response_.retry_after_ns = http_retry_after_ns(*after, clock_.wall_us());
    }
  }

  HttpResponse cancelled() { return fail(HttpError::kCancelled, "cancelled"); }

  HttpResponse fail(HttpError error, std::string_view text) {
    response_.error = error;
    response_.message =
        error == HttpError::kBadRequest
            ? std::string(text)
            : request_.method + " " + http_url_shown(request_.url) + ": " + std::string(text);
    take_head();
    response_.elapsed_ns = clock_.now_ns() - began_ns_;
    return response_;
  }

  // Of a callback: what to end the request with. The first reason counts.
  bool end_with(HttpError error, std::string text) {
    if (why_ == HttpError::kNone) {
      why_ = error;
      why_text_ = std::move(text);
    }
    return false;
  }

  // Nothing is thrown through libcurl.
  template <class Call>
  bool guarded(Call call) {
    try {
      return call();
    } catch (const std::exception& error) {
      return end_with(HttpError::kFailed, std::string("a callback threw: ") + error.what());
    } catch (...) {
      return end_with(HttpError::kFailed, "a callback threw");
    }
  }

  static int on_connected(void* self, char*, char*, int, int) {
    auto& transfer = *static_cast<Transfer*>(self);
    const bool go_on = transfer.guarded([&] {
      if (std::exchange(transfer.connected_, true)) return true;  // a redirect
      transfer.moved_ns_ = transfer.clock_.now_ns();
      if (transfer.request_.events.on_request) transfer.request_.events.on_request();
      return true;
    });
    return go_on ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
  }

  static std::size_t on_header_line(char* data, std::size_t, std::size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    return transfer.guarded([&] { return transfer.take_line({data, size}); }) ? size : 0;
  }

  bool take_line(std::string_view line) {
    moved_ns_ = clock_.now_ns();
    if (headed_) return true;  // a trailer
    head_bytes_ += line.size();
    if (head_bytes_ > request_.limits.headers_bytes_max) {
      return end_with(HttpError::kTooLarge, "expected headers of up to " +
                                                std::to_string(request_.limits.headers_bytes_max) +
                                                " bytes, found more");
    }
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) return end_head();
    if (line.starts_with("HTTP/")) {
      head_.headers.clear();
      return true;
    }
    const std::size_t colon = line.find(':');
    if (colon == line.npos) return true;  // libcurl has read on over it
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    head_.headers.push_back({std::string(line.substr(0, colon)), std::string(value)});
    return true;
  }

  bool end_head() {
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    const bool interim = status < 200;
    const bool redirect = follows_ && status >= 300 && status < 400 &&
                          find_header(head_.headers, "Location") != nullptr;
    if (interim || redirect) return true;
    headed_ = true;
    head_.status = static_cast<int>(status);
    // By the field itself: libcurl counts it when this call has returned.
    const std::string* length = find_header(head_.headers, "Content-Length");
    if (length != nullptr && find_header(head_.headers, "Transfer-Encoding") == nullptr) {
      std::uint64_t bytes = 0;
      const auto [end, bad] =
          std::from_chars(length->data(), length->data() + length->size(), bytes);
      if (bad == std::errc() && end == length->data() + length->size()) head_.body_bytes = bytes;
    }
    if (request_.method != "HEAD" && head_.body_bytes &&
        *head_.body_bytes > request_.limits.body_bytes_max) {
      return too_large(std::to_string(*head_.body_bytes));
    }
    if (request_.events.on_head) request_.events.on_head(head_);
    return true;
  }

  bool too_large(const std::string& found) {
    return end_with(HttpError::kTooLarge, "expected an answer of up to " +
                                              std::to_string(request_.limits.body_bytes_max) +
                                              " bytes, found " + found);
  }

  static std::size_t on_piece(char* data, std::size_t, std::size_t size, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    return transfer.guarded([&] {
      return transfer.take_piece({data, size});
    })
               ? size
               : CURL_WRITEFUNC_ERROR;
  }

  bool take_piece(std::string_view piece) {
    moved_ns_ = clock_.now_ns();
    if (stop_.stop_requested()) return false;
    received_ += piece.size();
    if (received_ > request_.limits.body_bytes_max) return too_large("more");
    if (request_.events.on_body) {
      request_.events.on_body(piece);
    } else {
      response_.body += piece;
    }
    // libcurl itself tells once for all that has come meanwhile.
    return take_progress(progress_.sent, received_);
  }

  static int on_moved(void* self, curl_off_t, curl_off_t down, curl_off_t, curl_off_t up) {
    auto& transfer = *static_cast<Transfer*>(self);
    return transfer.guarded([&] {
      return transfer.take_progress(static_cast<std::uint64_t>(up),
                                    static_cast<std::uint64_t>(down));
    })
               ? 0
               : 1;
  }

  bool take_progress(std::uint64_t sent, std::uint64_t received) {
    if (sent == progress_.sent && received == progress_.received) return true;
    moved_ns_ = clock_.now_ns();
    progress_ = {sent, received, head_.body_bytes};
    if (request_.events.on_progress) request_.events.on_progress(progress_);
    return true;
  }

  const Clock& clock_;
  const HttpRequest& request_;
  const std::stop_token stop_;
  const std::int64_t began_ns_;
  std::int64_t moved_ns_;
  CURL* easy_ = nullptr;
  List fields_;
  bool follows_ = false;
  bool connected_ = false;
  bool headed_ = false;
  std::uint64_t head_bytes_ = 0;
  std::uint64_t received_ = 0;
  HttpProgress progress_;
  HttpHead head_;
  HttpError why_ = HttpError::kNone;
  std::string why_text_;
  HttpResponse response_;
  char detail_[CURL_ERROR_SIZE] = {};
};

}  // namespace

HttpResponse transfer(const Clock& clock, const HttpRequest& request, std::stop_token stop,
                      CURLM* multi, CURL* easy) {
  return Transfer(clock, request, std::move(stop)).run(multi, easy);
}

}  // namespace mayfly
