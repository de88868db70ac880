// ProducerCore: what a Producer does behind its calls: the open batch, its ticket, its lane.
//
// THREADS    The producer's, and the driver's for the linger timer.
// OWNERSHIP  Must be destroyed before the graph, the tickets and the timer.
//
// PROTOCOL   `gate` is OPEN, BUSY or SEALED. The producer takes OPEN -> BUSY around each append,
//            the linger timer takes OPEN -> BUSY to send the batch of an idle producer, with the
//            producer's own lane. Whoever has BUSY owns batch and lane; storing OPEN or SEALED
//            (release) gives them back with everything done to them, and the exchange that takes
//            BUSY acquires. SEALED tells the producer that its batch is gone.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "mayfly/data/batch_pool.h"
#include "mayfly/graph/graph.h"
#include "mayfly/runtime/linger.h"
#include "mayfly/runtime/producer.h"
#include "mayfly/runtime/ticket.h"
#include "mayfly/data/value.h"

namespace mayfly {

class ProducerCore {
 public:
  ProducerCore(Graph& graph, TicketTable& tickets, Linger& linger, std::uint32_t source,
               Graph::Lane lane);
  ~ProducerCore();
  ProducerCore(const ProducerCore&) = delete;
  ProducerCore& operator=(const ProducerCore&) = delete;

  // The producer's calls (producer.h), from its thread.
  Append try_append(std::span<const Value> row);
  Append append(std::span<const Value> row);
  Ticket open_ticket();
  void close_ticket();
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
