// What the single writer's callers bring to its queue: each kind of write, with its signals and its
// place among the tracked ones.
//
// A request begins when it is made and ends by finish(), called by whoever learns its result: the
// caller that waited for it, or the queue for one that was posted.
//
// OWNERSHIP  Texts and parameters are the caller's, until the request has ended; a PostedWrite has
//            its own, and deletes itself.
// THREADS    One at a time, as commit_queue.h says.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "mayfly/base/clock.h"
#include "mayfly/base/function_ref.h"
#include "mayfly/data/semaphore.h"
#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/group_writer.h"
#include "mayfly/storage/single_writer/sql_command.h"
#include "mayfly/storage/single_writer/sql_session.h"
#include "mayfly/storage/single_writer/write_connection.h"
#include "mayfly/storage/single_writer/write_tracker.h"
#include "mayfly/storage/single_writer/writer_signals.h"

namespace mayfly {

// What all requests of a writer use.
struct WriteContext {
  WriteConnection& connection;
  WriterSignals& signals;
  WriteTracker& tracker;
  const Clock& clock;
};

// By these names a kind of write says its steps. None: StemId{}.
struct WriteNames {
  WriteKind kind;
  StemId enqueue;
  StemId begin = {};
  StemId commit = {};
  StemId rollback = {};
};

// A write with its signals and its place among the tracked ones.
class WriteRequest : public GroupedWrite {
 public:
  DbResult<std::int64_t> perform() noexcept final;
  // The result is there.
  void finish() noexcept;

 protected:
  WriteRequest(Shape shape, const WriteContext& context, const WriteNames& names);
  virtual DbResult<std::int64_t> write(WriteConnection& connection) = 0;

  const WriteContext context_;

 private:
  void say_start();
  void say_end(std::int64_t now_ns);

  const WriteNames names_;
  const bool sampled_;
  const std::int64_t enqueued_ns_;
  const std::uint64_t id_;
  bool started_ = false;
};

// One text of SQL.
class SqlWrite : public WriteRequest {
 public:
  SqlWrite(const WriteContext& context, std::string_view sql, const SqlParams& params)
      : WriteRequest(shape_of(sql), context, {WriteKind::kWrite, context.signals.write_enqueue}),
        sql_(sql),
        params_(params) {}

 private:
  DbResult<std::int64_t> write(WriteConnection& connection) override;

  const std::string_view sql_;
  const SqlParams& params_;
};

// Several, all or nothing; or each by itself until one fails.
class BatchWrite final : public WriteRequest {
 public:
  BatchWrite(const WriteContext& context, std::span<const SqlCommand> commands, bool transactional);

 private:
  DbResult<std::int64_t> write(WriteConnection& connection) override;

  const std::span<const SqlCommand> commands_;
};

// A caller's function, in a transaction of its own.
class TransactionWrite final : public WriteRequest {
 public:
  using Work = FunctionRef<DbResult<void>(SqlSession&)>;
  TransactionWrite(const WriteContext& context, Work work);

 private:
  DbResult<std::int64_t> write(WriteConnection& connection) override;

  const Work work_;
};

// Nothing, after all that came before it.
class FlushWrite final : public GroupedWrite {
 public:
  FlushWrite() : GroupedWrite(Shape::kOutside) {}
  DbResult<std::int64_t> perform() noexcept override { return 0; }
};

// What a PostedWrite writes: its own.
struct PostedSql {
  std::string sql;
  SqlParams params;
};

// A text of SQL that nobody waits for.
class PostedWrite final : private PostedSql, public SqlWrite {
 public:
  // Called once with the result, on the thread that wrote it; what it throws is dropped.
  using Done = std::function<void(const DbResult<std::int64_t>&)>;

  // room: gets a permit back when this is over, and outlives it.
  PostedWrite(const WriteContext& context, PostedSql what, Done done, Semaphore& room);
  void on_done() noexcept override;

 private:
  const Done done_;
  Semaphore& room_;
};

}  // namespace mayfly
