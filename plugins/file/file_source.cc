#include "mayfly/file/file_source.h"

#include <poll.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>

#include "mayfly/base/clock.h"
#include "mayfly/data/readers/csv_reader.h"
#include "mayfly/data/readers/json_reader.h"
#include "mayfly/data/readers/ndjson_reader.h"
#include "mayfly/file/fingerprint.h"
#include "mayfly/file/record_format.h"
#include "mayfly/file/row_shape.h"

namespace mayfly::file {
namespace {

// Read at once: small enough that it is still in the second-level cache when it is parsed.
constexpr std::size_t kChunk = 256 << 10;

constexpr const char* kWrittenOver = "it doesn't begin as it did when it was read";
constexpr const char* kWentOn = "its last line had no newline, and went on";

std::unique_ptr<RecordReader> make_reader(const FileOptions& options, const Inspection& found) {
  Schema schema(found.shape.columns);
  const bool named = !options.columns.empty();
  const NdjsonOptions json{.ignore_extra = options.ignore_extra.value_or(named),
                           .columns_given = named,
                           .keep_changes = options.keep_changes,
                           .max_row_bytes = options.max_row_bytes};
  if (found.format == Format::kNdjson) {
    return std::make_unique<NdjsonReader>(schema, found.shape.keys, json);
  }
  if (found.format == Format::kJson) {
    return std::make_unique<JsonReader>(schema, found.shape.keys, json, found.array,
                                        found.shape.start);
  }
  return std::make_unique<CsvReader>(
      schema, CsvOptions{.dialect = found.dialect,
                         .empty = options.empty,
                         .ignore_extra = options.ignore_extra.value_or(false),
                         .nulls = options.nulls,
                         .fields = found.shape.fields,
                         .field_count = found.shape.field_count,
                         .keep_changes = options.keep_changes,
                         .max_row_bytes = options.max_row_bytes});
}

}  // namespace

mayfly_result HostSink::reject(mayfly_batch& batch, const RowOrigin& origin, ReadError reason,
                               std::string_view message, std::string_view raw) {
  const mayfly_result result = host_.reject(batch, {.ordinal = origin.ordinal,
                                                    .byte_end = origin.byte_end,
                                                    .line = origin.line,
                                                    .reason = static_cast<std::uint32_t>(reason),
                                                    .message = message,
                                                    .raw = raw});
  failed_ |= result == MAYFLY_FAILED;
  return result;
}

mayfly_result FileSource::configure(const sdk::Options& values) {
  mayfly_result result = MAYFLY_OK;
  for (const std::string& mistake : parse_options(values, options_)) {
    result = host.fail(sdk::Failure::kConfig, mistake);
  }
  return result;
}

mayfly_result FileSource::fail(const Status& status) const {
  switch (status.code()) {
    case Code::kNoInput:
      return host.fail(sdk::Failure::kInputMissing, status.message());
    case Code::kIo:
      return host.fail(sdk::Failure::kIo, status.message());
    case Code::kConfig:
      return host.fail(sdk::Failure::kConfig, status.message());
    default:
      return host.fail(sdk::Failure::kInternal, status.message());
  }
}

mayfly_result FileSource::open(const mayfly_position& position) {
  const Status started = start(position);
  return started.ok() ? MAYFLY_OK : fail(started);
}

Status FileSource::start(const mayfly_position& position) {
  MAYFLY_ASSIGN_OR_RETURN(source_, ByteSource::open(options_.path, options_.encoding));
  auto head = std::make_unique<ReadBuffer>(kSampleBytes);
  MAYFLY_ASSIGN_OR_RETURN(const Inspection found, inspect(options_, *source_, *head));
  reader_ = make_reader(options_, found);
  if (options_.limit > 0) reader_->set_limit(options_.limit);
  newline_ = found.dialect.newline;
  has_lines_ = found.format != Format::kJson;
  host.source_key(key());
  host.record_format(record_format_of(options_, found));
  if (!found.shape.renamed.empty()) {
    host.log(
        sdk::LogLevel::kWarn,
        source_->name() + ": names that are taken or empty got others: " + found.shape.renamed);
  }
  if (!found.advice.empty()) {
    host.log(sdk::LogLevel::kWarn, source_->name() + ": " + found.advice);
  }
  for (const Column& column : found.shape.columns) {
    if (host.declare_column(column.name, static_cast<std::int32_t>(column.type)) != MAYFLY_OK) {
      return Status(Code::kConfig,
                    source_->name() + ": the column \"" + column.name + "\" was refused");
    }
  }
  mark_ = found.shape.start;
  if (position.resumed != 0) {
    MAYFLY_RETURN_IF_ERROR(check_unchanged(position));
    resumed_ = position.byte > mark_.byte;
    if (resumed_) mark_ = {position.ordinal, position.byte, position.line};
  }
  // Whoever looked at all of it had no need of so much here.
  while (!resumed_ && head->size() < mark_.byte && !head->at_end()) {
    MAYFLY_RETURN_IF_ERROR(head->fill(*source_, kChunk, -1).status());
  }
  // A byte order mark alone is no line.
  const std::string_view before(head->bytes().data(), resumed_ ? 0 : mark_.byte);
  is_behind_line_ = has_lines_ && (resumed_ || (!before.empty() && before != kBom));
  size_seen_ = source_->raw_size();
  if (source_->is_file() && (holds_all_that_was_read() || mark_.byte > head->size())) {
    looked_at_.keep(head->bytes(), found.shape.start.byte);
    return source_->rewind();
  }
  buffer_ = std::move(head);
  return go_to_mark();
}

std::string FileSource::key() const {
  if (!source_->is_file()) return "-";  // can't be read again
  const std::unique_ptr<char, void (*)(void*)> real(::realpath(options_.path.c_str(), nullptr),
                                                    std::free);
  return real != nullptr ? std::string(real.get()) : options_.path;
}

Status FileSource::check_unchanged(const mayfly_position& position) {
  if (!source_->is_file()) {
    return Status(Code::kNoInput, source_->name() + ": can't go on at byte " +
                                      std::to_string(position.byte) + ", it can't be read again");
  }
  state_ = state_of(source_->fd());
  before_mark_ = fingerprint_at(source_->fd(), source_->is_verbatim(), position.byte);
  const std::string_view was = sdk::to_view(position.fingerprint);
  std::string changed = describe_difference(was, before_mark_);
  if (changed.empty() && begins_otherwise(was, source_->fd())) changed = kWrittenOver;
  if (changed.empty() && went_on(position.byte)) changed = kWentOn;
  if (!changed.empty()) return changed_since_mark(position.byte, changed);
  if (position.byte > 0 && has_other_shape(was, with_shape(before_mark_, row_shape_of(options_)))) {
    host.log(sdk::LogLevel::kWarn,
             source_->name() + ": goes on at byte " + std::to_string(position.byte) +
                 " with other options than what is before it was read with (columns, names, "
                 "NULLs, or how fields are told apart); see that the table's rows are of "
                 "one shape, or read all of it anew");
  }
  return {};
}

// Of a plain file; of a packed one end_line() sees it.
bool FileSource::went_on(std::uint64_t mark) const {
  if (mark == 0 || !has_lines_ || !source_->is_verbatim()) return false;
  const std::string text = bytes_at(source_->fd(), mark - 1, 1 + UnendedLine::kBytesNeeded);
  if (text.empty()) return false;
  const UnendedLine line(text[0], newline_);
  return line && !line.newline(std::span(text).subspan(1));
}

Status FileSource::changed_since_mark(std::uint64_t mark, const std::string& what) const {
  return Status(Code::kNoInput, source_->name() + ": changed since the mark at byte " +
                                    std::to_string(mark) + ": " + what);
}

// Files whose content is made while it is read say a size of 0. Others may have grown since they
// were opened.
bool FileSource::holds_all_that_was_read() const {
  return size_of(source_->fd()) >= source_->raw_bytes();
}

Status FileSource::changed_while_it_waited(const std::string& found) const {
  return Status(Code::kNoInput,
                source_->name() +
                    ": expected the file that was looked at before its turn came, found " + found +
                    "; files must stay as they are until they are read");
}

// Into the buffer, as far as it was looked at.
Status FileSource::read_beginning() {
  buffer_ = std::make_unique<ReadBuffer>(kSampleBytes);
  while (buffer_->size() < looked_at_.bytes_needed() && !buffer_->at_end()) {
    const auto state = buffer_->fill(*source_, kChunk, -1);
    if (state.ok()) continue;
    // What a decoder makes of other data is told as that; what lies behind what is compared, in its
    // place.
    const bool decoder =
        !source_->is_verbatim() &&
        state.status().message().find(" data is broken at byte ") != std::string::npos;
    if (!decoder) return state.status();
    break;
  }
  if (looked_at_.is_same(buffer_->bytes())) return {};
  return changed_while_it_waited("another beginning");
}

// What lies before the mark of a packed file can't be found without reading all of it, so nobody
// may have written to that one at all.
Status FileSource::check_before_mark() const {
  if (!resumed_) return {};
  const bool packed = !source_->is_verbatim();
  const bool same =
      packed ? state_of(source_->fd()) == state_
             : has_same_content(before_mark_,
                                fingerprint_at(source_->fd(), source_->is_verbatim(), mark_.byte));
  if (same) return {};
  return changed_while_it_waited(packed ? "that it was written to meanwhile"
                                        : "its content before the mark at byte " +
                                              std::to_string(mark_.byte) + " changed");
}

Status FileSource::begin() {
  MAYFLY_RETURN_IF_ERROR(read_beginning());
  MAYFLY_RETURN_IF_ERROR(check_before_mark());
  return go_to_mark();
}

// The mark's line may take the record before it for one line; where the text before the mark is
// read anyway, or is short, its newlines say better.
Status FileSource::go_to_mark() {
  const bool packed = !source_->is_verbatim();
  const bool counts = resumed_ && (packed || mark_.byte <= kSampleBytes);
  const std::uint64_t last = mark_.byte - (is_behind_line_ ? 1 : 0);
  const auto read = buffer_->bytes().first(std::min<std::uint64_t>(last, buffer_->size()));
  auto newlines = static_cast<std::uint64_t>(counts ? std::ranges::count(read, newline_) : 0);
  buffer_->consume(read.size());
  if (last > read.size()) {
    MAYFLY_RETURN_IF_ERROR(source_->skip_to(last, counts ? &newlines : nullptr, newline_));
  }
  if (is_behind_line_) MAYFLY_RETURN_IF_ERROR(end_line(newlines));
  if (counts) mark_.line = newlines + 1;
  reader_->set_position(mark_);
  return {};
}

// Past the byte before the mark, and the newline that came behind it if it was none.
Status FileSource::end_line(std::uint64_t& newlines) {
  const auto see = [this](std::size_t size) -> Status {
    while (buffer_->size() < size && !buffer_->at_end()) {
      MAYFLY_RETURN_IF_ERROR(buffer_->fill(*source_, kChunk, -1).status());
    }
    return {};
  };
  MAYFLY_RETURN_IF_ERROR(see(1));
  if (buffer_->size() == 0) return changed_since_mark(mark_.byte, "it ends before that");
  const UnendedLine line(buffer_->bytes()[0], newline_);
  buffer_->consume(1);
  if (!line) {
    ++newlines;
    return {};
  }
  MAYFLY_RETURN_IF_ERROR(see(UnendedLine::kBytesNeeded));
  const auto newline = line.newline(buffer_->bytes());
  if (!newline) {
    // A packed one wasn't written to since it was opened.
    const bool waited = !resumed_ || source_->is_verbatim();
    return waited ? changed_while_it_waited("that its last line, which had no end, went on")
                  : changed_since_mark(mark_.byte, kWentOn);
  }
  if (*newline == 0) return {};
  buffer_->consume(*newline);
  mark_.byte += *newline;
  ++newlines;
  ++mark_.line;
  return {};
}

Result<ByteSource::State> FileSource::read_more(std::int64_t deadline_ns) {
  const std::int64_t left_ns = std::max<std::int64_t>(0, deadline_ns - host.now_ns());
  return buffer_->fill(*source_, kChunk, left_ns);
}

mayfly_result FileSource::poll(mayfly_batch& batch, std::int64_t deadline_ns) {
  if (!failure_.ok()) return fail(failure_);
  if (ended_) return MAYFLY_END;
  if (buffer_ == nullptr) {
    failure_ = begin();
    if (!failure_.ok()) return fail(failure_);
  }
  HostSink sink(host);
  bool idle = false;
  for (;;) {
    // A record far larger than the buffer is looked at again only when that has doubled, so that
    // reading it takes linear time.
    if (idle || buffer_->at_end() || parsed_ == 0 || buffer_->size() >= 2 * parsed_ ||
        parsed_ < kChunk) {
      const ParseResult result = reader_->parse(buffer_->bytes(), buffer_->at_end(), batch, sink);
      buffer_->consume(result.consumed);
      parsed_ = buffer_->size();
      if (sink.failed()) return MAYFLY_FAILED;
      if (result.stop == Stop::kBlocked) return batch.rows > 0 ? MAYFLY_OK : wait(deadline_ns);
      if (buffer_->at_end() && result.stop == Stop::kInput) return end();
      if (reader_->is_at_limit()) {
        failure_ = source_->check_not_overwritten();
        if (failure_.ok()) return end();
        return batch.rows > 0 ? MAYFLY_OK : fail(failure_);
      }
      if (result.stop == Stop::kBatch) {
        parsed_ = 0;
        return MAYFLY_OK;
      }
    }
    if (idle) return MAYFLY_IDLE;
    auto state = read_more(deadline_ns);
    if (!state.ok()) {
      if (batch.rows == 0) return fail(state.status());
      failure_ = state.status();
      return MAYFLY_OK;
    }
    idle = *state == ByteSource::State::kIdle;
    if (idle && batch.rows > 0) return MAYFLY_IDLE;
    if (batch.rows > 0 && host.now_ns() >= deadline_ns) return MAYFLY_OK;
  }
}

mayfly_result FileSource::end() {
  buffer_.reset();
  ended_ = true;
  return MAYFLY_END;
}

// A large heap isn't free: others give it back in their time.
mayfly_result FileSource::wait(std::int64_t deadline_ns) const {
  const std::int64_t left_ns = std::clamp<std::int64_t>(deadline_ns - host.now_ns(), 0, kSecond);
  const timespec timeout{left_ns / kSecond, left_ns % kSecond};
  ::ppoll(nullptr, 0, &timeout, nullptr);
  return MAYFLY_IDLE;
}

std::uint64_t FileSource::fingerprint(std::uint64_t byte, std::span<char> out) const {
  if (source_ == nullptr || !source_->is_file()) return 0;
  std::uint64_t seen = size_seen_.load(std::memory_order_relaxed);
  const std::uint64_t size = size_of(source_->fd());
  while (size > seen && !size_seen_.compare_exchange_weak(seen, size, std::memory_order_relaxed)) {
  }
  const std::string shaped =
      with_shape(fingerprint_at(source_->fd(), source_->is_verbatim(), byte, std::max(size, seen)),
                 row_shape_of(options_));
  const std::string text = with_beginning(shaped, source_->beginning());
  if (text.size() > out.size()) return 0;
  std::memcpy(out.data(), text.data(), text.size());
  return text.size();
}

void FileSource::progress(std::uint64_t& done, std::uint64_t& total) const {
  done = source_ == nullptr ? 0 : source_->raw_bytes();
  total = source_ == nullptr ? 0 : source_->raw_size();
}

}  // namespace mayfly::file
