#include "tools/mayfly/engine_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "mayfly/config/check_plan.h"
#include "mayfly/graph/signal_store.h"
#include "mayfly/storage/file_identity.h"
#include "tools/mayfly/engine_watch.h"
#include "tools/mayfly/lock_watch.h"
#include "tools/mayfly/progress_bar.h"
#include "tools/mayfly/target_table.h"

namespace mayfly::cli {
namespace {

constexpr std::int64_t kStepNs = 100 * kMillisecond;

Level level_of(std::int32_t level) {
  switch (level) {
    case MAYFLY_LOG_DEBUG:
      return Level::kDebug;
    case MAYFLY_LOG_INFO:
      return Level::kInfo;
    case MAYFLY_LOG_WARN:
      return Level::kWarning;
    default:
      return Level::kError;
  }
}

Result<std::unique_ptr<Engine>> open_watched(const PipelinePlan& plan, EngineOptions options,
                                             Console& console, const Clock& clock) {
  // As long as the writer waits for a lock at open (graph/writer_stage.cc).
  constexpr std::int64_t kOpenWaitNs = 60 * kSecond;
  const LockWatch watch(plan.writer.database, std::min(plan.writer.deadline_ns, kOpenWaitNs),
                        LockWatch::Opener::kEngine, console, clock);
  std::vector<std::unique_ptr<LockWatch>> stores;
  for (const NodePlan& node : plan.nodes) {
    const std::string database = signal_database(plan, node);
    if (database.empty() || database == plan.writer.database) continue;
    stores.push_back(std::make_unique<LockWatch>(database, SignalStore::kOpenWaitNs,
                                                 LockWatch::Opener::kCommand, console, clock));
  }
  return Engine::open(plan, std::move(options));
}

std::string count_signals(const SignalSink& sink) {
  std::map<std::string, std::uint64_t> by_stem;
  for (const Signal& signal : sink.sense("*")) {
    ++by_stem[std::string(signal.name.substr(0, signal.name.find(':')))];
  }
  std::vector<std::pair<std::string, std::uint64_t>> sorted(by_stem.begin(), by_stem.end());
  std::ranges::stable_sort(sorted, std::ranges::greater(),
                           &std::pair<std::string, std::uint64_t>::second);
  std::string text;
  for (const auto& [stem, count] : sorted) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", stem, count);
  }
  return text;
}

}  // namespace

Interruption::Interruption(Console& console, ExitStatus before_start)
    : console_(console),
      before_start_(before_start),
      watch_([this](int signal, int count) { on_signal(signal, count); }) {
  if (!watch_.status().ok()) console_.warning(watch_.status().message());
}

void Interruption::attach(Engine& engine) {
  const std::lock_guard lock(mutex_);
  engine_ = &engine;
  stage_ = Stage::kRunning;
  attached_.notify_one();
}

void Interruption::detach() {
  const std::lock_guard lock(mutex_);
  engine_ = nullptr;
  stage_ = Stage::kOver;
  attached_.notify_one();
}

void Interruption::set_left_behind(std::string what) {
  const std::lock_guard lock(mutex_);
  left_behind_ = std::move(what);
}

void Interruption::on_signal(int signal, int count) {
  if (count > 1) ::_exit(128 + signal);
  requested_.store(true, std::memory_order_relaxed);
  const char* name = signal == SIGINT ? "SIGINT" : "SIGTERM";
  std::unique_lock lock(mutex_);
  // An engine runs before Engine::open returns, and its first rows may be written: then it is
  // attached at once. One that waits for a lock isn't.
  constexpr auto kAttachTime = std::chrono::milliseconds(250);
  attached_.wait_for(lock, kAttachTime, [this] { return stage_ != Stage::kOpening; });
  if (stage_ == Stage::kOver) return;  // all is done but the summary
  if (stage_ == Stage::kOpening) {
    console_.note(fmt::format(
        "{} before the first row; {}", name,
        left_behind_.empty() ? "nothing was written" : "no row was written, but " + left_behind_));
    ::_exit(static_cast<int>(before_start_));
  }
  console_.note(fmt::format("{}: finishing what is in flight; once more stops at once", name));
  engine_->begin_drain();
}

RunResult run_engine(const PipelinePlan& plan, EngineOptions options, Interruption& interruption,
                     Console& console) {
  const SystemClock clock;
  options.clock = &clock;
  options.log = [&console](std::int32_t level, std::string_view who, std::string_view text) {
    console.message(level_of(level), who, text);
  };
  RunResult result;
  const auto not_started = [&](Status why) {
    interruption.detach();
    result.status = std::move(why);
    return result;
  };
  if (Status status = check_is_database(plan.writer.database); !status.ok()) {
    return not_started(std::move(status));
  }
  const std::int64_t began_ns = clock.now_ns();
  auto opened = open_watched(plan, std::move(options), console, clock);
  if (!opened.ok()) return not_started(opened.status());
  Engine& engine = **opened;
  const FileIdentity database = file_identity(plan.writer.database);
  result.started = true;
  interruption.attach(engine);
  {
    const EngineWatch watch(engine, clock, console, plan.writer.deadline_ns);
    {
      ProgressBar bar(console, began_ns);
      while (!engine.wait(kStepNs)) {
        if (console.has_status_line()) bar.update(clock.now_ns(), progress_of(engine.stats()));
      }
    }
    result.status = engine.close();
  }
  result.seconds = static_cast<double>(clock.now_ns() - began_ns) * 1e-9;
  interruption.detach();
  result.stats = engine.stats();
  // It may have been before this thread looked at it first: then the writer says so.
  result.database_moved =
      file_identity(plan.writer.database) != database ||
      result.status.message().find("was removed, renamed or replaced") != std::string::npos;
  result.interrupted =
      interruption.requested() &&
      !std::ranges::all_of(result.stats.sources, [](const SourceStats& s) { return s.finished; });
  if (console.shows(Level::kInfo)) result.signals = count_signals(engine.signals());
  return result;
}

}  // namespace mayfly::cli
