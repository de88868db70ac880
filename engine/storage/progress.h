// Progress: how far each source is answered, in memory and in mayfly_offsets and
// mayfly_offset_ranges.
//
// One transaction: begin(), answered() for its rows, save() before COMMIT, then commit() or
// rollback(). Rows without a source (what transforms made, say) are counted under the key '', so
// that a resumed run keeps its totals. A table is found in whatever case its name is given.
//
// OWNERSHIP  Fingerprints are borrowed as long as this lives; connections for the call. prepare()
//            again after the connection was reopened.
// THREADS    The writer's.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "mayfly/base/clock.h"
#include "mayfly/base/status.h"
#include "mayfly/data/batch_view.h"
#include "mayfly/storage/answered_ordinals.h"
#include "mayfly/storage/source_position.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

class Progress {
 public:
  Progress(std::string target, const Clock& clock) : target_(std::move(target)), clock_(clock) {}

  // Creates the tables; nothing else is written before the first save().
  Result<SourceStart> add_source(SqliteConnection& connection, std::uint16_t index,
                                 const SourceSpec& spec);
  // kConfig: one of these sources would go on from a mark above rows that were written, and the
  // table, which the caller's transaction has just made, doesn't have them.
  Status check_rows_kept(SqliteConnection& connection, const std::vector<std::string>& keys,
                         const std::string& database) const;
  SqliteError prepare(SqliteConnection& connection);
  // Before the connection is closed.
  void forget() { save_mark_ = {}, save_range_ = {}, delete_range_ = {}; }
  void source_ended(std::uint16_t index, std::uint64_t ordinal_end);

  void begin();
  // One slice, outcomes set.
  void answered(const mayfly_batch& batch, std::uint16_t head);
  void answered_row(const mayfly_batch& batch, std::uint16_t row);
  // Of rows that were or will be told by answered(): these were updates, not inserts.
  void updated(std::uint16_t source, std::uint64_t rows);
  SqliteError save();
  void commit();
  void rollback();

  // Something waits for a transaction of its own.
  bool dirty() const;
  std::uint16_t source_end() const { return static_cast<std::uint16_t>(sources_.size()); }
  bool has_sources() const { return !sources_.empty(); }
  // Key of a row's source, empty for rows without one.
  const std::string& key(std::uint16_t index) const { return entry(index).key; }
  // As its spec said it.
  const std::string& record_format(std::uint16_t index) const { return entry(index).record_format; }
  RowTotals totals(std::uint16_t index) const { return entry(index).totals; }
  RowTotals totals() const;

 private:
  struct Entry {
    std::string key;
    std::string target;  // the table, as its marks spell it
    const SourceFingerprint* fingerprint = nullptr;
    std::string record_format;
    bool known = false;
    std::uint64_t generation = 1;
    AnsweredOrdinals ordinals;
    RowTotals totals;
    RowTotals totals_before;
    std::uint64_t ordinal_end = UINT64_MAX;  // unknown until the source has ended
    std::uint64_t fingerprint_byte = UINT64_MAX;
    std::string fingerprint_text;
    bool finished = false;
    bool finished_before = false;
    bool touched = false;
  };

  // An index that was never added counts as no source.
  Entry& entry(std::uint16_t index) {
    return index < sources_.size() && sources_[index] ? *sources_[index] : none_;
  }
  const Entry& entry(std::uint16_t index) const {
    return const_cast<Progress*>(this)->entry(index);
  }
  Entry& touch(std::uint16_t index);
  void count(Entry& entry, const std::array<std::uint32_t, 16>& outcomes, std::uint32_t made);
  Status load(SqliteConnection& connection, Entry& entry, bool resume, bool& found);
  Status skip_generations(SqliteConnection& connection, Entry& entry);
  Status load_ranges(SqliteConnection& connection, Entry& entry);
  SqliteError save(Entry& entry);
  bool reached_end(const Entry& entry) const {
    return entry.ordinals.mark().ordinal >= entry.ordinal_end;
  }

  const std::string target_;
  const Clock& clock_;
  std::vector<std::unique_ptr<Entry>> sources_;  // by batch.source
  std::vector<Entry*> touched_;
  Entry none_;
  SqliteStatement save_mark_;
  SqliteStatement save_range_;
  SqliteStatement delete_range_;
};

}  // namespace mayfly
