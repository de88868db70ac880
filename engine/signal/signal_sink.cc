#include "mayfly/signal/signal_sink.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "mayfly/signal/signal_query.h"

namespace mayfly {
namespace {

SignalSinkOptions checked(SignalSinkOptions options) {
  options.capacity = std::max<std::size_t>(options.capacity, 1);
  options.max_age_ns = std::max<std::int64_t>(options.max_age_ns, 0);
  options.stems_max = std::min(options.stems_max, kStemsLimit);
  options.shards_max = std::min(options.shards_max, kShardsMax);
  return options;
}

// Unique while a shard has fewer than 2^57 records.
std::uint64_t sequence_of(const MatchedRecord& record) {
  static_assert(kShardsMax < 128);
  return record.position << 7 | record.shard;
}

}  // namespace

SignalSink::SignalSink(const Clock& clock, SignalSinkOptions options)
    : clock_(clock),
      options_(checked(options)),
      stems_(options_.stems_max),
      window_(options_.capacity, options_.shards_max, options_.text_bytes) {}

StemId SignalSink::intern(std::string_view stem) {
  StemId id;
  stems_.intern(stem, id);
  return id;
}

void SignalSink::raise(std::string_view name, OperationId operation) {
  const std::size_t colon = name.find(':');
  StemId stem;
  if (!stems_.intern(name.substr(0, colon), stem)) {
    uninterned_.fetch_add(1, std::memory_order_relaxed);
    window_.append(clock_.now_ns(), kTextStem, operation, name);
  } else if (colon == std::string_view::npos) {
    window_.append(clock_.now_ns(), stem, operation);
  } else {
    window_.append(clock_.now_ns(), stem, operation, name.substr(colon + 1));
  }
}

void SignalSink::raise(StemId stem, std::int64_t a, std::string_view a_unit) {
  window_.append(clock_.now_ns(), stem, 0, IntegerArgument{a, a_unit, 0, {}, false});
}

void SignalSink::raise(StemId stem, std::int64_t a, std::string_view a_unit, std::int64_t b,
                       std::string_view b_unit) {
  raise_at(clock_.now_ns(), stem, a, a_unit, b, b_unit);
}

void SignalSink::raise_at(std::int64_t now_ns, StemId stem, std::int64_t a, std::string_view a_unit,
                          std::int64_t b, std::string_view b_unit, OperationId operation) {
  window_.append(now_ns, stem, operation, IntegerArgument{a, a_unit, b, b_unit, true});
}

template <class Visit>
bool SignalSink::any_split(std::string_view name, Visit visit) const {
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

std::size_t SignalSink::retract(std::string_view name, OperationId operation) {
  WindowView view;
  window_.newest(oldest_ns(), view);
  std::size_t retracted = 0;
  any_split(name, [&](const StoredName& stored) {
    for (const WindowRange& range : view) retracted += retract_name(range, stored, operation);
    return false;
  });
  return retracted;
}

std::size_t SignalSink::retract_matching(std::string_view glob, OperationId operation) {
  WindowView view;
  window_.newest(oldest_ns(), view);
  const auto pattern = patterns_.get(glob, stems_);
  std::vector<MatchedRecord> records;
  for (const WindowRange& range : view) collect_matches(range, *pattern, stems_, records);
  std::size_t retracted = 0;
  for (const MatchedRecord& record : records) {
    if (operation != 0 && record.operation != operation) continue;
    retracted += record.source->retract(record.position, record.tag);
  }
  return retracted;
}

bool SignalSink::detect(std::string_view name) const {
  WindowView view;
  window_.newest(oldest_ns(), view);
  return any_split(name, [&](const StoredName& stored) {
    return std::any_of(view.begin(), view.end(),
                       [&](const WindowRange& range) { return contains_name(range, stored); });
  });
}

std::vector<Signal> SignalSink::sense(std::string_view glob) const {
  WindowView view;
  window_.newest(oldest_ns(), view);
  // After the heads: so it knows every stem that a record of the view can have.
  const auto pattern = patterns_.get(glob, stems_);
  std::vector<MatchedRecord> records;
  for (const WindowRange& range : view) collect_matches(range, *pattern, stems_, records);
  // Times never decrease within a shard, so this keeps the order of each thread.
  std::sort(records.begin(), records.end(), [](const MatchedRecord& a, const MatchedRecord& b) {
    return std::tie(a.at_ns, a.shard, a.position) < std::tie(b.at_ns, b.shard, b.position);
  });
  std::vector<Signal> signals;
  signals.reserve(records.size());
  for (MatchedRecord& record : records) {
    signals.push_back(
        {std::move(record.name), record.at_ns, sequence_of(record), record.operation});
  }
  return signals;
}

std::size_t SignalSink::count(std::string_view glob) const {
  WindowView view;
  window_.newest(oldest_ns(), view);
  const auto pattern = patterns_.get(glob, stems_);
  std::size_t total = 0;
  for (const WindowRange& range : view) total += count_matches(range, *pattern, stems_);
  return total;
}

std::uint64_t SignalSink::overwritten_total() const {
  const std::uint64_t raised = raised_total();
  return raised > options_.capacity ? raised - options_.capacity : 0;
}

std::int64_t SignalSink::oldest_ns() const { return clock_.now_ns() - options_.max_age_ns; }

}  // namespace mayfly
