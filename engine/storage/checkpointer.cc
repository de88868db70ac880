#include "mayfly/storage/checkpointer.h"

#include <sqlite3.h>

#include <cstdlib>
#include <utility>

namespace mayfly {
namespace {

bool is_busy(int code) { return SqliteError{.code = code}.is_busy(); }
SqliteError with_text(SqliteError error) {
  if (!error.ok() && error.message.empty()) {
    error.message = copy_or_say_no_memory(sqlite3_errstr(error.code));
  }
  return error;
}
bool is_sync(int code) { return code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC; }

}  // namespace

SqliteError Checkpointer::limit_file(SqliteConnection& connection) const {
  std::string page_bytes;
  const SqliteError error = connection.query_text("PRAGMA page_size", page_bytes);
  if (!error.ok()) return error;
  const std::int64_t pages = 2 * std::int64_t{pages_busy_};
  return connection.run("PRAGMA journal_size_limit = " +
                        std::to_string(pages * std::atoll(page_bytes.c_str())));
}

void Checkpointer::look_at_thread(std::int64_t now_ns) {
  if (!asked_ || thread_.running()) return;
  asked_ = false;
  if (const int code = thread_.failure(); code != 0) {
    fail({code, {}});
    growth_.checkpointed(0, pages_, now_ns);  // all of it stays, as with a reader
  } else if (thread_.logged() > 0) {
    growth_.checkpointed(thread_.moved(), thread_.logged(), now_ns);
  }
  // It was busy, or had no connection: what is hindered is for the writer to see.
  is_blind_ = thread_.failure() == 0 && thread_.logged() == 0;
}

bool Checkpointer::is_due(std::uint32_t pages, std::int64_t now_ns) {
  look_at_thread(now_ns);
  if (pages < pages_) {
    // The log was started anew. What the thread may still be at was the old one's.
    hindered_pages_ = 0;
    moved_ = 0;
    passes_ = 0;
    growth_.restarted();
  }
  pages_ = pages;
  if (growth_.asks(pages, now_ns) && !thread_.running()) {
    if (!use_thread_ || is_blind_) return true;
    request(now_ns);
  }
  return exceeds(pages_busy_, now_ns);
}

bool Checkpointer::is_due_when_idle(std::int64_t now_ns) {
  look_at_thread(now_ns);
  return exceeds(pages_idle_, now_ns);
}

bool Checkpointer::exceeds(std::uint32_t pages, std::int64_t now_ns) {
  if (pages_ <= moved_ || pages_ < pages + hindered_pages_) return false;
  if (!use_thread_) return true;
  if (pages_ >= kGrowthMax * pages_busy_ + hindered_pages_) {
    thread_.wait();
    return true;
  }
  if (thread_.running()) return false;
  if (passes_ > 0) {
    const std::uint32_t moved = thread_.moved();
    if (moved >= pages_) return false;  // nothing is left: the next transaction starts anew
    if (passes_ >= kPassesMax || pages_ - moved <= kFewFrames) return true;
  }
  ++passes_;
  request(now_ns);
  return false;
}

void Checkpointer::request(std::int64_t now_ns) {
  look_at_thread(now_ns);  // it may have ended since it was looked at
  asked_ = true;
  thread_.request();
}

bool Checkpointer::run(SqliteConnection& connection, std::int64_t now_ns) {
  int logged = 0;
  int moved = 0;
  const int code = sqlite3_wal_checkpoint_v2(connection.get(), "main", SQLITE_CHECKPOINT_PASSIVE,
                                             &logged, &moved);
  ++count_;
  moved_ = pages_;
  passes_ = 0;
  const bool failed = code != SQLITE_OK && !is_busy(code);
  if (failed) {
    fail(connection.last_error());
    // All of it stays, as with a reader.
    logged = static_cast<int>(pages_);
    moved = 0;
  }
  // A quarter more, and pages_busy_, each time: a reader that stays, or a disk that fails, doesn't
  // make every commit try.
  const auto pages = static_cast<std::uint32_t>(logged > 0 ? logged : 0);
  hindered_pages_ = moved < logged ? pages + pages / 4 : 0;
  growth_.checkpointed(static_cast<std::uint32_t>(moved > 0 ? moved : 0), pages, now_ns);
  return !failed;
}

// A sync that failed is kept: what it lost, nothing that comes later knows.
void Checkpointer::fail(SqliteError error) {
  if (!is_sync(failure_.code)) failure_ = error;
  untold_ = std::move(error);
}

void Checkpointer::forget_what_was_done() {
  if (!is_sync(failure_.code)) failure_ = {};
}

void Checkpointer::finish(SqliteConnection& connection, std::int64_t now_ns) {
  thread_.stop();
  look_at_thread(now_ns);
  const int code = sqlite3_wal_checkpoint_v2(connection.get(), "main", SQLITE_CHECKPOINT_TRUNCATE,
                                             nullptr, nullptr);
  ++count_;
  if (code == SQLITE_OK) return forget_what_was_done();
  if (!is_busy(code)) fail(connection.last_error());
  // Somebody reads the log: it stays, and what is in it counts.
  if (run(connection, now_ns)) forget_what_was_done();
}

void Checkpointer::forget() {
  thread_.stop();
  // Without a text: there may be no memory for it here.
  if (asked_ && thread_.failure() != 0) fail({thread_.failure(), {}});
  pages_ = moved_ = hindered_pages_ = 0;
  passes_ = 0;
  asked_ = is_blind_ = false;
  growth_.restarted();
}

SqliteError Checkpointer::failure() const {
  if (!asked_ || !failure_.ok() || thread_.running()) return with_text(failure_);
  return with_text({thread_.failure(), {}});
}

SqliteError Checkpointer::take_failure() { return with_text(std::exchange(untold_, {})); }

}  // namespace mayfly
