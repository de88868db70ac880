// MemoryTransport: keeps the newest requests in place of sending them, for tests and for looking.
//
// Every request is taken. THREADS  Any.
#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/otlp/transport.h"

namespace mayfly::otlp {

class MemoryTransport final : public Transport {
 public:
  // One request.
  struct Kept {
    Kind kind = Kind::kLogs;
    std::string body;
  };

  explicit MemoryTransport(std::size_t requests_max = 1000) : max_(requests_max) {}

  Reply post(const Post& post, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    kept_.push_back({post.kind, std::string(post.body)});
    if (kept_.size() > max_) kept_.pop_front();
    Reply reply;
    reply.status = 200;
    return reply;
  }

  // Oldest first.
  std::vector<Kept> requests() const {
    const std::lock_guard lock(mutex_);
    return {kept_.begin(), kept_.end()};
  }
  std::vector<std::string> bodies(Kind kind) const {
    std::vector<std::string> bodies;
    for (Kept& kept : requests()) {
      if (kept.kind == kind) bodies.push_back(std::move(kept.body));
    }
    return bodies;
  }

 private:
  const std::size_t max_;
  mutable std::mutex mutex_;
  std::deque<Kept> kept_;
};

}  // namespace mayfly::otlp
