#include "tests/support/http_server.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>

namespace mayfly::testing {
namespace {

constexpr std::size_t kChunkBytes = 1000;

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::string hex(std::size_t number) {
  char digits[16];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, number, 16);
  return {digits, end};
}

// A reset in place of an orderly end.
void close_at_once(int fd) {
  const linger now{.l_onoff = 1, .l_linger = 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(fd);
}

bool would_block() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

std::string head_of(const HttpAnswer& answer) {
  std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " As Told\r\n";
  for (const auto& [name, value] : answer.headers) head += name + ": " + value + "\r\n";
  const bool may_have_body = answer.status != 204 && answer.status != 304;
  if (answer.framing == HttpFraming::kLength && may_have_body) {
    head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
  } else if (answer.framing == HttpFraming::kChunked) {
    head += "Transfer-Encoding: chunked\r\n";
  }
  return head + "\r\n";
}

// The body from `begin` to `end`, as it goes over the wire.
std::string framed(const HttpAnswer& answer, std::size_t begin, std::size_t end) {
  if (answer.framing != HttpFraming::kChunked) return answer.body.substr(begin, end - begin);
  std::string text;
  for (std::size_t at = begin; at < end; at += kChunkBytes) {
    const std::string chunk = answer.body.substr(at, std::min(kChunkBytes, end - at));
    text += hex(chunk.size()) + "\r\n" + chunk + "\r\n";
  }
  return text;
}

}  // namespace

std::string HttpReceived::header(std::string_view name) const {
  for (const auto& [key, value] : headers) {
    if (same_name(key, name)) return value;
  }
  return {};
}

HttpServer::HttpServer() {
  wake_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  REQUIRE(wake_fd_ >= 0);
  listen_on(0);
  thread_ = std::thread([this] { run(); });
}

HttpServer::~HttpServer() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  wake();
  thread_.join();
  close(wake_fd_);
}

void HttpServer::listen_on(std::uint16_t port) {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  REQUIRE(listener_ >= 0);
  const int on = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  REQUIRE(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  REQUIRE(listen(listener_, 64) == 0);
  socklen_t size = sizeof address;
  REQUIRE(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
}

std::string HttpServer::url(std::string_view target) const {
  return "http://127.0.0.1:" + std::to_string(port_) + std::string(target);
}

void HttpServer::answer(HttpAnswer answer) {
  const std::lock_guard lock(mutex_);
  answers_.push_back(std::move(answer));
}

void HttpServer::answer_rest(HttpAnswer answer) {
  const std::lock_guard lock(mutex_);
  rest_ = std::move(answer);
}

void HttpServer::answer_by(std::function<HttpAnswer(const HttpReceived&)> decide) {
  const std::lock_guard lock(mutex_);
  decide_ = std::move(decide);
}

void HttpServer::greet(std::string text) {
  const std::lock_guard lock(mutex_);
  greeting_ = std::move(text);
}

void HttpServer::let_go() {
  {
    const std::lock_guard lock(mutex_);
    let_go_ = true;
  }
  wake();
}

void HttpServer::kill() {
  {
    const std::lock_guard lock(mutex_);
    wants_alive_ = false;
  }
  wake();
  wait_until([this] { return !alive_; });
}

void HttpServer::revive() {
  {
    const std::lock_guard lock(mutex_);
    wants_alive_ = true;
  }
  wake();
  wait_until([this] { return alive_; });
}

std::vector<HttpReceived> HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

std::vector<HttpReceived> HttpServer::wait_for_requests(std::size_t count) const {
  wait_until([&] { return received_.size() >= count; });
  return requests();
}

void HttpServer::wait_for_hang_ups(std::size_t count) const {
  wait_until([&] { return hang_ups_ >= count; });
}

template <class Met>
void HttpServer::wait_until(Met met) const {
  std::unique_lock lock(mutex_);
  REQUIRE_MESSAGE(changed_.wait_for(lock, std::chrono::minutes(1), met),
                  "the server waited a minute; requests so far: " << received_.size());
}

void HttpServer::wake() const {
  const std::uint64_t one = 1;
  // It can only be full of wake-ups.
  [[maybe_unused]] const ssize_t written = write(wake_fd_, &one, sizeof one);
}

void HttpServer::run() {
  for (;;) {
    bool let_go = false;
    {
      const std::lock_guard lock(mutex_);
      if (ends_ || !wants_alive_) {
        for (const auto& [fd, connection] : connections_) close_at_once(fd);
        connections_.clear();
        if (listener_ >= 0) close(listener_);
        listener_ = -1;
        alive_ = false;
        changed_.notify_all();
        if (ends_) return;
      } else if (listener_ < 0) {
        listen_on(port_);
        alive_ = true;
        changed_.notify_all();
      }
      let_go = let_go_;
    }
    std::vector<pollfd> fds = {{wake_fd_, POLLIN, 0}};
    if (listener_ >= 0) fds.push_back({listener_, POLLIN, 0});
    const std::size_t first = fds.size();
    for (auto& [fd, connection] : connections_) {
      if (let_go) connection.hold_at = SIZE_MAX;
      const std::size_t may = std::min(connection.out.size(), connection.hold_at);
      const bool writes = connection.answering && (connection.sent < may || let_go);
      fds.push_back({fd, static_cast<short>(writes ? POLLIN | POLLOUT : POLLIN), 0});
    }
    if (poll(fds.data(), fds.size(), -1) < 0) continue;
    if (fds[0].revents != 0) {
      std::uint64_t count = 0;
      [[maybe_unused]] const ssize_t got = read(wake_fd_, &count, sizeof count);
    }
    for (std::size_t i = first; i < fds.size(); ++i) {
      if (fds[i].revents == 0) continue;
      const int fd = fds[i].fd;
      Connection& connection = connections_.at(fd);
      bool lives = true;
      if ((fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) lives = read_from(fd, connection);
      if (lives && connection.answering) lives = write_to(fd, connection);
      if (!lives) {
        close(fd);
        connections_.erase(fd);
      }
    }
    if (first > 1 && fds[1].revents != 0) accept_all();
  }
}

void HttpServer::accept_all() {
  for (;;) {
    const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) return;
    Connection& connection = connections_[fd];
    connection.number = connections_taken_++;
    const std::lock_guard lock(mutex_);
    if (greeting_.empty()) continue;
    connection.out = greeting_;
    connection.answering = true;
    connection.close_at_end = true;
  }
}

bool HttpServer::read_from(int fd, Connection& connection) {
  char bytes[16384];
  for (;;) {
    const ssize_t got = recv(fd, bytes, sizeof bytes, 0);
    if (got > 0) {
      connection.in.append(bytes, static_cast<std::size_t>(got));
      continue;
    }
    if (got < 0 && would_block()) break;
    const std::lock_guard lock(mutex_);
    ++hang_ups_;
    changed_.notify_all();
    return false;
  }
  while (!connection.answering && take_request(connection)) {
  }
  return true;
}

bool HttpServer::take_request(Connection& connection) {
  const std::size_t end = connection.in.find("\r\n\r\n");
  if (end == std::string::npos) return false;
  HttpReceived received;
  received.connection = connection.number;
  std::string_view head = std::string_view(connection.in).substr(0, end);
  const auto line = [&] {
    const std::size_t at = std::min(head.find("\r\n"), head.size());
    const std::string_view one = head.substr(0, at);
    head.remove_prefix(std::min(at + 2, head.size()));
    return one;
  };
  const std::string_view request = line();
  const std::size_t space = request.find(' ');
  received.method = request.substr(0, space);
  received.target = request.substr(space + 1, request.rfind(' ') - space - 1);
  while (!head.empty()) {
    const std::string_view field = line();
    const std::size_t colon = field.find(':');
    received.headers.emplace_back(
        field.substr(0, colon),
        field.substr(std::min(field.find_first_not_of(' ', colon + 1), field.size())));
  }
  std::size_t length = 0;
  const std::string text = received.header("Content-Length");
  std::from_chars(text.data(), text.data() + text.size(), length);
  if (connection.in.size() < end + 4 + length) return false;
  received.body = connection.in.substr(end + 4, length);
  connection.in.erase(0, end + 4 + length);
  begin_answer(connection, received.method == "HEAD", next_answer(received));
  {
    const std::lock_guard lock(mutex_);
    received_.push_back(std::move(received));
    changed_.notify_all();
  }
  return true;
}

HttpAnswer HttpServer::next_answer(const HttpReceived& received) {
  std::function<HttpAnswer(const HttpReceived&)> decide;
  {
    const std::lock_guard lock(mutex_);
    if (!decide_) {
      if (answers_.empty()) return rest_;
      HttpAnswer next = std::move(answers_.front());
      answers_.pop_front();
      return next;
    }
    decide = decide_;
  }
  return decide(received);
}

void HttpServer::begin_answer(Connection& connection, bool head, const HttpAnswer& answer) {
  connection.answering = true;
  connection.sent = 0;
  connection.hold_at = SIZE_MAX;
  connection.close_at_end = answer.close || answer.hang_up || answer.cut_after.has_value() ||
                            answer.framing == HttpFraming::kUntilClose || !answer.raw.empty();
  connection.out.clear();
  if (answer.silent) connection.hold_at = 0;
  if (answer.hang_up) return;
  if (!answer.raw.empty()) {
    connection.out = answer.raw;
    return;
  }
  connection.out = head_of(answer);
  if (head) return;
  const std::size_t end = std::min(answer.cut_after.value_or(SIZE_MAX), answer.body.size());
  const std::size_t held = std::min(answer.hold_after.value_or(0), end);
  connection.out += framed(answer, 0, held);
  if (answer.hold_after && !answer.silent) connection.hold_at = connection.out.size();
  connection.out += framed(answer, held, end);
  if (answer.framing == HttpFraming::kChunked && !answer.cut_after) connection.out += "0\r\n\r\n";
}

bool HttpServer::write_to(int fd, Connection& connection) {
  {
    const std::lock_guard lock(mutex_);
    if (let_go_) connection.hold_at = SIZE_MAX;
  }
  const std::size_t may = std::min(connection.out.size(), connection.hold_at);
  while (connection.sent < may) {
    const ssize_t put =
        send(fd, connection.out.data() + connection.sent, may - connection.sent, MSG_NOSIGNAL);
    if (put < 0) return would_block();
    connection.sent += static_cast<std::size_t>(put);
  }
  // What waits isn't at its end, though it may have sent all that there is.
  if (connection.hold_at != SIZE_MAX || connection.sent < connection.out.size()) return true;
  if (connection.close_at_end) return false;
  connection.answering = false;
  while (!connection.answering && take_request(connection)) {
  }
  return true;
}

}  // namespace mayfly::testing
