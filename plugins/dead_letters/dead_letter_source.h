// DeadLetterSource: rows of dead letters, from a file of them.
//
// A letter's ordinal is its rank; its line is its number in mayfly_dead_letters, so that messages
// name it. open declares the columns; poll reads and parses until the batch is full, the file ends
// or the deadline passes.
// THREADS  open and poll by the source's thread; fingerprint by any.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "mayfly/dead_letters/letter_file.h"
#include "mayfly/dead_letters/letter_options.h"
#include "mayfly/dead_letters/letter_reader.h"
#include "mayfly/sdk/plugin.h"

namespace mayfly::dead_letters {

struct DeadLetterSource : sdk::Source {
  mayfly_result configure(const sdk::Options& values);
  mayfly_result open(const mayfly_position& position);
  mayfly_result poll(mayfly_batch& batch, std::int64_t deadline_ns);
  std::uint64_t fingerprint(std::uint64_t byte, std::span<char> out) const;

 private:
  mayfly_result fail(const Status& status) const;
  // False: there is none.
  Result<bool> take_next();

  LetterOptions options_;
  std::optional<LetterFile> file_;
  std::unique_ptr<LetterReader> reader_;
  std::string identity_;  // from open on
  std::uint64_t first_rank_ = 0;
  std::optional<LetterLine> letter_;  // read, and not yet a row
};

}  // namespace mayfly::dead_letters
