#include "mayfly/storage/checkpointer.h"

#include <sqlite3.h>

namespace mayfly {
namespace {

bool is_busy(int code) { return (code & 0xFF) == SQLITE_BUSY || (code & 0xFF) == SQLITE_LOCKED; }

}  // namespace

void Checkpointer::run(Session& session) {
  int logged = 0;
  int moved = 0;
  sqlite3* db = session.connection().get();
  const int code =
      sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_PASSIVE, &logged, &moved);
  ++count_;
  backfilled_ = last_pages_;
  if (code != SQLITE_OK && !is_busy(code)) {
    failure_ = session.connection().last_error();
  }
  // A quarter more each time: a reader that stays doesn't make every commit try.
  const auto pages = static_cast<std::uint32_t>(logged > 0 ? logged : 0);
  hindered_pages_ = moved < logged ? pages + pages / 4 : 0;
}

void Checkpointer::finish(Session& session) {
  sqlite3* db = session.connection().get();
  const int code =
      sqlite3_wal_checkpoint_v2(db, "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  ++count_;
  if (code == SQLITE_OK) return;
  if (!is_busy(code)) failure_ = session.connection().last_error();
  // Somebody reads the log: it stays, and what is in it counts.
  run(session);
}

}  // namespace mayfly
