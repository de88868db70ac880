// Console: what the program says. Results go to standard output; everything else (messages, the
// status line) to standard error.
//
// A message is one line of text ("mayfly: error: ...") or of JSON. The status line is redrawn below
// messages and is there only on a terminal.
//
// OWNERSHIP  Borrows the two streams. THREADS  Any.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "mayfly/base/clock.h"

namespace mayfly::cli {

enum class Level : std::uint8_t { kDebug, kInfo, kNote, kWarning, kError };

// Where characters go; a test has its own.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual bool write(std::string_view text) = 0;  // false: it could not be written
  virtual bool is_terminal() const = 0;
  virtual unsigned width() const = 0;  // columns of the terminal
};

class FileStream final : public Stream {
 public:
  explicit FileStream(int fd) : fd_(fd) {}
  bool write(std::string_view text) override;
  bool is_terminal() const override;
  unsigned width() const override;

 private:
  int fd_;
};

struct ConsoleOptions {
  bool json_messages = false;
  bool color = false;
  Level threshold = Level::kNote;
};

// auto, always or never, as --color and NO_COLOR (no-color.org: any value but an empty one) say.
bool wants_color(std::string_view choice, const char* no_color, const char* term, bool terminal);

class Console {
 public:
  Console(Stream& out, Stream& err, const Clock& clock, ConsoleOptions options)
      : out_(out), err_(err), clock_(clock), options_(options) {}

  void message(Level level, std::string_view text) { message(level, "mayfly", text); }
  void message(Level level, std::string_view who, std::string_view text);
  void error(std::string_view text) { message(Level::kError, text); }
  void warning(std::string_view text) { message(Level::kWarning, text); }
  void note(std::string_view text) { message(Level::kNote, text); }
  // A result, with its newline. What couldn't be written is kept in output_failed().
  void print(std::string_view text);
  bool output_failed() const { return output_failed_; }

  bool shows(Level level) const { return level >= options_.threshold; }
  // Whether a status line would be seen: a terminal, messages as text, not --quiet.
  bool has_status_line() const;
  unsigned width() const { return err_.width(); }
  // Empty: none. Anything longer than the terminal is wide is cut.
  void set_status_line(std::string text);

 private:
  std::string format(Level level, std::string_view who, std::string_view text) const;

  Stream& out_;
  Stream& err_;
  const Clock& clock_;
  ConsoleOptions options_;
  std::mutex mutex_;
  std::string status_;
  bool output_failed_ = false;
};

}  // namespace mayfly::cli
