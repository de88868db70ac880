// What the database knows of a source: where it goes on and what became of its rows so far.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mayfly {

// batch.source of rows without a position: producers', and those that transforms made.
constexpr std::uint16_t kNoSource = 0xFFFF;

// Identifies a source as it was read up to a byte. Called by the writer's thread.
class SourceFingerprint {
 public:
  virtual ~SourceFingerprint() = default;
  virtual std::string at(std::uint64_t byte) const = 0;
};

// A source, as the writer is told of it.
struct SourceSpec {
  std::string key;                                 // what the source is called in mayfly_offsets
  bool replayable = true;                          // false: starts anew whatever `resume` says
  bool resume = false;                             // go on where the last generation stopped
  const SourceFingerprint* fingerprint = nullptr;  // may be null; outlives the writer
  std::string record_format = {};  // of the raw bytes of its rows (dead_letters.h); may be empty
};

// Rows by what became of them.
struct RowTotals {
  std::uint64_t read = 0;     // answered in one way or another, and not made by a node
  std::uint64_t written = 0;  // inserted + updated
  std::uint64_t inserted = 0;
  std::uint64_t updated = 0;  // by upsert, or replaced
  std::uint64_t ignored = 0;
  std::uint64_t rejected = 0;  // in the dead-letter table
  std::uint64_t dropped = 0;
  std::uint64_t consumed = 0;  // a node made others of them, or nothing; or a sink took them

  // By nodes, of those. A row of theirs is answered as a row that was read is, so that
  // read + made() = written + ignored + rejected + dropped + consumed.
  std::uint64_t made() const { return written + ignored + rejected + dropped + consumed - read; }

  RowTotals& operator+=(const RowTotals& other);
  bool operator==(const RowTotals&) const = default;
};

// Ordinals, both inclusive.
struct AnsweredRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  bool operator==(const AnsweredRange&) const = default;
};

// Where a source is to begin.
struct SourceStart {
  bool resumed = false;
  std::uint64_t generation = 1;
  std::uint64_t ordinal = 0;            // the mark: everything below is answered
  std::uint64_t byte = 0;               // where the record of the mark begins
  std::uint64_t line = 1;               // its line, if the record before it was of one line
  std::string fingerprint;              // what SourceFingerprint said of `byte`
  std::vector<AnsweredRange> answered;  // above the mark, ascending: to be skipped
  RowTotals totals;                     // of this generation so far
  bool finished = false;                // read to its end, every row answered
};

}  // namespace mayfly
