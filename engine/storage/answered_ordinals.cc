#include "mayfly/storage/answered_ordinals.h"

#include <cassert>

namespace mayfly {

void AnsweredOrdinals::restore(const Mark& mark, std::span<const AnsweredRun> ranges) {
  mark_ = mark_before_ = mark;
  ranges_.clear();
  journal_.clear();
  for (const AnsweredRun& run : ranges) add(run);
  journal_.clear();
}

void AnsweredOrdinals::begin() {
  assert(journal_.empty());
  mark_before_ = mark_;
}

void AnsweredOrdinals::add(const AnsweredRun& run) {
  assert(run.first <= run.last);
  if (run.last < mark_.ordinal) return;
  if (ranges_.empty() && run.first <= mark_.ordinal) {
    raise_mark(run);
    return;
  }
  AnsweredRun merged = run;
  auto at = ranges_.upper_bound(run.first);
  if (at != ranges_.begin()) {
    const auto before = std::prev(at);
    if (before->second.last >= run.last) return;
    if (before->second.last + 1 >= run.first) {
      merged.first = before->first;
      at = erase(before);
    }
  }
  while (at != ranges_.end() && at->first <= merged.last + 1) {
    if (at->second.last > merged.last) {
      const std::uint64_t first = merged.first;
      merged = at->second;
      merged.first = first;
    }
    at = erase(at);
  }
  if (merged.first <= mark_.ordinal) {
    raise_mark(merged);
  } else {
    insert(merged);
  }
}

void AnsweredOrdinals::rollback() {
  for (auto change = journal_.rbegin(); change != journal_.rend(); ++change) {
    if (change->added) {
      ranges_.erase(change->run.first);
    } else {
      ranges_.emplace(change->run.first, change->run);
    }
  }
  journal_.clear();
  mark_ = mark_before_;
}

std::vector<AnsweredRange> AnsweredOrdinals::ranges() const {
  std::vector<AnsweredRange> list;
  list.reserve(ranges_.size());
  for (const auto& [first, run] : ranges_) list.push_back({first, run.last});
  return list;
}

void AnsweredOrdinals::insert(const AnsweredRun& run) {
  ranges_.emplace(run.first, run);
  journal_.push_back({run, true});
}

AnsweredOrdinals::Ranges::iterator AnsweredOrdinals::erase(Ranges::iterator at) {
  journal_.push_back({at->second, false});
  return ranges_.erase(at);
}

void AnsweredOrdinals::raise_mark(const AnsweredRun& run) {
  mark_ = {run.last + 1, run.byte_end, run.line};
}

}  // namespace mayfly
