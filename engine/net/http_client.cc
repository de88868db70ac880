#include "mayfly/net/http_client.h"

#include <curl/curl.h>

#include <utility>

#include "mayfly/net/http_transfer.h"
#include "mayfly/net/sigpipe_guard.h"

#if LIBCURL_VERSION_NUM < 0x075700
#error "expected libcurl 7.87 or newer"
#endif

namespace mayfly {
namespace {

constexpr long kConnectionsKept = 4;

// libcurl counts how often it was set up, and locks while it is; what it made stays until the
// process ends, as what other users of it in the process made may.
bool set_up() {
  static const bool done = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return done;
}

struct FreeMulti {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

}  // namespace

// The easy handle keeps nothing between requests; connections are the multi handle's.
struct HttpClient::Handles {
  std::unique_ptr<CURLM, FreeMulti> multi;
  std::unique_ptr<CURL, FreeEasy> easy;
};

HttpClient::HttpClient(const Clock& clock) : clock_(clock), handles_(std::make_unique<Handles>()) {
  if (!set_up()) return;
  handles_->multi.reset(curl_multi_init());
  handles_->easy.reset(curl_easy_init());
  if (handles_->multi != nullptr) {
    curl_multi_setopt(handles_->multi.get(), CURLMOPT_MAXCONNECTS, kConnectionsKept);
#if LIBCURL_VERSION_NUM >= 0x081400
    // The threads that look up addresses are its own since then, and their end is waited for.
    curl_multi_setopt(handles_->multi.get(), CURLMOPT_QUICK_EXIT, 1L);
#endif
  }
}

HttpClient::~HttpClient() {
  // A kept TLS connection says goodbye when it is closed.
  const SigpipeGuard no_sigpipe;
  handles_->easy.reset();
  handles_->multi.reset();
}

HttpResponse HttpClient::send(const HttpRequest& request, std::stop_token stop) {
  return transfer(clock_, request, std::move(stop), handles_->multi.get(), handles_->easy.get());
}

}  // namespace mayfly
