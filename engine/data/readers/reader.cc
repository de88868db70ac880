#include "mayfly/data/readers/reader.h"

#include <algorithm>
#include <cstring>

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
  ++position_.ordinal;
  pass(extent);
  return Put::kDone;
}

void OverlongRecord::begin(std::string_view start) {
  active_ = true;
  bytes_ = start.size();
  raw_.assign(start.substr(0, kRawKept));
}

std::size_t OverlongRecord::extent_in(std::string_view input, bool at_end, bool* done) const {
  const void* newline = input.empty() ? nullptr : std::memchr(input.data(), '\n', input.size());
  *done = newline != nullptr || at_end;
  if (newline == nullptr) return input.size();
  return static_cast<std::size_t>(static_cast<const char*>(newline) + 1 - input.data());
}

std::string_view without_newline(std::string_view record) {
  if (!record.empty() && record.back() == '\n') record.remove_suffix(1);
  if (!record.empty() && record.back() == '\r') record.remove_suffix(1);
  return record;
}

}  // namespace mayfly
