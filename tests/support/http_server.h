// HttpServer: a real HTTP/1.1 server on loopback that answers as a test says, well or badly.
//
//   HttpServer server;
//   server.answer({.status = 429, .headers = {{"Retry-After", "2"}}});   // the first request
//   server.answer({.body = text, .cut_after = 100});                     // the second: half of it
//   server.answer_rest({.status = 200});                                 // all others
//   ... server.url("/things") ...
//   CHECK(server.wait_for_requests(2)[1].body == ...);
//
// Plain sockets, a port that the kernel chooses, one thread for all connections, no sleeping: what
// is to be late waits until the test lets it go. Knows requests with Content-Length or without a
// body.
//
// THREADS  Any may call anything. A wait of more than a minute fails the test.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace mayfly::testing {

using HttpFields = std::vector<std::pair<std::string, std::string>>;

// How the end of an answer's body is told.
enum class HttpFraming : std::uint8_t { kLength, kChunked, kUntilClose };

// One answer.
struct HttpAnswer {
  int status = 200;
  HttpFields headers = {};
  std::string body = {};
  HttpFraming framing = HttpFraming::kLength;
  bool silent = false;  // nothing is sent until let_go(), not even the status
  std::optional<std::size_t> hold_after = {};  // so many bytes of the body, the rest at let_go()
  std::optional<std::size_t> cut_after = {};   // so many, then the connection is closed
  bool hang_up = false;                        // closes without a byte of an answer
  bool close = false;                          // after the answer
  std::string raw = {};                        // sent as it is in place of an answer, then closed
};

// What came.
struct HttpReceived {
  std::string method;
  std::string target;  // "/path?query"
  HttpFields headers;
  std::string body;
  std::uint64_t connection = 0;  // number of the connection it came by, from 0

  // The value of the first field of that name, in any case; empty: there is none.
  std::string header(std::string_view name) const;
};

class HttpServer {
 public:
  HttpServer();
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // For the next request that has none.
  void answer(HttpAnswer answer);
  // For all beyond those; 200 without a body until then.
  void answer_rest(HttpAnswer answer);
  // Decides for each instead, on the server's thread.
  void answer_by(std::function<HttpAnswer(const HttpReceived&)> decide);
  // Sent to each new connection at once, in place of any answer; then it is closed.
  void greet(std::string text);

  // What waits, by silent or hold_after, goes on; later answers don't wait at all.
  void let_go();
  // The connections are reset and the port is closed, as if the server was killed.
  void kill();
  // Listens on the same port again.
  void revive();

  std::uint16_t port() const { return port_; }
  std::string url(std::string_view target = "/") const;

  std::vector<HttpReceived> requests() const;
  // Waits until so many requests have come whole; all there are.
  std::vector<HttpReceived> wait_for_requests(std::size_t count) const;
  // Waits until so many connections of those that came were closed by the other side.
  void wait_for_hang_ups(std::size_t count) const;

 private:
  struct Connection {
    std::uint64_t number = 0;
    std::string in;
    std::string out;
    std::size_t sent = 0;
    std::size_t hold_at = SIZE_MAX;  // of `out`
    bool close_at_end = false;
    bool answering = false;
  };
  using Connections = std::map<int, Connection>;

  void run();
  void accept_all();
  // False: the connection has ended.
  bool read_from(int fd, Connection& connection);
  bool write_to(int fd, Connection& connection);
  bool take_request(Connection& connection);
  void begin_answer(Connection& connection, bool head, const HttpAnswer& answer);
  HttpAnswer next_answer(const HttpReceived& received);
  void wake() const;
  void listen_on(std::uint16_t port);
  template <class Met>
  void wait_until(Met met) const;

  std::uint16_t port_ = 0;
  int wake_fd_ = -1;
  int listener_ = -1;        // the thread's, but at the beginning
  Connections connections_;  // the thread's

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::deque<HttpAnswer> answers_;
  HttpAnswer rest_;
  std::function<HttpAnswer(const HttpReceived&)> decide_;
  std::string greeting_;
  std::vector<HttpReceived> received_;
  std::uint64_t connections_taken_ = 0;
  std::size_t hang_ups_ = 0;
  bool let_go_ = false;
  bool ends_ = false;
  bool wants_alive_ = true;
  bool alive_ = true;
  std::thread thread_;
};

}  // namespace mayfly::testing
