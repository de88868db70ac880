// Ticket: the answer to rows a producer handed over, by blocking, by callback or by co_await.
//
// A ticket covers the rows appended between Producer::open_ticket and close_ticket. It is done when
// every one of them is answered: `durable` means they are committed (WRITTEN, IGNORED or CONSUMED
// by what was made from them).
//
// OWNERSHIP  Records are preallocated in the TicketTable; no free record is backpressure at the
//            producer. A Ticket is a move-only claim on one; the record is reused once the ticket
//            is done and its claim is gone.
// THREADS    A Ticket is used by one thread at a time. Callbacks and coroutines run on the
//            acknowledgement thread, never on the writer's or the graph's: they may append (with
//            try_append), but not drain or close.
//
// PROTOCOL   `open` counts unanswered rows, plus one while the producer still adds rows. Whoever
//            takes it to zero (the writer's thread, mostly) stores DONE (release) and wakes; then
//            it pushes the record on the list of the acknowledgement thread if somebody asked to be
//            called. `state` decides between the two sides: on_done exchanges WAITED in, completion
//            exchanges DONE in, and whoever comes second makes the call.
#pragma once

#include <array>
#include <atomic>
#include <coroutine>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/data/outcome.h"
#include "mayfly/data/semaphore.h"
#include "mayfly/graph/answers.h"

namespace mayfly {

// What became of a ticket's rows.
struct TicketResult {
  std::array<std::uint32_t, kOutcomes> rows{};  // by MAYFLY_WRITTEN ... MAYFLY_UNKNOWN
  // The first row that wasn't written, counted from 0 within the ticket, and its outcome.
  std::uint32_t first_failed = UINT32_MAX;
  std::uint8_t first_outcome = MAYFLY_PENDING;
  // False: of a ticket that wasn't valid, as of a closed engine; it covers no row.
  bool taken = true;

  std::uint32_t total() const;
  // Every row is in the database, or was meant not to be (ignored by --ignore). False of a ticket
  // that wasn't taken.
  bool durable() const;
};

class TicketAwaiter;
class TicketTable;

// Of a ticket that isn't valid all calls are allowed: it is done, and its result says that it
// wasn't taken.
class [[nodiscard]] Ticket {
 public:
  Ticket() = default;
  Ticket(Ticket&& other) noexcept { *this = std::move(other); }
  Ticket& operator=(Ticket&& other) noexcept;
  ~Ticket() { release(); }

  bool valid() const { return table_ != nullptr; }
  bool done() const;
  // Blocks until every row is answered. Not from a callback, and not while rows of it are unsent.
  TicketResult wait();
  // False when timeout_ns passed first.
  bool wait_for(std::int64_t timeout_ns);
  TicketResult result() const;  // once done
  // Calls f with the result, on the acknowledgement thread (on this one, at once, if the ticket
  // isn't valid); gives the claim up. f must not throw.
  void on_done(std::function<void(const TicketResult&)> f) &&;

  // co_await: resumes on the acknowledgement thread.
  TicketAwaiter operator co_await();

 private:
  friend class TicketTable;
  Ticket(TicketTable* table, std::uint32_t index) : table_(table), index_(index) {}
  void release();

  TicketTable* table_ = nullptr;
  std::uint32_t index_ = 0;
};

// The records behind tickets, reused; answered by the writer, waited for by anyone.
class TicketTable final : public TicketSink {
 public:
  explicit TicketTable(std::uint32_t records);
  ~TicketTable();
  TicketTable(const TicketTable&) = delete;
  TicketTable& operator=(const TicketTable&) = delete;

  // Invalid when no record came free within timeout_ns. Any thread.
  Ticket acquire(std::int64_t timeout_ns);
  // The id that rows carry in batch.ticket; never 0.
  static std::uint32_t id_of(const Ticket& ticket) { return ticket.index_ + 1; }
  // The producer adds a row; returns its number within the ticket. It stands in batch.ordinal.
  std::uint32_t add_row(std::uint32_t id);
  // The producer adds no more. May complete the ticket.
  void close(std::uint32_t id);

  // TicketSink
  void answered(const mayfly_batch& batch, std::uint16_t head) noexcept override;

 private:
  friend class Ticket;
  enum State : std::uint32_t { kOpen = 0, kDone = 1, kWaited = 2 };

  struct alignas(64) Record {
    std::atomic<std::uint64_t> open{0};
    std::atomic<std::uint32_t> state{kOpen};
    std::atomic<std::uint32_t> rows_added{0};
    std::array<std::atomic<std::uint32_t>, kOutcomes> outcomes{};
    // first failed row << 8 | its outcome; the smallest wins.
    std::atomic<std::uint64_t> first_failed{UINT64_MAX};
    std::atomic<std::uint32_t> next{0};
    std::atomic<std::uint32_t> claims{0};  // the Ticket's and the table's: both gone, it is free
    std::function<void(const TicketResult&)> on_done;
  };

  void take_down(Record& record, std::uint64_t count);
  void complete(Record& record);
  void drop_claim(Record& record);
  void ask(std::uint32_t index, std::function<void(const TicketResult&)> f);
  void post(Record& record);
  TicketResult result(const Record& record) const;
  std::uint32_t index_of(const Record& record) const {
    return static_cast<std::uint32_t>(&record - records_.get());
  }
  void acknowledge();

  const std::uint32_t size_;
  std::unique_ptr<Record[]> records_;
  Semaphore free_permits_;
  std::atomic<std::uint64_t> free_head_;  // tag << 32 | index: a Treiber stack
  // Records to be called, newest first; the acknowledgement thread takes all at once.
  std::atomic<std::uint32_t> called_head_;
  Semaphore called_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

// What co_await on a ticket uses.
class TicketAwaiter {
 public:
  explicit TicketAwaiter(Ticket& ticket) : ticket_(ticket) {}

  bool await_ready() {
    if (!ticket_.done()) return false;
    result_ = ticket_.result();
    return true;
  }
  void await_suspend(std::coroutine_handle<> handle) {
    std::move(ticket_).on_done([this, handle](const TicketResult& result) {
      result_ = result;
      handle.resume();
    });
  }
  TicketResult await_resume() const { return result_; }

 private:
  Ticket& ticket_;
  TicketResult result_;
};

inline TicketAwaiter Ticket::operator co_await() { return TicketAwaiter(*this); }

}  // namespace mayfly
