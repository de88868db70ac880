// SpoolProgress: which of a spool's calls are committed, as the database knows it: told in the same
// transaction as the rows, so that after a crash each call is applied exactly once.
//
//   mayfly_buffer(spool TEXT PRIMARY KEY, seq INTEGER)   all calls up to this one are in
//   mayfly_buffer_rows(spool TEXT, seqs BLOB)            and these beyond it, with all earlier
//   calls
//                                                        for the same key; u64, little-endian
//
// THREADS  Within a transaction of the writer.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "mayfly/storage/db_error.h"
#include "mayfly/storage/single_writer/sqlite_single_writer.h"

namespace mayfly {

// What is committed already.
struct SpoolState {
  std::uint64_t upto = 0;
  std::unordered_set<std::uint64_t> beyond;
};

class SpoolProgress {
 public:
  // The writer outlives it.
  SpoolProgress(SqliteSingleWriter& writer, std::string spool)
      : writer_(writer), spool_(std::move(spool)) {}

  // Whether the database knows this spool; whether it knows any.
  DbResult<bool> is_known();
  DbResult<bool> is_any_known();

  // Makes the tables, and the spool's row when it `is_empty`: has no call. kParameter: there should
  // be a row, so the spool belongs to another database. What another database has emptied is to
  // become another spool first (WriteSpool::renew): calls would have numbers here that count as
  // committed there.
  DbResult<SpoolState> load(std::uint64_t base, bool is_empty);

  DbResult<void> record_rows(SqlSession& session, const std::vector<std::uint64_t>& calls) const;
  DbResult<void> record_all(SqlSession& session, std::uint64_t upto) const;

 private:
  DbResult<bool> finds(const std::string& sql, SqlParams params);

  SqliteSingleWriter& writer_;
  const std::string spool_;
};

}  // namespace mayfly
