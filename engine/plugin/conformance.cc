#include "mayfly/plugin/conformance.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "mayfly/plugin/conformance_calls.h"
#include "mayfly/plugin/elf_symbols.h"
#include "mayfly/plugin/library.h"
#include "mayfly/plugin/node_harness.h"
#include "mayfly/plugin/tables.h"

namespace mayfly {
namespace {

namespace fs = std::filesystem;
using Outcome = ConformanceCheck::Outcome;
using Library = std::shared_ptr<const PluginLibrary>;

// No plugin starts processes, ends this one, or opens the database, which has one owner.
constexpr std::string_view kBanned[] = {"fork",   "vfork",  "system",     "popen",      "exit",
                                        "_exit",  "_Exit",  "quick_exit", "execv",      "execve",
                                        "execvp", "execlp", "execl",      "posix_spawn"};
// Nodes have no threads, no sleep, no clock and no randomness of their own.
constexpr std::string_view kBannedInNodes[] = {
    "pthread_create",
    "thrd_create",
    "sleep",
    "usleep",
    "nanosleep",
    "clock_nanosleep",
    "select",
    "poll",
    "clock_gettime",
    "gettimeofday",
    "time",
    "_ZNSt6chrono3_V212steady_clock3nowEv",
    "rand",
    "_ZNSt6chrono3_V212system_clock3nowEv",
    "random",
    "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateESt14default_delete"
    "IS1_EEPFvvE"};

// Some linkers export these of every library; they name no code.
constexpr std::string_view kLinkerSymbols[] = {"_end", "_edata", "__bss_start", "_init", "_fini"};

// What a C++ library exports of the standard library's headers unless a version script says
// otherwise: a mangled name of std or __gnu_cxx, placement new, and what clang calls to terminate.
// Whichever copy a process uses, it is the same code, so that it doesn't matter.
bool is_of_runtime(std::string_view symbol) {
  if (symbol == "__clang_call_terminate") return true;
  if (!symbol.starts_with("_Z")) return false;
  symbol.remove_prefix(2);
  // Tables, guards, things within functions, members (const, &, &&): of what follows.
  for (bool more = true; more;) {
    more = false;
    for (const std::string_view prefix : {"TI", "TS", "TV", "TT", "GV", "Z", "N", "K", "R", "O"}) {
      if (!symbol.starts_with(prefix)) continue;
      symbol.remove_prefix(prefix.size());
      more = true;
    }
  }
  // std, and its abbreviations: allocator, basic_string, string, istream, ostream, iostream.
  constexpr std::string_view kStandard = "tabsiod";
  return (symbol.size() > 1 && symbol[0] == 'S' && kStandard.find(symbol[1]) != kStandard.npos) ||
         symbol.starts_with("9__gnu_cxx") || symbol == "nwmPv" || symbol == "namPv" ||
         symbol == "dlPvS_" || symbol == "daPvS_";
}

bool is_banned(std::string_view symbol, bool node) {
  if (symbol.starts_with("sqlite3_")) return true;
  if (std::ranges::find(kBanned, symbol) != std::end(kBanned)) return true;
  return node && std::ranges::find(kBannedInNodes, symbol) != std::end(kBannedInNodes);
}

class Suite {
 public:
  Suite(const std::string& path, const ConformanceSettings& settings)
      : path_(path), settings_(settings) {}

  ConformanceReport run() && {
    auto library = PluginLibrary::load(path_, settings_.user);
    add("loads", library.status());
    if (!library.ok()) return std::move(report_);
    library_ = *library;
    report_.plugin = std::string(library_->name());
    symbols();
    add("ranges", ranges());
    add("portable", portable());
    if (library_->plugin().kind == MAYFLY_SOURCE) {
      for (const char* name : {"starts", "batches", "drains", "random_calls"}) {
        skip(name, "only nodes are run");
      }
      return std::move(report_);
    }
    calls();
    return std::move(report_);
  }

 private:
  void add(std::string name, const Status& status) {
    report_.checks.push_back(
        {std::move(name), status.ok() ? Outcome::kPassed : Outcome::kFailed, status.message()});
  }
  void skip(std::string name, std::string why) {
    report_.checks.push_back({std::move(name), Outcome::kSkipped, std::move(why)});
  }
  static Status failed(std::string why) { return {Code::kConfig, std::move(why)}; }

  void symbols() {
    const auto symbols = read_elf_symbols(library_->path());
    if (!symbols.ok()) {
      add("one_symbol", symbols.status());
      return;
    }
    std::vector<std::string> exported;
    for (const std::string& symbol : symbols->exported) {
      if (std::ranges::find(kLinkerSymbols, symbol) != std::end(kLinkerSymbols)) continue;
      const bool weak = std::ranges::find(symbols->weak, symbol) != symbols->weak.end();
      if (!weak || !is_of_runtime(symbol)) exported.push_back(symbol);
    }
    std::ranges::sort(exported);  // linkers have orders of their own
    const Status one = exported == std::vector<std::string>{MAYFLY_PLUGIN_ENTRY}
                           ? Status()
                           : failed(fmt::format("exports {}, expected " MAYFLY_PLUGIN_ENTRY
                                                " alone; build it with mayfly_plugin, or with "
                                                "-fvisibility=hidden",
                                                fmt::join(exported, ", ")));
    add("one_symbol", one);
    std::vector<std::string> banned;
    const bool node = library_->plugin().kind == MAYFLY_NODE;
    for (const std::string& symbol : symbols->imported) {
      if (is_banned(symbol, node)) banned.push_back(symbol);
    }
    add("imports", banned.empty()
                       ? Status()
                       : failed(fmt::format("uses {}, which a {} must not", fmt::join(banned, ", "),
                                            node ? "node" : "plugin")));
  }

  // Values that an option must refuse, as text.
  static std::vector<std::string> wrong_values(const mayfly_option& option) {
    std::vector<std::string> values;
    if (option.type != MAYFLY_OPTION_TEXT && option.type != MAYFLY_OPTION_LIST) {
      values.push_back("not a value");
    }
    const auto beyond = [&](const char* bound, std::int64_t step) -> std::optional<std::string> {
      if (bound == nullptr) return std::nullopt;
      if (option.type == MAYFLY_OPTION_FLOAT) {
        return fmt::format("{}", *parse_float(bound) + static_cast<double>(step));
      }
      const auto number = option.type == MAYFLY_OPTION_DURATION ? parse_duration(bound)
                          : option.type == MAYFLY_OPTION_SIZE   ? parse_size(bound)
                                                                : parse_int(bound);
      std::int64_t value = 0;
      if (__builtin_add_overflow(*number, step, &value)) return std::nullopt;
      if (option.type == MAYFLY_OPTION_INT) return fmt::format("{}", value);
      if (value < 0) return std::nullopt;
      if (option.type == MAYFLY_OPTION_DURATION) return fmt::format("{}ns", value);
      if (option.type == MAYFLY_OPTION_SIZE) return fmt::format("{}", value);
      std::string text;
      for (std::int64_t i = 0; i < value; ++i) {
        text += option.type == MAYFLY_OPTION_LIST ? "x," : "x";
      }
      return text;
    };
    for (const auto& [bound, step] :
         {std::pair{option.minimum, -1}, std::pair{option.maximum, 1}}) {
      if (auto value = beyond(bound, step)) values.push_back(std::move(*value));
    }
    return values;
  }

  // That defaults parse was part of loading.
  Status ranges() const {
    const OptionTable table(library_->plugin().options);
    for (const mayfly_option& option : table) {
      for (const std::string& value : wrong_values(option)) {
        const std::vector<RawOption> given = {{option.name, value}};
        const ParsedOptions parsed = parse_options(table, given);
        const bool refused = std::ranges::any_of(parsed.errors, [&](const OptionError& e) {
          return e.option == option.name && !e.message.starts_with("required");
        });
        if (!refused) {
          return failed(fmt::format("option {} takes \"{}\", which its type or range rules out",
                                    option.name, value));
        }
      }
    }
    return {};
  }

  // A copy in an empty folder loads, so nothing beside it is needed.
  Status portable() const {
    std::string folder = settings_.scratch_folder + "/mayfly_conformance_XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) {
      return failed(fmt::format("no folder could be made in {}", settings_.scratch_folder));
    }
    std::error_code error;
    const fs::path copy = fs::path(folder) / fs::path(library_->path()).filename();
    fs::copy_file(library_->path(), copy, error);
    Status status = error ? failed(fmt::format("copying failed: {}", error.message())) : Status();
    if (status.ok()) {
      ::chmod(copy.c_str(), 0600);
      status = PluginLibrary::load(copy.string(), settings_.user).status();
    }
    // The library stays loaded; its file isn't needed any more.
    fs::remove_all(folder, error);
    return status;
  }

  void calls() {
    const std::vector<RawOption> options = made_up_options(*library_, settings_.options);
    const auto starts =
        NodeHarness::create(library_, options, {.expressions = settings_.expressions});
    // What is made up for its options may be nothing that goes together.
    const bool needs_options = starts.status().code() == Code::kConfig || requires_options();
    if (!starts.ok() && settings_.options.empty() && needs_options) {
      for (const char* name : {"starts", "batches", "drains", "random_calls"}) {
        skip(name, fmt::format("give options that it can start with, each as --set OPTION=VALUE ({})",
                               starts.status().message()));
      }
      return;
    }
    add("starts", starts.status());
    if (!starts.ok()) return;
    add("batches", check_batches(library_, options, settings_.expressions));
    add("drains", check_drains(library_, options, settings_.expressions));
    add("random_calls", check_random_calls(library_, options, settings_.expressions, settings_.seed,
                                           settings_.calls));
  }

  bool requires_options() const {
    for (const mayfly_option& option : OptionTable(library_->plugin().options)) {
      if ((option.flags & MAYFLY_OPTION_REQUIRED) != 0) return true;
    }
    return false;
  }

  const std::string& path_;
  const ConformanceSettings& settings_;
  Library library_;
  ConformanceReport report_;
};

}  // namespace

bool ConformanceReport::passed() const {
  return std::ranges::none_of(
      checks, [](const ConformanceCheck& check) { return check.outcome == Outcome::kFailed; });
}

std::string ConformanceReport::text() const {
  constexpr std::string_view kWords[] = {"passed ", "failed ", "skipped"};
  std::string out;
  for (const ConformanceCheck& check : checks) {
    out += fmt::format("{} {}", kWords[static_cast<std::size_t>(check.outcome)], check.name);
    if (!check.detail.empty()) out += ": " + check.detail;
    out += '\n';
  }
  return out;
}

ConformanceReport check_conformance(const std::string& path, const ConformanceSettings& settings) {
  return Suite(path, settings).run();
}

}  // namespace mayfly
