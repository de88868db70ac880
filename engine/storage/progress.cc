#include "mayfly/storage/progress.h"

#include <algorithm>

#include "mayfly/data/uniform.h"
#include "mayfly/storage/timestamp.h"

namespace mayfly {
namespace {

constexpr const char* kTables = R"(
CREATE TABLE IF NOT EXISTS mayfly_offsets(
  source TEXT NOT NULL, target TEXT NOT NULL, generation INTEGER NOT NULL,
  low INTEGER NOT NULL, byte INTEGER NOT NULL, line INTEGER NOT NULL, fingerprint BLOB,
  read INTEGER NOT NULL, written INTEGER NOT NULL, inserted INTEGER NOT NULL,
  updated INTEGER NOT NULL, ignored INTEGER NOT NULL, rejected INTEGER NOT NULL,
  dropped INTEGER NOT NULL, consumed INTEGER NOT NULL, finished INTEGER NOT NULL,
  at TEXT NOT NULL, PRIMARY KEY(source, target, generation)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS mayfly_offset_ranges(
  source TEXT NOT NULL, target TEXT NOT NULL, generation INTEGER NOT NULL,
  first INTEGER NOT NULL, last INTEGER NOT NULL, byte INTEGER NOT NULL, line INTEGER NOT NULL,
  PRIMARY KEY(source, target, generation, first)) WITHOUT ROWID;
)";

// In one transaction: on its own, each statement would sync the disk three times. IMMEDIATE: SQLite
// waits for another's lock where a transaction begins, not where it begins to write.
SqliteError create_tables(SqliteConnection& connection) {
  std::string found;
  SqliteError error = connection.query_text(
      "SELECT count(*) FROM sqlite_schema WHERE name IN ('mayfly_offsets', 'mayfly_offset_ranges')",
      found);
  if (!error.ok() || found == "2") return error;
  error = connection.run("BEGIN IMMEDIATE");
  if (!error.ok()) return error;
  error = connection.run(kTables);
  if (error.ok()) error = connection.run("COMMIT");
  if (!error.ok()) connection.run("ROLLBACK");
  return error;
}

std::int64_t as_int(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t as_uint(std::int64_t value) { return static_cast<std::uint64_t>(value); }

// The line behind a row's record, as far as that is known: of a batch's last row its source says
// it.
std::uint64_t line_behind(const mayfly_batch& batch, std::uint32_t row) {
  if (row + 1 == batch.rows && batch.next_line != 0) return batch.next_line;
  return batch.line[row] == 0 ? 0 : batch.line[row] + 1;
}

}  // namespace

RowTotals& RowTotals::operator+=(const RowTotals& other) {
  read += other.read;
  written += other.written;
  inserted += other.inserted;
  updated += other.updated;
  ignored += other.ignored;
  rejected += other.rejected;
  dropped += other.dropped;
  consumed += other.consumed;
  return *this;
}

Result<SourceStart> Progress::add_source(SqliteConnection& connection, std::uint16_t index,
                                         const SourceSpec& spec) {
  if (index == kNoSource || spec.key.empty()) {
    return Status(Code::kInternal, "a source needs an index below 65535 and a key");
  }
  for (const auto& other : sources_) {
    if (other && other->key == spec.key) {
      return Status(Code::kConfig, "two sources are called " + spec.key +
                                       "; positions are kept by name, so give one another");
    }
  }
  if (const SqliteError error = create_tables(connection); !error.ok()) {
    return to_status(error, "creating mayfly_offsets");
  }
  if (const SqliteError error = prepare(connection); !error.ok()) {
    return to_status(error, "reading mayfly_offsets");
  }
  if (index >= sources_.size()) sources_.resize(index + 1u);
  sources_[index] = std::make_unique<Entry>();
  Entry& source = *sources_[index];
  source.key = spec.key;
  source.fingerprint = spec.fingerprint;
  source.record_format = spec.record_format;
  SourceStart start;
  MAYFLY_RETURN_IF_ERROR(load(connection, source, spec.resume && spec.replayable, start.resumed));
  if (!none_.known || start.resumed) {
    bool found = false;
    MAYFLY_RETURN_IF_ERROR(load(connection, none_, start.resumed, found));
  }
  start.generation = source.generation;
  start.ordinal = source.ordinals.mark().ordinal;
  start.byte = source.ordinals.mark().byte;
  start.line = source.ordinals.mark().line;
  start.fingerprint = source.fingerprint_text;
  start.answered = source.ordinals.ranges();
  start.totals = source.totals;
  start.finished = source.finished;
  return start;
}

Status Progress::check_rows_kept(SqliteConnection& connection, const std::vector<std::string>& keys,
                                 const std::string& database) const {
  std::string marks;
  SqliteError error =
      connection.query_text("SELECT name FROM sqlite_schema WHERE name = 'mayfly_offsets'", marks);
  if (error.ok() && marks.empty()) return Status::success();
  SqliteStatement statement;
  if (error.ok()) {
    error = connection.prepare(
        "SELECT written FROM mayfly_offsets WHERE source = ?1 AND target = ?2 COLLATE NOCASE "
        "ORDER BY generation DESC, at DESC LIMIT 1",
        statement, false);
  }
  for (const std::string& key : keys) {
    if (!error.ok()) break;
    statement.bind(1, key).bind(2, target_);
    const std::int64_t written = statement.step(error) ? statement.int64(0) : 0;
    if (written > 0) {
      const std::string where = " WHERE target = " + quote_literal(target_) + " COLLATE NOCASE";
      return {Code::kConfig, "resuming " + key + ": mayfly_offsets says that " +
                                 std::to_string(written) + " of its rows are in table " + target_ +
                                 ", but there is no such table in " + database +
                                 "; bring the table back, or read the input anew: without "
                                 "--resume, or after DELETE FROM mayfly_offsets" +
                                 where + "; DELETE FROM mayfly_offset_ranges" + where};
    }
    statement.reset();
  }
  return to_status(error, "reading mayfly_offsets");
}

SqliteError Progress::prepare(SqliteConnection& connection) {
  if (SqliteError error = connection.prepare(
          "INSERT INTO mayfly_offsets VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, "
          "?13, ?14, ?15, ?16, ?17) ON CONFLICT DO UPDATE SET low = excluded.low, "
          "byte = excluded.byte, line = excluded.line, fingerprint = excluded.fingerprint, "
          "read = excluded.read, written = excluded.written, inserted = excluded.inserted, "
          "updated = excluded.updated, ignored = excluded.ignored, "
          "rejected = excluded.rejected, dropped = excluded.dropped, "
          "consumed = excluded.consumed, finished = excluded.finished, at = excluded.at",
          save_mark_);
      !error.ok()) {
    return error;
  }
  if (SqliteError error = connection.prepare(
          "INSERT OR REPLACE INTO mayfly_offset_ranges VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)",
          save_range_);
      !error.ok()) {
    return error;
  }
  return connection.prepare(
      "DELETE FROM mayfly_offset_ranges "
      "WHERE source = ?1 AND target = ?2 AND generation = ?3 AND first = ?4",
      delete_range_);
}

Status Progress::load(SqliteConnection& connection, Entry& source, bool resume, bool& found) {
  source.known = true;
  SqliteStatement statement;
  SqliteError error = connection.prepare(
      "SELECT generation, low, byte, line, fingerprint, read, written, inserted, updated, "
      "ignored, rejected, dropped, consumed, finished, target FROM mayfly_offsets "
      "WHERE source = ?1 AND target = ?2 COLLATE NOCASE ORDER BY generation DESC, at DESC LIMIT 1",
      statement, false);
  if (!error.ok()) return to_status(error, "reading mayfly_offsets");
  statement.bind(1, source.key).bind(2, target_);
  const bool any = statement.step(error);
  if (!error.ok()) return to_status(error, "reading mayfly_offsets");
  source.target = any ? std::string(statement.text(14)) : target_;
  if (!any) return skip_generations(connection, source);
  source.generation = as_uint(statement.int64(0));
  if (!resume) {
    // The old generation's marks stay as history; nobody resumes them any more.
    ++source.generation;
    return Status::success();
  }
  found = true;
  source.ordinals.restore(
      {as_uint(statement.int64(1)), as_uint(statement.int64(2)), as_uint(statement.int64(3))}, {});
  source.fingerprint_byte = source.ordinals.mark().byte;
  source.fingerprint_text = statement.text(4);
  const auto total = [&statement](int column) { return as_uint(statement.int64(column)); };
  source.totals = {.read = total(5),
                   .written = total(6),
                   .inserted = total(7),
                   .updated = total(8),
                   .ignored = total(9),
                   .rejected = total(10),
                   .dropped = total(11),
                   .consumed = total(12)};
  source.finished = source.finished_before = statement.int64(13) != 0;
  return load_ranges(connection, source);
}

// A source without a mark may have ranges, when somebody took the mark away: they aren't its own.
Status Progress::skip_generations(SqliteConnection& connection, Entry& source) {
  SqliteStatement statement;
  SqliteError error = connection.prepare(
      "SELECT coalesce(max(generation), 0) FROM mayfly_offset_ranges "
      "WHERE source = ?1 AND target = ?2",
      statement, false);
  if (error.ok()) {
    statement.bind(1, source.key).bind(2, source.target);
    if (statement.step(error)) source.generation = as_uint(statement.int64(0)) + 1;
  }
  return to_status(error, "reading mayfly_offset_ranges");
}

Status Progress::load_ranges(SqliteConnection& connection, Entry& source) {
  SqliteStatement statement;
  SqliteError error = connection.prepare(
      "SELECT first, last, byte, line FROM mayfly_offset_ranges "
      "WHERE source = ?1 AND target = ?2 AND generation = ?3 ORDER BY first",
      statement, false);
  if (!error.ok()) return to_status(error, "reading mayfly_offset_ranges");
  statement.bind(1, source.key).bind(2, source.target).bind(3, as_int(source.generation));
  std::vector<AnsweredRun> runs;
  while (statement.step(error)) {
    runs.push_back({as_uint(statement.int64(0)), as_uint(statement.int64(1)),
                    as_uint(statement.int64(2)), as_uint(statement.int64(3))});
  }
  if (!error.ok()) return to_status(error, "reading mayfly_offset_ranges");
  source.ordinals.restore(source.ordinals.mark(), runs);
  return Status::success();
}

void Progress::source_ended(std::uint16_t index, std::uint64_t ordinal_end) {
  Entry& source = entry(index);
  if (&source != &none_) source.ordinal_end = ordinal_end;
}

void Progress::begin() { touched_.clear(); }

Progress::Entry& Progress::touch(std::uint16_t index) {
  Entry& source = entry(index);
  if (!source.touched) {
    source.touched = true;
    source.totals_before = source.totals;
    source.finished_before = source.finished;
    source.ordinals.begin();
    touched_.push_back(&source);
  }
  return source;
}

void Progress::count(Entry& source, const std::array<std::uint32_t, 16>& outcomes,
                     std::uint32_t made) {
  RowTotals& totals = source.totals;
  for (const std::uint32_t rows : outcomes) totals.read += rows;
  totals.read -= made;
  totals.written += outcomes[MAYFLY_WRITTEN];
  totals.inserted += outcomes[MAYFLY_WRITTEN];  // updated() moves what was an update
  totals.ignored += outcomes[MAYFLY_IGNORED];
  totals.rejected += outcomes[MAYFLY_DEAD_LETTERED];
  totals.dropped += outcomes[MAYFLY_DROPPED];
  totals.consumed += outcomes[MAYFLY_CONSUMED];
}

// Rows that nodes made weren't read: those that they were made from were.
static bool is_made(const mayfly_batch& batch, std::uint16_t row) {
  return batch.source[row] == kNoSource && batch.parent[row] != MAYFLY_REF_NONE;
}

// Whether so many rows are of one source, in its order, and became the same.
static bool is_uniform(const mayfly_batch& batch, std::uint32_t first, std::uint32_t rows) {
  if (!all_are(batch.outcome + first, rows, batch.outcome[first]) ||
      !all_are(batch.source + first, rows, batch.source[first])) {
    return false;
  }
  if (batch.source[first] == kNoSource) return true;
  for (std::uint32_t i = 1; i < rows; ++i) {
    if (batch.ordinal[first + i] != batch.ordinal[first] + i) return false;
  }
  return true;
}

void Progress::answered(const mayfly_batch& batch, std::uint16_t head) {
  std::array<std::uint32_t, 16> outcomes{};
  AnsweredRun run;
  std::uint16_t run_source = kNoSource;
  bool open = false;
  std::uint32_t made = 0;
  const auto close = [&] {
    if (!open) return;
    Entry& source = touch(run_source);
    count(source, outcomes, made);
    outcomes.fill(0);
    made = 0;
    if (&source != &none_) source.ordinals.add(run);
  };
  const auto add = [&](std::uint32_t first, std::uint32_t rows) {
    const std::uint8_t outcome = batch.outcome[first];
    if (outcome > MAYFLY_CONSUMED) return;  // given up: to be read again
    const std::uint16_t index = batch.source[first];
    if (!open || index != run_source ||
        (batch.ordinal[first] != run.last + 1 && index != kNoSource)) {
      close();
      open = true;
      run_source = index;
      run.first = batch.ordinal[first];
    }
    const std::uint32_t last = first + rows - 1;
    run.last = batch.ordinal[last];
    run.byte_end = batch.byte_end[last];
    run.line = line_behind(batch, last);
    outcomes[outcome & 15] += rows;
    for (std::uint32_t row = first; index == kNoSource && row <= last; ++row) {
      made += is_made(batch, static_cast<std::uint16_t>(row)) ? 1 : 0;
    }
  };
  all_of_runs(batch, head, [&](std::uint16_t first, std::uint32_t rows) {
    if (is_uniform(batch, first, rows)) {
      add(first, rows);
    } else {
      for (std::uint32_t i = 0; i < rows; ++i) add(first + i, 1);
    }
    return true;
  });
  close();
}

void Progress::answered_row(const mayfly_batch& batch, std::uint16_t row) {
  Entry& source = touch(batch.source[row]);
  std::array<std::uint32_t, 16> outcomes{};
  outcomes[batch.outcome[row] & 15] = 1;
  count(source, outcomes, is_made(batch, row) ? 1 : 0);
  if (&source == &none_) return;
  source.ordinals.add(
      {batch.ordinal[row], batch.ordinal[row], batch.byte_end[row], line_behind(batch, row)});
}

void Progress::updated(std::uint16_t index, std::uint64_t rows) {
  RowTotals& totals = touch(index).totals;
  totals.updated += rows;
  totals.inserted -= rows;
}

SqliteError Progress::save() {
  if (sources_.empty()) return {};
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    Entry* source = sources_[i].get();
    if (source == nullptr || source->finished || !reached_end(*source)) continue;
    touch(static_cast<std::uint16_t>(i));
  }
  for (Entry* source : touched_) {
    if (SqliteError error = save(*source); !error.ok()) return error;
  }
  return {};
}

SqliteError Progress::save(Entry& source) {
  const Mark& mark = source.ordinals.mark();
  source.finished = reached_end(source);  // a file that grew isn't, any more
  if (source.fingerprint != nullptr && source.fingerprint_byte != mark.byte) {
    source.fingerprint_byte = mark.byte;
    source.fingerprint_text = source.fingerprint->at(mark.byte);
  }
  const RowTotals& totals = source.totals;
  const std::string at = iso8601(clock_.wall_us());
  const std::uint64_t numbers[] = {totals.read,    totals.written,  totals.inserted,
                                   totals.updated, totals.ignored,  totals.rejected,
                                   totals.dropped, totals.consumed, source.finished};
  save_mark_.bind(1, source.key).bind(2, source.target).bind(3, as_int(source.generation));
  save_mark_.bind(4, as_int(mark.ordinal)).bind(5, as_int(mark.byte)).bind(6, as_int(mark.line));
  save_mark_.bind_blob(7, source.fingerprint_text);
  int parameter = 8;
  for (const std::uint64_t number : numbers) save_mark_.bind(parameter++, as_int(number));
  save_mark_.bind(parameter, at);
  if (SqliteError error = save_mark_.run(); !error.ok()) return error;

  SqliteError failed;
  source.ordinals.for_each_change([&](std::uint64_t first, const AnsweredRun* run) {
    if (!failed.ok()) return;
    SqliteStatement& statement = run != nullptr ? save_range_ : delete_range_;
    statement.bind(1, source.key).bind(2, source.target).bind(3, as_int(source.generation));
    statement.bind(4, as_int(first));
    if (run != nullptr) {
      statement.bind(5, as_int(run->last)).bind(6, as_int(run->byte_end));
      statement.bind(7, as_int(run->line));
    }
    failed = statement.run();
  });
  return failed;
}

void Progress::commit() {
  for (Entry* source : touched_) {
    source->ordinals.commit();
    source->touched = false;
  }
  touched_.clear();
}

void Progress::rollback() {
  for (Entry* source : touched_) {
    source->ordinals.rollback();
    source->totals = source->totals_before;
    source->finished = source->finished_before;
    source->touched = false;
  }
  touched_.clear();
}

bool Progress::dirty() const {
  return std::any_of(sources_.begin(), sources_.end(), [this](const auto& source) {
    return source != nullptr && !source->finished && reached_end(*source);
  });
}

RowTotals Progress::totals() const {
  RowTotals sum = none_.totals;
  for (const auto& source : sources_) {
    if (source) sum += source->totals;
  }
  return sum;
}

}  // namespace mayfly
