#include "mayfly/storage/write_buffer/spool_progress.h"

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>

namespace mayfly {

DbResult<bool> SpoolProgress::finds(const std::string& sql, SqlParams params) {
  return writer_.execute_in_transaction([&](SqlSession& session) -> DbResult<bool> {
    const auto table = session.first<std::int64_t>(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'mayfly_buffer'");
    if (!table.ok()) return table.error();
    if (!table->has_value()) return false;
    const auto found = session.first<std::int64_t>(sql, params);
    if (!found.ok()) return found.error();
    return found->has_value();
  });
}

DbResult<bool> SpoolProgress::is_known() {
  return finds("SELECT 1 FROM mayfly_buffer WHERE spool = ?", {spool_});
}

DbResult<bool> SpoolProgress::is_any_known() { return finds("SELECT 1 FROM mayfly_buffer", {}); }

DbResult<SpoolState> SpoolProgress::load(std::uint64_t base, bool is_empty) {
  return writer_.execute_in_transaction([&](SqlSession& session) -> DbResult<SpoolState> {
    for (const char* sql :
         {"CREATE TABLE IF NOT EXISTS mayfly_buffer(spool TEXT PRIMARY KEY, seq INTEGER NOT NULL)",
          "CREATE TABLE IF NOT EXISTS mayfly_buffer_rows(spool TEXT NOT NULL, seqs BLOB NOT "
          "NULL)"}) {
      if (const auto made = session.execute(sql); !made.ok()) return made.error();
    }
    const auto upto =
        session.first<std::int64_t>("SELECT seq FROM mayfly_buffer WHERE spool = ?", {spool_});
    if (!upto.ok()) return upto.error();
    if (!upto->has_value() && !is_empty) {
      return DbError{.kind = DbError::Kind::kParameter,
                     .message = "opening a write buffer's spool: expected spool " + spool_ +
                                " in table mayfly_buffer, found none: it has writes for another "
                                "database; name that, or another file"};
    }
    if (!upto->has_value()) {
      const auto made = session.execute("INSERT INTO mayfly_buffer(spool, seq) VALUES (?, ?)",
                                        {spool_, static_cast<std::int64_t>(base)});
      if (!made.ok()) return made.error();
    }
    SpoolState state{
        .upto = static_cast<std::uint64_t>(upto->value_or(static_cast<std::int64_t>(base))),
        .beyond = {}};
    const auto lists = session.column<std::vector<std::byte>>(
        "SELECT seqs FROM mayfly_buffer_rows WHERE spool = ?", {spool_});
    if (!lists.ok()) return lists.error();
    for (const std::vector<std::byte>& list : *lists) {
      for (std::size_t at = 0; at + sizeof(std::uint64_t) <= list.size();
           at += sizeof(std::uint64_t)) {
        std::uint64_t call = 0;
        std::memcpy(&call, list.data() + at, sizeof call);
        state.beyond.insert(call);
      }
    }
    return state;
  });
}

DbResult<void> SpoolProgress::record_rows(SqlSession& session,
                                          const std::vector<std::uint64_t>& calls) const {
  const auto done = session.execute("INSERT INTO mayfly_buffer_rows(spool, seqs) VALUES (?, ?)",
                                    {spool_, std::as_bytes(std::span(calls))});
  if (!done.ok()) return done.error();
  return {};
}

DbResult<void> SpoolProgress::record_all(SqlSession& session, std::uint64_t upto) const {
  const auto done = session.execute(
      "INSERT INTO mayfly_buffer(spool, seq) VALUES (?, ?) "
      "ON CONFLICT(spool) DO UPDATE SET seq = excluded.seq",
      {spool_, static_cast<std::int64_t>(upto)});
  if (!done.ok()) return done.error();
  const auto cleared = session.execute("DELETE FROM mayfly_buffer_rows WHERE spool = ?", {spool_});
  if (!cleared.ok()) return cleared.error();
  return {};
}

}  // namespace mayfly
