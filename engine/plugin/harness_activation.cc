// One activation of a node in the harness, as the engine's: timers, wakes and what comes due, each
// slice's way through process(), and where its rows went.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "mayfly/plugin/node_harness.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

// As the engine: a row held again this often without time passing is rejected.
constexpr std::uint32_t kHoldsMax = 3;
// Rounds of timers and releases without time passing after which a node counts as spinning.
constexpr std::uint32_t kRoundsMax = 10'000;

}  // namespace

void NodeHarness::run() {
  for (std::uint32_t round = 0; failure_.ok(); ++round) {
    if (round == kRoundsMax) {
      violate("timers or releases go on for ever without time passing");
      return;
    }
    const bool pending = run_pending();
    const bool timers = run_timers();
    const bool due = release_due();
    const bool woken = run_wake();
    if (!pending && !timers && !due && !woken) return;
  }
}

bool NodeHarness::run_pending() {
  bool worked = false;
  while (failure_.ok() && (!released_.empty() || !pending_.empty())) {
    std::deque<Pending>& queue = released_.empty() ? pending_ : released_;
    const Pending slice = std::move(queue.front());
    queue.pop_front();
    if (!process(slice)) {
      queue.push_front(slice);
      return worked;
    }
    worked = true;
  }
  return worked;
}

bool NodeHarness::run_timers() {
  bool worked = false;
  for (std::uint32_t i = 0; i < timers_.size(); ++i) {
    if (timers_[i] > clock_.now_ns()) continue;
    timers_[i] = kNever;
    worked = true;
    if (plugin().on_timer == nullptr) {
      violate("a timer without on_timer");
    } else {
      check_result("on_timer", plugin().on_timer(state_.get(), i, clock_.now_ns()));
    }
  }
  return worked;
}

bool NodeHarness::run_wake() {
  {
    const std::lock_guard lock(wake_mutex_);
    if (!std::exchange(woken_, false)) return false;
  }
  if (plugin().on_wake == nullptr) {
    violate("a wake without on_wake");
  } else {
    check_result("on_wake", plugin().on_wake(state_.get(), clock_.now_ns()));
  }
  return true;
}

bool NodeHarness::wait_for_wake(std::chrono::nanoseconds limit) {
  {
    std::unique_lock lock(wake_mutex_);
    if (!wake_.wait_for(lock, limit, [this] { return woken_; })) return false;
  }
  holds_now_.clear();
  run();
  return true;
}

bool NodeHarness::release_due() {
  bool worked = false;
  while (!held_by_due_.empty() && held_by_due_.begin()->first <= clock_.now_ns()) {
    const RowRef ref = held_by_due_.begin()->second;
    held_by_due_.erase(held_by_due_.begin());
    release({ref}, pool_->batch(ref)->hold_tag[row_of(ref)]);
    worked = true;
  }
  return worked;
}

// False: the plugin was BLOCKED.
bool NodeHarness::process(const Pending& pending) {
  mayfly_batch& batch = *pending.batch;
  for (const std::uint16_t row : pending.rows) batch.route[row] = 0;
  mayfly_slice slice = {.struct_size = sizeof(mayfly_slice),
                        .flags = pending.flags,
                        .batch = &batch,
                        .rows = pending.rows.data(),
                        .count = static_cast<std::uint32_t>(pending.rows.size()),
                        .input = pending.input,
                        .hold_tag = pending.tag,
                        .now_ns = clock_.now_ns()};
  emitted_in_call_ = false;
  found_no_batch_in_call_ = false;
  parents_in_call_.clear();
  open_parents_.begin_slice(batch.id, pending.rows);
  const std::uint64_t before = fingerprint(pending);
  const mayfly_result result = plugin().process(state_.get(), &slice);
  open_parents_.end_slice();
  if (fingerprint(pending) != before) violate("process changed values of a batch that was sent");
  if (result == MAYFLY_BLOCKED) {
    if (!found_no_batch_in_call_) {
      violate("process returned BLOCKED, but batch_new hadn't returned NULL in that call");
    }
    if (!emitted_in_call_) return false;
    violate("process returned BLOCKED after it had emitted");
  } else {
    check_result("process", result);
  }
  if (failure_.ok()) scatter(pending);
  for (const RowRef parent : parents_in_call_) {
    if (pool_->batch(parent)->route[row_of(parent)] == MAYFLY_CONSUME) continue;
    violate(fmt::format("made a row from row {}, but didn't consume that one",
                        pool_->batch(parent)->ordinal[row_of(parent)]));
  }
  return true;
}

void NodeHarness::scatter(const Pending& slice) {
  for (const std::uint16_t row : slice.rows) route_row(slice, row);
  if ((slice.flags & MAYFLY_SLICE_RESUMED) != 0) {
    group_open_ = (slice.flags & MAYFLY_SLICE_END_OF_GROUP) == 0;
  }
  // What rows were made from has its answer with them.
  for (const RowRef row : group_) {
    if (!group_open_ || pool_->batch(row)->children[row_of(row)] > 0) open_parents_.forget(row);
  }
  if (group_open_) return;
  done_.insert(done_.end(), group_.begin(), group_.end());
  group_.clear();
}

void NodeHarness::route_row(const Pending& slice, std::uint16_t row) {
  mayfly_batch& batch = *slice.batch;
  switch (const std::uint16_t route = batch.route[row]) {
    case MAYFLY_HOLD:
      if (!library_->has(MAYFLY_HOLDS)) violate("HOLD without MAYFLY_HOLDS");
      hold(batch, row);
      return;
    case MAYFLY_REJECT:
      judge(rejected_, batch, row);
      return;
    case MAYFLY_DROP:
      judge(dropped_, batch, row);
      return;
    case MAYFLY_CONSUME:
      if (!library_->has(MAYFLY_TRANSFORMS) && plugin().kind != MAYFLY_SINK) {
        violate("CONSUME by a node without MAYFLY_TRANSFORMS");
      }
      consumed_.push_back(batch.ordinal[row]);
      // A later slice of the group may still make something of it.
      group_.push_back(make_ref(batch.id, row));
      if (batch.children[row] == 0) open_parents_.keep(group_.back());
      ++rows_out_;
      return;
    default:
      if (route >= plugin().ports.count) violate(fmt::format("route {} is no port", route));
      if (library_->has(MAYFLY_TRANSFORMS) && output_.columns() != input_.columns()) {
        violate(fmt::format("row {} leaves by a port, though what leaves there has other columns",
                            batch.ordinal[row]));
      }
      pass(batch, row, route, false);
  }
}

void NodeHarness::judge(std::vector<Judged>& into, mayfly_batch& batch, std::uint16_t row) {
  const NamedTable reasons(plugin().reasons);
  const std::uint16_t reason = batch.reason[row];
  if (reason >= reasons.size()) violate(fmt::format("reason {} of {}", reason, reasons.size()));
  into.push_back({batch.ordinal[row], reason < reasons.size() ? reasons[reason].name : ""});
  done_.push_back(make_ref(batch.id, row));
  ++rows_out_;
}

void NodeHarness::hold(mayfly_batch& batch, std::uint16_t row) {
  const RowRef ref = make_ref(batch.id, row);
  if (++holds_now_[ref] > kHoldsMax) {
    rejected_.push_back({batch.ordinal[row], "held_without_release"});
    done_.push_back(ref);
    ++rows_out_;
    return;
  }
  ++held_count_;
  if (batch.due_ns[row] != 0) {
    held_by_due_.emplace(batch.due_ns[row], ref);
  } else {
    held_by_tag_[batch.hold_tag[row]].push_back(ref);
  }
}

// Of a port; any number.
std::uint64_t& NodeHarness::last_ordinal_out(std::uint32_t port) {
  if (port >= last_ordinal_out_.size()) last_ordinal_out_.resize(port + 1);
  return last_ordinal_out_[port];
}

void NodeHarness::pass(mayfly_batch& batch, std::uint16_t row, std::uint32_t port, bool emitted) {
  const std::uint64_t ordinal = batch.ordinal[row];
  if (library_->has(MAYFLY_KEEPS_ORDER) && !emitted) {
    if (ordinal < last_ordinal_out(port)) violate("KEEPS_ORDER, but a row overtook another");
    last_ordinal_out(port) = ordinal;
  }
  // A row may come by more than once; those made here number themselves.
  if (!emitted) newest_passed_[ordinal] = passed_.size();
  passed_.push_back({ordinal, port, clock_.now_ns(), make_ref(batch.id, row), emitted});
  done_.push_back(make_ref(batch.id, row));
  ++rows_out_;
}

}  // namespace mayfly
