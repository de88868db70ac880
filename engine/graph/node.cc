#include "mayfly/graph/node.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>
#include <utility>

#include "mayfly/graph/reason.h"
#include "mayfly/plugin/from_abi.h"
#include "mayfly/storage/batch_expressions.h"

namespace mayfly {
namespace {

// Slices an activation takes before it lets others run.
constexpr std::uint32_t kSlicesPerActivation = 256;
// How soon a plugin that found no free batch is called again.
constexpr std::int64_t kBlockedRetryNs = kMillisecond;
// Times a row may be held again within one activation before it counts as a loop.
constexpr std::uint16_t kHoldsMax = 3;
// Times a timer may set itself again for now within one activation: enough to notice such a loop.
constexpr int kTimerRounds = kHoldsMax + 1;

// As many zeros as a batch can have routes: "all by port 0" is one memcmp.
constexpr std::array<std::uint16_t, MAYFLY_BATCH_ROWS_MAX> kAllPortZero{};

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
  made_.attach_pool(pool);
  rows_scratch_.resize(pool.options().rows);
}

Status Node::open_with(const Schema& input) {
  input_ = input;
  MAYFLY_RETURN_IF_ERROR(open(nullptr));
  set_schema(has(MAYFLY_TRANSFORMS) && !declared().empty() ? Schema(declared()) : input);
  return {};
}

mayfly_result Node::declare_column(std::string_view name, std::int32_t type, std::uint32_t flags) {
  if (!has(MAYFLY_TRANSFORMS)) {
    return fail(MAYFLY_FAIL_INTERNAL,
                fmt::format("plugin {} declares columns without MAYFLY_TRANSFORMS", plugin().name));
  }
  return PluginInstance::declare_column(name, type, flags);
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
  run_timers(now_ns);
  release_due(now_ns);
  process_released(now_ns);
  bool blocked = blocked_ != MAYFLY_REF_NONE &&
                 !process(std::exchange(blocked_, MAYFLY_REF_NONE), 0, 0, now_ns);
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
    blocked = !process(head, 0, 0, now_ns);
    process_released(now_ns);
    // A timer set for now is how a policy acts on what this call held.
    if (!timers_.none()) run_timers(now_ns);
  }
  update_due(blocked || !released_.empty() ? now_ns + kBlockedRetryNs : admitted.look_again);
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
    answers_.completed(owed_bit_, head);
    completing_rows_.fetch_sub(rows, std::memory_order_relaxed);
    process_released(now_ns);
  }
}

void Node::run_timers(std::int64_t now_ns) {
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

std::uint64_t Node::signals_present(std::uint32_t listen) {
  std::uint64_t present = 0;
  for (const Listen& heard : listens()) {
    if (heard.id == listen) present += services().signals.count(heard.glob);
  }
  return present;
}

void Node::timer_set(std::uint32_t timer, std::int64_t due_ns) {
  if (timer >= Timers::kCount) {
    fail(MAYFLY_FAIL_INTERNAL, fmt::format("timer {} set; ids are 0 to 63", timer));
    return;
  }
  timers_.set(timer, due_ns);
  // Set in open, or while it drains, no activation follows that would notice.
  if (due_ns < next_due_ns()) next_due_ns_.store(due_ns, std::memory_order_relaxed);
}

void Node::timer_cancel(std::uint32_t timer) {
  if (timer < Timers::kCount) timers_.cancel(timer);
}

// ---- held rows ----------------------------------------------------------------------------------

std::uint64_t Node::resume(std::uint64_t tag, std::uint64_t max_rows) {
  if (held_ == nullptr) return 0;  // asked in open
  const std::uint64_t count =
      held_->release(tag, max_rows, [&](RowRef ref) { collect_released(ref, tag); });
  if (count > 0) {
    finish_released(true);
    driver_.schedule(driver_index_);  // when called outside an activation, by drain
  }
  return count;
}

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
  made_.begin_call();
  const mayfly_result result = plugin().process(state(), &slice);
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
    made_.send(wiring_.ports);
    made_.end_slice(flags, index(), wiring_.record);
  }
  queued_rows_.fetch_sub(count, std::memory_order_relaxed);
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

// ---- routing ------------------------------------------------------------------------------------

void Node::scatter(mayfly_batch& batch, const mayfly_slice& slice, std::uint16_t head) {
  const bool all_pass =
      slice_is_dense(batch, head) &&
      std::memcmp(batch.route + head, kAllPortZero.data(), slice.count * sizeof(*batch.route)) == 0;
  if (!all_pass) {
    scatter_rows(batch, slice);
    return;
  }
  if (owed_bit_ != 0) {
    for (std::uint32_t row = head; row < head + slice.count; ++row) batch.owed[row] |= owed_bit_;
  }
  wiring_.ports[0].push(make_ref(batch.id, head));
}

void Node::scatter_rows(mayfly_batch& batch, const mayfly_slice& slice) {
  std::uint64_t used = 0;
  for (std::uint32_t i = 0; i < slice.count; ++i) {
    const std::uint16_t row = slice.rows[i];
    const std::uint16_t route = batch.route[row];
    if (route < wiring_.ports.size() && wiring_.ports[route].to == nullptr) {
      batch.reason[row] = kReasonPortNotJoined;
      judge(batch, row, MAYFLY_DROPPED);
    } else if (route < wiring_.ports.size()) {
      batch.owed[row] |= owed_bit_;
      port_chains_[route].append(batch, row);
      used |= 1ull << route;
    } else {
      route_row(batch, row, slice);
    }
  }
  // First what is only recorded, then the ports: a push may run the receiver within the call.
  if (!record_chain_.empty()) wiring_.record.push(record_chain_.finish(batch));
  std::array<RowRef, MAYFLY_PORTS_MAX> heads;
  for (std::uint64_t set = used; set != 0; set &= set - 1) {
    const auto port = static_cast<std::size_t>(std::countr_zero(set));
    heads[port] = port_chains_[port].finish(batch);
  }
  for (std::uint64_t set = used; set != 0; set &= set - 1) {
    const auto port = static_cast<std::size_t>(std::countr_zero(set));
    wiring_.ports[port].push(heads[port]);
  }
}

void Node::route_row(mayfly_batch& batch, std::uint16_t row, const mayfly_slice& slice) {
  switch (batch.route[row]) {
    case MAYFLY_HOLD:
      hold(batch, row, (slice.flags & MAYFLY_SLICE_RESUMED) != 0);
      return;
    case MAYFLY_REJECT:
      judge(batch, row, MAYFLY_DEAD_LETTERED);
      return;
    case MAYFLY_DROP:
      judge(batch, row, MAYFLY_DROPPED);
      return;
    case MAYFLY_CONSUME:
      made_.consume(batch, row);
      return;
    default:
      fail_routing(batch, row);
  }
}

void Node::hold(mayfly_batch& batch, std::uint16_t row, bool resumed) {
  if (gave_up_) {
    answers_.leave_row(batch, row);
    return;
  }
  // The activation's number, 14 bits of it, and how often: a row from another activation starts
  // anew.
  const auto stamp = static_cast<std::uint16_t>(activation_stamp_ << 2);
  std::uint16_t times = 0;
  if (resumed && (batch.holds[row] & ~3) == stamp) {
    times = static_cast<std::uint16_t>((batch.holds[row] & 3) + 1);
  }
  if (times == kHoldsMax) {
    batch.reason[row] = kReasonHeldWithoutRelease;
    judge(batch, row, MAYFLY_DEAD_LETTERED);
    return;
  }
  batch.holds[row] = static_cast<std::uint16_t>(stamp | times);
  if (batch.due_ns[row] != 0) batch.due_ns[row] = std::min(batch.due_ns[row], hold_until_ns_);
  held_->hold(make_ref(batch.id, row));
}

void Node::judge(mayfly_batch& batch, std::uint16_t row, std::uint8_t outcome) {
  batch.outcome[row] = outcome;
  batch.judge[row] = index();
  record_chain_.append(batch, row);
}

void Node::fail_routing(mayfly_batch& batch, std::uint16_t row) {
  if (failure().ok()) {
    fail(MAYFLY_FAIL_INTERNAL, fmt::format("routed row {} to {}, but plugin {} has {} port(s)", row,
                                           batch.route[row], plugin().name, wiring_.ports.size()));
  }
  answers_.on_failed(failure());
  answers_.leave_row(batch, row);
}

// ---- rows made here -----------------------------------------------------------------------------

// ---- expressions --------------------------------------------------------------------------------

mayfly_expressions* Node::expr_prepare(std::span<const mayfly_text> expressions) {
  std::vector<std::string> texts;
  for (const mayfly_text& text : expressions) texts.emplace_back(view(text));
  if (texts.empty()) {
    fail(MAYFLY_FAIL_INTERNAL, "expr_prepare without an expression");
    return nullptr;
  }
  auto made = BatchExpressions::make(input_, texts);
  if (!made.ok()) {
    fail(MAYFLY_FAIL_CONFIG, made.status().message());
    return nullptr;
  }
  expressions_.push_back(std::move(made).value());
  return reinterpret_cast<mayfly_expressions*>(expressions_.back().get());
}

mayfly_result Node::expr_test(mayfly_expressions* expressions, const mayfly_slice* slice,
                              std::uint8_t* truth) {
  const Status tested = reinterpret_cast<RowExpressions*>(expressions)
                            ->test(*slice->batch, {slice->rows, slice->count}, truth);
  return tested.ok() ? MAYFLY_OK : fail(MAYFLY_FAIL_INTERNAL, tested.message());
}

mayfly_result Node::expr_fill(mayfly_expressions* expressions, const mayfly_slice* slice,
                              std::uint32_t first, mayfly_batch* made, std::uint8_t* truth,
                              std::uint32_t* taken) {
  const auto reserve = [&](std::uint64_t bytes) {
    return services().pool->reserve_heap(made, bytes) == MAYFLY_OK;
  };
  const auto filled = reinterpret_cast<RowExpressions*>(expressions)
                          ->fill(*slice->batch, {slice->rows + first, slice->count - first}, *made,
                                 truth + first, reserve);
  if (!filled.ok()) return fail(MAYFLY_FAIL_INTERNAL, filled.status().message());
  *taken = *filled;
  return MAYFLY_OK;
}

mayfly_batch* Node::batch_new() {
  if (services().pool == nullptr) return nullptr;  // asked in open
  return services().pool->try_acquire(BatchPool::Part::kReserve, schema());
}

mayfly_result Node::batch_reserve(mayfly_batch* batch, std::uint64_t bytes) {
  if (services().pool == nullptr) return PluginInstance::batch_reserve(batch, bytes);
  return services().pool->reserve_heap(batch, bytes);
}

mayfly_result Node::emit(std::uint32_t port, mayfly_batch* batch, const mayfly_lineage* lineage,
                         std::uint32_t count) {
  if (services().pool == nullptr) return PluginInstance::emit(port, batch, lineage, count);
  const std::string wrong =
      made_.emit(port, wiring_.ports.size(), batch, lineage, count, services().clock.now_ns());
  return wrong.empty() ? MAYFLY_OK : fail(MAYFLY_FAIL_INTERNAL, wrong);
}

// ---- drain --------------------------------------------------------------------------------------

void Node::start_drain(std::int64_t deadline_ns) {
  hold_until_ns_ = deadline_ns;
  draining_ = true;
  driver_.schedule(driver_index_);
}

void Node::drain_again() {
  if (plugin().drain != nullptr && !gave_up_) {
    after_call("drain", plugin().drain(state(), hold_until_ns_));
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
