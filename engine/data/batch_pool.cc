#include "mayfly/data/batch_pool.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <utility>

namespace mayfly {
namespace {

constexpr std::uint32_t kNoBatch = 0xFFFF'FFFF;
constexpr std::size_t kCacheLine = 64;

// Carves arrays out of one block; a first pass without a block measures it.
class Carver {
 public:
  explicit Carver(std::byte* block) : block_(block) {}

  template <class T>
  void carve(T*& out, std::size_t count) {
    if (block_) out = reinterpret_cast<T*>(block_ + used_);
    used_ += (count * sizeof(T) + kCacheLine - 1) / kCacheLine * kCacheLine;
  }
  std::size_t used() const { return used_; }

 private:
  std::byte* block_;
  std::size_t used_ = 0;
};

std::size_t words_for(std::uint32_t rows) { return (rows + 63) / 64; }

void carve_batch(Carver& carver, const BatchPoolOptions& options, mayfly_batch& batch) {
  const std::size_t rows = options.rows;
  carver.carve(batch.columns, options.columns);
  for (std::uint32_t c = 0; c < options.columns; ++c) {
    mayfly_column unplaced{};
    mayfly_column& column = batch.columns ? batch.columns[c] : unplaced;
    carver.carve(column.cells, rows);
    carver.carve(column.valid, words_for(options.rows));
    carver.carve(column.exceptions, words_for(options.rows));
    carver.carve(column.kinds, rows);
  }
  carver.carve(batch.heap, options.heap_bytes);
  carver.carve(batch.ordinal, rows);
  carver.carve(batch.byte_end, rows);
  carver.carve(batch.line, rows);
  carver.carve(batch.key_hash, rows);
  carver.carve(batch.enqueued_ns, rows);
  carver.carve(batch.priority, rows);
  carver.carve(batch.raw, rows);
  carver.carve(batch.message, rows);
  carver.carve(batch.route, rows);
  carver.carve(batch.reason, rows);
  carver.carve(batch.due_ns, rows);
  carver.carve(batch.hold_tag, rows);
  carver.carve(batch.source, rows);
  carver.carve(batch.attempt, rows);
  carver.carve(batch.outcome, rows);
  carver.carve(batch.holds, rows);
  carver.carve(batch.judge, rows);
  carver.carve(batch.ticket, rows);
  carver.carve(batch.owed, rows);
  carver.carve(batch.passed, rows);
  carver.carve(batch.next, rows);
  carver.carve(batch.extent, rows);
  carver.carve(batch.hold_next, rows);
  carver.carve(batch.parent, rows);
  carver.carve(batch.parent_next, rows);
  carver.carve(batch.children, rows);
}

template <class T>
void zero(T* array, std::size_t count) {
  std::memset(array, 0, count * sizeof(T));
}

const std::array<std::uint16_t, MAYFLY_BATCH_ROWS_MAX + 1>& successors() {
  static const auto kTable = [] {
    std::array<std::uint16_t, MAYFLY_BATCH_ROWS_MAX + 1> table{};
    std::iota(table.begin(), table.end(), std::uint16_t{1});
    return table;
  }();
  return kTable;
}

struct FreeBlock {
  void operator()(std::byte* block) const { std::free(block); }
};

}  // namespace

// A Treiber stack of batch indices below a permit counter.
struct BatchPool::FreeList {
  std::atomic<std::uint64_t> head{kNoBatch};  // tag << 32 | index
  Semaphore permits;
  std::uint32_t total = 0;
};

struct BatchPool::Slot {
  std::unique_ptr<std::byte, FreeBlock> block;
  char* heap = nullptr;                            // the batch's own, within block
  std::unique_ptr<std::byte, FreeBlock> oversize;  // in its place while one record needs it
  std::uint64_t oversize_bytes = 0;
  std::uint32_t rows_to_clear = 0;  // by the next user: what the last one may have touched
  Part part = Part::kIntake;        // written by who has the batch
  std::atomic<std::uint32_t> unanswered{0};
  std::atomic<std::uint32_t> next_free{kNoBatch};  // relaxed: ordered by the list's head
};

BatchPool::BatchPool(const BatchPoolOptions& options)
    : options_(options),
      batches_(std::accumulate(options.maker_batches.begin(), options.maker_batches.end(),
                               options.intake_batches + options.reserve_batches)),
      slots_(std::make_unique<Slot[]>(batches_.size())),
      oversize_left_(options.oversize_bytes) {
  assert(options.rows > 0 && options.rows <= MAYFLY_BATCH_ROWS_MAX);
  assert(batches_.size() < MAYFLY_ROW_NONE);
  mayfly_batch measured{};
  Carver measure(nullptr);
  carve_batch(measure, options_, measured);
  for (std::uint32_t i = 0; i < size(); ++i) {
    Slot& slot = slots_[i];
    // Not touched here: a batch that is never used costs no resident memory.
    slot.block.reset(static_cast<std::byte*>(std::aligned_alloc(kCacheLine, measure.used())));
    slot.rows_to_clear = options_.rows;
    mayfly_batch& batch = batches_[i];
    batch = {};
    Carver place(slot.block.get());
    carve_batch(place, options_, batch);
    batch.struct_size = sizeof(mayfly_batch);
    batch.id = i;
    batch.capacity = options_.rows;
    batch.heap_capacity = options_.heap_bytes;
    slot.heap = batch.heap;
  }
  memory_bytes_ = measure.used() * size();
  std::vector<std::uint32_t> totals = {options.intake_batches, options.reserve_batches};
  totals.insert(totals.end(), options.maker_batches.begin(), options.maker_batches.end());
  std::uint32_t end = 0;
  for (std::size_t part = 0; part < totals.size(); ++part) {
    lists_.push_back(std::make_unique<FreeList>());
    lists_.back()->total = totals[part];
    end += totals[part];
    // Pushed in reverse, so that the first ones are handed out first.
    for (std::uint32_t i = end; i-- > end - totals[part];) {
      slots_[i].part = static_cast<Part>(part);
      release(&batches_[i]);
    }
  }
}

BatchPool::~BatchPool() = default;

BatchPool::Part BatchPool::part_of(const mayfly_batch& batch) const {
  return slots_[batch.id].part;
}

mayfly_batch* BatchPool::try_acquire(Part part, const Schema& schema) {
  FreeList& free_list = list(part);
  return free_list.permits.try_acquire() ? take(free_list, schema) : nullptr;
}

mayfly_batch* BatchPool::acquire(Part part, const Schema& schema, std::int64_t timeout_ns) {
  FreeList& free_list = list(part);
  return free_list.permits.acquire_for(timeout_ns) ? take(free_list, schema) : nullptr;
}

mayfly_batch* BatchPool::try_exchange(const Schema& schema) {
  mayfly_batch* batch = try_acquire(Part::kReserve, schema);
  if (batch == nullptr) return nullptr;
  slots_[batch->id].part = Part::kIntake;
  owed_to_reserve_.fetch_add(1, std::memory_order_relaxed);
  return batch;
}

// Whether a batch that comes back to intake is to go to the reserve: one for each that was owed.
bool BatchPool::pays_debt() {
  std::uint32_t owed = owed_to_reserve_.load(std::memory_order_relaxed);
  while (owed > 0) {
    if (owed_to_reserve_.compare_exchange_weak(owed, owed - 1, std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

mayfly_batch* BatchPool::take(FreeList& free_list, const Schema& schema) {
  // Acquire pairs with release() below: what the last user of the batch did is visible.
  std::uint64_t head = free_list.head.load(std::memory_order_acquire);
  std::uint32_t index = 0;
  std::uint64_t next = 0;
  do {
    index = static_cast<std::uint32_t>(head);
    assert(index != kNoBatch);  // a permit stands for a batch on the list
    const std::uint64_t tag = (head >> 32) + 1;
    next = tag << 32 | slots_[index].next_free.load(std::memory_order_relaxed);
  } while (!free_list.head.compare_exchange_weak(head, next, std::memory_order_acquire,
                                                 std::memory_order_acquire));
  mayfly_batch& batch = batches_[index];
  shape(batch, schema);
  return &batch;
}

void BatchPool::shape(mayfly_batch& batch, const Schema& schema) {
  assert(schema.size() <= options_.columns);
  const std::size_t rows = std::exchange(slots_[batch.id].rows_to_clear, options_.rows);
  batch.rows = 0;
  batch.heap_used = 0;
  batch.flags = 0;
  batch.next_line = 0;
  batch.column_count = schema.size();
  for (std::uint32_t c = 0; c < schema.size(); ++c) {
    batch.columns[c].type = schema.c().columns[c].type;
    batch.columns[c].flags = schema.c().columns[c].flags;
    // All of them: a batch that had fewer columns didn't touch these.
    zero(batch.columns[c].valid, words_for(options_.rows));
    zero(batch.columns[c].exceptions, words_for(options_.rows));
  }
  zero(batch.key_hash, rows);
  zero(batch.priority, rows);
  zero(batch.raw, rows);  // empty unless it is an error row
  zero(batch.message, rows);
  zero(batch.reason, rows);
  zero(batch.due_ns, rows);
  zero(batch.hold_tag, rows);
  zero(batch.attempt, rows);
  zero(batch.outcome, rows);
  zero(batch.holds, rows);
  zero(batch.ticket, rows);
  zero(batch.owed, rows);
  zero(batch.passed, rows);
  zero(batch.children, rows);
  std::memset(batch.parent, 0xFF, rows * sizeof(*batch.parent));
  std::memset(batch.parent_next, 0xFF, rows * sizeof(*batch.parent_next));
}

void BatchPool::release(mayfly_batch* batch) {
  Slot& slot = slots_[batch->id];
  if (slot.oversize) drop_oversize(*batch);
  if (slot.part == Part::kIntake && pays_debt()) slot.part = Part::kReserve;
  FreeList& free_list = list(slot.part);
  std::uint64_t head = free_list.head.load(std::memory_order_relaxed);
  std::uint64_t next = 0;
  do {
    slot.next_free.store(static_cast<std::uint32_t>(head), std::memory_order_relaxed);
    next = ((head >> 32) + 1) << 32 | batch->id;
    // Release pairs with take().
  } while (!free_list.head.compare_exchange_weak(head, next, std::memory_order_release,
                                                 std::memory_order_relaxed));
  free_list.permits.release();
}

void BatchPool::add_flight(mayfly_batch* batch, std::uint32_t rows) {
  slots_[batch->id].unanswered.fetch_add(rows, std::memory_order_relaxed);
}

void BatchPool::settle(mayfly_batch* batch, std::uint32_t rows) {
  // acq_rel: whoever takes the count to zero has seen all that the others did with their rows.
  const std::uint32_t before =
      slots_[batch->id].unanswered.fetch_sub(rows, std::memory_order_acq_rel);
  assert(before >= rows);
  if (before != rows) return;
  // What was sent has its rows counted, and perhaps one more begun: no other was touched.
  slots_[batch->id].rows_to_clear = std::min(batch->rows + 1, options_.rows);
  release(batch);
}

std::uint64_t BatchPool::rows_in_flight() const {
  std::uint64_t rows = 0;
  for (const mayfly_batch& batch : batches_) rows += rows_in_flight(batch);
  return rows;
}

std::uint32_t BatchPool::rows_in_flight(const mayfly_batch& batch) const {
  return slots_[batch.id].unanswered.load(std::memory_order_acquire);
}

mayfly_result BatchPool::reserve_heap(mayfly_batch* batch, std::uint64_t bytes) {
  if (bytes <= heap_left(*batch)) return MAYFLY_OK;
  if (batch->rows > 0 || batch->heap_used > 0) return MAYFLY_FULL;
  // Spans are 32 bits wide.
  if (bytes > options_.oversize_bytes || bytes > UINT32_MAX) return MAYFLY_FAILED;
  Slot& slot = slots_[batch->id];
  if (slot.oversize) drop_oversize(*batch);
  std::uint64_t left = oversize_left_.load(std::memory_order_relaxed);
  do {
    if (left < bytes) return MAYFLY_BLOCKED;
  } while (!oversize_left_.compare_exchange_weak(left, left - bytes, std::memory_order_relaxed));
  slot.oversize.reset(static_cast<std::byte*>(std::malloc(bytes)));
  if (!slot.oversize) {
    oversize_left_.fetch_add(bytes, std::memory_order_relaxed);
    return MAYFLY_FAILED;
  }
  slot.oversize_bytes = bytes;
  batch->heap = reinterpret_cast<char*>(slot.oversize.get());
  batch->heap_capacity = static_cast<std::uint32_t>(bytes);
  return MAYFLY_OK;
}

void BatchPool::drop_oversize(mayfly_batch& batch) {
  Slot& slot = slots_[batch.id];
  slot.oversize.reset();
  batch.heap = slot.heap;
  batch.heap_capacity = options_.heap_bytes;
  // seq_cst, as in wait_for_heap: either this sees the waiter, or the waiter sees these bytes.
  oversize_left_.fetch_add(slot.oversize_bytes);
  if (const std::uint32_t waiters = oversize_waiters_.load(); waiters > 0) {
    oversize_freed_.release(waiters);
  }
}

bool BatchPool::wait_for_heap(std::uint64_t bytes, std::int64_t timeout_ns) {
  oversize_waiters_.fetch_add(1);
  // A permit that is left over from an earlier wait only makes the caller try once too often.
  const bool freed = oversize_left_.load() >= bytes || oversize_freed_.acquire_for(timeout_ns);
  oversize_waiters_.fetch_sub(1);
  return freed;
}

std::uint32_t BatchPool::free_batches(Part part) const {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(0, list(part).permits.available()));
}

std::uint32_t BatchPool::part_batches(Part part) const { return list(part).total; }

RowRef seal(mayfly_batch& batch, std::int64_t now_ns, std::uint16_t source) {
  assert(batch.rows > 0);
  std::memcpy(batch.next, successors().data(), batch.rows * sizeof(*batch.next));
  batch.next[batch.rows - 1] = MAYFLY_ROW_NONE;
  batch.extent[0] = batch.rows | MAYFLY_EXTENT_DENSE;
  std::fill_n(batch.enqueued_ns, batch.rows, now_ns);
  std::fill_n(batch.source, batch.rows, source);
  return make_ref(batch.id, 0);
}

}  // namespace mayfly
