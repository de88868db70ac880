// DlqOptions: `mayfly dlq` as it was asked for. Plain values, checked by what uses them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/mayfly/ingest_options.h"

namespace mayfly::cli {

// Which letters are meant: those that all of it says of. Empty: all.
struct LetterFilter {
  std::vector<std::int64_t> ids;
  std::string target;
  std::string code;
  std::string source;  // a path as it is stored, or its last parts
  std::string since;   // a duration or a time

  bool empty() const {
    return ids.empty() && target.empty() && code.empty() && source.empty() && since.empty();
  }
};

struct DlqOptions {
  enum class Action : std::uint8_t { kList, kShow, kReplay, kPurge };
  Action action = Action::kList;
  std::string database;
  LetterFilter filter;
  std::size_t limit = 1000;  // kList: the newest; 0: all
  bool all = false;          // kPurge
  std::string from;          // kReplay: corrected letters
  bool abandon = false;      // kReplay: a set that is frozen is let go
  // kReplay: what it has in common with ingest: columns, delimiter, quote, keys, modes, errors,
  // durability. The deadline holds for kPurge, too.
  IngestOptions writing;
};

}  // namespace mayfly::cli
