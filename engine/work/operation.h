// Operation: what a body gets of the work it carries out. It raises signals in the operation's
// name, and learns that it is to stop.
//
// OWNERSHIP  Belongs to whoever runs the body; valid during the call, also after the body's time
//            limit has passed.
// THREADS    The body's thread and those it starts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stop_token>
#include <string_view>

#include "mayfly/base/operation_id.h"

namespace mayfly {

// Who runs bodies. None of it throws.
class OperationHost {
 public:
  virtual void raise(OperationId operation, std::string_view name) = 0;
  virtual std::size_t retract(OperationId operation, std::string_view name) = 0;
  virtual std::size_t retract_matching(OperationId operation, std::string_view glob) = 0;
  virtual bool stop_requested() const = 0;
  // Allocates at its first call for an operation.
  virtual std::stop_token stop_token() = 0;

 protected:
  ~OperationHost() = default;
};

class Operation {
 public:
  Operation(OperationHost& host, OperationId id, std::string_view key, std::int64_t enqueued_ns,
            std::int64_t started_ns)
      : host_(host), id_(id), key_(key), enqueued_ns_(enqueued_ns), started_ns_(started_ns) {}
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  OperationId id() const { return id_; }
  // The text of its key; empty without one.
  std::string_view key() const { return key_; }
  std::int64_t enqueued_ns() const { return enqueued_ns_; }
  std::int64_t started_ns() const { return started_ns_; }

  // A signal with this operation's id: first on the operation, then on the coordinator's sink and
  // its listeners. After the time limit it does nothing.
  void raise(std::string_view name) { host_.raise(id_, name); }
  // Takes back this operation's raises of exactly this name, or of all that match a glob. Returns
  // how many.
  std::size_t retract(std::string_view name) { return host_.retract(id_, name); }
  std::size_t retract_matching(std::string_view glob) { return host_.retract_matching(id_, glob); }

  // The coordinator was cancelled, or the time limit has passed: return soon.
  bool stop_requested() const { return host_.stop_requested(); }
  std::stop_token stop_token() { return host_.stop_token(); }

 private:
  OperationHost& host_;
  const OperationId id_;
  const std::string_view key_;
  const std::int64_t enqueued_ns_;
  const std::int64_t started_ns_;
};

}  // namespace mayfly
