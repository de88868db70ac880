#include "mayfly/runtime/producer_core.h"

#include <fmt/format.h>

#include <iterator>
#include <thread>

namespace mayfly {
namespace {

// How often a waiting producer looks whether the engine was closed.
constexpr std::int64_t kCloseCheckNs = 20 * kMillisecond;
// Text of the longest number.
constexpr std::size_t kNumberMax = 32;

// Whether a double holds the integer exactly; all do up to 2^53, and few beyond matter.
bool fits_double(std::int64_t value) {
  constexpr std::int64_t kExact = std::int64_t{1} << 53;
  return value >= -kExact && value <= kExact;
}

std::uint64_t heap_bytes(std::span<const Value> row) {
  std::uint64_t bytes = 0;
  // A number in a column of text is kept as its text.
  for (const Value& value : row) bytes += value.text().size();
  return bytes;
}

}  // namespace

ProducerCore::ProducerCore(Graph& graph, TicketTable& tickets, Linger& linger, std::uint32_t source,
                           Graph::Lane lane)
    : graph_(graph), tickets_(tickets), linger_(linger), source_(source), lane_(lane) {
  linger_.add(this);
}

ProducerCore::~ProducerCore() {
  linger_.remove(this);
  close_ticket();
  enter();
  if (batch_ != nullptr) graph_.pool().release(batch_);
  graph_.close_lane(source_, lane_.edge);
}

void ProducerCore::enter() {
  std::uint32_t expected = kOpen;
  // Acquire: pairs with the linger timer's release.
  while (!gate_.compare_exchange_weak(expected, kBusy, std::memory_order_acquire)) {
    if (expected == kSealed) {
      // The timer sent the batch and is gone.
      gate_.store(kBusy, std::memory_order_relaxed);
      batch_ = nullptr;
      return;
    }
    expected = kOpen;
    std::this_thread::yield();  // BUSY is the timer in the middle of one push
  }
}

bool ProducerCore::linger(std::int64_t now_ns, std::int64_t linger_ns) {
  std::uint32_t expected = kOpen;
  if (!gate_.compare_exchange_strong(expected, kBusy, std::memory_order_acquire)) return false;
  const bool send_now = batch_ != nullptr && batch_->rows > 0 && now_ns - opened_ns_ >= linger_ns;
  if (!send_now) {
    leave();
    return false;
  }
  send();
  gate_.store(kSealed, std::memory_order_release);
  return true;
}

void ProducerCore::send_from_outside() {
  std::uint32_t expected = kOpen;
  while (!gate_.compare_exchange_weak(expected, kBusy, std::memory_order_acquire)) {
    if (expected == kSealed) return;  // sent already
    expected = kOpen;
    std::this_thread::yield();  // an append is under way
  }
  if (batch_ == nullptr || batch_->rows == 0) {
    leave();
    return;
  }
  send();
  gate_.store(kSealed, std::memory_order_release);
}

Append ProducerCore::try_append(std::span<const Value> row) {
  enter();
  const Append result = append_inside(row);
  leave();
  return result;
}

Append ProducerCore::append(std::span<const Value> row) {
  for (;;) {
    const Append result = try_append(row);
    if (result != Append::kNoRoom) return result;
    // Wait outside the gate.
    if (heap_missing_ != 0) {
      graph_.pool().wait_for_heap(heap_missing_, kCloseCheckNs);
      continue;
    }
    // The batch is taken here and not just waited for: the next free one is ours.
    mayfly_batch* batch =
        graph_.pool().acquire(BatchPool::Part::kIntake, *lane_.schema, kCloseCheckNs);
    if (batch == nullptr) continue;
    enter();
    if (batch_ == nullptr) {
      batch_ = batch;
    } else {
      graph_.pool().release(batch);
    }
    leave();
  }
}

Append ProducerCore::append_inside(std::span<const Value> row) {
  if (row.size() != lane_.schema->size()) return Append::kBadShape;
  if (graph_.refuses_rows()) return Append::kClosed;
  const Append room = make_room(heap_bytes(row) + kNumberMax * row.size());
  if (room != Append::kAccepted) return room;
  mayfly_batch& batch = *batch_;
  if (batch.rows == 0) {
    opened_ns_ = graph_.clock().now_ns();
    has_open_batch_.store(true, std::memory_order_relaxed);
    linger_.expect();
  }
  for (std::uint32_t c = 0; c < row.size(); ++c) put(row[c], c);
  const std::uint32_t at = batch.rows;
  if (ticket_ != 0) {
    batch.ticket[at] = ticket_;
    commit_row(batch, {.ordinal = tickets_.add_row(ticket_)});
  } else {
    commit_row(batch, {});
  }
  if (!has_room_for_row(batch)) send();
  return Append::kAccepted;
}

Append ProducerCore::make_room(std::uint64_t bytes) {
  for (;;) {
    if (batch_ == nullptr) {
      batch_ = graph_.pool().try_acquire(BatchPool::Part::kIntake, *lane_.schema);
      if (batch_ == nullptr) {
        heap_missing_ = 0;
        return Append::kNoRoom;
      }
    }
    if (bytes <= heap_left(*batch_)) return Append::kAccepted;
    switch (graph_.pool().reserve_heap(batch_, bytes)) {
      case MAYFLY_OK:
        return Append::kAccepted;
      case MAYFLY_FULL:
        send();
        break;
      case MAYFLY_BLOCKED:
        heap_missing_ = bytes;
        return Append::kNoRoom;
      default:
        return Append::kTooBig;
    }
  }
}

bool ProducerCore::put(const Value& value, std::uint32_t column) {
  mayfly_batch& batch = *batch_;
  const std::int32_t type = batch.columns[column].type;
  const bool any = type == MAYFLY_ANY;
  switch (value.kind()) {
    case Value::Kind::kNull:
      return true;
    case Value::Kind::kInt64:
      if (any) put_kind(batch, column, MAYFLY_INT64);
      if (any || type == MAYFLY_INT64 || type == MAYFLY_BOOL || type == MAYFLY_TIMESTAMP) {
        put_int64(batch, column, value.int64());
        return true;
      }
      if (type == MAYFLY_FLOAT64 && fits_double(value.int64())) {
        put_float64(batch, column, static_cast<double>(value.int64()));
        return true;
      }
      break;
    case Value::Kind::kFloat64:
      if (any) put_kind(batch, column, MAYFLY_FLOAT64);
      if (any || type == MAYFLY_FLOAT64) {
        put_float64(batch, column, value.float64());
        return true;
      }
      break;
    case Value::Kind::kText:
    case Value::Kind::kBlob: {
      const std::int32_t kind = value.kind() == Value::Kind::kText ? MAYFLY_TEXT : MAYFLY_BLOB;
      if (any) put_kind(batch, column, static_cast<std::uint8_t>(kind));
      if (any || type == kind || type == MAYFLY_JSON || (type == MAYFLY_BLOB)) {
        return put_text(batch, column, value.text());
      }
      return put_exception(batch, column, value.text());
    }
  }
  // A number where the column has another type: its shortest exact text.
  std::array<char, kNumberMax> text;
  const auto end = value.kind() == Value::Kind::kInt64
                       ? fmt::format_to_n(text.data(), text.size(), "{}", value.int64())
                       : fmt::format_to_n(text.data(), text.size(), "{}", value.float64());
  const std::string_view kept(text.data(), static_cast<std::size_t>(end.out - text.data()));
  return type == MAYFLY_TEXT ? put_text(batch, column, kept) : put_exception(batch, column, kept);
}

void ProducerCore::send() {
  mayfly_batch& batch = *batch_;
  batch_ = nullptr;
  has_open_batch_.store(false, std::memory_order_relaxed);
  const std::uint32_t rows = batch.rows;
  const RowRef head = seal(batch, opened_ns_, MAYFLY_ROW_NONE);
  graph_.answers().accept(batch, rows);
  lane_.edge.push(head);
}

void ProducerCore::flush() {
  enter();
  if (batch_ != nullptr && batch_->rows > 0) send();
  leave();
}

Ticket ProducerCore::open_ticket() {
  if (ticket_ != 0) return {};
  while (!graph_.refuses_rows()) {
    Ticket ticket = tickets_.acquire(kCloseCheckNs);
    if (!ticket.valid()) continue;
    ticket_ = TicketTable::id_of(ticket);
    return ticket;
  }
  return {};
}

void ProducerCore::close_ticket() {
  flush();
  if (ticket_ == 0) return;
  tickets_.close(ticket_);
  ticket_ = 0;
}

}  // namespace mayfly
