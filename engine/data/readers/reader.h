// RecordReader: turns bytes of a document (CSV, TSV, NDJSON) into rows of a batch.
//
// PURE       No I/O, no clock. parse() takes what bytes there are and says how many it is done
//            with; the caller offers the rest again, with more behind it. How the input is cut into
//            spans never changes the rows.
// PADDING    kReadPadding bytes after the span must be readable (their values don't matter):
//            numbers and short texts are read in whole words.
// OWNERSHIP  Input and batch are the caller's, and nothing of the input is kept after a call.
// THREADS    One at a time.
// ERRORS     A record that can't be read becomes an error row (BatchSink::reject); the next goes
// on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/data/batch_view.h"

namespace mayfly {

inline constexpr std::size_t kReadPadding = 64;
// Bytes of a broken record that its error row keeps.
inline constexpr std::size_t kRawKept = 64 << 10;
inline constexpr std::uint64_t kMaxRowBytes = 32ull << 20;

// Why a record became an error row; also an index into kReadReasons.
enum class ReadError : std::uint16_t {
  kFields,
  kQuote,
  kTooLong,
  kChanges,
  kJson,
  kUnknownKey,
  kUtf8,
};

// Codes and a sentence about each, as a plugin's reasons[] wants them.
inline constexpr mayfly_named kReadReasons[] = {
    {"fields", "the record has more or fewer fields than there are columns"},
    {"quote", "a quoted field isn't closed, or text follows its closing quote"},
    {"too_long", "the record is longer than max_row_bytes"},
    {"would_change", "a numeric column would store the text as another value"},
    {"json", "the line isn't one valid JSON object"},
    {"unknown_key", "the object has a key that no column is for"},
    {"utf8", "the record isn't valid UTF-8"},
};

// A byte order mark at the start of a document isn't part of its first record.
inline constexpr std::string_view kBom = "\xEF\xBB\xBF";

// What a reader needs from whoever lends it the batch.
class BatchSink {
 public:
  virtual ~BatchSink() = default;
  // Room for `bytes` more in the heap: MAYFLY_OK; MAYFLY_FULL: send the batch first;
  // MAYFLY_BLOCKED: not now; MAYFLY_FAILED: never.
  virtual mayfly_result reserve(mayfly_batch& batch, std::uint64_t bytes) = 0;
  // Appends an error row. Room for message and raw was reserved.
  virtual mayfly_result reject(mayfly_batch& batch, const RowOrigin& origin, ReadError reason,
                               std::string_view message, std::string_view raw) = 0;
};

// Rows in a batch's own heap, which never grows.
class FixedHeapSink final : public BatchSink {
 public:
  mayfly_result reserve(mayfly_batch& batch, std::uint64_t bytes) override {
    if (bytes <= heap_left(batch)) return MAYFLY_OK;
    return batch.rows > 0 ? MAYFLY_FULL : MAYFLY_FAILED;
  }
  mayfly_result reject(mayfly_batch& batch, const RowOrigin& origin, ReadError reason,
                       std::string_view message, std::string_view raw) override {
    const bool kept =
        put_error_row(batch, origin, static_cast<std::uint16_t>(reason), message, raw);
    return kept ? MAYFLY_OK : MAYFLY_FULL;
  }
};

// Why parsing stopped.
enum class Stop : std::uint8_t {
  kInput,    // wants more input; at the end of the document: done
  kBatch,    // the batch is full: send it and go on with an empty one
  kBlocked,  // a large heap isn't to be had for now: send what there is and try later
};

// How far parsing came, and why it stopped.
struct ParseResult {
  std::size_t consumed = 0;
  Stop stop = Stop::kInput;
};

// Where the next record begins.
struct ReadPosition {
  std::uint64_t ordinal = 0;  // of the next record, error rows counted
  std::uint64_t byte = 0;     // uncompressed
  std::uint64_t line = 1;     // from 1
};

// A record that is too long to be kept: skipped up to its newline, and only then an error row, so
// that the row's byte_end is where the next record begins.
class OverlongRecord {
 public:
  bool active() const { return active_; }
  void begin(std::string_view start);
  // More of it. Offered again (the batch had no room), it changes nothing.
  void keep(std::string_view part);
  void pass(std::size_t bytes) { bytes_ += bytes; }
  void end() { active_ = false; }
  std::uint64_t bytes() const { return bytes_; }
  std::string_view raw() const { return raw_; }

 private:
  bool active_ = false;
  std::uint64_t bytes_ = 0;
  std::string raw_;  // its first 64 KiB
};

class RecordReader {
 public:
  virtual ~RecordReader() = default;

  // Appends rows until the input or the batch ends. at_end: nothing follows the span, so its last
  // record needs no newline.
  virtual ParseResult parse(std::span<const char> input, bool at_end, mayfly_batch& batch,
                            BatchSink& sink) = 0;

  const ReadPosition& position() const { return position_; }
  // Records to read at most, from the document's first.
  void set_limit(std::uint64_t records) { limit_ = records; }
  bool is_at_limit() const { return position_.ordinal >= limit_; }
  void set_position(const ReadPosition& position) { position_ = position; }

 protected:
  enum class Put : std::uint8_t { kDone, kBatch, kBlocked };
  // How long a record is, to go on after it.
  struct Extent {
    std::uint64_t bytes = 0;
    std::uint64_t newlines = 0;
  };

  // Appends an error row with the first 64 KiB of raw, and moves the position past the record.
  Put reject_record(mayfly_batch& batch, BatchSink& sink, ReadError reason,
                    std::string_view message, std::string_view raw, const Extent& extent);
  void pass(const Extent& extent) {
    position_.byte += extent.bytes;
    position_.line += extent.newlines;
  }
  // The batch's last row is this record.
  void pass_row(mayfly_batch& batch, const Extent& extent) {
    ++position_.ordinal;
    pass(extent);
    batch.next_line = position_.line;
  }
  RowOrigin origin(const Extent& extent) const {
    return {position_.ordinal, position_.byte + extent.bytes, position_.line};
  }
  // What comes before the first whole record of a span: a byte order mark, the rest of a record
  // that is too long. *used is how much of the input it was; a result: nothing else can be read
  // now.
  std::optional<ParseResult> begin_span(std::string_view input, bool at_end,
                                        std::uint64_t bytes_max, mayfly_batch& batch,
                                        BatchSink& sink, std::size_t* used);
  // Goes on with overlong_, which is active; *used is how much of the input it was.
  Put skip_overlong(std::string_view input, bool at_end, std::uint64_t bytes_max,
                    mayfly_batch& batch, BatchSink& sink, std::size_t* used);
  // A part of it; `ends`: its last one, with so many newlines in all.
  Put skip_part(std::string_view part, bool ends, std::uint64_t newlines, std::uint64_t bytes_max,
                mayfly_batch& batch, BatchSink& sink);
  static std::string too_long(std::uint64_t bytes_max, std::uint64_t found);
  // Of a record that is short enough for its source, but not for any batch.
  static std::string too_large(std::uint64_t found);
  static Stop stop_of(Put put) { return put == Put::kBlocked ? Stop::kBlocked : Stop::kBatch; }

  // For one more record, which may be read.
  bool has_room(const mayfly_batch& batch) const {
    return has_room_for_row(batch) && position_.ordinal < limit_;
  }

  ReadPosition position_;
  std::uint64_t limit_ = UINT64_MAX;
  OverlongRecord overlong_;
  char newline_ = '\n';  // what ends a line
};

// Without a newline (LF, CRLF or CR) at its end.
std::string_view without_newline(std::string_view record);

}  // namespace mayfly
