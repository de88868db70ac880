// Producer: one thread's handle for handing rows to the engine.
//
//   auto producer = engine->open_producer();
//   producer->append(7, "name", 1.5);           // waits while the pool is empty
//
// Rows collect in an open batch that is sent when it is full, when flush() is called, or when the
// producer has been idle for the linger time (5 ms). No free batch is backpressure: try_append says
// so, append waits; nothing is dropped and nothing grows.
//
// THREADS    One thread at a time. Distinct producers don't contend.
// OWNERSHIP  Text is copied before append returns. The producer must be destroyed before its
// engine.
//
// PROTOCOL   `gate` is OPEN, BUSY or SEALED. The producer takes OPEN -> BUSY around each append,
// the
//            linger timer takes OPEN -> BUSY to send the batch of an idle producer, with the
//            producer's own lane. Whoever has BUSY owns batch and lane; storing OPEN or SEALED
//            (release) gives them back with everything done to them, and the exchange that takes
//            BUSY acquires. SEALED tells the producer that its batch is gone.
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mayfly/base/status.h"
#include "mayfly/data/batch_pool.h"
#include "mayfly/graph/graph.h"
#include "mayfly/runtime/linger.h"
#include "mayfly/runtime/ticket.h"

namespace mayfly {

// What became of a row that was offered.
enum class Append : std::uint8_t {
  kAccepted,
  kNoRoom,   // the pool is empty: try again later, or append()
  kTooBig,   // the row is larger than max_row_bytes
  kClosed,   // the engine drains or failed
  kBadShape  // other columns than the schema has
};

// One value of a row. std::nullopt and nullptr are NULL.
class Value {
 public:
  enum class Kind : std::uint8_t { kNull, kInt64, kFloat64, kText, kBlob };

  Value(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): a row reads as its values
  Value(std::nullopt_t) {}  // NOLINT
  // A std::uint64_t may not fit, so its caller says what it is to become.
  template <std::integral T>
  requires(std::signed_integral<T> || sizeof(T) < sizeof(std::int64_t)) Value(T v)
      : kind_(Kind::kInt64), int64_(static_cast<std::int64_t>(v)) {}         // NOLINT
  Value(std::floating_point auto v) : kind_(Kind::kFloat64), float64_(v) {}  // NOLINT
  Value(std::string_view v) : kind_(Kind::kText), text_(v) {}                // NOLINT
  Value(const char* v) : Value(std::string_view(v)) {}                       // NOLINT
  Value(const std::string& v) : Value(std::string_view(v)) {}                // NOLINT
  Value(std::span<const std::byte> v)                                        // NOLINT
      : kind_(Kind::kBlob), text_(reinterpret_cast<const char*>(v.data()), v.size()) {}
  template <class T>
  Value(const std::optional<T>& v) : Value(v ? Value(*v) : Value(nullptr)) {}  // NOLINT

  Kind kind() const { return kind_; }
  std::int64_t int64() const { return int64_; }
  double float64() const { return float64_; }
  std::string_view text() const { return text_; }

 private:
  Kind kind_ = Kind::kNull;
  union {
    std::int64_t int64_ = 0;
    double float64_;
  };
  std::string_view text_;
};

class Producer {
 public:
  // Made by Engine::open_producer.
  Producer(Graph& graph, TicketTable& tickets, Linger& linger, std::uint32_t source,
           Graph::Lane lane);
  ~Producer();
  Producer(const Producer&) = delete;
  Producer& operator=(const Producer&) = delete;

  // Never blocks. A value that isn't of its column's type is kept as its text.
  Append try_append(std::span<const Value> row);
  // Waits while the pool is empty.
  Append append(std::span<const Value> row);

  template <class... Values>
  requires(sizeof...(Values) > 0 && (std::convertible_to<const Values&, Value> && ...)) Append
      append(const Values&... values) {
    const std::array<Value, sizeof...(Values)> row{Value(values)...};
    return append(std::span<const Value>(row));
  }
  template <class... Values>
  requires(sizeof...(Values) > 0 && (std::convertible_to<const Values&, Value> && ...)) Append
      try_append(const Values&... values) {
    const std::array<Value, sizeof...(Values)> row{Value(values)...};
    return try_append(std::span<const Value>(row));
  }

  // Rows appended from now until close_ticket() are covered by the ticket. Waits while all tickets
  // are taken; invalid when the engine is closed or a ticket is open already.
  Ticket open_ticket();
  // Sends the open batch, so that the ticket doesn't wait for the linger time.
  void close_ticket();

  // Sends what is in the open batch.
  void flush();

  // The linger timer's calls, from its thread.
  // Sends the open batch if its first row is older than linger_ns; false when it wasn't sent.
  bool linger(std::int64_t now_ns, std::int64_t linger_ns);
  bool has_open_batch() const { return has_open_batch_.load(std::memory_order_relaxed); }
  // Sends the open batch whatever its age.
  void send_from_outside();

 private:
  enum Gate : std::uint32_t { kOpen, kBusy, kSealed };

  void enter();
  void leave() { gate_.store(kOpen, std::memory_order_release); }
  Append append_inside(std::span<const Value> row);
  Append make_room(std::uint64_t bytes);
  bool put(const Value& value, std::uint32_t column);
  void send();

  Graph& graph_;
  TicketTable& tickets_;
  Linger& linger_;
  const std::uint32_t source_;
  const Graph::Lane lane_;
  std::atomic<std::uint32_t> gate_{kOpen};
  mayfly_batch* batch_ = nullptr;            // owned by whoever has BUSY
  std::int64_t opened_ns_ = 0;               // when its first row came; same owner
  std::atomic<bool> has_open_batch_{false};  // a hint for the timer
  std::uint32_t ticket_ = 0;                 // the producer's thread alone
  std::uint64_t heap_missing_ = 0;           // bytes that kNoRoom was about; 0: a batch. Likewise
};

}  // namespace mayfly
