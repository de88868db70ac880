// HttpSender: threads that send bodies to one URL, and keep the answers until they are fetched.
//
// A thread has one request on its way at a time, over a connection that it keeps. The time that
// limits are counted in is the machine's: what they bound happens outside of the process.
//
// OWNERSHIP  Bodies are moved in, and come back empty with their memory.
// THREADS    start(), send() and fetch(): one thread. `answered` is called by the sender's own,
//            after an answer can be fetched.
// END        The destructor stops what is on its way at once and waits for the threads; what they
//            had isn't answered.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/net/http_client.h"

namespace mayfly {

// Where to, and how.
struct HttpSenderOptions {
  std::string url;
  std::string method;
  std::vector<HttpHeader> headers;
  HttpLimits limits;  // an answer's body is read to its end, and not kept
  std::string ca_file;
  std::size_t threads = 1;
};

// A body and the number it is known by.
struct HttpBody {
  std::uint64_t number = 0;
  std::string text;
};

// What became of one.
struct HttpAnswered {
  std::uint64_t number = 0;
  std::string text;       // empty
  HttpResponse response;  // of its body only the beginning
};

class HttpSender {
 public:
  HttpSender(HttpSenderOptions options, std::function<void()> answered);
  ~HttpSender();
  HttpSender(const HttpSender&) = delete;
  HttpSender& operator=(const HttpSender&) = delete;

  // Throws std::system_error when a thread can't be had.
  void start();
  void send(HttpBody body);
  // Those that were answered since the last time, in the order in which they were.
  std::vector<HttpAnswered> fetch();

 private:
  void run(const std::stop_token& stop);
  HttpResponse attempt(HttpClient& client, const std::string& text,
                       const std::stop_token& stop) const;

  const HttpSenderOptions options_;
  const std::function<void()> answered_;
  const SystemClock clock_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<HttpBody> waiting_;  // the first is sent first
  std::vector<HttpAnswered> done_;
  std::vector<std::jthread> threads_;
};

}  // namespace mayfly
