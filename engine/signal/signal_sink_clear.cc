// SignalSink: clearing, drain requests, and the size of the window.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/signal/signal_query.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\f\v") == std::string_view::npos;
}

Status expected(const char* what, std::string_view found) {
  return {Code::kUsage,
          std::string("signal sink: expected ") + what + ", found '" + std::string(found) + "'"};
}

}  // namespace

// In place, one record after the other: nobody sees the others move or vanish.
std::size_t SignalSink::remove_those(const std::string_view* glob,
                                     std::span<const OperationId> operations, bool by_operation,
                                     FunctionRef<bool(const FoundRecord&)> chosen) {
  const bool heard = removals_are_heard();
  std::vector<Signal> removed;
  std::size_t total = 0;
  const RecordQuery query{.glob = glob, .by_operation = by_operation, .operations = operations};
  visit_once(query, [&](const FoundRecord& found) {
    if (!chosen(found)) return true;
    if (!found.range->shard->retract(found.position, found.tag)) return true;
    ++total;
    if (heard)
      removed.push_back(
          {std::string(found.name), found.at_ns, sequence_of(found), found.operation});
    return true;
  });
  if (!removed.empty()) notify_removed(removed);
  return total;
}

std::size_t SignalSink::clear() {
  const std::size_t removed =
      remove_those(nullptr, {}, false, [](const FoundRecord&) { return true; });
  if (removed > 0) raise("sink.cleared:" + std::to_string(removed));
  return removed;
}

Result<std::size_t> SignalSink::clear_pattern(std::string_view glob) {
  if (is_blank(glob)) return expected("a pattern to clear", glob);
  const std::size_t removed =
      remove_those(&glob, {}, false, [](const FoundRecord&) { return true; });
  if (removed > 0) {
    raise("sink.cleared.pattern:" + std::string(glob) + ":" + std::to_string(removed));
  }
  return removed;
}

Result<std::size_t> SignalSink::clear_matching(
    const std::function<bool(const SignalView&)>& predicate) {
  if (!predicate) return expected("a predicate that says what to clear", "null");
  return remove_those(nullptr, {}, false, [&](const FoundRecord& found) {
    return says_yes(predicate, {found.name, found.at_ns, sequence_of(found), found.operation});
  });
}

std::size_t SignalSink::clear_operation(OperationId operation) {
  if (operation == 0) return 0;
  return remove_those(nullptr, {&operation, 1}, true, [](const FoundRecord&) { return true; });
}

Result<std::size_t> SignalSink::clear_argument(std::string_view argument) {
  if (argument.empty()) return expected("an argument to clear", argument);
  return remove_those(nullptr, {}, false, [&](const FoundRecord& found) {
    return SignalView{found.name}.argument() == argument;
  });
}

void SignalSink::request_drain_all() { raise("coordinator.drain.all"); }

void SignalSink::request_drain(std::uint64_t coordinator) {
  raise("coordinator.drain.id:" + std::to_string(coordinator));
}

Status SignalSink::request_drain_pattern(std::string_view glob) {
  if (is_blank(glob)) return expected("a pattern of coordinators to drain", glob);
  raise("coordinator.drain.pattern:" + std::string(glob));
  return Status::success();
}

std::size_t SignalSink::request_drain_and_clear() {
  const std::size_t removed = clear();
  request_drain_all();
  return removed;
}

void SignalSink::set_capacity(std::int64_t capacity) {
  // A signal may ask for any number: it doesn't get all memory.
  const auto most = static_cast<std::int64_t>(std::max(kCapacityMax, options_.capacity));
  const auto wanted = static_cast<std::size_t>(std::clamp<std::int64_t>(capacity, 1, most));
  window_.set_capacity(wanted, oldest_ns());
}

void SignalSink::set_max_age(std::int64_t max_age_ns) {
  if (max_age_ns <= 0) return;
  // What has aged doesn't come back.
  if (max_age_ns > this->max_age_ns()) window_.settle(oldest_ns());
  max_age_ns_.store(max_age_ns, std::memory_order_release);
}

void SignalSink::resize(std::int64_t capacity, std::int64_t max_age_ns) {
  set_capacity(capacity);
  set_max_age(max_age_ns);
}

}  // namespace mayfly
