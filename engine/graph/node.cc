#include "mayfly/graph/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <utility>

#include "mayfly/graph/reason.h"
#include "mayfly/plugin/from_abi.h"

namespace mayfly {
namespace {

// Slices an activation takes before it lets others run.
constexpr std::uint32_t kSlicesPerActivation = 256;
// How soon a plugin that found no free batch is called again: at first, and at last.
constexpr std::int64_t kBlockedRetryNs = kMillisecond;
constexpr std::int64_t kBlockedRetryMaxNs = 32 * kMillisecond;

// 0, 1, 2, ...: the row numbers of any dense slice are a part of it.
constexpr auto kRowNumbers = [] {
  std::array<std::uint16_t, MAYFLY_BATCH_ROWS_MAX> numbers{};
  std::iota(numbers.begin(), numbers.end(), std::uint16_t{0});
  return numbers;
}();

}  // namespace

Node::Node(const mayfly_plugin& plugin, std::string name, std::uint16_t index, Services& services,
           Driver& driver, Answers& answers)
    : PluginInstance(plugin, std::move(name), index, services),
      driver_(driver),
      answers_(answers),
      made_(answers),
      driver_index_(driver.add(*this)) {
  released_.reserve(64);
}

void Node::attach_pool(std::uint32_t lanes_max) {
  BatchPool& pool = *services().pool;
  queue_ = std::make_unique<SliceQueue>(pool.rows_max(), lanes_max);
  if (has(MAYFLY_WANTS_COMPLETIONS)) {
    completions_ = std::make_unique<SliceQueue>(pool.rows_max(), 2);
    owed_bit_ = answers_.add_completion_inbox(*this);
  }
  held_ = std::make_unique<HeldRows>(pool);
  made_.attach_pool(pool, has(MAYFLY_SPLITS));
  rows_scratch_.resize(pool.options().rows);
}

Status Node::open_with(const Schema& input) {
  input_ = input;
  MAYFLY_RETURN_IF_ERROR(open(nullptr));
  const bool declares = has(MAYFLY_TRANSFORMS) && !declared().empty();
  set_schema(declares ? Schema(declared()) : input);
  rows_may_pass_ = !declares || schema().columns() == input.columns();
  return {};
}

// ---- arrivals -----------------------------------------------------------------------------------

void Node::push(SliceQueue::LaneId lane, RowRef head, std::uint32_t input, bool forward) {
  mayfly_batch& batch = *services().pool->batch(head);
  std::uint32_t& extent = batch.extent[row_of(head)];
  extent = (extent & (MAYFLY_EXTENT_DENSE | 0xFFFFu)) | input << 16;
  queued_rows_.fetch_add(extent & 0xFFFF, std::memory_order_relaxed);
  queue_->push(lane, head);
  forward ? driver_.run_inside(driver_index_) : driver_.schedule(driver_index_);
}

void Node::complete(SliceQueue::LaneId lane, RowRef head) {
  completing_rows_.fetch_add(slice_rows(*services().pool->batch(head), row_of(head)),
                             std::memory_order_relaxed);
  completions_->push(lane, head);
  driver_.schedule(driver_index_);
}

std::uint64_t Node::rows_inside() const {
  return queued_rows_.load(std::memory_order_relaxed) + held_->total() +
         completing_rows_.load(std::memory_order_relaxed);
}

// ---- one activation -----------------------------------------------------------------------------

void Node::activate() noexcept {
  begin();
  const std::int64_t now_ns = services().clock.now_ns();
  ++activation_stamp_;
  run_completions(now_ns);
  run_wakes(now_ns);
  run_timers(now_ns);
  release_due(now_ns);
  process_released(now_ns);
  // What was released came before what is new: while it is blocked, nothing new goes in.
  bool blocked =
      !released_.empty() || (blocked_ != MAYFLY_REF_NONE &&
                             !process(std::exchange(blocked_, MAYFLY_REF_NONE), 0, 0, now_ns));
  const GateVerdict admitted = admission(now_ns);
  const bool waits = admitted.kind == GateVerdict::Kind::kWait;
  for (std::uint32_t taken = 0; !blocked && !waits; ++taken) {
    if (taken == kSlicesPerActivation) {
      driver_.schedule(driver_index_);
      break;
    }
    RowRef head = MAYFLY_REF_NONE;
    if (queue_->pop({&head, 1}) == 0) break;
    if (admitted.kind == GateVerdict::Kind::kSkip) {
      cancel(head);
      continue;
    }
    if (asked_once_.is_noted()) head = without_asked(head);
    if (head == MAYFLY_REF_NONE) continue;
    blocked = !process(head, 0, 0, now_ns);
    // A timer set for now is how a policy acts on what this call held.
    if (!timers_.none()) run_timers(now_ns);
    process_released(now_ns);
    blocked = blocked || !released_.empty();
  }
  made_.send(wiring_.ports);
  if (blocked || !released_.empty()) {
    if (!blocked_since_ns_ || moves_ != blocked_moves_) {
      blocked_since_ns_ = now_ns;
      blocked_moves_ = moves_;
    }
    // As long again as it has waited: the longer none comes free, the longer none will.
    update_due(now_ns +
               std::clamp(now_ns - *blocked_since_ns_, kBlockedRetryNs, kBlockedRetryMaxNs));
  } else {
    blocked_since_ns_.reset();
    update_due(admitted.look_again);
  }
}

GateVerdict Node::admission(std::int64_t now_ns) {
  using Kind = GateVerdict::Kind;
  if (gave_up_) return {};
  const GateVerdict verdict = control_ ? control_->look(now_ns) : GateVerdict{};
  if (verdict.kind == Kind::kSkip) return verdict;
  if (draining_) return {};
  return paused_ ? GateVerdict{.kind = Kind::kWait} : verdict;
}

// The rows of a slice that a signal keeps from going in.
void Node::cancel(RowRef head) {
  mayfly_batch& batch = *services().pool->batch(head);
  const std::uint32_t count = slice_rows(batch, row_of(head));
  const std::uint16_t* rows = rows_of(batch, row_of(head));
  for (std::uint32_t i = 0; i < count; ++i) {
    batch.reason[rows[i]] = kReasonCancelledBySignal;
    judge(batch, rows[i], MAYFLY_DROPPED);
  }
  wiring_.record.push(record_chain_.finish(batch));
  queued_rows_.fetch_sub(count, std::memory_order_relaxed);
}

void Node::control(const SignalControls& controls) {
  if (controls.empty()) return;
  control_.emplace(services().signals, controls, [this] { driver_.schedule(driver_index_); });
}

void Node::set_paused(bool paused) {
  paused_ = paused;
  driver_.schedule(driver_index_);
}

void Node::set_option(std::uint32_t option, const OptionValues& values) {
  if (plugin().set_option == nullptr || gave_up_) return;
  after_call("set_option", plugin().set_option(state(), option, values.data()));
  driver_.schedule(driver_index_);  // for what it released
}

void Node::update_due(std::int64_t due_ns) {
  due_ns = std::min({due_ns, held_->next_due_ns(), timers_.next_due_ns()});
  next_due_ns_.store(due_ns, std::memory_order_relaxed);
}

void Node::run_completions(std::int64_t now_ns) {
  if (completions_ == nullptr) return;
  RowRef head = MAYFLY_REF_NONE;
  while (completions_->pop({&head, 1}) == 1) {
    mayfly_batch& batch = *services().pool->batch(head);
    const std::uint32_t rows = slice_rows(batch, row_of(head));
    const mayfly_slice slice = {.struct_size = sizeof(mayfly_slice),
                                .flags = 0,
                                .batch = &batch,
                                .rows = rows_of(batch, row_of(head)),
                                .count = rows,
                                .input = 0,
                                .hold_tag = 0,
                                .now_ns = now_ns};
    if (plugin().on_completion != nullptr && !gave_up_) {
      after_call("on_completion", plugin().on_completion(state(), &slice));
    }
    ++moves_;
    answers_.completed(owed_bit_, head);
    completing_rows_.fetch_sub(rows, std::memory_order_relaxed);
    process_released(now_ns);
  }
}

void Node::run_timers(std::int64_t now_ns) {
  // Enough to notice a row that is let go and held again.
  constexpr int kTimerRounds = kHoldsMax + 1;
  // A timer set for now by its own call runs in the same activation, so that a row which is let go
  // and held again and again is noticed; but not for ever.
  for (int round = 0; round < kTimerRounds; ++round) {
    std::uint64_t due = timers_.take_due(now_ns);
    if (due == 0) return;
    for (; due != 0; due &= due - 1) {
      const auto timer = static_cast<std::uint32_t>(std::countr_zero(due));
      if (plugin().on_timer != nullptr && !gave_up_) {
        after_call("on_timer", plugin().on_timer(state(), timer, now_ns));
      }
      process_released(now_ns);
    }
  }
}

void Node::run_wakes(std::int64_t now_ns) {
  // Before the call: a wake during it leads to another.
  if (!woken_.load(std::memory_order_relaxed)) return;
  woken_.exchange(false, std::memory_order_acquire);
  if (plugin().on_wake == nullptr || gave_up_) return;
  after_call("on_wake", plugin().on_wake(state(), now_ns));
  process_released(now_ns);
}

void Node::deliver(std::span<const HeardSignal> heard) {
  if (plugin().on_signal == nullptr || gave_up_) return;
  if (hears_.size() != listens().size()) {
    for (const Listen& listen : listens()) hears_.emplace_back(listen.glob);
  }
  std::vector<mayfly_signal> views;
  for (const HeardSignal& signal : heard) {
    const std::size_t before = views.size();
    for (std::size_t i = 0; i < hears_.size(); ++i) {
      // Several globs of one option may match it; it is one signal.
      const bool told = views.size() > before && views.back().listen == listens()[i].id;
      if (told || !hears_[i].matches(signal.name)) continue;
      views.push_back({.listen = listens()[i].id,
                       .reserved = 0,
                       .name = {signal.name.data(), signal.name.size()},
                       .at_ns = signal.at_ns});
    }
  }
  if (views.empty()) return;
  after_call("on_signal",
             plugin().on_signal(state(), views.data(), static_cast<std::uint32_t>(views.size())));
  driver_.schedule(driver_index_);  // for what it released
}

// ---- held rows ----------------------------------------------------------------------------------

void Node::release_due(std::int64_t now_ns) {
  for (RowRef ref; (ref = held_->pop_due(now_ns)) != MAYFLY_REF_NONE;) {
    collect_released(ref, services().pool->batch(ref)->hold_tag[row_of(ref)]);
  }
  finish_released(true);
}

void Node::collect_released(RowRef ref, std::uint64_t tag) {
  mayfly_batch* batch = services().pool->batch(ref);
  if (batch != release_batch_ || tag != release_tag_) finish_released(false);
  release_batch_ = batch;
  release_tag_ = tag;
  release_chain_.append(*batch, row_of(ref));
}

void Node::finish_released(bool end_of_group) {
  if (release_batch_ == nullptr) return;
  // Still inside this node, though no longer held.
  queued_rows_.fetch_add(release_chain_.rows(), std::memory_order_relaxed);
  released_.push_back({release_chain_.finish(*release_batch_), release_tag_, end_of_group});
  release_batch_ = nullptr;
}

void Node::process_released(std::int64_t now_ns) {
  // process() may release more, at the end.
  for (std::size_t i = 0; i < released_.size(); ++i) {
    const Released released = released_[i];
    std::uint32_t flags = MAYFLY_SLICE_RESUMED;
    if (released.end_of_group) flags |= MAYFLY_SLICE_END_OF_GROUP;
    if (!process(released.head, flags, released.tag, now_ns)) {
      released_.erase(released_.begin(), released_.begin() + static_cast<std::ptrdiff_t>(i));
      return;
    }
  }
  released_.clear();
}

// ---- the plugin's turn --------------------------------------------------------------------------

const std::uint16_t* Node::rows_of(const mayfly_batch& batch, std::uint16_t head) {
  if (slice_is_dense(batch, head)) return kRowNumbers.data() + head;
  std::size_t i = 0;
  for_each_row(batch, head, [&](std::uint16_t row) { rows_scratch_[i++] = row; });
  return rows_scratch_.data();
}

bool Node::process(RowRef head, std::uint32_t flags, std::uint64_t tag, std::int64_t now_ns) {
  mayfly_batch& batch = *services().pool->batch(head);
  const std::uint16_t first = row_of(head);
  const std::uint32_t count = slice_rows(batch, first);
  if (gave_up_) {
    answers_.leave(head);
    queued_rows_.fetch_sub(count, std::memory_order_relaxed);
    return true;
  }
  mayfly_slice slice = {.struct_size = sizeof(mayfly_slice),
                        .flags = flags,
                        .batch = &batch,
                        .rows = rows_of(batch, first),
                        .count = count,
                        .input = slice_input(batch, first),
                        .hold_tag = tag,
                        .now_ns = now_ns};
  if (slice_is_dense(batch, first)) {
    std::memset(batch.route + first, 0, count * sizeof(*batch.route));
  } else {
    for (std::uint32_t i = 0; i < count; ++i) batch.route[slice.rows[i]] = 0;
  }
  made_.begin_call(batch.id, {slice.rows, slice.count});
  const mayfly_result result = plugin().process(state(), &slice);
  made_.end_call();
  if (result == MAYFLY_BLOCKED && !made_.emitted_in_call() && !has_failed()) {
    if (flags == 0) blocked_ = head;
    return false;
  }
  if (result != MAYFLY_OK || has_failed()) {
    answers_.leave(head);
    end(result == MAYFLY_BLOCKED
            ? "process returned BLOCKED after it had emitted rows of the same slice"
            : fmt::format("process returned {} without saying why", result));
  } else {
    scatter(batch, slice, first);
    if (!made_.may_wait()) made_.send(wiring_.ports);
    made_.end_slice(flags, index(), wiring_.record);
  }
  queued_rows_.fetch_sub(count, std::memory_order_relaxed);
  ++moves_;
  return true;
}

void Node::after_call(std::string_view call, mayfly_result result) {
  if (result != MAYFLY_OK || has_failed()) {
    return end(fmt::format("{} returned {} without saying why", call, result));
  }
  made_.send(wiring_.ports);
}

void Node::end(std::string_view why) {
  if (failure().ok()) fail(MAYFLY_FAIL_INTERNAL, why);
  answers_.on_failed(failure());
  gave_up_ = true;  // the plugin isn't called any more
  made_.leave();
}

// ---- drain --------------------------------------------------------------------------------------

void Node::start_drain(std::int64_t deadline_ns) {
  drain_deadline_ns_ = deadline_ns;
  draining_ = true;
  driver_.schedule(driver_index_);
}

void Node::drain_again() {
  if (plugin().drain != nullptr && !gave_up_) {
    after_call("drain", plugin().drain(state(), drain_deadline_ns_));
  }
  if (!released_.empty()) driver_.schedule(driver_index_);
}

void Node::give_up() {
  gave_up_ = true;
  made_.leave();
  for (RowRef ref; (ref = held_->pop_any()) != MAYFLY_REF_NONE;) {
    answers_.leave_row(*services().pool->batch(ref), row_of(ref));
  }
  if (blocked_ != MAYFLY_REF_NONE) {
    queued_rows_.fetch_sub(slice_rows(*services().pool->batch(blocked_), row_of(blocked_)),
                           std::memory_order_relaxed);
    answers_.leave(std::exchange(blocked_, MAYFLY_REF_NONE));
  }
  driver_.schedule(driver_index_);
}

}  // namespace mayfly
