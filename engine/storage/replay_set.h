// ReplaySet: dead letters that are being written once more, frozen in the database, so that each
// is answered exactly once however often the process is killed meanwhile.
//
//   mayfly_replay_parts   key, target, columns (a JSON array), format, request
//   mayfly_replays        key, rank, letter, pending
//
// A part is what one run reads: letters of one target with the same columns, whose bytes are read
// in the same way (its format, a JSON object or empty), in the order of their ranks. Its key is
// what its source is called in mayfly_offsets, its ranks are the source's ordinals.
//
// Triggers, which are there as long as the set is, keep the letters as they have to be, in the very
// transactions that write the rows, with the writer knowing nothing of it:
//   - what the writer records as answered (mayfly_offsets, mayfly_offset_ranges) is no letter any
//     more;
//   - what is refused again stays the letter that it was, under its number and with its values or
//     bytes: it has a new reason and time, and one attempt more. A record whose values were read
//     meanwhile has those.
// So the number of letters is right at every moment, for whoever counts them, and what a killed
// process leaves is the set alone: what is pending in it is still a letter.
//
// OWNERSHIP  Connections are borrowed for the call.
// THREADS    One at a time.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly {

// A part that is to be frozen.
struct ReplayPart {
  std::string key;
  std::string target;
  std::vector<std::string> columns;
  std::string format = {};
  std::vector<std::int64_t> letters;  // by rank
};

// A set that is frozen.
struct ReplaySet {
  struct Part {
    std::string key;
    std::string target;
    std::vector<std::string> columns;
    std::string format;
    std::uint64_t letters = 0;
    std::uint64_t pending = 0;  // of those
  };
  std::string request;  // what was asked for, in the words of whoever froze it
  std::vector<Part> parts;

  std::uint64_t letters() const;
  std::uint64_t pending() const;
};

// What a replay needs, before it is frozen: the tables of positions. Not within a transaction.
Status prepare_replay(SqliteConnection& connection);
// The set that is there; none: no replay was begun, or each was ended.
Result<std::optional<ReplaySet>> find_replay(SqliteConnection& connection);
// Within a transaction of the caller's, when there is none.
SqliteError freeze_replay(SqliteConnection& connection, std::span<const ReplayPart> parts,
                          const std::string& request);
// Takes the set, its triggers and its sources' positions away; letters stay as they are. In a
// transaction of its own; without a set, nothing.
SqliteError end_replay(SqliteConnection& connection);

}  // namespace mayfly
