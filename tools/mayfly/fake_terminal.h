// FakeTerminal: a stream that keeps what was written to it, for tests.
#pragma once

#include <string>

#include "tools/mayfly/console.h"

namespace mayfly::cli {

class FakeTerminal final : public Stream {
 public:
  explicit FakeTerminal(bool terminal = true, unsigned width = 100)
      : terminal_(terminal), width_(width) {}

  bool write(std::string_view text) override {
    written += text;
    return !broken;
  }
  bool is_terminal() const override { return terminal_; }
  unsigned width() const override { return width_; }
  // What stands behind the last erasure of the line.
  std::string last_line() const {
    const std::size_t erased = written.rfind("\x1b[K");
    return erased == std::string::npos ? written : written.substr(erased + 3);
  }

  std::string written;
  bool broken = false;

 private:
  bool terminal_;
  unsigned width_;
};

}  // namespace mayfly::cli
