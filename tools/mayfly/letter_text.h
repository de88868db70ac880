// A dead letter as people and programs read it. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "tools/mayfly/letter_table.h"

namespace mayfly::cli {

// One line, without values: "7  2026-01-31T...Z  people  primary_key  people.csv:12: ...".
std::string to_line(const StoredLetter& letter);
// One line of JSON, without values.
std::string to_json_line(const StoredLetter& letter);
// "3 letters" and one line a target and code.
std::string to_text(const std::vector<LetterCount>& counts);
std::string to_json_line(const std::vector<LetterCount>& counts);

// All of it, over several lines; bytes that can't be shown are escaped.
std::string to_text(const StoredLetter& letter);
// All of it as one line of JSON that `dlq replay --from` takes (engine/data/readers/letter_line.h).
std::string to_full_json(const StoredLetter& letter);
// Its values or bytes alone, for the source of a replay.
std::string to_replay_line(std::uint64_t rank, const StoredLetter& letter);

// What `columns` holds is a JSON object.
bool has_column_values(const StoredLetter& letter);

}  // namespace mayfly::cli
