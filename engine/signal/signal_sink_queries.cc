// SignalSink: asking what is present.
#include <algorithm>
#include <string>
#include <utility>

#include "mayfly/signal/signal_query.h"
#include "mayfly/signal/signal_sink.h"

namespace mayfly {
namespace {

SignalView view_of(const FoundRecord& found) {
  return {found.name, found.at_ns, sequence_of(found), found.operation};
}

Signal copy_of(const FoundRecord& found) {
  return {std::string(found.name), found.at_ns, sequence_of(found), found.operation};
}

}  // namespace

bool SignalSink::any_split(std::string_view name,
                           FunctionRef<bool(const StoredName&)> visit) const {
  StoredName stored;
  if (stems_.find(name, stored.stem) && visit(stored)) return true;
  stored.has_argument = true;
  for (std::size_t colon = name.find(':'); colon != std::string_view::npos;
       colon = name.find(':', colon + 1)) {
    stored.argument = name.substr(colon + 1);
    if (stems_.find(name.substr(0, colon), stored.stem) && visit(stored)) return true;
  }
  if (uninterned_total() == 0) return false;
  return visit(StoredName{kTextStem, true, name});
}

void SignalSink::ask(std::int64_t since_ns, FunctionRef<bool(const WindowView&)> query) const {
  WindowView view;
  window_.ask([&] {
    window_.newest(std::max(oldest_ns(), since_ns), view);
    return query(view) || !window_.overtaken(view);
  });
}

bool SignalSink::visit_view(const WindowView& view, const RecordQuery& query,
                            FunctionRef<bool(const FoundRecord&)> visit) const {
  // After the heads: so it knows every stem that a record of the view can have.
  std::shared_ptr<const CompiledPattern> pattern;
  if (query.glob != nullptr && *query.glob != "*") pattern = patterns_.get(*query.glob);
  return visit_records(view, {pattern.get(), query.by_operation, query.operations}, stems_, visit);
}

bool SignalSink::visit_once(const RecordQuery& query,
                            FunctionRef<bool(const FoundRecord&)> visit) const {
  WindowView view;
  window_.newest(std::max(oldest_ns(), query.since_ns), view);
  return visit_view(view, query, visit);
}

bool SignalSink::visit_all(const RecordQuery& query, FunctionRef<void()> begin,
                           FunctionRef<bool(const FoundRecord&)> visit) const {
  bool to_the_end = true;
  ask(query.since_ns, [&](const WindowView& view) {
    begin();
    to_the_end = visit_view(view, query, visit);
    return !to_the_end;
  });
  return to_the_end;
}

bool SignalSink::detect(std::string_view name) const {
  bool found = false;
  ask(kAlways, [&](const WindowView& view) {
    return found = any_split(name, [&](const StoredName& stored) {
             return std::any_of(view.begin(), view.end(), [&](const WindowRange& range) {
               return contains_name(range, stored);
             });
           });
  });
  return found;
}

bool SignalSink::detect_matching(std::string_view glob, std::int64_t since_ns) const {
  bool found = false;
  ask(since_ns, [&](const WindowView& view) {
    const auto pattern = patterns_.get(glob);
    return found = std::any_of(view.begin(), view.end(), [&](const WindowRange& range) {
             std::uint64_t position = 0;
             std::int64_t at_ns = 0;
             return newest_match(range, range.from, *pattern, stems_, position, at_ns);
           });
  });
  return found;
}

bool SignalSink::detect_if(FunctionRef<bool(const SignalView&)> predicate) const {
  return !visit_all(
      {}, [] {}, [&](const FoundRecord& found) { return !says_yes(predicate, view_of(found)); });
}

bool SignalSink::says_yes(FunctionRef<bool(const SignalView&)> predicate,
                          const SignalView& signal) const {
  try {
    return predicate(signal);
  } catch (...) {
    predicate_failures_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
}

std::vector<Signal> SignalSink::sense(std::string_view glob, std::int64_t since_ns) const {
  std::vector<Signal> signals;
  sense_into(signals, glob, since_ns);  // all of it is new
  return signals;
}

std::span<const Signal> SignalSink::sense_into(std::vector<Signal>& buffer, std::string_view glob,
                                               std::int64_t since_ns) const {
  std::size_t size = 0;
  visit_all(
      {.glob = &glob, .since_ns = since_ns}, [&] { size = 0; },
      [&](const FoundRecord& found) {
        if (size == buffer.size()) buffer.emplace_back();
        Signal& signal = buffer[size++];
        signal.name.assign(found.name);
        signal.at_ns = found.at_ns;
        signal.sequence = sequence_of(found);
        signal.operation = found.operation;
        return true;
      });
  return {buffer.data(), size};
}

std::vector<Signal> SignalSink::sense_if(FunctionRef<bool(const SignalView&)> predicate) const {
  std::vector<Signal> signals;
  visit_all(
      {}, [&] { signals.clear(); },
      [&](const FoundRecord& found) {
        if (says_yes(predicate, view_of(found))) signals.push_back(copy_of(found));
        return true;
      });
  return signals;
}

void SignalSink::visit(std::string_view glob, FunctionRef<bool(const SignalView&)> visitor,
                       std::int64_t since_ns) const {
  visit_once({.glob = &glob, .since_ns = since_ns},
             [&](const FoundRecord& found) { return visitor(view_of(found)); });
}

std::size_t SignalSink::count(std::string_view glob, std::int64_t since_ns) const {
  std::size_t total = 0;
  ask(since_ns, [&](const WindowView& view) {
    const auto pattern = patterns_.get(glob);
    total = 0;
    for (const WindowRange& range : view) total += count_matches(range, *pattern, stems_);
    return false;
  });
  return total;
}

std::size_t SignalSink::count_exact(std::string_view name, std::int64_t since_ns) const {
  std::size_t total = 0;
  ask(since_ns, [&](const WindowView& view) {
    total = 0;
    return any_split(name, [&](const StoredName& stored) {
      for (const WindowRange& range : view) total += count_name(range, stored);
      return false;
    });
  });
  return total;
}

std::size_t SignalSink::count_names(std::int64_t since_ns,
                                    FunctionRef<bool(std::string_view)> chosen) const {
  std::size_t total = 0;
  visit_all(
      {.since_ns = since_ns}, [&] { total = 0; },
      [&](const FoundRecord& found) {
        total += chosen(found.name);
        return true;
      });
  return total;
}

std::size_t SignalSink::count_prefix(std::string_view prefix, std::int64_t since_ns) const {
  return count_names(since_ns, [&](std::string_view name) { return name.starts_with(prefix); });
}

std::size_t SignalSink::count_containing(std::string_view text, std::int64_t since_ns) const {
  return count_names(
      since_ns, [&](std::string_view name) { return name.find(text) != std::string_view::npos; });
}

std::vector<Signal> SignalSink::sense_operation(OperationId operation,
                                                std::string_view glob) const {
  return sense_operations({&operation, 1}, glob);
}

std::vector<Signal> SignalSink::sense_operations(std::span<const OperationId> sorted,
                                                 std::string_view glob) const {
  std::vector<Signal> signals;
  visit_all(
      {.glob = &glob, .by_operation = true, .operations = sorted}, [&] { signals.clear(); },
      [&](const FoundRecord& found) {
        signals.push_back(copy_of(found));
        return true;
      });
  return signals;
}

std::optional<OperationSummary> SignalSink::operation_summary(OperationId operation) const {
  OperationSummary summary;
  visit_all(
      {.by_operation = true, .operations = {&operation, 1}}, [&] { summary = {}; },
      [&](const FoundRecord& found) {
        if (summary.count++ == 0) summary.first_ns = found.at_ns;
        summary.last_ns = found.at_ns;
        return true;
      });
  if (summary.count == 0) return std::nullopt;
  return summary;
}

}  // namespace mayfly
