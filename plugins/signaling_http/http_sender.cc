#include "http_sender.h"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>

#include "mayfly/base/thread_name.h"

namespace mayfly {
namespace {

// Of an answer, for the log: servers say in it what they didn't like.
constexpr std::size_t kAnswerKept = 256;

}  // namespace

HttpSender::HttpSender(HttpSenderOptions options, std::function<void()> answered)
    : options_(std::move(options)), answered_(std::move(answered)) {}

HttpSender::~HttpSender() {
  // All of them first: each joins in turn.
  for (std::jthread& thread : threads_) thread.request_stop();
  threads_.clear();
}

void HttpSender::start() {
  threads_.reserve(options_.threads);
  for (std::size_t i = 0; i < options_.threads; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { run(stop); });
  }
}

void HttpSender::send(HttpBody body) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(std::move(body));
  changed_.notify_one();
}

std::vector<HttpAnswered> HttpSender::fetch() {
  const std::lock_guard lock(mutex_);
  return std::exchange(done_, {});
}

HttpResponse HttpSender::attempt(HttpClient& client, const std::string& text,
                                 const std::stop_token& stop) const {
  try {
    std::string beginning;
    HttpResponse response =
        client.send({.method = options_.method,
                     .url = options_.url,
                     .headers = options_.headers,
                     .body = text,
                     .limits = options_.limits,
                     .ca_file = options_.ca_file,
                     .events = {.on_body =
                                    [&](std::string_view piece) {
                                      beginning += piece.substr(0, kAnswerKept - beginning.size());
                                    }}},
                    stop);
    response.body = std::move(beginning);
    return response;
  } catch (const std::exception& error) {
    // No memory, say. The request counts as failed, and the thread goes on.
    HttpResponse failed;
    failed.error = HttpError::kFailed;
    failed.message = error.what();
    return failed;
  }
}

void HttpSender::run(const std::stop_token& stop) {
  name_this_thread("mayfly-http");
  HttpClient client(clock_);
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return !waiting_.empty(); })) {
    HttpBody body = std::move(waiting_.front());
    waiting_.erase(waiting_.begin());
    lock.unlock();
    HttpResponse response = attempt(client, body.text, stop);
    if (stop.stop_requested()) return;
    body.text.clear();
    lock.lock();
    done_.push_back({body.number, std::move(body.text), std::move(response)});
    lock.unlock();
    answered_();
    lock.lock();
  }
}

}  // namespace mayfly
