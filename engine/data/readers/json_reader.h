// JsonReader: the objects of a JSON array, or objects one after the other, over as many lines as
// they take, into rows. json_splitter.h says how they are found; what becomes of one is
// NdjsonReader's.
//
// ERROR ROWS  An element that isn't an object, or that stands where none may. One that lacks its
//             closing bracket takes those behind it with it. An array that isn't closed is an error
//             row at the document's end, since it may have been cut.
#pragma once

#include <string>
#include <vector>

#include "mayfly/data/readers/json_splitter.h"
#include "mayfly/data/readers/ndjson_reader.h"

namespace mayfly {

class JsonReader final : public NdjsonReader {
 public:
  // array: the document is one; its first element, behind the bracket, is at `first`.
  JsonReader(const Schema& schema, std::vector<std::string> keys, const NdjsonOptions& options,
             bool array, const ReadPosition& first);

  ParseResult parse(std::span<const char> input, bool at_end, mayfly_batch& batch,
                    BatchSink& sink) override;

 private:
  Put put_element(mayfly_batch& batch, BatchSink& sink);
  Put put_unclosed(mayfly_batch& batch, BatchSink& sink);

  const std::uint64_t first_;
  JsonSplitter splitter_;
  bool placed_ = false;  // the splitter knows where the document goes on
  JsonElementEnd end_of_overlong_;
  std::string flat_;  // an element on one line
  std::string problem_;
};

}  // namespace mayfly
