#include "mayfly/storage/log_database/log_database.h"

#include <exception>
#include <filesystem>
#include <mutex>
#include <system_error>
#include <utility>

#include "mayfly/storage/log_database/log_flusher.h"
#include "mayfly/storage/log_database/log_intake.h"
#include "mayfly/storage/log_database/log_signals.h"
#include "mayfly/storage/log_database/within_log.h"
#include "mayfly/storage/own_thread.h"
#include "mayfly/storage/single_writer/checkpoint_relay.h"
#include "mayfly/storage/single_writer/database_name.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"

namespace mayfly {
namespace {

DbError from_within(std::string_view what) {
  return {.message = std::string(what) +
                     ": expected a call from outside of the log database, found one from its own "
                     "thread or a callback of its writer, which would wait for itself; call it "
                     "later, or from another thread"};
}

SingleWriterOptions writer_options(const LogDatabaseOptions& options) {
  return {.max_tracked_writes = 16,
          .sample_rate = 100,
          .busy_timeout_ns = options.busy_timeout_ns,
          .synchronous = Synchronous::kNormal,
          .read_connections = 1};
}

std::uint64_t file_bytes(const std::string& path) {
  std::error_code error;
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  return error ? 0 : bytes;
}

}  // namespace

// In the order in which its parts need each other.
struct LogDatabase::Impl {
  Impl(const LogDatabaseOptions& given, std::shared_ptr<SqliteSingleWriter> opened,
       std::string file)
      : options(given),
        path(std::move(file)),
        intake(std::make_shared<LogIntake>(options)),
        own_sink(options.signals != nullptr ? nullptr
                                            : std::make_unique<SignalSink>(intake->clock())),
        signals(options.signals != nullptr ? *options.signals : *own_sink),
        checkpoints(opened, signals.sink(), path),
        writer(std::move(opened)),
        table(writer) {}

  // Waiting for the flusher would be waiting for this thread.
  bool is_within() const { return WithinLog::is(intake.get()) || writer->is_within(); }

  const LogDatabaseOptions options;
  const std::string path;  // of the file; empty in memory
  const std::shared_ptr<LogIntake> intake;
  const std::unique_ptr<SignalSink> own_sink;
  LogSignals signals;
  const CheckpointRelay checkpoints;
  const std::shared_ptr<SqliteSingleWriter> writer;
  LogTable table;
  std::optional<LogFlusher> flusher;
  std::mutex subscriptions_mutex;
  std::vector<SignalSubscription> subscriptions;  // guarded by subscriptions_mutex
};

DbResult<std::shared_ptr<LogDatabase>> LogDatabase::open(const LogDatabaseOptions& options) {
  const auto refuse = [](std::string message) {
    return DbError{.kind = DbError::Kind::kParameter,
                   .message = "log database: " + std::move(message)};
  };
  if (const Status status = check_log_database_options(options); !status.ok()) {
    return refuse(status.message());
  }
  LogDatabaseOptions used = options;
  if (used.db_path.empty()) used.db_path = kLogsInMemory;
  const auto name = DatabaseName::parse(used.db_path);
  if (!name.ok()) return refuse(name.error().message);
  auto writer = SqliteSingleWriter::get_or_create(used.db_path, writer_options(used));
  if (!writer.ok()) return writer.error();
  const bool in_memory = name->mode == DatabaseName::Mode::kMemory;
  auto impl = std::make_unique<Impl>(used, std::move(*writer), in_memory ? "" : name->path);
  {
    const WithinLog own(impl->intake.get());
    if (auto created = impl->table.create(); !created.ok()) return created.error();
  }
  try {
    impl->flusher.emplace(impl->options, *impl->intake, impl->table, impl->signals);
  } catch (const std::exception& error) {
    return no_thread("log database", error);
  }
  return std::shared_ptr<LogDatabase>(new LogDatabase(std::move(impl)));
}

LogDatabase::LogDatabase(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

LogDatabase::~LogDatabase() {
  if (!impl_->is_within()) {
    (void)stop();
    return;
  }
  // The last one let go in a listener or a callback, whose thread can't wait for itself.
  impl_->intake->ring().close();
  // Without a thread nobody can wait for it: it goes on working.
  (void)run_on_own_thread([impl = impl_.release()] { delete impl; });
}

bool LogDatabase::log(LogLevel level, std::string_view logger, std::string_view message,
                      std::initializer_list<LogField> extra) noexcept {
  return log(level, logger, message, std::span(extra.begin(), extra.size()));
}

bool LogDatabase::log(LogLevel level, std::string_view logger, std::string_view message,
                      std::span<const LogField> extra) noexcept {
  LogIntake& intake = *impl_->intake;
  if (!intake.wants(level)) return false;
  return intake.put({.wall_us = intake.clock().wall_us(),
                     .level = level,
                     .logger = logger,
                     .message = message,
                     .extra = extra});
}

bool LogDatabase::log(const LogRecord& record) noexcept {
  return impl_->intake->wants(record.level) && impl_->intake->put(record);
}

bool LogDatabase::wants(LogLevel level) const noexcept { return impl_->intake->wants(level); }

DbResult<void> LogDatabase::flush() {
  if (impl_->is_within()) return from_within("flush");
  return impl_->flusher->flush();
}

bool LogDatabase::is_within() const { return impl_->is_within(); }

void LogDatabase::flush_soon() noexcept { impl_->intake->hurry(); }

DbResult<std::int64_t> LogDatabase::cleanup_old_logs() {
  const WithinLog own(impl_->intake.get());
  if (impl_->options.retention_ns == kNever) return 0;
  const std::int64_t cutoff_us =
      impl_->intake->clock().wall_us() - impl_->options.retention_ns / kMicrosecond;
  std::int64_t removed = 0;
  for (std::int64_t more = LogTable::kRowsMax; more == std::int64_t{LogTable::kRowsMax};) {
    const auto some = impl_->table.remove_before(cutoff_us);
    if (!some.ok()) return some.error();
    more = *some;
    removed += more;
  }
  for (bool more = removed > 0; more;) {
    const auto some = impl_->table.shrink();
    if (!some.ok()) return some.error();
    more = *some;
  }
  return removed;
}

DbResult<std::vector<LogRow>> LogDatabase::recent_logs(std::optional<LogLevel> level,
                                                       std::size_t limit) {
  if (impl_->intake->ring().pending() > 0) (void)flush();
  const WithinLog own(impl_->intake.get());
  return impl_->table.newest(level, limit);
}

DbResult<LogCounts> LogDatabase::count_rows() {
  const WithinLog own(impl_->intake.get());
  return impl_->table.count();
}

LogStats LogDatabase::stats() const {
  const LogIntake& intake = *impl_->intake;
  const LogFlusher& flusher = *impl_->flusher;
  return {.total_logged = intake.ring().claimed_total(),
          .pending_count = intake.ring().pending(),
          .stored = flusher.stored(),
          .rejected = flusher.rejected(),
          .dropped = intake.dropped(),
          .failed_flushes = flusher.failures(),
          .by_level = flusher.by_level(),
          .is_running = flusher.is_running(),
          .db_path = impl_->options.db_path,
          .retention_ns = impl_->options.retention_ns,
          .db_size_bytes =
              impl_->path.empty() ? 0 : file_bytes(impl_->path) + file_bytes(impl_->path + "-wal")};
}

Status LogDatabase::record_signals(SignalSink& sink, std::string_view patterns, LogLevel level,
                                   std::string logger) {
  const auto record = [intake = impl_->intake, level,
                       name = std::move(logger)](const SignalEvent& event) {
    if (WithinLog::is(intake.get()) || LogSignals::is_of_a_record(event)) return;
    if (!intake->wants(level)) return;
    const LogField operation{"operation", event.operation()};
    intake->put({.wall_us = intake->clock().wall_us(),
                 .level = level,
                 .logger = name,
                 .message = event.name(),
                 .extra = std::span(&operation, event.operation() != 0 ? 1 : 0)},
                /*quiet=*/true);
  };
  try {
    SignalSubscription subscription = sink.subscribe(patterns, record);
    const std::lock_guard lock(impl_->subscriptions_mutex);
    impl_->subscriptions.push_back(std::move(subscription));
    return {};
  } catch (const std::exception& error) {
    return {Code::kUsage, std::string("record_signals: ") + error.what()};
  }
}

SignalSink& LogDatabase::sink() { return impl_->signals.sink(); }

DbResult<void> LogDatabase::stop() {
  if (impl_->is_within()) return from_within("stop");
  std::vector<SignalSubscription> ended;
  {
    const std::lock_guard lock(impl_->subscriptions_mutex);
    ended.swap(impl_->subscriptions);
  }
  ended.clear();
  return impl_->flusher->stop();
}

}  // namespace mayfly
