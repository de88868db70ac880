// ScriptedTransport: a collector that answers as a test says, without a network.
//
// Requests that have no reply in the script are answered with 200. THREADS  Any.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/otlp/transport.h"

namespace mayfly::testing {

class ScriptedTransport final : public otlp::Transport {
 public:
  // One request.
  struct Seen {
    otlp::Kind kind;
    std::string body;
  };

  // For the next request that has none.
  void answer(otlp::Reply reply) {
    const std::lock_guard lock(mutex_);
    replies_.push_back(std::move(reply));
  }
  void answer(int status, std::string body = {}) {
    otlp::Reply reply;
    reply.status = status;
    reply.body = std::move(body);
    answer(std::move(reply));
  }
  // Requests that come wait until resume(), or until they are stopped.
  void hang() {
    const std::lock_guard lock(mutex_);
    hanging_ = true;
  }
  void resume() {
    const std::lock_guard lock(mutex_);
    hanging_ = false;
    changed_.notify_all();
  }
  // Waits until so many have come.
  void wait_for(std::size_t requests) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return seen_.size() >= requests; });
  }
  std::vector<Seen> seen() const {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  std::size_t count() const { return seen().size(); }
  // Of all requests of a kind, one a line.
  std::string bodies(otlp::Kind kind) const {
    std::string all;
    for (const Seen& one : seen()) {
      if (one.kind == kind) all += one.body + '\n';
    }
    return all;
  }

  otlp::Reply post(const otlp::Post& post, std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    seen_.push_back({post.kind, std::string(post.body)});
    changed_.notify_all();
    changed_.wait(lock, stop, [this] { return !hanging_; });
    otlp::Reply reply;
    if (hanging_) {
      reply.word = "cancelled";
      return reply;
    }
    reply.status = 200;
    if (!replies_.empty()) {
      reply = std::move(replies_.front());
      replies_.pop_front();
    }
    return reply;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool hanging_ = false;
  std::deque<otlp::Reply> replies_;
  std::vector<Seen> seen_;
};

}  // namespace mayfly::testing
