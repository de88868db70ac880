// NdjsonSampler, JsonSampler: the keys of NDJSON's or JSON's objects, as columns (sampler.h).
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "mayfly/data/readers/infer.h"
#include "mayfly/data/readers/json_scanner.h"
#include "mayfly/data/readers/json_splitter.h"
#include "mayfly/data/readers/sampler.h"

namespace mayfly {

// For NDJSON.
class NdjsonSampler : public Sampler {
 public:
  // keys: the only ones to look at; empty: all, in the order they are first seen.
  explicit NdjsonSampler(std::vector<std::string> keys, const SampleLimits& limits = {});

  std::size_t feed(std::span<const char> input, bool at_end) override;
  Result<Shape> shape(bool infer) const override;

 protected:
  enum class Of : std::uint8_t { kLines, kJson };
  // The line that scanner_ is at: a line of NDJSON, or what JSON has between its commas.
  void look_at(JsonScanner::Line line, Of of);

  JsonScanner scanner_;
  std::string first_problem_;  // why the first line that isn't an object isn't one

 private:
  bool take_members();

  bool fixed_;
  std::vector<std::string> keys_;
  std::unordered_map<std::string, std::uint32_t> columns_;
  std::vector<JsonMember> members_;  // of one line
  TypeInference inference_;
};

// For the objects of an array, or over several lines.
class JsonSampler final : public NdjsonSampler {
 public:
  explicit JsonSampler(std::vector<std::string> keys, const SampleLimits& limits = {})
      : NdjsonSampler(std::move(keys), limits) {}

  std::size_t feed(std::span<const char> input, bool at_end) override;
  // Once a first element was seen, or all: whether the document is an array.
  bool is_array() const { return splitter_ && is_array_; }

 private:
  bool is_array_ = false;
  std::optional<JsonSplitter> splitter_;  // none before the first character that isn't blank
  JsonElementEnd end_of_overlong_;
  bool skipping_element_ = false;
  std::string flat_;
};

}  // namespace mayfly
