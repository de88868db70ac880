#include "mayfly/storage/single_writer/write_requests.h"

#include <sqlite3.h>

#include <exception>
#include <new>
#include <utility>

#include "mayfly/storage/single_writer/statement_run.h"

namespace mayfly {
namespace {

DbError thrown(const char* what) noexcept {
  try {
    return {.message = std::string("the write threw: ") + what};
  } catch (const std::bad_alloc&) {
    return no_memory("no memory");
  }
}

}  // namespace

WriteRequest::WriteRequest(Shape shape, const WriteContext& context, const WriteNames& names)
    : GroupedWrite(shape),
      context_(context),
      names_(names),
      sampled_(context.signals.sample()),
      enqueued_ns_(sampled_ ? context.clock.now_ns() : 0),
      id_(context.tracker.begin(names.kind, enqueued_ns_)) {
  context.signals.sink().raise(names.enqueue);
}

DbResult<std::int64_t> WriteRequest::perform() noexcept {
  try {
    say_start();
    return write(context_.connection);
  } catch (const std::bad_alloc&) {
    return no_memory("no memory");
  } catch (const std::exception& error) {
    return thrown(error.what());
  } catch (...) {
    return thrown("something that is no std::exception");
  }
}

void WriteRequest::say_start() {
  if (started_) return;
  started_ = true;
  const std::int64_t now_ns = sampled_ ? context_.clock.now_ns() : 0;
  context_.tracker.started(id_, now_ns);
  if (!sampled_) return;
  context_.signals.sink().raise_at(now_ns, context_.signals.write_start);
  if (names_.begin != StemId{}) context_.signals.sink().raise_at(now_ns, names_.begin);
}

void WriteRequest::finish() noexcept {
  const std::int64_t now_ns = sampled_ ? context_.clock.now_ns() : 0;
  context_.tracker.finished(id_, result.ok(), result.ok() ? *result : 0, now_ns);
  try {
    say_end(now_ns);
  } catch (const std::bad_alloc&) {
    // The result is there, though nobody is told of it.
  }
}

void WriteRequest::say_end(std::int64_t now_ns) {
  SignalSink& sink = context_.signals.sink();
  if (!result.ok()) {
    if (names_.rollback != StemId{}) sink.raise(names_.rollback);
    sink.raise(context_.signals.write_error, result.error().message);
    return;
  }
  if (!sampled_) return;
  if (names_.commit != StemId{}) sink.raise_at(now_ns, names_.commit);
  sink.raise_at(now_ns, context_.signals.write_done, *result, "rows",
                (now_ns - enqueued_ns_) / kMillisecond, "ms");
}

DbResult<std::int64_t> SqlWrite::write(WriteConnection& connection) {
  return run_sql(connection.connection(), connection.statements(), sql_, params_);
}

BatchWrite::BatchWrite(const WriteContext& context, std::span<const SqlCommand> commands,
                       bool transactional)
    : WriteRequest(transactional ? Shape::kSeveral : Shape::kOutside, context,
                   {WriteKind::kBatch, context.signals.batch_enqueue, context.signals.batch_begin,
                    context.signals.batch_commit, context.signals.batch_rollback}),
      commands_(commands) {}

DbResult<std::int64_t> BatchWrite::write(WriteConnection& connection) {
  std::int64_t changed = 0;
  for (std::size_t i = 0; i < commands_.size(); ++i) {
    auto one = run_sql(connection.connection(), connection.statements(), commands_[i].sql,
                       commands_[i].params);
    if (!one.ok()) {
      DbError error = one.error();
      error.statement = static_cast<std::uint32_t>(i);
      error.message = "command " + std::to_string(i + 1) + " of " +
                      std::to_string(commands_.size()) + ": " + error.message;
      return error;
    }
    changed += *one;
  }
  return changed;
}

TransactionWrite::TransactionWrite(const WriteContext& context, Work work)
    : WriteRequest(Shape::kOwn, context,
                   {WriteKind::kTransaction, context.signals.transaction_enqueue,
                    context.signals.transaction_begin, context.signals.transaction_commit,
                    context.signals.transaction_rollback}),
      work_(work) {}

DbResult<std::int64_t> TransactionWrite::write(WriteConnection& connection) {
  sqlite3* const db = connection.connection().get();
  const std::int64_t before = sqlite3_total_changes64(db);
  SqlSession session(connection.connection(), connection.statements(), true);
  const DbResult<void> done = work_(session);
  if (session.handed_out()) connection.keep();
  if (!done.ok()) return done.error();
  return sqlite3_total_changes64(db) - before;
}

PostedWrite::PostedWrite(const WriteContext& context, PostedSql what, Done done, Semaphore& room)
    : PostedSql(std::move(what)),
      SqlWrite(context, PostedSql::sql, PostedSql::params),
      done_(std::move(done)),
      room_(room) {}

void PostedWrite::on_done() noexcept {
  finish();
  try {
    if (done_) done_(result);
  } catch (...) {
    // The callback's own affair: the write has its result.
  }
  Semaphore& room = room_;
  delete this;
  room.release();
}

}  // namespace mayfly
