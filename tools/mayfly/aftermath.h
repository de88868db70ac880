// Aftermath: what a run leaves, and how to go on, or to begin again. What is said below its error,
// or below its rejected rows.
//
// It promises only what is true: rows of a damaged file, a table that somebody dropped or a stream
// aren't taken up again by the same command. Whoever does what it says loses and doubles nothing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "mayfly/config/plan.h"
#include "tools/mayfly/engine_run.h"
#include "tools/mayfly/target_table.h"

namespace mayfly::cli {

// What an input is to a run that would go on with it.
enum class InputState : std::uint8_t {
  kSame,     // can be read again from where it was left
  kStream,   // can't be read again
  kDamaged,  // an archive that is cut off or corrupt: the whole one will be another file
  kChanged,  // while it was read
  kWritten,  // to, while it waited for its turn: perhaps it is as it was
};

// What is known of a run that stopped. Plain values.
struct Aftermath {
  std::string kept;  // "2 rows of the input are in a.db for good"
  std::string database;
  std::string table;
  TableState table_state = TableState::kThere;
  InputState input = InputState::kSame;
  std::string input_name = "A stream";
  std::string source;                     // the input's key in mayfly_offsets
  std::vector<std::string> sources = {};  // those of all inputs that can be read again
  bool keyed = false;                     // a known key is updated: nothing is doubled
  bool always_resumes = false;            // `run`; else by --resume
  std::string go_on;                      // what to do when nothing has changed
};

// One or two sentences, without a full stop.
std::string to_text(const Aftermath& aftermath);

// What the run's end says of its inputs, and of which one; looks at the file of a damaged one.
InputState input_state(const RunResult& result, std::string& source);

// Of a run that didn't start since a file is another one than its mark was made in: the file, as
// mayfly_offsets calls it. Empty: that wasn't why.
std::string source_that_changed(const Status& status);

// How to read a.source anew, of such a run. A sentence, without a full stop.
std::string to_read_anew(const Aftermath& a);

// The keys of all inputs that can be read again.
std::vector<std::string> sources_of(const RunResult& result);

// Whoever does the same once more without having read it doubles rows: it is told also to those who
// want no notes.
bool is_warning(const Aftermath& a);

// What has become of the table. A database that has taken the place of the one that was written
// isn't opened: the log that may lie beside it belongs to the other, and SQLite would apply it.
TableState table_state_after(const RunResult& result, const std::string& database,
                             const std::string& table);

// How to ingest the same input again, corrected or with other options, after so many of its rows
// were written. A sentence or two, without a full stop.
std::string to_begin_again(const Aftermath& a, std::uint64_t written);

// Whether a known key never makes a second row. Ignoring or replacing known ones is done without a
// key, too: then nothing is known.
bool is_keyed(WriterPlan::Mode mode);

}  // namespace mayfly::cli
