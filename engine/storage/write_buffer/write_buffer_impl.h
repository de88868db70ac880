// WriteBuffer::Impl: what a write buffer is made of.
//
// LOCKS      lifecycle_mutex before flush_mutex before mutex. mutex is held for a call's moment,
//            never while the database works; while the disk's sync does, only where a spool that
//            grew is written anew and SpoolSync asks for it. flush_mutex is held during a flush.
// PENDING    Rows in two generations: `active`, to which calls go, and `front`, which is being
//            flushed, or was when a flush failed, and whose rows don't change. A call for a row of
//            `front` makes one in `active` that counts in its place (kTakenOver). A row of `front`
//            leaves by its state (kGone), set without mutex: whoever sets the second of both marks
//            decides who gives the place back.
// FULL       A caller that waits counts itself, then looks whether there is room; who makes room
//            subtracts, then looks whether somebody waits; both sequentially consistent, so one of
//            them sees the other.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mayfly/base/rng.h"
#include "mayfly/policy/retry_policy.h"
#include "mayfly/storage/thread_mark.h"
#include "mayfly/storage/write_buffer/batch_writer.h"
#include "mayfly/storage/write_buffer/flush_plan.h"
#include "mayfly/storage/write_buffer/pending_rows.h"
#include "mayfly/storage/write_buffer/spool_progress.h"
#include "mayfly/storage/write_buffer/write_buffer.h"
#include "mayfly/storage/write_buffer/write_catalog.h"
#include "mayfly/storage/write_buffer/write_spool.h"

namespace mayfly {

struct WriteBuffer::Impl {
  // A call, as it was made.
  struct Call {
    BufferedOp op;
    std::string_view table;
    Row data;
    Keys keys;
  };
  // How a call got its place.
  struct Place {
    RowRef open;          // it merges into this row of `active`
    RowRef taken;         // its row counts for this one of `front`
    bool is_new = false;  // it counts for itself
  };

  Impl(std::shared_ptr<SqliteSingleWriter> writer_in, WriteBufferOptions options_in);

  // write_buffer.cc: calls.
  DbResult<void> write(const Call& call);
  DbResult<void> write_locked(const Call& call, std::unique_lock<std::mutex>& lock);
  DbResult<ShapedCall> shape(const Call& call);
  std::optional<Place> find_place(const ShapedCall& call);
  void give_back(const Place& place, const BufferedTable& table);
  DbResult<void> wait_for_room(std::unique_lock<std::mutex>& lock,
                               std::optional<std::int64_t>& deadline);
  DbError full() const;
  bool would_wait_for_itself() const;
  DbResult<void> spool_call(const Call& call, std::uint64_t number);
  void rewrite_spool();
  DbResult<void> write_spool_anew();
  std::optional<BufferedRow> look_up(std::string_view table, Row key_data, Keys keys,
                                     bool& is_buffered);

  // write_buffer_flush.cc: flushes, by whichever thread.
  DbResult<std::int64_t> flush_all();
  DbResult<void> flush_front();
  DbResult<void> write_front(std::vector<RefusedRow>& refused, bool& recorded);
  DbResult<void> retry_refused(BatchWriter& batches, std::vector<RefusedRow>& refused);
  void rows_left(std::span<const RowRef> rows);
  void row_left(RowRef ref);
  void wake_waiting();
  void reject(const RefusedRow& refused);
  bool bring_to_front();
  DbResult<void> record_front_done();
  void forget_front();

  // write_buffer_thread.cc: the thread, start and stop, what a spool brings back.
  void run(std::int64_t next_ns);  // the first flush is due at next_ns
  std::int64_t backoff_ns(std::uint32_t failures_before, std::int64_t since_ns);
  DbResult<void> start();
  DbResult<void> stop();
  DbResult<void> flush_until(std::int64_t deadline_ns);
  DbResult<void> open_spool();
  DbError spool_refused(const SpoolLoss& loss) const;
  DbResult<bool> check_spool(const SpoolState& state);
  DbResult<void> replay(const SpoolState& state);

  const std::shared_ptr<SqliteSingleWriter> writer;
  const WriteBufferOptions options;
  const Clock& clock;
  SignalSink& sink;
  const RetryPolicy retry;
  const StemId flush_start, flush_done, flush_error, buffer_full, row_rejected, stop_left,
      spool_replayed, spool_torn, spool_lost;

  std::mutex lifecycle_mutex;
  ThreadMark stopping_here;  // who holds it to stop
  std::thread thread;
  Rng rng;  // of the jitter; lifecycle_mutex, or the thread

  std::mutex flush_mutex;
  ThreadMark flushing;           // who holds it
  std::int64_t flushed_now = 0;  // rows of this flush; flush_mutex
  std::optional<SpoolProgress> progress;
  std::unique_ptr<PendingRows> spare;  // memory for the next generation; flush_mutex

  mutable std::mutex mutex;  // guards what follows, down to the atomics
  std::condition_variable room, work;
  WriteCatalog catalog;
  std::unique_ptr<PendingRows> active = std::make_unique<PendingRows>();
  std::unique_ptr<PendingRows> front;  // set under both mutexes
  std::unique_ptr<WriteSpool> spool;
  std::string record;  // room for one
  std::vector<Value> values;
  std::uint64_t calls = 0;       // number of the newest
  std::uint64_t front_upto = 0;  // the newest call when the front was taken; of the flush
  std::size_t rewrite_at = 0;
  std::uint64_t buffered = 0, coalesced = 0, waits = 0, refusals = 0;
  std::int64_t pending_high = 0;
  bool full_said = false;
  bool closed = false;
  bool running = false;
  bool stopping = false;
  bool flush_wanted = false;
  std::deque<RejectedRow> rejected_rows;

  std::atomic<std::int64_t> pending{0};
  std::atomic<int> waiting{0};
  std::atomic<std::uint64_t> flushed{0}, flushes{0}, failures{0}, rejected{0};
};

}  // namespace mayfly
