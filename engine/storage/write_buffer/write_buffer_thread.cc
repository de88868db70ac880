// WriteBuffer::Impl: the flushing thread, start and stop, and what a spool brings back.
#include <algorithm>
#include <exception>
#include <new>
#include <random>
#include <unordered_map>

#include "mayfly/base/thread_name.h"
#include "mayfly/storage/write_buffer/write_buffer_impl.h"

namespace mayfly {
namespace {

// The same for equal keys of one table's key, another for others.
std::string key_text(const ShapedCall& call) {
  std::vector<ColumnValue> key;
  for (const Value& value : call.key()) {
    const auto integer = integer_of(value);
    key.push_back({call.shape->names[key.size()], integer ? Value(*integer) : value});
  }
  std::string text;
  append_record(text, {}, 0, BufferedOp::kDelete, call.shape->space->table->name, key, {});
  return text;
}

}  // namespace

void WriteBuffer::Impl::run(std::int64_t next_ns) {
  name_this_thread("mf-buffer");
  std::uint32_t tries = 0;      // that failed, one after another
  std::int64_t failing_ns = 0;  // since when
  std::unique_lock lock(mutex);
  while (!stopping) {
    const bool wanted = flush_wanted && tries == 0;  // a full buffer doesn't cut a pause short
    if (!wanted && clock.now_ns() < next_ns) {
      clock.wait_until(lock, work, next_ns);
      continue;
    }
    flush_wanted = false;
    lock.unlock();
    const bool done = flush_all().ok();
    const std::int64_t now_ns = clock.now_ns();
    if (tries == 0) failing_ns = now_ns;
    tries = done ? 0 : tries + 1;
    const std::int64_t pause_ns =
        done ? options.flush_interval_ns : backoff_ns(tries - 1, failing_ns);
    next_ns = deadline_after(now_ns, pause_ns);
    lock.lock();
  }
}

std::int64_t WriteBuffer::Impl::backoff_ns(std::uint32_t failures_before, std::int64_t since_ns) {
  const auto delay = retry.next_delay_ns(failures_before, clock.now_ns() - since_ns, rng);
  return delay ? *delay : options.flush_interval_ns;
}

DbResult<void> WriteBuffer::Impl::start() {
  const std::lock_guard lifecycle(lifecycle_mutex);
  {
    const std::lock_guard lock(mutex);
    closed = false;
    stopping = false;
    if (running) return {};
    running = true;
  }
  try {
    // The first interval begins here, however late the thread does.
    const std::int64_t first_ns = deadline_after(clock.now_ns(), options.flush_interval_ns);
    thread = std::thread([this, first_ns] { run(first_ns); });
    return {};
  } catch (const std::exception& error) {  // std::system_error, or std::bad_alloc
    {
      const std::lock_guard lock(mutex);
      running = false;
    }
    room.notify_all();  // who waits for it meanwhile makes room itself
    return no_thread("starting a write buffer", error);
  }
}

DbResult<void> WriteBuffer::Impl::stop() {
  const std::lock_guard lifecycle(lifecycle_mutex);
  const ThreadMark::Here here(stopping_here);
  const std::int64_t deadline_ns = deadline_after(clock.now_ns(), options.stop_timeout_ns);
  {
    const std::lock_guard lock(mutex);
    closed = true;
    stopping = true;
    running = false;
  }
  room.notify_all();
  work.notify_all();
  if (thread.joinable()) thread.join();
  return flush_until(deadline_ns);
}

DbResult<void> WriteBuffer::Impl::flush_until(std::int64_t deadline_ns) {
  const std::int64_t began_ns = clock.now_ns();
  for (std::uint32_t tries = 0;; ++tries) {
    const auto done = flush_all();
    if (done.ok()) return {};
    const std::int64_t now_ns = clock.now_ns();
    if (now_ns >= deadline_ns) {
      DbError error = copy_of(done.error());
      const std::int64_t left = pending.load();
      error.attempts = tries + 1;
      error.waited_ns = now_ns - began_ns;
      try {
        error.message = "stopping a write buffer: expected every row to be written, found " +
                        std::to_string(left) + " that couldn't be, and stay" +
                        (spool != nullptr ? " in the spool" : "") + ": " + error.message;
      } catch (const std::bad_alloc&) {  // then it says why alone
      }
      try {
        sink.raise(stop_left, left, "rows");
      } catch (const std::bad_alloc&) {  // the error says it
      }
      return error;
    }
    const std::int64_t until_ns =
        std::min(deadline_ns, deadline_after(now_ns, backoff_ns(tries, began_ns)));
    std::unique_lock lock(mutex);
    while (clock.now_ns() < until_ns) clock.wait_until(lock, work, until_ns);
  }
}

DbResult<void> WriteBuffer::Impl::open_spool() {
  if (options.spool_path.empty()) return {};
  std::random_device device;  // whose numbers no other spool has
  const auto random64 = [&] { return (std::uint64_t{device()} << 32) | device(); };
  const SpoolId fresh = {.high = random64(), .low = random64(), .key = {device(), device()}};
  auto opened = WriteSpool::open(options.spool_path, options.spool_sync, fresh);
  if (!opened.ok()) return opened.error();
  spool = std::move(*opened);
  progress.emplace(*writer, spool->id().text());
  if (spool->is_blank()) {
    // Of whose spool it is all that is left can't be known, so it has to be nobody's.
    const auto known = progress->is_any_known();
    if (!known.ok()) return known.error();
    if (!*known) spool->take_blank();
  }
  // Before the database learns of a spool that won't be.
  if (spool->is_lost() && !options.accept_spool_loss) return spool_refused({.file = true});
  if (spool->is_emptied()) {
    const auto known = progress->is_known();
    if (!known.ok()) return known.error();
    if (!*known) {
      if (const auto renewed = spool->renew(fresh); !renewed.ok()) return renewed;
      progress.emplace(*writer, spool->id().text());
    }
  }
  bool is_empty = true;
  if (const auto seen = spool->visit([&](const SpooledCall&) { is_empty = false; }); !seen.ok()) {
    return seen;
  }
  const auto state = progress->load(spool->base(), is_empty);
  if (!state.ok()) return state.error();
  const auto is_whole = check_spool(*state);
  if (!is_whole.ok()) return is_whole.error();
  if (const auto replayed = replay(*state); !replayed.ok() || *is_whole) return replayed;
  // What was accepted to be lost once isn't found again.
  return write_spool_anew();
}

DbError WriteBuffer::Impl::spool_refused(const SpoolLoss& loss) const {
  return {.kind = DbError::Kind::kCorrupt,
          .message = "opening spool " + options.spool_path +
                     ": expected every call that was taken and isn't in the database, found " +
                     loss.text() +
                     "; put back the file as it was, or set accept_spool_loss to go on with what "
                     "is there"};
}

// Whether all is there that was accepted and isn't committed, or that was given up. Only then the
// spool's files change.
DbResult<bool> WriteBuffer::Impl::check_spool(const SpoolState& state) {
  const auto loss = spool->loss(state);
  if (!loss.ok()) return loss.error();
  if (loss->is_any() && !options.accept_spool_loss) return spool_refused(*loss);
  if (loss->is_any()) {
    sink.raise(spool_lost, static_cast<std::int64_t>(loss->calls), "calls",
               static_cast<std::int64_t>(loss->bytes), "bytes");
  }
  const auto torn = static_cast<std::int64_t>(spool->torn_bytes());
  if (torn != 0) sink.raise(spool_torn, torn, "bytes");
  if (const auto settled = spool->settle(); !settled.ok()) return settled.error();
  return !loss->is_any();
}

DbResult<void> WriteBuffer::Impl::replay(const SpoolState& state) {
  calls = std::max(state.upto, spool->newest_base());
  for (const std::uint64_t call : state.beyond) calls = std::max(calls, call);
  DbResult<void> refused;
  std::int64_t replayed = 0;
  // Of a call that is in, all earlier ones for its row are: whose row, and up to which.
  std::unordered_map<std::uint64_t, std::vector<std::pair<std::string, std::uint64_t>>> in;
  const auto visit = [&](bool applies, const SpooledCall& call) {
    calls = std::max(calls, call.number);
    if (!refused.ok() || (!applies && state.beyond.count(call.number) == 0)) return;
    if (call.number <= state.upto) return;
    auto shaped = shape({call.op, call.table, call.data, call.keys});
    if (!shaped.ok()) {
      refused = shaped.error();
      return;
    }
    shaped->number = call.number;
    auto& rows = in[shaped->hash ^ shaped->shape->space->id];
    if (!applies) {
      rows.emplace_back(key_text(*shaped), call.number);
      return;
    }
    const bool is_in = !rows.empty() && std::any_of(rows.begin(), rows.end(), [&](const auto& row) {
      return row.second >= call.number && row.first == key_text(*shaped);
    });
    if (is_in) return;
    const RowRef open = active->find_open(*shaped);
    active->add(*shaped, open, catalog);
    ++replayed;
    if (open) return;
    pending.fetch_add(1);
    shaped->shape->space->table->pending.fetch_add(1);
  };
  for (const bool applies : {false, true}) {
    const auto done = spool->visit([&](const SpooledCall& call) { visit(applies, call); });
    if (!done.ok()) return done;
    if (!refused.ok()) return refused;
  }
  pending_high = pending.load();
  if (replayed != 0) sink.raise(spool_replayed, replayed, "calls");
  return {};
}

}  // namespace mayfly
