#include "mayfly/runtime/ticket.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <numeric>
#include <utility>

#include "mayfly/base/thread_name.h"
#include "mayfly/data/batch_view.h"
#include "mayfly/data/uniform.h"

namespace mayfly {
namespace {

constexpr std::uint32_t kNone = 0xFFFF'FFFF;

bool is_durable(std::uint8_t outcome) {
  return outcome == MAYFLY_WRITTEN || outcome == MAYFLY_IGNORED || outcome == MAYFLY_CONSUMED;
}

}  // namespace

std::uint32_t TicketResult::total() const {
  return std::accumulate(rows.begin(), rows.end(), std::uint32_t{0});
}

bool TicketResult::durable() const {
  return taken && rows[MAYFLY_WRITTEN] + rows[MAYFLY_IGNORED] + rows[MAYFLY_CONSUMED] == total();
}

// ---- Ticket -------------------------------------------------------------------------------------

Ticket& Ticket::operator=(Ticket&& other) noexcept {
  if (this == &other) return *this;
  release();
  table_ = std::exchange(other.table_, nullptr);
  index_ = other.index_;
  return *this;
}

void Ticket::release() {
  if (table_ == nullptr) return;
  TicketTable* table = std::exchange(table_, nullptr);
  table->drop_claim(table->records_[index_]);
}

bool Ticket::done() const {
  return !valid() ||
         table_->records_[index_].state.load(std::memory_order_acquire) == TicketTable::kDone;
}

TicketResult Ticket::result() const {
  if (!valid()) return {.taken = false};
  return table_->result(table_->records_[index_]);
}

TicketResult Ticket::wait() {
  if (!valid()) return result();
  std::atomic<std::uint32_t>& state = table_->records_[index_].state;
  // Acquire: pairs with the release in complete(), so the outcomes are visible.
  while (state.load(std::memory_order_acquire) != TicketTable::kDone) {
    state.wait(TicketTable::kOpen, std::memory_order_acquire);
  }
  return result();
}

bool Ticket::wait_for(std::int64_t timeout_ns) {
  // libstdc++ 12 has no timed wait on atomics: short sleeps, since a bounded wait is the rare case.
  using std::chrono::steady_clock;
  const auto deadline = steady_clock::now() + std::chrono::nanoseconds(timeout_ns);
  for (auto pause = std::chrono::microseconds(20); !done();) {
    if (steady_clock::now() >= deadline) return false;
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::microseconds(2000));
  }
  return true;
}

void Ticket::on_done(std::function<void(const TicketResult&)> f) && {
  if (!valid()) {
    f(result());
    return;
  }
  TicketTable* table = std::exchange(table_, nullptr);
  table->ask(index_, std::move(f));
}

// ---- TicketTable --------------------------------------------------------------------------------

TicketTable::TicketTable(std::uint32_t records)
    : size_(records),
      records_(std::make_unique<Record[]>(records)),
      free_permits_(records),
      free_head_(0),
      called_head_(kNone) {
  assert(records > 0);
  for (std::uint32_t i = 0; i < records; ++i) {
    records_[i].next.store(i + 1 < records ? i + 1 : kNone, std::memory_order_relaxed);
  }
  thread_ = std::thread([this] { acknowledge(); });
}

TicketTable::~TicketTable() {
  stop_.store(true, std::memory_order_release);
  called_.release();
  thread_.join();
}

Ticket TicketTable::acquire(std::int64_t timeout_ns) {
  if (!free_permits_.acquire_for(timeout_ns)) return {};
  // The tag in the upper half changes with every pop and push: against ABA.
  std::uint64_t head = free_head_.load(std::memory_order_acquire);
  std::uint64_t next = 0;
  do {
    next = ((head >> 32) + 1) << 32 |
           records_[static_cast<std::uint32_t>(head)].next.load(std::memory_order_relaxed);
  } while (!free_head_.compare_exchange_weak(head, next, std::memory_order_acquire,
                                             std::memory_order_acquire));
  const auto index = static_cast<std::uint32_t>(head);
  Record& record = records_[index];
  record.open.store(1, std::memory_order_relaxed);
  record.rows_added.store(0, std::memory_order_relaxed);
  for (auto& outcome : record.outcomes) outcome.store(0, std::memory_order_relaxed);
  record.first_failed.store(UINT64_MAX, std::memory_order_relaxed);
  record.claims.store(2, std::memory_order_relaxed);
  record.state.store(kOpen, std::memory_order_relaxed);
  return {this, index};
}

std::uint32_t TicketTable::add_row(std::uint32_t id) {
  Record& record = records_[id - 1];
  record.open.fetch_add(1, std::memory_order_relaxed);
  // The producer alone adds.
  const std::uint32_t number = record.rows_added.load(std::memory_order_relaxed);
  record.rows_added.store(number + 1, std::memory_order_relaxed);
  return number;
}

void TicketTable::close(std::uint32_t id) { take_down(records_[id - 1], 1); }

void TicketTable::answered(const mayfly_batch& batch, std::uint16_t head) noexcept {
  if (slice_is_all(batch, head, batch.ticket, std::uint32_t{0})) return;
  // Rows of one ticket stand together, so counts go to the record run by run.
  std::uint32_t id = 0;
  std::uint32_t run = 0;
  const auto flush = [&] {
    if (id != 0) take_down(records_[id - 1], run);
    run = 0;
  };
  for_each_row(batch, head, [&](std::uint16_t row) {
    if (batch.ticket[row] != id) {
      flush();
      id = batch.ticket[row];
    }
    if (id == 0) return;
    ++run;
    Record& record = records_[id - 1];
    const std::uint8_t outcome = batch.outcome[row];
    record.outcomes[outcome].fetch_add(1, std::memory_order_relaxed);
    if (is_durable(outcome)) return;
    const std::uint64_t failed = batch.ordinal[row] << 8 | outcome;
    std::uint64_t first = record.first_failed.load(std::memory_order_relaxed);
    while (failed < first &&
           !record.first_failed.compare_exchange_weak(first, failed, std::memory_order_relaxed)) {
    }
  });
  flush();
}

void TicketTable::take_down(Record& record, std::uint64_t count) {
  // acq_rel: whoever takes it to zero has seen the outcomes that others counted.
  if (record.open.fetch_sub(count, std::memory_order_acq_rel) == count) complete(record);
}

void TicketTable::complete(Record& record) {
  const std::uint32_t before = record.state.exchange(kDone, std::memory_order_acq_rel);
  record.state.notify_all();
  if (before == kWaited) {
    post(record);  // the claim is dropped after the call
  } else {
    drop_claim(record);
  }
}

void TicketTable::ask(std::uint32_t index, std::function<void(const TicketResult&)> f) {
  Record& record = records_[index];
  record.on_done = std::move(f);
  std::uint32_t open = kOpen;
  // Release: the acknowledgement thread sees the function once it sees WAITED or the posted record.
  if (record.state.compare_exchange_strong(open, kWaited, std::memory_order_acq_rel)) {
    drop_claim(record);
    return;
  }
  post(record);
}

void TicketTable::post(Record& record) {
  const std::uint32_t index = index_of(record);
  std::uint32_t head = called_head_.load(std::memory_order_relaxed);
  do {
    record.next.store(head, std::memory_order_relaxed);
  } while (!called_head_.compare_exchange_weak(head, index, std::memory_order_release,
                                               std::memory_order_relaxed));
  called_.release();
}

void TicketTable::drop_claim(Record& record) {
  if (record.claims.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  const std::uint32_t index = index_of(record);
  std::uint64_t head = free_head_.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  do {
    record.next.store(static_cast<std::uint32_t>(head), std::memory_order_relaxed);
    next = ((head >> 32) + 1) << 32 | index;
  } while (!free_head_.compare_exchange_weak(head, next, std::memory_order_release,
                                             std::memory_order_relaxed));
  free_permits_.release();
}

TicketResult TicketTable::result(const Record& record) const {
  TicketResult result;
  for (std::size_t i = 0; i < result.rows.size(); ++i) {
    result.rows[i] = record.outcomes[i].load(std::memory_order_relaxed);
  }
  const std::uint64_t first = record.first_failed.load(std::memory_order_relaxed);
  if (first != UINT64_MAX) {
    result.first_failed = static_cast<std::uint32_t>(first >> 8);
    result.first_outcome = static_cast<std::uint8_t>(first);
  }
  return result;
}

void TicketTable::acknowledge() {
  name_this_thread("mayfly-answers");
  for (;;) {
    called_.acquire();
    // Acquire pairs with post(). The list is newest first: turned round, so that calls come in
    // order.
    std::uint32_t newest = called_head_.exchange(kNone, std::memory_order_acq_rel);
    std::uint32_t oldest = kNone;
    while (newest != kNone) {
      Record& record = records_[newest];
      const std::uint32_t next = record.next.load(std::memory_order_relaxed);
      record.next.store(oldest, std::memory_order_relaxed);
      oldest = std::exchange(newest, next);
    }
    while (oldest != kNone) {
      Record& record = records_[oldest];
      oldest = record.next.load(std::memory_order_relaxed);
      const auto f = std::exchange(record.on_done, nullptr);
      f(result(record));
      drop_claim(record);
    }
    if (stop_.load(std::memory_order_acquire) &&
        called_head_.load(std::memory_order_acquire) == kNone) {
      return;
    }
  }
}

}  // namespace mayfly
