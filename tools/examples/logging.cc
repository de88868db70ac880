// An application's log in a database of its own: nobody waits for it, and it can be asked. The
// argument is the path of a database that may be made; without one it is kept in memory.
#include <string>
#include <string_view>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"

using example::shown;
using mayfly::LogLevel;

namespace {

void logging(mayfly::LogDatabase& logs) {
  shown(logs.log(LogLevel::kInfo, "downloads", "Download complete", {{"track_id", 123}}),
        "a record, with a field");
  logs.log(LogLevel::kDebug, "downloads", "Connection reused", {{"host", "a.example"}, {"n", 3}});
  logs.log(LogLevel::kError, "disk", "Nearly full", {{"free", 0.02}, {"path", "/var"}});
}

void asking(mayfly::LogDatabase& logs) {
  const auto recent = logs.recent_logs();
  shown(recent.ok() && recent->size() == 3, "the newest, those that wait to be stored among them");
  const auto errors = logs.recent_logs(LogLevel::kError, 10);
  shown(errors->front().logger_name == "disk", "errors alone");
  shown(errors->front().extra_data == R"({"free":0.02,"path":"/var"})", "fields are JSON");
}

// Errors raise signals, and signals leave records; neither is fed back.
void bridged(mayfly::LogDatabase& logs, mayfly::SignalSink& sink) {
  shown(sink.detect("log.error:disk"), "an error is a signal");
  shown(logs.record_signals(sink, "upload.failed:*, cache.*", LogLevel::kWarning).ok(),
        "signals that match become records");
  sink.raise("upload.failed:17");
  shown(logs.recent_logs(LogLevel::kWarning)->front().message == "upload.failed:17", "as this one");
}

void watched(mayfly::LogDatabase& logs) {
  shown(logs.cleanup_old_logs().ok(), "what is older than the retention goes, also by itself");
  const mayfly::LogStats stats = logs.stats();
  shown(stats.total_logged == 4 && stats.dropped == 0, "figures");
}

}  // namespace

int main(int argc, char** argv) {
  static const mayfly::SystemClock clock;
  static mayfly::SignalSink sink(clock);  // outlives the log
  const auto opened = mayfly::LogDatabase::open({
      .db_path = argc > 1 ? argv[1] : "",  // none: in memory
      .retention_ns = 7 * 24 * 3600 * mayfly::kSecond,
      .clock = &clock,
      .signals = &sink,
  });
  shown(opened.ok(), "a log");
  mayfly::LogDatabase& logs = **opened;
  logging(logs);
  asking(logs);
  bridged(logs, sink);
  watched(logs);
  // At shutdown: the write buffer first, then the log, then the main database.
  shown(logs.stop().ok(), "all is stored");
  shown(logs.stats().pending_count == 0, "nothing is left");
}
