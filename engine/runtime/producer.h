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
//            engine.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <span>

#include "mayfly/runtime/ticket.h"
#include "mayfly/data/value.h"

namespace mayfly {

class ProducerCore;

// What became of a row that was offered.
enum class Append : std::uint8_t {
  kAccepted,
  kNoRoom,   // the pool is empty: try again later, or append()
  kTooBig,   // the row is larger than max_row_bytes
  kClosed,   // the engine drains or failed
  kBadShape  // other columns than the schema has
};

class Producer {
 public:
  // Made by Engine::open_producer.
  explicit Producer(std::unique_ptr<ProducerCore> core);
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

 private:
  const std::unique_ptr<ProducerCore> core_;
};

}  // namespace mayfly
