#include "mayfly/plugin/node_harness.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "mayfly/base/glob.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

// What a drain waits for a sink's thread, of real time.
constexpr std::chrono::seconds kSinkPatience(10);

}  // namespace

void NodeHarness::FreeState::operator()(void* state) const { std::free(state); }

NodeHarness::NodeHarness(std::shared_ptr<const PluginLibrary> library, OptionValues options,
                         HarnessSettings settings)
    : library_(std::move(library)),
      options_(std::move(options)),
      settings_(std::move(settings)),
      rng_(settings_.seed),
      input_(settings_.columns),
      output_(settings_.columns),
      counters_(library_->plugin().counters.count) {
  listens_ = listens_of(plugin(), options_);
  timers_.fill(kNever);
  const std::size_t align = std::max<std::size_t>(plugin().state_align, sizeof(void*));
  const std::size_t size = (plugin().state_size + align) / align * align;
  state_.reset(std::aligned_alloc(align, size));
  std::memset(state_.get(), 0, size);
}

NodeHarness::~NodeHarness() {
  // A sink's threads may wake it until then.
  if (configured_ && plugin().destroy != nullptr) plugin().destroy(state_.get());
}

Result<std::unique_ptr<NodeHarness>> NodeHarness::create(
    std::shared_ptr<const PluginLibrary> library, std::span<const RawOption> options,
    HarnessSettings settings) {
  if (library->plugin().kind == MAYFLY_SOURCE) {
    return Status(Code::kUsage, fmt::format("plugin {} is a source, not a node", library->name()));
  }
  ParsedOptions parsed = parse_options(OptionTable(library->plugin().options), options);
  MAYFLY_RETURN_IF_ERROR(to_status(library->name(), parsed.errors));
  std::unique_ptr<NodeHarness> harness(
      new NodeHarness(std::move(library), std::move(parsed.values), std::move(settings)));
  MAYFLY_RETURN_IF_ERROR(harness->start());
  return harness;
}

Status NodeHarness::start() {
  configured_ = true;
  if (plugin().configure != nullptr) {
    check_result("configure",
                 plugin().configure(state_.get(), &host_table(), context(), options_.data()));
  }
  if (failure_.ok() && plugin().open != nullptr) {
    check_result("open", plugin().open(state_.get(), nullptr));
  }
  open_ = true;
  if (!failure_.ok()) return failure_;
  if (!declared_.empty()) output_ = Schema(declared_);
  pool_ = std::make_unique<BatchPool>(
      BatchPoolOptions{.rows = settings_.batch_rows,
                       .columns = std::max(input_.size(), output_.size()),
                       .intake_batches = settings_.batches,
                       .reserve_batches = settings_.batches});
  open_parents_.attach(*pool_);
  run();
  return failure_;
}

void NodeHarness::check_result(std::string_view call, mayfly_result result) {
  if (result == MAYFLY_OK || !failure_.ok()) return;
  failure_ = {Code::kInternal, fmt::format("{} returned {} without saying why", call, result)};
}

// ---- what comes in ------------------------------------------------------------------------------

mayfly_batch* NodeHarness::new_batch() {
  return pool_->try_acquire(BatchPool::Part::kIntake, input_);
}

mayfly_batch* NodeHarness::push_rows(std::uint32_t count, std::uint32_t input) {
  mayfly_batch* batch = new_batch();
  if (batch == nullptr) return nullptr;
  for (std::uint32_t i = 0; i < count && has_room_for_row(*batch); ++i) {
    const std::uint64_t ordinal = next_ordinal_++;
    for (std::uint32_t c = 0; c < input_.size(); ++c) {
      const ColumnType type = input_[c].type;
      if (type == ColumnType::kAny) put_kind(*batch, c, MAYFLY_INT64);
      if (type == ColumnType::kText || type == ColumnType::kBlob) {
        put_text(*batch, c, fmt::format("t{}", ordinal));
      } else if (type == ColumnType::kJson) {
        put_text(*batch, c, fmt::format("[{}]", ordinal));
      } else if (type == ColumnType::kFloat64) {
        put_float64(*batch, c, static_cast<double>(ordinal));
      } else if (type == ColumnType::kBool) {
        put_int64(*batch, c, static_cast<std::int64_t>(ordinal % 2));
      } else {
        put_int64(*batch, c, static_cast<std::int64_t>(ordinal));
      }
    }
    commit_row(*batch, {.ordinal = ordinal, .byte_end = ordinal + 1, .line = ordinal + 1});
  }
  push(batch, input);
  return batch;
}

void NodeHarness::push(mayfly_batch* batch, std::uint32_t input) {
  if (batch->rows == 0) {
    pool_->release(batch);
    return;
  }
  seal(*batch, clock_.now_ns(), 0);
  pool_->add_flight(batch, batch->rows);
  rows_in_ += batch->rows;
  Pending slice{batch, std::vector<std::uint16_t>(batch->rows), 0, input, 0};
  for (std::uint32_t i = 0; i < batch->rows; ++i) slice.rows[i] = static_cast<std::uint16_t>(i);
  pending_.push_back(std::move(slice));
  holds_now_.clear();
  run();
}

const NodeHarness::Passed* NodeHarness::find_passed(std::uint64_t ordinal) const {
  const auto found = newest_passed_.find(ordinal);
  return found == newest_passed_.end() ? nullptr : &passed_[found->second];
}

void NodeHarness::push_again(std::span<const std::uint64_t> ordinals, std::uint32_t input) {
  for (const std::uint64_t ordinal : ordinals) {
    const Passed* row = find_passed(ordinal);
    if (row == nullptr) {
      violate(fmt::format("push_again: row {} hasn't been passed", ordinal));
      continue;
    }
    const Passed before = *row;
    mayfly_batch* batch = pool_->batch(before.ref);
    ++batch->attempt[row_of(before.ref)];
    std::erase(done_, before.ref);
    --rows_out_;
    last_ordinal_out_.clear();
    if (library_->has(MAYFLY_ASKED_ONCE)) {
      pass(*batch, row_of(before.ref), before.port, false);
    } else {
      // One row a slice: order between batches is then the caller's.
      pending_.push_back({batch, {row_of(before.ref)}, 0, input, 0});
    }
  }
  last_ordinal_out_.clear();
  holds_now_.clear();
  run();
}

void NodeHarness::complete(std::span<const std::uint64_t> ordinals, std::uint8_t outcome) {
  for (const std::uint64_t ordinal : ordinals) {
    const Passed* row = find_passed(ordinal);
    if (row == nullptr) {
      violate(fmt::format("complete: row {} hasn't been passed", ordinal));
      continue;
    }
    mayfly_batch* batch = pool_->batch(row->ref);
    const std::uint16_t number = row_of(row->ref);
    batch->outcome[number] = outcome;
    if (outcome == MAYFLY_PENDING) ++batch->attempt[number];
    const mayfly_slice slice = {.struct_size = sizeof(mayfly_slice),
                                .flags = 0,
                                .batch = batch,
                                .rows = &number,
                                .count = 1,
                                .input = 0,
                                .hold_tag = 0,
                                .now_ns = clock_.now_ns()};
    if (plugin().on_completion != nullptr) {
      check_result("on_completion", plugin().on_completion(state_.get(), &slice));
    }
    // As in the engine, what one completion releases is processed before the next.
    holds_now_.clear();
    run();
  }
}

void NodeHarness::signal(std::string_view name, std::int64_t at_ns) {
  present_.emplace_back(name);
  for (const Listen& listen : listens_) {
    if (!Glob(listen.glob).matches(name)) continue;
    // As in the engine, several globs of one option hear it once.
    const bool heard = std::ranges::any_of(
        std::span(listens_.data(), &listen),
        [&](const Listen& o) { return o.id == listen.id && Glob(o.glob).matches(name); });
    if (heard) continue;
    const mayfly_signal signal = {listen.id, 0, {name.data(), name.size()}, at_ns};
    check_result("on_signal", plugin().on_signal(state_.get(), &signal, 1));
  }
  holds_now_.clear();
  run();
}

Status NodeHarness::set_option(const RawOption& option) {
  const OptionTable table(plugin().options);
  MAYFLY_ASSIGN_OR_RETURN(const RuntimeOption changed, parse_runtime_option(table, option));
  check_result("set_option",
               plugin().set_option(state_.get(), changed.index, changed.values.data()));
  holds_now_.clear();
  run();
  return failure_;
}

std::int64_t NodeHarness::next_due_ns() const {
  const std::int64_t timer = *std::min_element(timers_.begin(), timers_.end());
  return held_by_due_.empty() ? timer : std::min(timer, held_by_due_.begin()->first);
}

void NodeHarness::advance(std::int64_t ns) {
  const std::int64_t until = clock_.now_ns() + ns;
  while (clock_.now_ns() < until) {
    const std::int64_t next = std::clamp(next_due_ns(), clock_.now_ns() + 1, until);
    clock_.advance(next - clock_.now_ns());
    holds_now_.clear();
    run();
  }
}

std::uint64_t NodeHarness::drain(std::int64_t deadline_ns) {
  const std::int64_t deadline = clock_.now_ns() + deadline_ns;
  for (;;) {
    const std::uint64_t before = held_count_;
    if (plugin().drain != nullptr) {
      check_result("drain", plugin().drain(state_.get(), deadline));
      run();
    }
    if (held_count_ == 0 || !failure_.ok()) break;
    if (held_count_ < before) continue;
    // What a sink's thread is busy with comes when it is done.
    if (plugin().kind == MAYFLY_SINK && wait_for_wake(kSinkPatience)) continue;
    if (clock_.now_ns() >= deadline) break;
    // Retries don't wait past the deadline; timers may still let something go.
    advance(std::min(next_due_ns(), deadline) - clock_.now_ns());
    if (clock_.now_ns() < deadline) continue;
    std::multimap<std::int64_t, RowRef> due = std::exchange(held_by_due_, {});
    for (const auto& [when, ref] : due) held_by_due_.emplace(std::min(when, deadline), ref);
    run();
  }
  if (held_count_ == 0 && !lent_.empty()) {
    violate(fmt::format("kept {} batch(es) of batch_new that it never emitted", lent_.size()));
  }
  return held_count_;
}

void NodeHarness::block_batches(bool blocked) {
  batches_blocked_ = blocked;
  run();
}

// ---- what came out ------------------------------------------------------------------------------

std::vector<std::uint64_t> NodeHarness::port(std::uint32_t port) const {
  std::vector<std::uint64_t> ordinals;
  for (const Passed& row : passed_) {
    if (row.port == port) ordinals.push_back(row.ordinal);
  }
  return ordinals;
}

std::uint64_t NodeHarness::counter(std::string_view name) const {
  const auto index = NamedTable(plugin().counters).find(name);
  return index ? counters_[*index] : 0;
}

bool NodeHarness::conserves() const {
  std::uint64_t waiting = 0;
  for (const Pending& slice : pending_) waiting += slice.rows.size();
  for (const Pending& slice : released_) waiting += slice.rows.size();
  return rows_in_ == rows_out_ + held_count_ + waiting;
}

void NodeHarness::clear() {
  for (const RowRef ref : done_) pool_->settle(pool_->batch(ref), 1);
  done_.clear();
  passed_.clear();
  newest_passed_.clear();
  dropped_.clear();
  rejected_.clear();
  consumed_.clear();
  signals_.clear();
  logged_.clear();
  run();
}

// Over what is immutable once a batch was sent, of the rows in hand.
std::uint64_t NodeHarness::fingerprint(const Pending& slice) const {
  const mayfly_batch& batch = *slice.batch;
  std::uint64_t hash = batch.rows;
  const auto add = [&hash](std::uint64_t word) {
    hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 29;
  };
  add(batch.heap_used);
  for (const std::uint16_t row : slice.rows) {
    add(batch.ordinal[row]);
    for (std::uint32_t c = 0; c < batch.column_count; ++c) {
      const mayfly_column& column = batch.columns[c];
      add(is_null(column, row) ? 1u : 2u + (is_exception(column, row) ? 1u : 0u));
      add(static_cast<std::uint64_t>(column.cells[row].i64));
      const std::int32_t kind = kind_of(column, row);
      const bool text = is_exception(column, row) || kind == MAYFLY_TEXT || kind == MAYFLY_BLOB ||
                        kind == MAYFLY_JSON;
      if (is_null(column, row) || !text) continue;
      for (const char byte : text_at(batch, column.cells[row].span)) {
        add(static_cast<unsigned char>(byte));
      }
    }
  }
  return hash;
}

}  // namespace mayfly
