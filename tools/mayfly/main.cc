// mayfly: the command-line tool.
#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <variant>

#include "mayfly/base/clock.h"
#include "tools/mayfly/command_line.h"
#include "tools/mayfly/completion_command.h"
#include "tools/mayfly/console.h"
#include "tools/mayfly/dlq_command.h"
#include "tools/mayfly/exit_status.h"
#include "tools/mayfly/ingest_command.h"
#include "tools/mayfly/man_command.h"
#include "tools/mayfly/pipeline_commands.h"
#include "tools/mayfly/plugins_command.h"
#include "tools/mayfly/signals_command.h"
#include "tools/mayfly/stats_command.h"

namespace {

using namespace mayfly::cli;

// Process-wide, so only a program may do it. The engine opens its connections without SQLite's
// mutexes, and memory statistics would put one around every allocation.
void configure_sqlite() {
  sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
  sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

// A program that is started without standard input would give the number to a file of its own.
void open_standard_input() {
  if (::fcntl(STDIN_FILENO, F_GETFD) < 0) ::open("/dev/null", O_RDONLY);
}

ConsoleOptions console_options(const GlobalOptions& global, const Stream& err) {
  ConsoleOptions options;
  options.json_messages = global.log_format == "json";
  options.color =
      wants_color(global.color, std::getenv("NO_COLOR"), std::getenv("TERM"), err.is_terminal());
  options.threshold = global.quiet          ? Level::kWarning
                      : global.verbose == 0 ? Level::kNote
                      : global.verbose == 1 ? Level::kInfo
                                            : Level::kDebug;
  return options;
}

struct Run {
  const GlobalOptions& global;
  const mayfly::Clock& clock;
  Console& console;

  ExitStatus operator()(const IngestOptions& options) const {
    return run_ingest(options, global, console);
  }
  ExitStatus operator()(const RunOptions& options) const {
    return run_pipeline(options.file, global, console);
  }
  ExitStatus operator()(const ValidateOptions& options) const {
    return run_validate(options.files, global, console);
  }
  ExitStatus operator()(const PictureOptions& options) const {
    return run_graph(options.file, options.as, global, console);
  }
  ExitStatus operator()(const PluginsOptions& options) const {
    return run_plugins(options, global, console);
  }
  ExitStatus operator()(const SignalsOptions& options) const {
    return run_signals(options, global, clock, console);
  }
  ExitStatus operator()(const StatsOptions& options) const {
    return run_stats(options, global, clock, console);
  }
  ExitStatus operator()(const CompletionOptions& options) const {
    return run_completion(options, console);
  }
  ExitStatus operator()(const ManOptions& options) const { return run_man(options, console); }
  ExitStatus operator()(const DlqOptions& options) const {
    return run_dlq(options, global, clock, console);
  }
};

}  // namespace

int main(int argc, char** argv) {
  open_standard_input();
  configure_sqlite();
  // A reader that goes away (head, less) makes write() fail; it doesn't end an ingest.
  std::signal(SIGPIPE, SIG_IGN);
  // A limit of file size (ulimit -f) is a disk that is full.
  std::signal(SIGXFSZ, SIG_IGN);
  FileStream out(1);
  FileStream err(2);
  const auto line = parse_command_line(argc, argv);
  if (const auto* reply = std::get_if<Reply>(&line)) {
    err.write(reply->err);
    const bool written = out.write(reply->out);
    if (!written) err.write("mayfly: error: standard output can't be written\n");
    return static_cast<int>(with_output(reply->status, written));
  }
  const auto& parsed = std::get<ParsedLine>(line);
  const mayfly::SystemClock clock;
  Console console(out, err, clock, console_options(parsed.global, err));
  const ExitStatus status = std::visit(Run{parsed.global, clock, console}, parsed.command);
  if (console.output_failed()) {
    console.error("the result couldn't be written to standard output");
  }
  return static_cast<int>(with_output(status, !console.output_failed()));
}
