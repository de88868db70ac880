// LetterNode: a node under test that bounds rows by key, with rows that are read as letters: "aabA"
// are four rows of two keys. The key is the letter, in the column "name"; a capital one is of the
// same key as the small one, with 1 in the column "id" in place of 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "mayfly/data/batch_view.h"
#include "tests/support/plugin_node.h"

namespace mayfly::testing {

class LetterNode {
 public:
  LetterNode(std::string_view plugin, std::vector<RawOption> options) {
    options.push_back({"key", Names{"name"}});
    node = open_node(plugin, options);
  }

  void push(std::string_view rows) {
    mayfly_batch* batch = node->new_batch();
    REQUIRE(batch != nullptr);
    for (const char letter : rows) {
      const bool capital = letter >= 'A' && letter <= 'Z';
      const char key = capital ? static_cast<char>(letter - 'A' + 'a') : letter;
      put_int64(*batch, 0, capital ? 1 : 0);
      REQUIRE(put_text(*batch, 1, {&key, 1}));
      commit_row(*batch, {.ordinal = letters.size(), .byte_end = 0, .line = 0});
      letters.push_back(letter);
    }
    node->push(batch);
  }
  // The letters of the rows that passed, in order.
  std::string out() const {
    std::string passed;
    for (const std::uint64_t row : node->port(0)) passed += letters[row];
    return passed;
  }
  void answer(std::uint64_t row, std::uint8_t outcome = MAYFLY_WRITTEN) {
    node->complete(Ordinals{row}, outcome);
  }
  // So many of those in flight, if nothing else was answered.
  void answer_oldest(std::size_t count) {
    for (; count > 0; --count) {
      REQUIRE(answered_ < node->passed().size());
      answer(node->passed()[answered_++].ordinal);
    }
  }

  std::unique_ptr<NodeHarness> node;
  std::string letters;  // of all rows, by ordinal

 private:
  std::size_t answered_ = 0;
};

}  // namespace mayfly::testing
