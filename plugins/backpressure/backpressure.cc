// Holds rows back, or sheds them, while too much is on its way behind it.
#include <algorithm>
#include <optional>
#include <string>

#include "mayfly/base/unit_text.h"
#include "mayfly/policy/drain_patience.h"
#include "mayfly/policy/waiting_rows.h"
#include "mayfly/policy/watermark.h"
#include "mayfly/sdk/plugin.h"
#include "mayfly/sdk/rows.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::DrainPatience;
using mayfly::WaitingRows;
using mayfly::Watermark;

enum Option : std::uint32_t {
  kHighRows,
  kLowRows,
  kHighBytes,
  kLowBytes,
  kHighAge,
  kLowAge,
  kSignals,
  kCheckInterval,
  kAction,
  kName,
};
enum Counter : std::uint32_t { kEngaged, kBlocked, kShed };
enum Reason : std::uint16_t { kShedRow };
enum Signal : std::uint32_t { kOn, kOff };
enum class Action : std::uint32_t { kBlock, kShed, kSignal };

constexpr std::uint32_t kTimer = 0;
constexpr std::uint64_t kTag = 0;

constexpr mayfly_option kOptions[] = {
    sdk::runtime(sdk::int_option("high_rows", "10000", {"0", "1000000000"},
                                 "Rows on their way from which on there is pressure; 0: any "
                                 "number is fine.")),
    sdk::int_option("low_rows", nullptr, {"0", "1000000000"},
                    "Rows down to which it lasts; half of high_rows if not set."),
    sdk::size_option("high_bytes", "0", {"0", "1TiB"},
                     "Bytes of those rows from which on there is pressure; 0: any number is fine."),
    sdk::size_option("low_bytes", nullptr, {"0", "1TiB"},
                     "Bytes down to which it lasts; half of high_bytes if not set."),
    sdk::duration_option("high_age", "0s", {"0s", "24h"},
                         "Time that the oldest is on its way from which on there is pressure; 0s: "
                         "any time is fine."),
    sdk::duration_option("low_age", nullptr, {"0s", "24h"},
                         "Time down to which it lasts; half of high_age if not set."),
    sdk::signals(sdk::list_option("signals", "backpressure.*", {},
                                  "While one of these signals is present, there is pressure.")),
    sdk::duration_option("check_interval", "50ms", {"1ms", "1h"},
                         "How often it looks whether such a signal is still present."),
    sdk::choice_option(
        "action", "block", "block|shed|signal",
        "Under pressure rows wait, or are dropped, or pass; it is told in any case."),
    sdk::text_option("name", "", "The argument of its signals, to tell several nodes apart."),
};
constexpr mayfly_named kPorts[] = {{"out", "Rows, in order."}};
constexpr mayfly_named kCounters[] = {
    {"engaged", "Times that there was pressure."},
    {"blocked", "Rows that had to wait."},
    {"shed", "Rows that were dropped."},
};
constexpr mayfly_named kReasons[] = {{"shed", "too much was on its way"}};
constexpr mayfly_named kRaises[] = {
    {"backpressure-on", "There is pressure; retracted when there isn't any more."},
    {"backpressure-off", "There is none any more."},
};

// What a row takes: a word for each value, and its text.
std::int64_t bytes_of(const mayfly_batch& batch, std::uint16_t row) {
  std::int64_t bytes = 0;
  for (std::uint32_t c = 0; c < batch.column_count; ++c) {
    bytes += 8 + static_cast<std::int64_t>(sdk::cell_text(batch, c, row).size());
  }
  return bytes;
}

struct Backpressure : sdk::Node {
  mayfly_result configure(const sdk::Options& options) {
    const auto mark = [&](std::optional<Watermark>& into, const char* unit, std::int64_t high,
                          std::optional<std::int64_t> low, auto&& text) {
      if (high == 0 && !low) return true;
      if (low.value_or(0) >= high) {
        host.fail(sdk::Failure::kConfig, std::string("low_") + unit + ": expected less than high_" +
                                             unit + " (" + text(high) + "), found " + text(*low));
        return false;
      }
      into.emplace(high, low.value_or(high / 2));
      return true;
    };
    const auto set = [&](Option option, auto&& value) {
      return options.is_set(option) ? std::optional<std::int64_t>(value(option)) : std::nullopt;
    };
    const auto integer = [&](Option option) { return options.integer(option); };
    const auto bytes_option = [&](Option option) { return options.bytes(option); };
    const auto duration = [&](Option option) { return options.duration_ns(option); };
    const auto count_text = [](std::int64_t count) { return std::to_string(count); };
    low_rows = set(kLowRows, integer);
    if (!mark(rows_mark, "rows", options.integer(kHighRows), low_rows, count_text) ||
        !mark(bytes_mark, "bytes", options.bytes(kHighBytes), set(kLowBytes, bytes_option),
              mayfly::format_size) ||
        !mark(age_mark, "age", options.duration_ns(kHighAge), set(kLowAge, duration),
              mayfly::format_duration)) {
      return MAYFLY_FAILED;
    }
    if (!rows_mark && !bytes_mark && !age_mark && options.list_size(kSignals) == 0) {
      return host.fail(
          sdk::Failure::kConfig,
          "high_rows: expected high_rows, high_bytes, high_age or signals, found none; "
          "without any there is never pressure");
    }
    if (age_mark) on_their_way = WaitingRows(age_mark->high());
    check_interval_ns = options.duration_ns(kCheckInterval);
    action = static_cast<Action>(options.choice(kAction));
    name = options.text(kName);
    return MAYFLY_OK;
  }

  void open() {
    told_from_outside = host.signals_present(sdk::listen_of(kSignals)) > 0;
    tell();
  }

  void process(sdk::Slice slice) {
    const std::int64_t now = slice.now_ns();
    if (slice.resumed()) {
      // Their number was counted when they were let go, what they take is known only now.
      if (!bytes_mark) return;
      for (const std::uint16_t row : slice.rows()) measure(slice.batch(), row);
      update(now);
      return;
    }
    // Nobody tells of retractions: whoever comes looks.
    if (told_from_outside && (action == Action::kShed || now >= look_at_ns)) look(now);
    update_marks(now);
    const std::uint64_t pass = allowed(slice);
    on_their_way.add(pass, now);
    update_marks(now);
    for (const std::uint16_t row : slice.rows().subspan(pass)) {
      action == Action::kBlock ? slice.hold(row, kTag) : slice.drop(row, kShedRow);
    }
    const std::uint64_t stopped = slice.size() - pass;
    if (stopped > 0) host.count(action == Action::kBlock ? kBlocked : kShed, stopped);
    if (stopped > 0 && action == Action::kBlock) {
      host.set_timer(kTimer, now);  // once they are held
    } else {
      set_timer(now);
    }
    tell();
  }

  // How many rows of a new slice may pass; what they take is counted.
  std::uint64_t allowed(const sdk::Slice& slice) {
    const bool free = action == Action::kSignal;
    if (!free && (pressed() || host.held(kTag) > 0)) return 0;
    std::uint64_t rows = slice.size();
    if (!free && rows_mark) {
      rows = std::min(rows, static_cast<std::uint64_t>(rows_mark->high()) - on_their_way.rows());
    }
    if (!bytes_mark) return rows;
    std::uint64_t pass = 0;
    while (pass < rows && (free || bytes < bytes_mark->high())) {
      measure(slice.batch(), slice.rows()[pass++]);
    }
    return pass;
  }

  // An attempt that failed isn't on its way any more, either; such a row may come here again.
  void on_completion(sdk::Slice slice) {
    on_their_way.take(slice.size());
    if (bytes_mark) {
      for (const std::uint16_t row : slice.rows()) bytes -= bytes_of(slice.batch(), row);
      if (on_their_way.rows() == 0 || bytes < 0) bytes = 0;
    }
    update(slice.now_ns());
  }

  void on_signal(std::span<const mayfly_signal>) {
    const std::int64_t now = host.now_ns();
    look(now);
    update(now);
  }

  void on_timer(std::uint32_t, std::int64_t now) {
    if (told_from_outside && now >= look_at_ns) look(now);
    update(now);
  }

  // What is on its way still counts, since its answers come; who raised a signal may have ended.
  void drain(std::int64_t deadline_ns) {
    const std::int64_t now = host.now_ns();
    patience.begin(now, deadline_ns);
    update(now);
  }

  void set_option(std::uint32_t, const sdk::Options& options) {
    const std::int64_t high = options.integer(kHighRows);
    if (high == 0) {
      rows_mark.reset();
    } else {
      // A low mark that doesn't fit any more is half of the high one.
      const std::int64_t low = low_rows && *low_rows < high ? *low_rows : high / 2;
      rows_mark ? rows_mark->set(high, low) : static_cast<void>(rows_mark.emplace(high, low));
    }
    update(host.now_ns());
  }

  void look(std::int64_t now) {
    look_at_ns = mayfly::deadline_after(now, check_interval_ns);
    told_from_outside =
        !patience.is_over(now) && host.signals_present(sdk::listen_of(kSignals)) > 0;
  }

  void measure(const mayfly_batch& batch, std::uint16_t row) { bytes += bytes_of(batch, row); }

  bool pressed() const {
    return told_from_outside || (rows_mark && rows_mark->on()) ||
           (bytes_mark && bytes_mark->on()) || (age_mark && age_mark->on());
  }

  void update_marks(std::int64_t now) {
    if (rows_mark) rows_mark->update(static_cast<std::int64_t>(on_their_way.rows()));
    if (bytes_mark) bytes_mark->update(bytes);
    if (age_mark) age_mark->update(on_their_way.age_ns(now));
  }

  // How many of the rows that wait may go: up to the marks, as far as they can be foreseen.
  std::uint64_t room() const {
    std::uint64_t rows = host.held(kTag);
    const std::uint64_t passed = on_their_way.rows();
    if (rows_mark) rows = std::min(rows, static_cast<std::uint64_t>(rows_mark->high()) - passed);
    if (bytes_mark) {
      const std::int64_t each = passed == 0 ? 0 : bytes / static_cast<std::int64_t>(passed);
      const std::int64_t left = bytes_mark->high() - bytes;
      // Those that are on their way say what the next are like; without any, one goes first.
      rows = std::min(rows, each == 0 ? 1 : static_cast<std::uint64_t>(left / each) + 1);
    }
    return rows;
  }

  void update(std::int64_t now) {
    if (patience.is_over(now)) told_from_outside = false;
    update_marks(now);
    if (action == Action::kBlock && host.held(kTag) > 0 && !pressed()) {
      if (const std::uint64_t rows = host.resume(kTag, room()); rows > 0) {
        on_their_way.add(rows, now);
        update_marks(now);
      }
    }
    tell();
    set_timer(now);
  }

  void tell() {
    if (pressed() == told) return;
    told = !told;
    if (told) {
      host.count(kEngaged);
      host.raise(kOn, name);
    } else {
      host.retract(kOn, name);
      host.raise(kOff, name);
    }
  }

  void set_timer(std::int64_t now) {
    std::int64_t due = told_from_outside
                           ? std::min(std::max(look_at_ns, now + 1), patience.until_ns())
                           : mayfly::kNever;
    if (age_mark && !age_mark->on()) due = std::min(due, on_their_way.due_ns());
    due == mayfly::kNever ? host.cancel_timer(kTimer) : host.set_timer(kTimer, due);
  }

  std::optional<Watermark> rows_mark;
  std::optional<Watermark> bytes_mark;
  std::optional<Watermark> age_mark;
  std::optional<std::int64_t> low_rows;
  WaitingRows on_their_way;  // passed or let go, and not answered
  std::int64_t bytes = 0;    // of those that passed
  std::int64_t check_interval_ns = 1;
  std::int64_t look_at_ns = 0;
  DrainPatience patience;  // when it is over, signals count no more
  Action action = Action::kBlock;
  bool told_from_outside = false;
  bool told = false;
  std::string name;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::node<Backpressure>({
    .name = "backpressure",
    .version = "0.1.0",
    .summary = "Holds rows back, or sheds them, while too much is on its way behind it.",
    .flags = MAYFLY_HOLDS | MAYFLY_KEEPS_KEY_ORDER | MAYFLY_WANTS_COMPLETIONS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
    .raises = kRaises,
}))
