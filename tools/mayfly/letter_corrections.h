// LetterCorrections: what `dlq replay --from` brings, as lines of JSON (engine/data/readers/
// letter_line.h), and into the letters. THREADS  One at a time.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mayfly/base/status.h"
#include "mayfly/data/readers/letter_line.h"
#include "mayfly/storage/sqlite.h"

namespace mayfly::cli {

using LetterCorrections = std::map<std::int64_t, LetterLine>;

// kNoInput: the file can't be read; kBadData: a line of it isn't a letter, has no number, or one
// that an earlier line has. "-" is standard input.
Result<LetterCorrections> read_corrections(const std::string& file);
std::vector<std::int64_t> ids_of(const LetterCorrections& corrections);
// Of those that `ids` (ascending) has. Within a transaction.
SqliteError correct_letters(SqliteConnection& connection, const LetterCorrections& corrections,
                            const std::vector<std::int64_t>& ids);

}  // namespace mayfly::cli
