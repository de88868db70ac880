#include "tools/mayfly/console.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "mayfly/base/json_text.h"

namespace mayfly::cli {
namespace {

constexpr unsigned kWidthAssumed = 80;
constexpr std::array kNames = {"debug", "info", "note", "warning", "error"};
constexpr std::array kColors = {"\x1b[2m", "", "", "\x1b[33m", "\x1b[31m"};
constexpr std::string_view kReset = "\x1b[0m";
constexpr std::string_view kEraseLine = "\r\x1b[K";

// 2026-01-02T03:04:05.678Z
std::string timestamp(std::int64_t wall_us) {
  const std::chrono::sys_seconds second{std::chrono::seconds(wall_us / 1'000'000)};
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(second),
                     wall_us % 1'000'000 / 1000);
}

}  // namespace

bool FileStream::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd_, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    // Whoever read it has enough (head, less).
    if (written < 0) return errno == EPIPE;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

bool FileStream::is_terminal() const { return ::isatty(fd_) == 1; }

unsigned FileStream::width() const {
  winsize size{};
  const bool known = ::ioctl(fd_, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kWidthAssumed;
}

bool wants_color(std::string_view choice, const char* no_color, const char* term, bool terminal) {
  if (choice == "always") return true;
  if (choice == "never" || !terminal) return false;
  if (no_color != nullptr && *no_color != '\0') return false;
  return term == nullptr || std::string_view(term) != "dumb";
}

std::string Console::format(Level level, std::string_view who, std::string_view text) const {
  const auto index = static_cast<std::size_t>(level);
  if (options_.json_messages) {
    return JsonText::object()
               .add("at", timestamp(clock_.wall_us()))
               .add("level", kNames[index])
               .add("who", who)
               .add("message", text)
               .text() +
           "\n";
  }
  const std::string name =
      level == Level::kNote || level == Level::kInfo ? "" : fmt::format("{}: ", kNames[index]);
  if (!options_.color || name.empty()) return fmt::format("{}: {}{}\n", who, name, text);
  return fmt::format("{}: {}{}{}{}\n", who, kColors[index], name, kReset, text);
}

void Console::message(Level level, std::string_view who, std::string_view text) {
  if (!shows(level)) return;
  const std::string line = format(level, who, text);
  const std::lock_guard lock(mutex_);
  if (status_.empty()) {
    err_.write(line);
  } else {
    err_.write(fmt::format("{}{}{}", kEraseLine, line, status_));
  }
}

void Console::print(std::string_view text) {
  const std::lock_guard lock(mutex_);
  if (!out_.write(text)) output_failed_ = true;
}

bool Console::has_status_line() const {
  return err_.is_terminal() && !options_.json_messages && shows(Level::kNote);
}

void Console::set_status_line(std::string text) {
  const std::lock_guard lock(mutex_);
  if (text.size() >= err_.width()) text.resize(err_.width() - 1);
  if (text.empty() && status_.empty()) return;
  status_ = std::move(text);
  err_.write(fmt::format("{}{}", kEraseLine, status_));
}

}  // namespace mayfly::cli
