#include "tools/mayfly/progress_bar.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/mayfly/human_text.h"

namespace mayfly::cli {
namespace {

constexpr std::int64_t kRedrawNs = 100 * kMillisecond;
// Weight of what happened this long ago is 1/e.
constexpr double kSmoothingSeconds = 2.0;
constexpr unsigned kBarWidthMax = 30;
constexpr unsigned kBarWidthMin = 8;

}  // namespace

Progress progress_of(const EngineStats& stats) {
  Progress progress;
  bool known = true;
  for (const SourceStats& source : stats.sources) {
    const std::uint64_t all = std::max(source.bytes_done, source.bytes_total);
    progress.bytes_done += source.finished ? all : source.bytes_done;
    progress.bytes_total += source.finished ? all : source.bytes_total;
    // What was empty has ended; what may have no end is a pipe.
    known = known && (source.bytes_total > 0 || source.finished);
  }
  if (!known) progress.bytes_total = 0;
  // As the summary counts them: what nodes consumed is there as what they made of it.
  progress.rejected = stats.rows.answers[MAYFLY_DEAD_LETTERED];
  progress.rows =
      stats.rows.answers[MAYFLY_WRITTEN] + stats.rows.answers[MAYFLY_IGNORED] + progress.rejected;
  progress.waiting = stats.outage_since_ns != 0;
  return progress;
}

ProgressBar::ProgressBar(Console& console, std::int64_t now_ns)
    : console_(console), visible_(console.has_status_line()), drawn_ns_(now_ns) {}

void ProgressBar::update(std::int64_t now_ns, const Progress& progress) {
  if (!visible_ || now_ns - drawn_ns_ < kRedrawNs) return;
  const double seconds = static_cast<double>(now_ns - drawn_ns_) * 1e-9;
  const auto rate = [&](std::uint64_t now, std::uint64_t before) {
    return now > before ? static_cast<double>(now - before) / seconds : 0.0;
  };
  const double old = std::exp(-seconds / kSmoothingSeconds);
  // Where a resumed file begins says nothing about speed.
  if (!first_) bytes_per_second_.add(rate(progress.bytes_done, bytes_before_), old);
  if (!first_ || progress.rows > 0) {
    rows_per_second_.add(rate(progress.rows, rows_before_), old);
  }
  first_ = false;
  bytes_before_ = progress.bytes_done;
  rows_before_ = progress.rows;
  drawn_ns_ = now_ns;
  console_.set_status_line(line(progress, console_.width()));
}

void ProgressBar::finish() {
  if (visible_) console_.set_status_line({});
}

std::string ProgressBar::line(const Progress& progress, unsigned width) const {
  std::string figures =
      fmt::format("{} rows, {} rows/s", short_count(static_cast<double>(progress.rows)),
                  short_count(rows_per_second_.value()));
  if (progress.rejected > 0) {
    figures += fmt::format(", {} rejected", short_count(static_cast<double>(progress.rejected)));
  }
  if (progress.waiting) figures = "waiting for the database";
  const double done = static_cast<double>(progress.bytes_done);
  if (progress.bytes_total == 0) {
    return fmt::format("{}  {}/s  {}", short_bytes(done), short_bytes(bytes_per_second_.value()),
                       figures);
  }
  const double total = static_cast<double>(progress.bytes_total);
  const double share = std::min(1.0, done / total);
  std::string left = "-:--";
  if (bytes_per_second_.value() >= 1) {
    left = clock_text(
        static_cast<std::uint64_t>(std::max(0.0, total - done) / bytes_per_second_.value()));
  }
  const std::string tail = fmt::format(
      " {:3.0f}%  {} of {}  {}/s  {} left  {}", std::floor(share * 100), short_bytes(done),
      short_bytes(total), short_bytes(bytes_per_second_.value()), left, figures);
  const unsigned room =
      width > tail.size() + 3 ? width - static_cast<unsigned>(tail.size()) - 3 : 0;
  if (room < kBarWidthMin) return tail.substr(1);
  const unsigned cells = std::min(room, kBarWidthMax);
  const auto full = static_cast<unsigned>(share * cells);
  return fmt::format("[{}{}]{}", std::string(full, '#'), std::string(cells - full, '.'), tail);
}

}  // namespace mayfly::cli
