#include "tools/mayfly/replay_command.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mayfly/base/json_text.h"
#include "mayfly/data/schema.h"
#include "mayfly/plugin/registry.h"
#include "mayfly/storage/database_file.h"
#include "mayfly/storage/lock_file.h"
#include "mayfly/storage/replay_set.h"
#include "tools/mayfly/advice.h"
#include "tools/mayfly/engine_run.h"
#include "tools/mayfly/human_text.h"
#include "tools/mayfly/letter_corrections.h"
#include "tools/mayfly/letter_table.h"
#include "tools/mayfly/lock_watch.h"
#include "tools/mayfly/replay_file.h"
#include "tools/mayfly/replay_parts.h"
#include "tools/mayfly/replay_plan.h"
#include "tools/mayfly/replay_table.h"
#include "tools/mayfly/summary.h"

namespace mayfly::cli {
namespace {

// What was asked for, so that the same command is known again.
std::string request_of(const LetterFilter& filter) {
  JsonText json = JsonText::object();
  if (!filter.ids.empty()) json.add_json("ids", json_of(filter.ids));
  if (!filter.target.empty()) json.add("target", filter.target);
  if (!filter.code.empty()) json.add("code", filter.code);
  if (!filter.source.empty()) json.add("source", filter.source);
  if (!filter.since.empty()) json.add("since", filter.since);
  return json.text();
}

std::string letters_of(std::uint64_t letters) {
  return fmt::format("{} letter{}", with_commas(letters), letters == 1 ? "" : "s");
}

// A transaction that is taken back unless it is committed.
class Transaction {
 public:
  Transaction(SqliteConnection& connection, std::string doing)
      : connection_(connection), doing_(std::move(doing)) {}
  ~Transaction() {
    if (!connection_.autocommit()) connection_.run("ROLLBACK");
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  Status begin() { return to_status(connection_.run("BEGIN IMMEDIATE"), doing_); }
  Status commit() { return to_status(connection_.run("COMMIT"), doing_); }

 private:
  SqliteConnection& connection_;
  std::string doing_;
};

// One replay, from what was asked for to the last part.
class Replay {
 public:
  Replay(const DlqOptions& options, const GlobalOptions& global, const Clock& clock,
         Console& console)
      : options_(options),
        global_(global),
        clock_(clock),
        console_(console),
        interruption_(console, ExitStatus::kTryAgain) {}

  ExitStatus run() {
    Status status = prepare();
    if (status.ok() && set_) status = run_parts();
    if (status.ok() && set_ && !interrupted_) status = finish();
    interruption_.detach();
    if (!status.ok()) tell_failure(status);
    if (set_ && (interrupted_ || !status.ok())) tell_what_is_left();
    const ExitStatus end = exit_status_of({.failure = status.code(),
                                           .interrupted = interrupted_,
                                           .rejected = rejected_ > 0 || unreadable_ > 0});
    print(end);
    return end;
  }

 private:
  Status prepare();
  Status lock();
  Status go_on(const LetterCorrections& corrections);
  Status freeze(const LetterCorrections& corrections);
  Status check_readable();
  Status check_part(std::int64_t letter, const ReplayPart& now,
                    const std::vector<std::int64_t>& csv_records, const std::string& key) const;
  Status run_parts();
  Status run_part(const ReplaySet::Part& part);
  Status finish();
  void tell_unreadable(const std::vector<UnreadableLetter>& letters);
  void tell_past_nodes(const std::vector<PastNodes>& groups);
  void tell_failure(const Status& status);
  void tell_what_is_left();
  void add(const RunResult& result, const PipelinePlan& plan);
  void print(ExitStatus end);
  LockWatch watch() const {
    return {options_.database, options_.writing.deadline_ns, LockWatch::Opener::kCommand, console_,
            clock_};
  }
  std::string command() const { return "mayfly dlq replay " + shell_quoted(options_.database); }

  const DlqOptions& options_;
  const GlobalOptions& global_;
  const Clock& clock_;
  Console& console_;
  Interruption interruption_;
  LockFile lock_;
  std::optional<LetterTable> table_;
  std::optional<ReplaySet> set_;
  bool fresh_ = false;    // this command has frozen the set
  bool started_ = false;  // an engine was there for it
  bool interrupted_ = false;
  std::uint64_t rejected_ = 0;
  std::uint64_t unreadable_ = 0;
  std::vector<Summary> summaries_;  // by table
};

Status Replay::prepare() {
  if (options_.abandon && (!options_.filter.empty() || !options_.from.empty())) {
    return {Code::kUsage,
            "--abandon: expected it alone, found a choice of letters beside it; what was frozen is "
            "let go as a whole"};
  }
  LetterCorrections corrections;
  if (!options_.from.empty()) {
    MAYFLY_ASSIGN_OR_RETURN(corrections, read_corrections(options_.from));
  }
  const LockWatch waiting = watch();
  MAYFLY_ASSIGN_OR_RETURN(LetterTable opened,
                          LetterTable::open(options_.database, options_.writing.deadline_ns));
  table_.emplace(std::move(opened));
  MAYFLY_RETURN_IF_ERROR(lock());
  MAYFLY_ASSIGN_OR_RETURN(std::optional<ReplaySet> found, find_replay(table_->connection()));
  if (options_.abandon) {
    if (!found) {
      console_.note("no replay was cut off in " + options_.database + "; nothing to let go");
      return {};
    }
    MAYFLY_RETURN_IF_ERROR(to_status(end_replay(table_->connection()), "letting go of the replay"));
    console_.note(
        fmt::format("the replay that was cut off is let go; {} of its letters {} left, as before",
                    with_commas(found->pending()), found->pending() == 1 ? "is" : "are"));
    return {};
  }
  if (found) {
    set_ = std::move(found);
    return go_on(corrections);
  }
  return freeze(corrections);
}

// Of two that read the same set, the later would write what it read before the other was done.
Status Replay::lock() {
  const Status status =
      lock_.acquire(resolved_path(options_.database) + "-replay", clock_.wall_us());
  if (status.code() != Code::kTryAgain) return status;
  return {Code::kTryAgain,
          fmt::format("another replay of {} is at work; expected one at a time, so "
                      "try again when it is done ({})",
                      options_.database, status.message())};
}

Status Replay::go_on(const LetterCorrections& corrections) {
  const std::uint64_t left = set_->pending();
  if (!options_.filter.empty() && request_of(options_.filter) != set_->request) {
    const std::string was =
        set_->request == request_of({}) ? "nothing (all of them)" : set_->request;
    set_.reset();
    return {Code::kUsage,
            fmt::format("a replay that runs, or was cut off, has {} left, chosen by {}; expected "
                        "the same choice or none. {} goes on with it; with --abandon it lets them "
                        "be, and then others can be chosen",
                        letters_of(left), was, command())};
  }
  console_.note(fmt::format("going on with the replay that was cut off: {} of {} left",
                            letters_of(left), with_commas(set_->letters())));
  const IngestOptions& writing = options_.writing;
  if (!writing.columns.empty() || !writing.delimiter.empty() || !writing.quote.empty()) {
    console_.note("columns, delimiter and quote are those that it began with");
  }
  SqliteConnection& connection = table_->connection();
  Transaction transaction(connection, "correcting the letters");
  MAYFLY_RETURN_IF_ERROR(transaction.begin());
  if (!corrections.empty()) {
    // What is answered by now was corrected when the replay began.
    SqliteStatement statement;
    SqliteError error = connection.prepare(
        "SELECT letter, pending FROM mayfly_replays ORDER BY letter", statement, false);
    std::vector<std::int64_t> all, pending;
    while (error.ok() && statement.step(error)) {
      all.push_back(statement.int64(0));
      if (statement.int64(1) != 0) pending.push_back(statement.int64(0));
    }
    if (!error.ok()) return to_status(error, "reading mayfly_replays");
    std::vector<std::int64_t> others;
    std::ranges::set_difference(ids_of(corrections), all, std::back_inserter(others));
    if (!others.empty()) {
      return {Code::kUsage,
              fmt::format("--from: {} isn't of the replay that was cut off; finish that first "
                          "({}), or let it go (--abandon)",
                          letters_text(others), command())};
    }
    MAYFLY_RETURN_IF_ERROR(
        to_status(correct_letters(connection, corrections, pending), "correcting the letters"));
  }
  MAYFLY_RETURN_IF_ERROR(check_readable());
  return transaction.commit();
}

// Who corrected letters by SQL meanwhile may have made something else of them.
Status Replay::check_readable() {
  SqliteStatement statement;
  SqliteError error = table_->connection().prepare(
      "SELECT letter, key FROM mayfly_replays WHERE pending AND letter IN (SELECT id FROM "
      "mayfly_dead_letters) ORDER BY letter",
      statement, false);
  std::vector<std::int64_t> letters;
  std::map<std::int64_t, std::string> keys;  // of the parts that they are of
  while (error.ok() && statement.step(error)) {
    letters.push_back(statement.int64(0));
    keys.emplace(statement.int64(0), statement.text(1));
  }
  if (!error.ok()) return to_status(error, "reading mayfly_replays");
  MAYFLY_ASSIGN_OR_RETURN(const ReplayChoice choice,
                          choose_parts(table_->connection(), letters, GivenRecords(), ""));
  // Which columns a record has was settled when the replay began.
  const auto first = std::ranges::find(choice.unreadable, false, &UnreadableLetter::of_its_columns);
  if (first != choice.unreadable.end()) {
    return {Code::kBadData, fmt::format("letter {} can't be replayed: {}", first->id, first->why)};
  }
  for (const ReplayPart& now : choice.parts) {
    for (const std::int64_t letter : now.letters) {
      MAYFLY_RETURN_IF_ERROR(check_part(letter, now, choice.csv_records, keys.at(letter)));
    }
  }
  return {};
}

// Written as one of its part it would have that one's columns, and be in its table.
Status Replay::check_part(std::int64_t letter, const ReplayPart& now,
                          const std::vector<std::int64_t>& csv_records,
                          const std::string& key) const {
  const auto was = std::ranges::find(set_->parts, key, &ReplaySet::Part::key);
  if (was == set_->parts.end()) return {Code::kInternal, "mayfly_replay_parts has no " + key};
  const std::string remedy = fmt::format(
      "let the replay that was cut off go ({} --abandon), and begin it anew. Nothing was changed",
      command());
  if (!is_same_column(was->target, now.target)) {
    return {Code::kBadData, fmt::format("letter {} was for table {} when the replay began, and is "
                                        "for {}; {}",
                                        letter, was->target, now.target, remedy)};
  }
  // Of a record in CSV they may have been given (--columns), and its fields are counted anyway.
  if (std::ranges::binary_search(csv_records, letter)) return {};
  // As they are spelled: its values are looked for by these names.
  if (std::ranges::is_permutation(was->columns, now.columns)) return {};
  return {Code::kBadData,
          fmt::format("letter {} was of the columns {} when the replay began, and is of {}; {}",
                      letter, fmt::join(was->columns, ", "), fmt::join(now.columns, ", "), remedy)};
}

Status Replay::freeze(const LetterCorrections& corrections) {
  if (!table_->exists()) {
    MAYFLY_RETURN_IF_ERROR(table_->check_known(options_.filter.ids));
    MAYFLY_RETURN_IF_ERROR(table_->check_known(ids_of(corrections)));
    console_.note("there are no dead letters in " + options_.database);
    return {};
  }
  SqliteConnection& connection = table_->connection();
  MAYFLY_RETURN_IF_ERROR(prepare_replay(connection));
  Transaction transaction(connection, "choosing the letters");
  MAYFLY_RETURN_IF_ERROR(transaction.begin());
  MAYFLY_RETURN_IF_ERROR(table_->check_known(options_.filter.ids));
  MAYFLY_RETURN_IF_ERROR(table_->check_known(ids_of(corrections)));
  // Who says nothing else means the letters of the file.
  LetterFilter filter = options_.filter;
  if (filter.empty()) filter.ids = ids_of(corrections);
  MAYFLY_ASSIGN_OR_RETURN(const std::vector<std::int64_t> letters, table_->ids(filter, clock_));
  std::vector<std::int64_t> others;
  std::ranges::set_difference(ids_of(corrections), letters, std::back_inserter(others));
  if (!others.empty()) {
    return {Code::kUsage, fmt::format("--from: {} isn't among the letters that are chosen; choose "
                                      "it, too, or leave the choice out",
                                      letters_text(others))};
  }
  MAYFLY_RETURN_IF_ERROR(
      to_status(correct_letters(connection, corrections, letters), "correcting the letters"));
  MAYFLY_ASSIGN_OR_RETURN(const ReplayChoice choice,
                          choose_parts(connection, letters,
                                       {.columns = options_.writing.columns,
                                        .delimiter = options_.writing.delimiter,
                                        .quote = options_.writing.quote},
                                       std::to_string(clock_.wall_us())));
  tell_unreadable(choice.unreadable);
  tell_past_nodes(choice.past_nodes);
  if (letters.empty()) {
    console_.note(fmt::format("no dead letter in {}{}", options_.database,
                              options_.filter.empty() ? "" : " is of that kind"));
  }
  if (!choice.parts.empty()) {
    MAYFLY_RETURN_IF_ERROR(to_status(freeze_replay(connection, choice.parts, request_of(filter)),
                                     "freezing the letters of " + options_.database));
    fresh_ = true;
  }
  MAYFLY_RETURN_IF_ERROR(transaction.commit());
  if (fresh_) {
    MAYFLY_ASSIGN_OR_RETURN(set_, find_replay(connection));
    interruption_.set_left_behind("the letters are chosen: " + command() + " goes on with them");
  }
  return {};
}

void Replay::tell_unreadable(const std::vector<UnreadableLetter>& letters) {
  constexpr std::size_t kTold = 10;
  unreadable_ = letters.size();
  for (std::size_t i = 0; i < std::min(kTold, letters.size()); ++i) {
    console_.warning(fmt::format("letter {} stays as it is: {}", letters[i].id, letters[i].why));
  }
  if (letters.size() > kTold) {
    console_.warning(
        fmt::format("{} more stay as they are, for the like", letters_of(letters.size() - kTold)));
  }
}

void Replay::tell_past_nodes(const std::vector<PastNodes>& groups) {
  for (const PastNodes& group : groups) {
    const bool one = group.letters.size() == 1;
    console_.warning(fmt::format(
        "{} {} turned down before {} passed {} of {} pipeline, and {} written without: correct {} "
        "by the values that the table is to have, where those are others (columns, mayfly dlq "
        "replay --from)",
        letters_text(group.letters), one ? "was" : "were", one ? "it" : "they",
        fmt::join(group.nodes, ", "), one ? "its" : "their", one ? "is" : "are",
        one ? "it" : "them"));
  }
}

Status Replay::run_parts() {
  for (const ReplaySet::Part& part : set_->parts) {
    if (interruption_.requested()) interrupted_ = true;
    if (interrupted_) return {};
    MAYFLY_RETURN_IF_ERROR(run_part(part));
  }
  return {};
}

Status Replay::run_part(const ReplaySet::Part& part) {
  PluginRegistry registry(search_of_process(global_.plugin_dirs));
  MAYFLY_ASSIGN_OR_RETURN(const std::vector<std::string> types,
                          declared_types(table_->connection(), part.target, part.columns));
  MAYFLY_ASSIGN_OR_RETURN(const ReplayFile file,
                          ReplayFile::write(table_->connection(), options_.database, part.key));
  MAYFLY_ASSIGN_OR_RETURN(const RecordFormat format,
                          RecordFormat::parse(table_->connection(), part.format));
  MAYFLY_ASSIGN_OR_RETURN(const PipelinePlan plan,
                          make_replay_plan(options_, part, format, file.path(), types, registry));
  EngineOptions engine;
  engine.resume = true;  // a part that is new begins at its first letter
  engine.writer.fail_on_row_error = options_.writing.on_error == "fail";
  const RunResult result = run_engine(plan, engine, interruption_, console_);
  started_ |= result.started;
  interrupted_ |= result.interrupted;
  if (result.started) add(result, plan);
  return result.status;
}

void Replay::add(const RunResult& result, const PipelinePlan& plan) {
  Summary part = summarize(result, plan, {"mayfly_dead_letters"});
  part.sources[0].resumed_from = 0;  // it has no bytes
  part.bytes_read = 0;
  rejected_ += part.rows.rejected;
  const auto same = std::ranges::find(summaries_, part.table, &Summary::table);
  if (same == summaries_.end()) {
    summaries_.push_back(std::move(part));
    return;
  }
  const double rows = same->rows_per_second * same->seconds + part.rows_per_second * part.seconds;
  same->rows += part.rows;
  same->seconds += part.seconds;
  same->rows_per_second = same->seconds > 0 ? rows / same->seconds : 0;
  same->interrupted |= part.interrupted;
}

Status Replay::finish() {
  const LockWatch waiting = watch();
  MAYFLY_RETURN_IF_ERROR(
      to_status(end_replay(table_->connection()),
                "every row is answered, but ending the replay in " + options_.database));
  set_.reset();
  MAYFLY_RETURN_IF_ERROR(forget_unused_formats(table_->connection()));
  if (rejected_ > 0) {
    console_.warning(fmt::format("{} rejected again, and still {}; see {}: mayfly dlq list {}",
                                 rows_text(rejected_),
                                 rejected_ == 1 ? "a dead letter" : "dead letters",
                                 rejected_ == 1 ? "it" : "them", shell_quoted(options_.database)));
  }
  return {};
}

// The engine calls a letter a line of its source.
std::string in_words_of_letters(std::string text, const ReplaySet& set) {
  for (const ReplaySet::Part& part : set.parts) {
    const std::string tail = " of " + part.key;
    const std::size_t at = text.find(tail);
    if (at == std::string::npos) continue;
    text.erase(at, tail.size());
    if (const std::size_t line = text.rfind("line ", at); line != std::string::npos) {
      text.replace(line, 4, "letter");
    }
  }
  return text;
}

void Replay::tell_failure(const Status& status) {
  std::string text = with_variable(in_command_line_words(status.message()), global_);
  console_.error(set_ ? in_words_of_letters(std::move(text), *set_) : text);
}

// Nothing is lost by it: what is answered is no letter any more, and what isn't is one.
void Replay::tell_what_is_left() {
  if (fresh_ && !started_) {
    if (end_replay(table_->connection()).ok()) {
      console_.note("no row was written; the letters are as they were");
      return;
    }
  }
  const auto now = find_replay(table_->connection());
  const std::uint64_t left = now.ok() && *now ? (*now)->pending() : 0;
  console_.note(
      fmt::format("{} of this replay {} still to be written: {} goes on there, also with "
                  "--from; with --abandon it lets them be, as letters",
                  letters_of(left), left == 1 ? "is" : "are", command()));
}

void Replay::print(ExitStatus end) {
  for (Summary& summary : summaries_) {
    summary.status = end;
    if (global_.json()) {
      console_.print(to_json(summary));
    } else if (!global_.quiet) {
      console_.print(to_text(summary));
    }
  }
}

}  // namespace

ExitStatus run_replay(const DlqOptions& options, const GlobalOptions& global, const Clock& clock,
                      Console& console) {
  // Before the first thread, and before anything that may wait.
  return Replay(options, global, clock, console).run();
}

}  // namespace mayfly::cli
