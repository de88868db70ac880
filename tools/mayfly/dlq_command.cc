#include "tools/mayfly/dlq_command.h"

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <vector>

#include "mayfly/base/json_text.h"
#include "tools/mayfly/human_text.h"
#include "tools/mayfly/letter_table.h"
#include "tools/mayfly/letter_text.h"
#include "tools/mayfly/lock_watch.h"
#include "tools/mayfly/replay_command.h"

namespace mayfly::cli {
namespace {

// A writer holds its lock for moments, where it isn't a log that readers needn't wait for.
constexpr std::int64_t kReadWaitNs = 10 * kSecond;
// Written at once: a table may have a million letters.
constexpr std::size_t kPrintBytes = std::size_t{64} << 10;

void tell_none(const std::string& database, Console& console) {
  console.note("there are no dead letters in " + database);
}

// Prints in large pieces.
class Printer {
 public:
  explicit Printer(Console& console) : console_(console) {}
  ~Printer() { flush(); }
  Printer(const Printer&) = delete;
  Printer& operator=(const Printer&) = delete;
  // False: nobody reads it.
  bool add(std::string_view text) {
    text_ += text;
    if (text_.size() >= kPrintBytes) flush();
    return !console_.output_failed();
  }
  void flush() {
    console_.print(text_);
    text_.clear();
  }

 private:
  Console& console_;
  std::string text_;
};

Status list(const DlqOptions& options, const GlobalOptions& global, const Clock& clock,
            Console& console) {
  MAYFLY_ASSIGN_OR_RETURN(LetterTable table, LetterTable::open(options.database, kReadWaitNs));
  std::vector<LetterCount> counts;
  if (table.exists()) {
    Printer printer(console);
    std::uint64_t shown = 0;
    MAYFLY_RETURN_IF_ERROR(
        table.read(options.filter, options.limit, clock, [&](const StoredLetter& letter) {
          ++shown;
          return printer.add(global.json() ? to_json_line(letter) : to_line(letter));
        }));
    MAYFLY_ASSIGN_OR_RETURN(counts, table.count(options.filter, clock));
    printer.flush();
    if (options.limit > 0 && shown == options.limit) {
      std::uint64_t all = 0;
      for (const LetterCount& count : counts) all += count.letters;
      if (all > shown) {
        console.note(fmt::format("the newest {} are shown; --limit {} shows more, --limit 0 all",
                                 options.limit, options.limit * 10));
      }
    }
  }
  if (global.json()) {
    console.print(to_json_line(counts));
  } else if (!counts.empty()) {
    console.print(to_text(counts));
  } else if (options.filter.empty()) {
    tell_none(options.database, console);
  } else {
    console.note("no dead letter in " + options.database + " is of that kind");
  }
  return {};
}

Status show(const DlqOptions& options, const GlobalOptions& global, const Clock& clock,
            Console& console) {
  MAYFLY_ASSIGN_OR_RETURN(LetterTable table, LetterTable::open(options.database, kReadWaitNs));
  MAYFLY_RETURN_IF_ERROR(table.check_known(options.filter.ids));
  Printer printer(console);
  return table.read(options.filter, 0, clock, [&](const StoredLetter& letter) {
    return printer.add(global.json() ? to_full_json(letter) : to_text(letter));
  });
}

Status purge(const DlqOptions& options, const GlobalOptions& global, const Clock& clock,
             Console& console) {
  if (options.filter.empty() != options.all) {
    return {Code::kUsage, options.all
                              ? "--all: expected it alone, found a choice of letters beside it; "
                                "leave one of them out"
                              : "expected letters' numbers, --target, --code, --source, --since, "
                                "or --all, found none: which letters are to be deleted?"};
  }
  const LockWatch waiting(options.database, options.writing.deadline_ns,
                          LockWatch::Opener::kCommand, console, clock);
  MAYFLY_ASSIGN_OR_RETURN(LetterTable table,
                          LetterTable::open(options.database, options.writing.deadline_ns));
  MAYFLY_RETURN_IF_ERROR(table.check_known(options.filter.ids));
  std::uint64_t removed = 0;
  if (table.exists()) {
    SqliteConnection& connection = table.connection();
    const std::string doing = "deleting dead letters of " + options.database;
    if (const SqliteError error = connection.run("BEGIN IMMEDIATE"); !error.ok()) {
      return to_status(error, doing);
    }
    // What fails leaves with the connection, and takes its transaction along.
    MAYFLY_ASSIGN_OR_RETURN(removed, table.remove(options.filter, clock));
    if (const SqliteError error = connection.run("COMMIT"); !error.ok()) {
      return to_status(error, doing);
    }
  }
  if (global.json()) {
    console.print(JsonText::object().add("deleted", removed).text() + "\n");
  } else {
    console.print(
        fmt::format("{} letter{} deleted\n", with_commas(removed), removed == 1 ? "" : "s"));
  }
  return {};
}

}  // namespace

ExitStatus run_dlq(const DlqOptions& options, const GlobalOptions& global, const Clock& clock,
                   Console& console) {
  if (options.action == DlqOptions::Action::kReplay) {
    return run_replay(options, global, clock, console);
  }
  const auto run = options.action == DlqOptions::Action::kList   ? list
                   : options.action == DlqOptions::Action::kShow ? show
                                                                 : purge;
  const Status status = run(options, global, clock, console);
  if (status.ok()) return ExitStatus::kSuccess;
  console.error(status.message());
  return exit_status_of(status.code());
}

}  // namespace mayfly::cli
