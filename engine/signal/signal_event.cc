#include "mayfly/signal/signal_event.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <span>

namespace mayfly {
namespace {

std::string_view digits_of(std::int64_t value, std::span<char, 24> buffer) {
  char* const end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  return {buffer.data(), end};
}

}  // namespace

SignalEvent::SignalEvent(SignalSink* sink, std::string_view stem, const RaisedArgument& argument,
                         OperationId operation, const SignalEvent* cause)
    : sink_(sink), stem_(stem), argument_(argument), operation_(operation), cause_(cause) {
  const SignalEvent* outer = current();
  nesting_ = outer == nullptr ? 1 : outer->nesting_ + 1;
  // A leaf has no path, but what it causes comes from it.
  if (cause != nullptr) depth_ = std::max(cause->depth_, 1u) + 1;
  name_ = argument.present ? std::string_view() : stem_;
}

void SignalEvent::assign(const SignalEvent& other) {
  const std::string_view name = other.name();
  std::shared_ptr<const SignalPath> kept = other.kept_;
  if (other.cause_ != nullptr) kept = std::make_shared<const SignalPath>(other.path());
  name.copy(room(name.size()), name.size());
  stem_ = name_.substr(0, other.stem_.size());
  argument_ = RaisedArgument();
  argument_.present = other.argument_.present;
  if (argument_.present) argument_.text = name_.substr(std::min(stem_.size() + 1, name_.size()));
  sink_ = other.sink_;
  at_ns_ = other.at_ns_;
  operation_ = other.operation_;
  removed_ = other.removed_;
  cause_ = nullptr;
  kept_ = std::move(kept);
  depth_ = other.depth_;
  nesting_ = 0;
  kind_ = other.kind_;
}

// Where a name of this size goes; name_ is then that place.
char* SignalEvent::room(std::size_t bytes) const {
  char* to = short_name_;
  if (bytes > kNameBytes) {
    long_name_.resize(bytes);
    to = long_name_.data();
  }
  name_ = {to, bytes};
  return to;
}

void SignalEvent::compose() const {
  std::array<std::string_view, 7> parts = {stem_, ":", argument_.text};
  std::array<std::array<char, 24>, 2> digits;
  if (const IntegerArgument* integers = argument_.integers) {
    parts[2] = digits_of(integers->a, digits[0]);
    parts[3] = integers->a_unit;
    if (integers->has_b) {
      parts[4] = ":";
      parts[5] = digits_of(integers->b, digits[1]);
      parts[6] = integers->b_unit;
    }
  }
  std::size_t bytes = 0;
  for (const std::string_view part : parts) bytes += part.size();
  char* to = room(bytes);
  for (const std::string_view part : parts) to += part.copy(to, part.size());
}

void SignalEvent::add_steps(SignalPath& path) const {
  std::array<const SignalEvent*, kSignalPathMax> chain;
  std::size_t size = 0;
  const SignalEvent* event = this;
  while (event != nullptr && event->kept_ == nullptr && size < chain.size()) {
    chain[size++] = event;
    event = event->cause_;
  }
  if (event != nullptr && event->kept_ != nullptr) path = *event->kept_;
  while (size > 0) {
    const SignalEvent& step = *chain[--size];
    path.add(step.sink_, step.stem_);
  }
}

SignalPath SignalEvent::path() const {
  SignalPath path;
  if (depth_ > 0) add_steps(path);
  return path;
}

bool SignalEvent::on_path(const SignalSink* sink, std::string_view stem) const {
  for (const SignalEvent* event = this; event != nullptr; event = event->cause_) {
    if (event->kept_ != nullptr) return event->kept_->contains(sink, stem);
    if ((sink == nullptr || event->sink_ == sink) && event->stem_ == stem) return true;
  }
  return false;
}

}  // namespace mayfly
