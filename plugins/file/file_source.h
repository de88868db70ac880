// FileSource: rows of a CSV, TSV, NDJSON or JSON file, or of standard input.
//
// open    looks at the file (inspect.h), declares its columns, and, if there is a mark, sees that
//         the file is still the one that the mark was made in (fingerprint.h).
// poll    goes to the mark, reads and parses until the batch is full, the input ends or the
//         deadline passes. What was read before an error is given out before the error is told.
// MEMORY  From the first poll to the end of the input one buffer of 1 MiB, which grows for a larger
//         record, and what byte_source.h says; whatever the size of the file. A file that waits for
//         its turn, or is done, keeps its descriptor alone, so that hundreds may: what open looked
//         at is read again, if the file still begins as it did. What can't be read again, standard
//         input and files without a size (/proc), has its buffer from open on.
// THREADS open and poll by the source's thread; fingerprint and progress by any.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "mayfly/data/readers/byte_source.h"
#include "mayfly/data/readers/reader.h"
#include "mayfly/file/file_options.h"
#include "mayfly/file/inspect.h"
#include "mayfly/file/looked_at.h"
#include "mayfly/file/read_buffer.h"
#include "mayfly/file/unended_line.h"
#include "mayfly/sdk/plugin.h"

namespace mayfly::file {

// A reader's way to its host.
class HostSink final : public BatchSink {
 public:
  explicit HostSink(const sdk::Host& host) : host_(host) {}
  mayfly_result reserve(mayfly_batch& batch, std::uint64_t bytes) override {
    return host_.reserve(batch, bytes);
  }
  mayfly_result reject(mayfly_batch& batch, const RowOrigin& origin, ReadError reason,
                       std::string_view message, std::string_view raw) override;
  bool failed() const { return failed_; }

 private:
  sdk::Host host_;
  bool failed_ = false;
};

struct FileSource : sdk::Source {
  mayfly_result configure(const sdk::Options& values);
  mayfly_result open(const mayfly_position& position);
  mayfly_result poll(mayfly_batch& batch, std::int64_t deadline_ns);
  std::uint64_t fingerprint(std::uint64_t byte, std::span<char> out) const;
  void progress(std::uint64_t& done, std::uint64_t& total) const;

 private:
  Status start(const mayfly_position& position);
  Status check_unchanged(const mayfly_position& position);
  bool holds_all_that_was_read() const;
  Status begin();
  Status read_beginning();
  Status go_to_mark();
  Status end_line(std::uint64_t& newlines);
  Status check_before_mark() const;
  bool went_on(std::uint64_t mark) const;
  Status changed_since_mark(std::uint64_t mark, const std::string& what) const;
  Status changed_while_it_waited(const std::string& found) const;
  mayfly_result fail(const Status& status) const;
  mayfly_result end();
  mayfly_result wait(std::int64_t deadline_ns) const;
  Result<ByteSource::State> read_more(std::int64_t deadline_ns);
  std::string key() const;

  FileOptions options_;
  std::unique_ptr<ByteSource> source_;
  std::unique_ptr<ReadBuffer> buffer_;  // null: of a file before its turn, or done
  std::unique_ptr<RecordReader> reader_;
  ReadPosition mark_;            // where the first poll begins
  bool resumed_ = false;         // and that isn't the first record
  bool is_behind_line_ = false;  // the mark: of a record, or of the header
  char newline_ = '\n';          // what ends a line
  bool has_lines_ = true;        // a record ends with its line
  std::string before_mark_;      // of one that is resumed: its fingerprint there
  std::string state_;            // likewise, state_of()
  LookedAt looked_at_;           // of a file that waits
  mutable std::atomic<std::uint64_t> size_seen_{0};  // the largest
  bool ended_ = false;
  std::size_t parsed_ = 0;  // bytes of the buffer that parse() has seen and left
  Status failure_;          // to be told once the rows before it are out
};

}  // namespace mayfly::file
