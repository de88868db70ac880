#include "http_sender.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "tests/support/http_server.h"

namespace mayfly {
namespace {

using testing::HttpServer;

// Counts answers, and waits for them.
class Answers {
 public:
  std::function<void()> counter() {
    return [this] {
      const std::lock_guard lock(mutex_);
      ++count_;
      changed_.notify_all();
    };
  }
  void wait_for(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= count; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

TEST_CASE("http sender: each body is sent once and answered by its number") {
  HttpServer server;
  Answers answers;
  HttpSender sender({.url = server.url(), .method = "POST", .threads = 3}, answers.counter());
  sender.start();
  for (std::uint64_t i = 1; i <= 50; ++i) sender.send({i, std::to_string(i)});
  answers.wait_for(50);
  std::vector<std::uint64_t> numbers;
  for (const HttpAnswered& answered : sender.fetch()) {
    CHECK(answered.response.ok());
    CHECK(answered.text.empty());
    numbers.push_back(answered.number);
  }
  std::ranges::sort(numbers);
  REQUIRE(numbers.size() == 50);
  for (std::uint64_t i = 1; i <= 50; ++i) CHECK(numbers[i - 1] == i);
  CHECK(sender.fetch().empty());
  std::vector<std::string> bodies;
  for (const auto& received : server.requests()) bodies.push_back(received.body);
  CHECK(bodies.size() == 50);
  std::ranges::sort(bodies);
  CHECK(std::ranges::adjacent_find(bodies) == bodies.end());
}

TEST_CASE("http sender: one thread keeps the order, and its connection") {
  HttpServer server;
  Answers answers;
  HttpSender sender({.url = server.url(), .method = "POST"}, answers.counter());
  sender.start();
  for (std::uint64_t i = 1; i <= 9; ++i) sender.send({i, std::to_string(i)});
  answers.wait_for(9);
  const auto received = server.requests();
  for (std::size_t i = 0; i < 9; ++i) {
    CHECK(received.at(i).body == std::to_string(i + 1));
    CHECK(received.at(i).connection == 0);
  }
}

TEST_CASE("http sender: of an answer only the beginning is kept") {
  HttpServer server;
  server.answer({.status = 400, .body = "no" + std::string(100'000, '!')});
  Answers answers;
  HttpSender sender({.url = server.url(), .method = "POST"}, answers.counter());
  sender.start();
  sender.send({1, "x"});
  answers.wait_for(1);
  const std::string body = sender.fetch().at(0).response.body;
  CHECK(body.starts_with("no!"));
  CHECK(body.size() == 256);
}

// Interleavings aimed at: the end comes while threads wait for work, for an answer, and are about
// to take what waits.
TEST_CASE("http sender: its end doesn't wait for answers that never come") {
  HttpServer server;
  server.answer_rest({.silent = true});
  {
    HttpSender sender(
        {.url = server.url(), .method = "POST", .limits = {.total_ns = kNever}, .threads = 4},
        [] { FAIL("answered"); });
    sender.start();
    for (std::uint64_t i = 1; i <= 3; ++i) sender.send({i, "x"});
    server.wait_for_requests(3);
  }
  server.wait_for_hang_ups(3);
  {
    HttpSender sender(
        {.url = server.url(), .method = "POST", .limits = {.total_ns = kNever}, .threads = 2},
        [] {});
    sender.start();
    for (std::uint64_t i = 1; i <= 10; ++i) sender.send({i, "x"});
  }
  const HttpSender never_started({.url = server.url(), .method = "POST"}, [] {});
}

}  // namespace
}  // namespace mayfly
