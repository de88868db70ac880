#include "mayfly/graph/source.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "mayfly/base/thread_name.h"
#include "mayfly/data/slice_chain.h"
#include "mayfly/data/uniform.h"
#include "mayfly/plugin/from_abi.h"

namespace mayfly {
namespace {

// A batch that isn't full is sent after this long, so that a slow source's rows don't wait for it.
constexpr std::int64_t kLingerNs = 5 * kMillisecond;
// How often a source that waits for a batch looks whether it is to stop.
constexpr std::int64_t kStopCheckNs = 20 * kMillisecond;
constexpr std::uint64_t kRawKept = 64 << 10;
constexpr std::size_t kFingerprintMax = 256;

}  // namespace

Status Source::open_at(const mayfly_position* position) {
  if (position != nullptr) ordinal_end_ = position->ordinal;
  const mayfly_position from_start = {.struct_size = sizeof(mayfly_position)};
  MAYFLY_RETURN_IF_ERROR(open(position != nullptr ? position : &from_start));
  set_schema(Schema(declared()));
  if (schema().size() == 0) {
    return {Code::kConfig, fmt::format("{}: the source declares no column", name())};
  }
  return {};
}

void Source::run() noexcept {
  name_this_thread("mayfly-source");
  BatchPool& pool = *services().pool;
  while (!stop_.load(std::memory_order_relaxed)) {
    if (!admitted()) continue;
    mayfly_batch* batch = pool.acquire(BatchPool::Part::kIntake, schema(), kStopCheckNs);
    if (batch == nullptr) continue;
    const mayfly_result result =
        plugin().poll(state(), batch, services().clock.now_ns() + kLingerNs);
    if (batch->rows > batch->capacity) {
      fail(MAYFLY_FAIL_INTERNAL,
           fmt::format("poll put {} rows into a batch for {}", batch->rows, batch->capacity));
      batch->rows = 0;  // nothing of it can be trusted
    }
    batch->rows > 0 ? send(*batch) : pool.release(batch);
    if (result == MAYFLY_END && !has_failed()) {
      ended_.store(true, std::memory_order_release);
      break;
    }
    if ((result != MAYFLY_OK && result != MAYFLY_IDLE) || has_failed()) {
      if (failure().ok()) {
        fail(MAYFLY_FAIL_INTERNAL, fmt::format("poll returned {} without saying why", result));
      }
      break;
    }
  }
  finished_.store(true, std::memory_order_release);
  if (wiring_.finished) wiring_.finished();
}

void Source::control(const SignalControls& controls) {
  if (!controls.empty()) control_.emplace(services().signals, controls, nullptr);
}

bool Source::admitted() {
  using Kind = GateVerdict::Kind;
  const Clock& clock = services().clock;
  const Kind verdict = control_ ? control_->look(clock.now_ns()).kind : Kind::kRun;
  if (verdict == Kind::kSkip) {
    if (services().log) services().log(MAYFLY_LOG_INFO, name(), "stopped by a signal of cancel_on");
    request_stop();
    return false;
  }
  if (verdict != Kind::kWait && !paused_.load(std::memory_order_relaxed)) return true;
  std::unique_lock lock(waiting_mutex_);
  clock.wait_until(lock, waiting_, clock.now_ns() + kStopCheckNs);
  return false;
}

void Source::send(mayfly_batch& batch) {
  ordinal_end_ = batch.ordinal[batch.rows - 1] + 1;
  const RowRef head = [&] {
    const RowRef all = seal(batch, services().clock.now_ns(), index());
    return next_answered_ < wiring_.answered.size() ? without_answered(batch) : all;
  }();
  if (head == MAYFLY_REF_NONE) {
    services().pool->release(&batch);
    return;
  }
  std::fill_n(batch.judge, batch.rows, index());  // of the error rows among them
  answers_.accept(batch, slice_rows(batch, row_of(head)));
  push(batch, row_of(head));
}

// What has no values is nothing for a node to look at, to change or to take.
void Source::push(mayfly_batch& batch, std::uint16_t head) {
  if (wiring_.record.to == nullptr ||
      slice_is_all(batch, head, batch.outcome, std::uint8_t{MAYFLY_PENDING})) {
    wiring_.out.push(make_ref(batch.id, head));
    return;
  }
  SliceChain errors, rows;
  for_each_row(batch, head, [&](std::uint16_t row) {
    (batch.outcome[row] == MAYFLY_PENDING ? rows : errors).append(batch, row);
  });
  // Either may be without a row: a resumed source's slice has gaps, but perhaps no error.
  const RowRef rest = rows.empty() ? MAYFLY_REF_NONE : rows.finish(batch);
  if (!errors.empty()) wiring_.record.push(errors.finish(batch));
  if (rest != MAYFLY_REF_NONE) wiring_.out.push(rest);
}

RowRef Source::without_answered(mayfly_batch& batch) {
  SliceChain chain;
  for (std::uint32_t row = 0; row < batch.rows; ++row) {
    const std::uint64_t ordinal = batch.ordinal[row];
    const std::vector<AnsweredRange>& answered = wiring_.answered;
    while (next_answered_ < answered.size() && answered[next_answered_].last < ordinal) {
      ++next_answered_;
    }
    if (next_answered_ < answered.size() && answered[next_answered_].first <= ordinal) continue;
    chain.append(batch, static_cast<std::uint16_t>(row));
  }
  return chain.empty() ? MAYFLY_REF_NONE : chain.finish(batch);
}

std::string Source::fingerprint_at(std::uint64_t byte) const {
  if (plugin().fingerprint == nullptr) return {};
  std::array<char, kFingerprintMax> text;
  // The state is the plugin's; the ABI allows this call beside any other.
  const std::uint64_t size =
      plugin().fingerprint(const_cast<Source*>(this)->state(), byte, text.data(), text.size());
  return {text.data(), static_cast<std::size_t>(std::min<std::uint64_t>(size, text.size()))};
}

void Source::progress(std::uint64_t& done, std::uint64_t& total) const {
  done = total = 0;
  if (plugin().progress != nullptr) {
    plugin().progress(const_cast<Source*>(this)->state(), &done, &total);
  }
}

mayfly_result Source::batch_reserve(mayfly_batch* batch, std::uint64_t bytes) {
  return services().pool->reserve_heap(batch, bytes);
}

mayfly_result Source::reject(mayfly_batch* batch, const mayfly_text& raw, std::uint64_t ordinal,
                             std::uint64_t byte_end, std::uint64_t line, std::uint32_t reason,
                             const mayfly_text& message) {
  if (reason >= plugin().reasons.count) {
    return fail(MAYFLY_FAIL_INTERNAL,
                fmt::format("reject with reason {} of {}", reason, plugin().reasons.count));
  }
  const std::string_view kept = view(raw).substr(0, kRawKept);
  if (!has_room_for_row(*batch)) return MAYFLY_FULL;
  const mayfly_result room = services().pool->reserve_heap(batch, kept.size() + message.size);
  if (room != MAYFLY_OK) return room;
  put_error_row(*batch, {.ordinal = ordinal, .byte_end = byte_end, .line = line},
                static_cast<std::uint16_t>(reason), view(message), kept);
  return MAYFLY_OK;
}

}  // namespace mayfly
