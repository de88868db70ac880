#include "mayfly/data/readers/reader.h"

#include <algorithm>

namespace mayfly {

RecordReader::Put RecordReader::reject_record(mayfly_batch& batch, BatchSink& sink,
                                              ReadError reason, std::string_view message,
                                              std::string_view raw, const Extent& extent) {
  raw = raw.substr(0, kRawKept);
  if (message.size() + raw.size() > heap_left(batch)) {
    const mayfly_result room = sink.reserve(batch, message.size() + raw.size());
    if (room == MAYFLY_FULL) return Put::kBatch;
    if (room == MAYFLY_BLOCKED) return Put::kBlocked;
    if (room != MAYFLY_OK) {  // an empty batch, and less room than that: what fits of both
      message = message.substr(0, heap_left(batch));
      raw = raw.substr(0, heap_left(batch) - message.size());
    }
  }
  const mayfly_result kept = sink.reject(batch, origin(extent), reason, message, raw);
  if (kept != MAYFLY_OK) return kept == MAYFLY_BLOCKED ? Put::kBlocked : Put::kBatch;
  pass_row(batch, extent);
  return Put::kDone;
}

std::optional<ParseResult> RecordReader::begin_span(std::string_view input, bool at_end,
                                                    std::uint64_t bytes_max, mayfly_batch& batch,
                                                    BatchSink& sink, std::size_t* used) {
  if (position_.byte == 0 && !overlong_.active()) {
    if (input.size() < kBom.size() && !at_end) return ParseResult{};
    if (input.starts_with(kBom)) position_.byte = *used = kBom.size();
  }
  if (!overlong_.active()) return std::nullopt;
  const Put put = skip_overlong(input, at_end, bytes_max, batch, sink, used);
  if (put != Put::kDone) return ParseResult{0, stop_of(put)};
  if (overlong_.active()) return ParseResult{*used, Stop::kInput};
  return std::nullopt;
}

RecordReader::Put RecordReader::skip_overlong(std::string_view input, bool at_end,
                                              std::uint64_t bytes_max, mayfly_batch& batch,
                                              BatchSink& sink, std::size_t* used) {
  const std::size_t newline = input.find(newline_);
  const bool has_newline = newline != std::string_view::npos;
  const std::string_view part = input.substr(0, has_newline ? newline + 1 : input.size());
  const Put put =
      skip_part(part, has_newline || at_end, has_newline ? 1 : 0, bytes_max, batch, sink);
  if (put == Put::kDone) *used = part.size();
  return put;
}

RecordReader::Put RecordReader::skip_part(std::string_view part, bool ends, std::uint64_t newlines,
                                          std::uint64_t bytes_max, mayfly_batch& batch,
                                          BatchSink& sink) {
  overlong_.keep(part);
  if (!ends) {
    overlong_.pass(part.size());
    return Put::kDone;
  }
  if (!has_room(batch)) return Put::kBatch;
  const Extent all{overlong_.bytes() + part.size(), newlines};
  const Put put = reject_record(batch, sink, ReadError::kTooLong, too_long(bytes_max, all.bytes),
                                without_newline(overlong_.raw()), all);
  if (put == Put::kDone) overlong_.end();
  return put;
}

std::string RecordReader::too_long(std::uint64_t bytes_max, std::uint64_t found) {
  return "expected a record of at most " + std::to_string(bytes_max) +
         " bytes (max_row_bytes), found " + std::to_string(found);
}

std::string RecordReader::too_large(std::uint64_t found) {
  return "expected a row that a batch can hold, found one of " + std::to_string(found) +
         " bytes; the pipeline's max_row_bytes says how large they may be, not the source's alone";
}

void OverlongRecord::begin(std::string_view start) {
  active_ = true;
  bytes_ = start.size();
  raw_.assign(start.substr(0, kRawKept));
}

void OverlongRecord::keep(std::string_view part) {
  if (raw_.size() >= kRawKept) return;
  const std::size_t known = raw_.size() - static_cast<std::size_t>(bytes_);
  raw_.append(part.substr(std::min(known, part.size())).substr(0, kRawKept - raw_.size()));
}

std::string_view without_newline(std::string_view record) {
  if (!record.empty() && record.back() == '\n') record.remove_suffix(1);
  if (!record.empty() && record.back() == '\r') record.remove_suffix(1);
  return record;
}

}  // namespace mayfly
