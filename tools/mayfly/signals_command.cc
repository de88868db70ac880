#include "tools/mayfly/signals_command.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "mayfly/base/json_text.h"
#include "mayfly/storage/persistent_window/signal_reader.h"
#include "tools/mayfly/human_text.h"
#include "tools/mayfly/since.h"

namespace mayfly::cli {
namespace {

// Written at once: a table may have a million rows.
constexpr std::size_t kPrintBytes = std::size_t{64} << 10;

std::string text_of(const StoredSignal& signal) {
  std::string line = fmt::format("{}  {}", on_one_line(signal.timestamp), on_one_line(signal.name));
  if (signal.key) line += "  key=" + on_one_line(*signal.key);
  if (signal.operation != 0) line += fmt::format("  operation={}", signal.operation);
  return line + "\n";
}

std::string json_of(const StoredSignal& signal) {
  JsonText json = JsonText::object();
  json.add("id", signal.id)
      .add("timestamp", signal.timestamp)
      .add("signal", signal.name)
      .add("operation_id", signal.operation);
  if (signal.key) json.add("key", *signal.key);
  return json.text() + "\n";
}

}  // namespace

ExitStatus run_signals(const SignalsOptions& options, const GlobalOptions& global,
                       const Clock& clock, Console& console) {
  const auto refuse = [&console](const Status& status) {
    console.error(status.message());
    return exit_status_of(status.code());
  };
  SignalReadOptions wanted{.pattern = options.pattern, .limit = options.limit};
  if (!options.since.empty()) {
    const auto since = since_of(options.since, clock);
    if (!since.ok()) return refuse(since.status());
    wanted.since_us = *since;
  }
  // One more, to know whether there are more.
  if (wanted.limit > 0) ++wanted.limit;
  auto reader = SignalReader::open(options.database);
  if (!reader.ok()) return refuse(reader.status());
  std::string text;
  std::size_t count = 0;
  std::size_t first_bytes = 0;
  const Status status = reader->read(wanted, [&](const StoredSignal& signal) {
    text += global.json() ? json_of(signal) : text_of(signal);
    if (count++ == 0) first_bytes = text.size();
    // Of what is limited the whole is needed, to leave out the first.
    if (options.limit == 0 && text.size() >= kPrintBytes) {
      console.print(text);
      text.clear();
    }
    return !console.output_failed();
  });
  const bool more = options.limit > 0 && count > options.limit;
  console.print(std::string_view(text).substr(more ? first_bytes : 0));
  if (!status.ok()) return refuse(status);
  if (more) {
    console.note(fmt::format("the newest {} are shown; --limit {} shows more, --limit 0 all",
                             options.limit, options.limit * 10));
  }
  if (count == 0) {
    console.note(fmt::format("no signal matches \"{}\"{}", options.pattern,
                             options.since.empty() ? "" : " since then"));
  }
  return ExitStatus::kSuccess;
}

}  // namespace mayfly::cli
