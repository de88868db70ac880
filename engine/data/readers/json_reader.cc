#include "mayfly/data/readers/json_reader.h"

#include <algorithm>

namespace mayfly {

JsonReader::JsonReader(const Schema& schema, std::vector<std::string> keys,
                       const NdjsonOptions& options, bool array, const ReadPosition& first)
    : NdjsonReader(schema, std::move(keys), options), first_(first.byte), splitter_(array) {}

ParseResult JsonReader::parse(std::span<const char> input, bool at_end, mayfly_batch& batch,
                              BatchSink& sink) {
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  const char* cursor = begin;
  if (!placed_) splitter_.go_to(position_.byte <= first_);
  placed_ = true;
  if (overlong_.active()) {
    JsonElementEnd found = end_of_overlong_;
    const char* const stop = found.find(begin, end);
    const auto size = static_cast<std::size_t>((stop == nullptr ? end : stop) - begin);
    const Put put = skip_part({begin, size}, stop != nullptr || at_end, found.newlines(),
                              max_row_bytes(), batch, sink);
    if (put != Put::kDone) return {0, stop_of(put)};
    end_of_overlong_ = found;
    if (overlong_.active()) return {input.size(), Stop::kInput};
    cursor = begin + size;
  }
  splitter_.start(cursor, end, at_end);
  while (has_room(batch)) {
    const JsonSplitter::Piece piece = splitter_.next();
    const char* const element = splitter_.begin_of_element();
    pass({static_cast<std::uint64_t>(element - cursor), splitter_.newlines_before()});
    cursor = element;
    if (piece == JsonSplitter::Piece::kEnd) return {input.size(), Stop::kInput};
    if (piece == JsonSplitter::Piece::kMore) {
      const std::string_view rest(element, static_cast<std::size_t>(end - element));
      if (rest.size() <= max_row_bytes()) break;
      overlong_.begin(rest);
      end_of_overlong_ = splitter_.end_of_element();
      splitter_.pass_element();
      return {input.size(), Stop::kInput};
    }
    const Put put = piece == JsonSplitter::Piece::kUnclosed ? put_unclosed(batch, sink)
                                                            : put_element(batch, sink);
    if (put != Put::kDone) {
      splitter_.put_back();
      return {static_cast<std::size_t>(cursor - begin), stop_of(put)};
    }
    if (piece == JsonSplitter::Piece::kElement) cursor += splitter_.element().size();
  }
  return {static_cast<std::size_t>(cursor - begin), has_room(batch) ? Stop::kInput : Stop::kBatch};
}

RecordReader::Put JsonReader::put_element(mayfly_batch& batch, BatchSink& sink) {
  const std::string_view element = splitter_.element();
  const Extent extent{element.size(), splitter_.newlines()};
  if (element.size() > max_row_bytes()) {
    return reject_record(batch, sink, ReadError::kTooLong,
                         too_long(max_row_bytes(), element.size()), without_newline(element),
                         extent);
  }
  if (!splitter_.expected().empty()) {
    problem_ = "expected ";
    problem_ += splitter_.expected();
    problem_ += ", found ";
    append_excerpt(element.substr(0, 24), &problem_);
    return reject_record(batch, sink, ReadError::kJson, problem_, element, extent);
  }
  if (extent.newlines == 0) {
    scanner_.start(element.data(), element.data() + element.size());
  } else {
    flat_.resize(element.size() + kReadPadding);
    flatten_json(element, flat_.data());
    scanner_.start(flat_.data(), flat_.data() + element.size());
  }
  return put_line(scanner_.next_line(), extent, batch, sink);
}

RecordReader::Put JsonReader::put_unclosed(mayfly_batch& batch, BatchSink& sink) {
  return reject_record(batch, sink, ReadError::kJson,
                       "expected the end of the array, found the end of the input; is it whole?",
                       {}, {});
}

}  // namespace mayfly
