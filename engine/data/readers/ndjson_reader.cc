#include "mayfly/data/readers/ndjson_reader.h"

#include <algorithm>
#include <cstring>

#include "mayfly/data/readers/json_text.h"
#include "mayfly/data/readers/number.h"
#include "mayfly/data/readers/utf8_watch.h"

namespace mayfly {
namespace {

// Lines indexed at once: text and index stay in the first-level cache.
constexpr std::size_t kWindow = 16 << 10;

bool has_nul(std::string_view key) {
  std::string text(key.size(), '\0');
  const auto size = unescape_json(key, text.data());
  return size && text.find('\0') < *size;
}

}  // namespace

NdjsonReader::NdjsonReader(const Schema& schema, std::vector<std::string> keys,
                           const NdjsonOptions& options)
    : schema_(schema), keys_(std::move(keys)), options_(options) {
  keys_.resize(schema_.size());
  for (std::uint32_t i = 0; i < schema_.size(); ++i) columns_.emplace(keys_[i], i);
  for (const Column& column : schema_.columns()) types_.push_back(column.type);
  for (const std::string& name : keys_) {
    Key key;
    const std::size_t size = std::min(name.size(), sizeof key.head);
    std::memcpy(&key.head, name.data(), size);
    std::memset(&key.mask, 0xFF, size);
    key.plain = name.find_first_of("\"\\") == std::string::npos;
    key_heads_.push_back(key);
  }
  order_.resize(schema_.size());
  for (std::uint32_t i = 0; i < schema_.size(); ++i) order_[i] = i;
}

ParseResult NdjsonReader::parse(std::span<const char> input, bool at_end, mayfly_batch& batch,
                                BatchSink& sink) {
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  std::size_t used = 0;
  if (const auto stopped = begin_span(std::string_view(begin, input.size()), at_end,
                                      options_.max_row_bytes, batch, sink, &used)) {
    return *stopped;
  }
  const char* cursor = begin + used;
  while (has_room(batch)) {
    const char* const stop = window_end(cursor, end, at_end);
    if (stop == cursor) {
      const std::string_view rest(cursor, static_cast<std::size_t>(end - cursor));
      if (rest.size() <= options_.max_row_bytes) break;
      overlong_.begin(rest);
      return {input.size(), Stop::kInput};
    }
    scanner_.start(cursor, stop);
    while (has_room(batch)) {
      const JsonScanner::Line line = scanner_.next_line();
      if (line == JsonScanner::Line::kEnd) break;
      const Put put = put_line(line, extent(), batch, sink);
      if (put != Put::kDone) return {static_cast<std::size_t>(cursor - begin), stop_of(put)};
      cursor = scanner_.next();
    }
  }
  return {static_cast<std::size_t>(cursor - begin), has_room(batch) ? Stop::kInput : Stop::kBatch};
}

// Behind the last line that begins a window; begin when not one line is complete.
const char* NdjsonReader::window_end(const char* begin, const char* end, bool at_end) const {
  const auto left = static_cast<std::size_t>(end - begin);
  if (left <= kWindow && at_end) return end;
  const std::string_view window(begin, std::min(left, kWindow));
  if (const std::size_t last = window.rfind('\n'); last != std::string_view::npos) {
    return begin + last + 1;
  }
  const std::size_t newline = std::string_view(begin, left).find('\n', window.size());
  if (newline != std::string_view::npos) return begin + newline + 1;
  return at_end ? end : begin;
}

RecordReader::Put NdjsonReader::put_line(JsonScanner::Line line, const Extent& extent,
                                         mayfly_batch& batch, BatchSink& sink) {
  // With its newline, as of a line that isn't all there.
  const std::uint64_t bytes = extent.bytes;
  const bool allowed = bytes <= options_.max_row_bytes;
  if (line == JsonScanner::Line::kBlank && allowed) {
    pass(extent);
    return Put::kDone;
  }
  if (bytes + RowCells::kSlack > heap_left(batch) || !allowed) [[unlikely]] {
    const mayfly_result room =
        allowed ? sink.reserve(batch, bytes + RowCells::kSlack) : MAYFLY_FAILED;
    if (room == MAYFLY_FULL) return Put::kBatch;
    if (room == MAYFLY_BLOCKED) return Put::kBlocked;
    if (room != MAYFLY_OK) {
      message_ = allowed ? too_large(bytes) : too_long(options_.max_row_bytes, bytes);
      return reject_record(batch, sink, ReadError::kTooLong, message_, scanner_.line(), extent);
    }
  }
  bool put = false;
  if (line == JsonScanner::Line::kBroken) {
    put = refuse_broken();
  } else {
    RowCells row(batch);
    put = put_members(row);
    if (put) batch.heap_used = row.heap_used();
  }
  if (!put) [[unlikely]] {
    abandon_row(batch, batch.heap_used);
    return reject_record(batch, sink, reason_, message_, scanner_.line(), extent);
  }
  commit_row(batch, origin(extent));
  pass_row(batch, extent);
  return Put::kDone;
}

bool NdjsonReader::put_members(RowCells& row_in) {
  RowCells row = row_in;
  JsonMember member{};
  for (std::size_t place = 0;; ++place) {
    const JsonScanner::Step step = scanner_.next_member(&member);
    if (step == JsonScanner::Step::kEnd) break;
    if (step == JsonScanner::Step::kBroken) {
      return refuse_broken();
    }
    std::uint32_t column = kNoColumn;
    if (place < order_.size() && is_key(member.key, order_[place])) [[likely]] {
      column = order_[place];
    } else {
      column = find(member.key, place);
    }
    if (column == kNoColumn) [[unlikely]] {
      if (options_.ignore_extra) continue;
      message_ = "expected one of the " + std::to_string(schema_.size()) + " known keys, found ";
      append_excerpt(member.key, &message_);
      // A key with a NUL names no column, however many rows are looked at.
      if (has_nul(member.key)) {
        message_ += ", which has a NUL and so can't name a column; leave ";
      } else if (options_.columns_given) {
        message_ += "; name it among the columns, or leave ";
      } else {
        message_ += "; look at every row before columns are chosen (--infer all) or leave ";
      }
      message_ += "such keys out (--on-extra ignore, or on_extra in a pipeline)";
      return refuse(ReadError::kUnknownKey);
    }
    if (row.is_put(column)) [[unlikely]]
      row.clear(column);  // the last of two counts
    const Fault fault = put_value(row, column, member);
    if (fault == Fault::kNone) [[likely]]
      continue;
    if (fault != Fault::kChanges || !options_.keep_changes) {
      return refuse_value(fault, column, member);
    }
    put_exception_text(row, column, member.text);  // a number: strings have been kept
  }
  row_in = row;
  return true;
}

// The input is padded, so a word can be read wherever a key begins.
inline bool NdjsonReader::is_key(std::string_view raw, std::uint32_t column) const {
  if (column == kNoColumn || raw.size() != keys_[column].size()) return false;
  const Key& key = key_heads_[column];
  std::uint64_t head;
  std::memcpy(&head, raw.data(), sizeof head);
  if (((head ^ key.head) & key.mask) != 0 || !key.plain) return false;
  return raw.size() <= sizeof head ||
         std::memcmp(raw.data() + sizeof head, keys_[column].data() + sizeof head,
                     raw.size() - sizeof head) == 0;
}

std::uint32_t NdjsonReader::find(std::string_view key, std::size_t place) {
  if (key.find('\\') != std::string_view::npos) {
    key_.resize(key.size());
    const auto size = unescape_json(key, key_.data());
    if (!size) return kNoColumn;
    key_.resize(*size);
    key = key_;
  }
  const auto found = columns_.find(key);
  const std::uint32_t column = found == columns_.end() ? kNoColumn : found->second;
  if (place < order_.size()) order_[place] = column;
  return column;
}

bool NdjsonReader::refuse_broken() {
  if (!is_valid_utf8(scanner_.line())) {
    describe_invalid_utf8(scanner_.line(), &message_);
    return refuse(ReadError::kUtf8);
  }
  message_ = scanner_.error();
  if (message_.ends_with("found its end")) message_ += kOneLineHint;
  return refuse(ReadError::kJson);
}

bool NdjsonReader::refuse(ReadError reason) {
  reason_ = reason;
  return false;
}

bool NdjsonReader::refuse_value(Fault fault, std::uint32_t column, const JsonMember& member) {
  message_.clear();
  if (fault == Fault::kChanges) {
    describe_change(schema_[column], member.text, &message_);
    return refuse(ReadError::kChanges);
  }
  message_ +=
      fault == Fault::kNumber ? "expected a number" : "expected a string with valid escapes";
  message_ += " for key \"" + keys_[column] + "\", found ";
  append_excerpt(member.text, &message_);
  return refuse(ReadError::kJson);
}

}  // namespace mayfly
