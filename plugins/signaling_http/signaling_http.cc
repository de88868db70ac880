// Sends rows over HTTP, many in one request, and lets each go on when its request was answered.
#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http_sender.h"
#include "mayfly/base/unit_text.h"
#include "mayfly/data/row_json.h"
#include "mayfly/net/http_text.h"
#include "mayfly/policy/http_answer.h"
#include "mayfly/sdk/plugin.h"

namespace {

namespace sdk = mayfly::sdk;
using mayfly::HttpAnswered;
using mayfly::HttpBody;
using mayfly::HttpError;
using mayfly::HttpResponse;
using mayfly::HttpSender;
using mayfly::HttpVerdict;

enum Option : std::uint32_t {
  kUrl,
  kMethod,
  kFormat,
  kHeaders,
  kBatchRows,
  kBatchBytes,
  kLinger,
  kConcurrency,
  kTimeout,
  kConnectTimeout,
  kCaFile,
  kOnRefused,
};
enum Port : std::uint16_t { kOut, kFailedPort };
enum Counter : std::uint32_t { kRequests, kDelivered, kFailed, kRefused, kBytes };
enum Reason : std::uint16_t { kNoAnswer, kTryLater, kRefusedReason };
enum Signal : std::uint32_t { kStarted, kDone, kRequestFailed, kRateLimit };
enum class Format : std::uint32_t { kNdjson, kJson };
enum class OnRefused : std::uint32_t { kDeadLetter, kDrop };

constexpr std::uint32_t kLingerTimer = 0;
// The longest linger while the pipeline drains.
constexpr std::int64_t kDrainLingerNs = 200 * mayfly::kMillisecond;
// Between warnings.
constexpr std::int64_t kWarnEveryNs = 60 * mayfly::kSecond;
// Rows under it wait until there is room for them; those of a request are under its number.
constexpr std::uint64_t kWaiting = 0;

constexpr mayfly_option kOptions[] = {
    sdk::required(sdk::text_option("url", nullptr, "Where to: http://host/path, or https.")),
    sdk::choice_option("method", "post", "post|put", "How."),
    sdk::choice_option("format", "ndjson", "ndjson|json",
                       "A row is a JSON object: one a line, or all in one array."),
    sdk::list_option("headers", nullptr, {nullptr, "64"},
                     "Further header fields, each as \"Name: value\"."),
    sdk::int_option("batch_rows", "500", {"1", "65536"}, "Rows of a request, at most."),
    sdk::size_option("batch_bytes", "1MiB", {"1", "64MiB"},
                     "A request is sent once its body has so many bytes."),
    sdk::duration_option("linger", "200ms", {"0s", "1h"},
                         "A request that isn't full is sent this long after its first row; 0s: at "
                         "once."),
    sdk::int_option(
        "concurrency", "4", {"1", "64"},
        "Requests on their way at a time, each by a thread of its own. 1: one after the "
        "other, in order."),
    sdk::duration_option("timeout", "30s", {"1ms", "1h"}, "For a request, in all."),
    sdk::duration_option("connect_timeout", nullptr, {"1ms", "1h"},
                         "Of it, until there is a connection; no longer than timeout. By default "
                         "5s, or timeout where that is shorter."),
    sdk::text_option("ca_file", nullptr,
                     "Certificates to trust in place of the system's, as a PEM file."),
    sdk::choice_option("on_refused", "dead_letter", "dead_letter|drop",
                       "What becomes of rows that the server won't ever take."),
};
constexpr mayfly_named kPorts[] = {
    {"out", "Rows that were delivered."},
    {"failed", "Rows that weren't, and may be another time."},
};
constexpr mayfly_named kCounters[] = {
    {"requests", "Requests that were answered, or failed."},
    {"delivered", "Rows that the server took."},
    {"failed", "Rows whose attempt failed."},
    {"refused", "Rows that the server refused for good."},
    {"bytes", "Of the bodies that were sent."},
};
constexpr mayfly_named kReasons[] = {
    {"no_answer", "the server couldn't be reached, or gave no whole answer in time"},
    {"try_later", "the server answered that it can't take it now"},
    {"refused", "the server refused it"},
};
constexpr mayfly_named kRaises[] = {
    {"http.request.started", "A request is on its way."},
    {"http.request.done", "It was answered; behind the colon <status>:<time>ms."},
    {"http.request.failed",
     "Its rows weren't delivered; behind the colon the status, or what there was instead of an "
     "answer."},
    {"rate-limit",
     "The server answered 429, or 503 with a time; behind the colon <time>ms if it said how long "
     "to wait."},
};

constexpr std::int64_t kConnectDefaultNs = 5 * mayfly::kSecond;

// Fields that would contradict what is sent.
constexpr std::string_view kOwnFields[] = {"Content-Length", "Transfer-Encoding", "Connection",
                                           "Expect"};

struct SignalingHttp : sdk::Sink {
  // What became of a request's rows.
  struct Outcome {
    HttpVerdict verdict = HttpVerdict::kDelivered;
    std::uint16_t reason = 0;  // unless it was delivered
  };

  mayfly_result configure(const sdk::Options& options) {
    mayfly_result result = MAYFLY_OK;  // each mistake is told
    to.url = std::string(options.text(kUrl));
    if (const auto status = mayfly::check_http_url(to.url); !status.ok()) {
      result = host.fail(sdk::Failure::kConfig, "url: " + status.message());
    }
    to.method = options.choice(kMethod) == 0 ? "POST" : "PUT";
    format = static_cast<Format>(options.choice(kFormat));
    for (std::uint64_t i = 0; i < options.list_size(kHeaders); ++i) {
      if (const auto status = add_header(options.list_at(kHeaders, i)); !status.ok()) {
        result = host.fail(sdk::Failure::kConfig,
                           "headers: entry " + std::to_string(i + 1) + ": " + status.message());
      }
    }
    if (mayfly::find_header(to.headers, "Content-Type") == nullptr) {
      to.headers.push_back({"Content-Type", format == Format::kNdjson ? "application/x-ndjson"
                                                                      : "application/json"});
    }
    batch_rows = static_cast<std::uint64_t>(options.integer(kBatchRows));
    batch_bytes = static_cast<std::uint64_t>(options.bytes(kBatchBytes));
    linger_ns = options.duration_ns(kLinger);
    to.threads = static_cast<std::size_t>(options.integer(kConcurrency));
    to.limits.total_ns = options.duration_ns(kTimeout);
    to.limits.connect_ns = options.is_set(kConnectTimeout)
                               ? options.duration_ns(kConnectTimeout)
                               : std::min(kConnectDefaultNs, to.limits.total_ns);
    to.limits.body_bytes_max = UINT64_MAX;
    if (to.limits.connect_ns > to.limits.total_ns) {
      result = host.fail(sdk::Failure::kConfig, "connect_timeout: expected at most timeout (" +
                                                    mayfly::format_duration(to.limits.total_ns) +
                                                    "), found " +
                                                    mayfly::format_duration(to.limits.connect_ns) +
                                                    "; lower it, or raise timeout");
    }
    if (options.is_set(kCaFile)) to.ca_file = std::string(options.text(kCaFile));
    on_refused = static_cast<OnRefused>(options.choice(kOnRefused));
    return result;
  }
  mayfly::Status add_header(std::string_view line) {
    MAYFLY_ASSIGN_OR_RETURN(mayfly::HttpHeader header, mayfly::parse_http_header(line));
    for (const std::string_view name : kOwnFields) {
      if (mayfly::find_header({&header, 1}, name) == nullptr) continue;
      return {mayfly::Code::kConfig,
              "expected none of the fields that each request sets itself, found " +
                  std::string(name) + "; leave it out"};
    }
    to.headers.push_back(std::move(header));
    return {};
  }

  void open() {
    sender.emplace(to, [waker = host.waker()] { waker.wake(); });
    sender->start();
  }

  mayfly_result process(sdk::Slice slice) {
    const bool waited = slice.resumed() && slice.tag() == kWaiting;
    if (slice.resumed() && !waited) return let_go(slice);
    if (waited) coming -= std::min<std::uint64_t>(coming, slice.size());
    // New rows don't overtake those that wait, nor those that have been let go and aren't here yet.
    const bool in_turn = waited || (coming == 0 && host.held(kWaiting) == 0);
    for (const std::uint16_t row : slice.rows()) {
      // What was let go has room, or nearly: rows that are larger than most make more requests.
      if (in_turn && (waited || ready.size() < to.threads)) {
        add(slice, row);
      } else {
        slice.hold(row, kWaiting);
      }
    }
    const bool last_that_waited = draining && waited && coming == 0 && host.held(kWaiting) == 0;
    if (linger_ns == 0 || last_that_waited) seal();
    refill();
    return MAYFLY_OK;
  }

  void on_timer(std::uint32_t, std::int64_t) { seal(); }

  void on_wake(std::int64_t) {
    for (HttpAnswered& answered : sender->fetch()) {
      --on_their_way;
      spare.push_back(std::move(answered.text));
      const Outcome outcome = judge(answered.response);
      outcomes[answered.number] = outcome;
      tell(answered.response, outcome);
      if (host.resume(answered.number) == 0) outcomes.erase(answered.number);
    }
    submit();
    refill();
  }

  // Called again and again: rows that a retry brings back one by one are to share requests still.
  void drain(std::int64_t) {
    if (!draining) {
      draining = true;
      linger_ns = std::min(linger_ns, kDrainLingerNs);
      seal();
    }
    refill();
  }

  // ---- requests

  void add(const sdk::Slice& slice, std::uint16_t row) {
    if (rows_open == 0) {
      open_body.number = ++number;
      if (format == Format::kJson) open_body.text += '[';
      host.set_timer(kLingerTimer, mayfly::deadline_after(slice.now_ns(), linger_ns));
    } else if (format == Format::kJson) {
      open_body.text += ',';
    }
    mayfly::append_row_json(host.schema(), slice.batch(), row, UINT64_MAX,
                            mayfly::JsonValues::kTyped, open_body.text);
    if (format == Format::kNdjson) open_body.text += '\n';
    ++rows_open;
    slice.hold(row, open_body.number);
    if (rows_open >= batch_rows || open_body.text.size() >= batch_bytes) seal();
  }

  // The open request takes no more rows.
  void seal() {
    if (rows_open == 0) return;
    host.cancel_timer(kLingerTimer);
    if (format == Format::kJson) open_body.text += ']';
    ready.push_back(std::exchange(open_body, {}));
    rows_open = 0;
    if (!spare.empty()) {
      open_body.text = std::move(spare.back());
      spare.pop_back();
    }
    submit();
  }

  void submit() {
    while (!ready.empty() && on_their_way < to.threads) {
      host.count(kBytes, ready.front().text.size());
      host.raise(kStarted);
      sender->send(std::move(ready.front()));
      ready.erase(ready.begin());
      ++on_their_way;
    }
  }

  // Rows that wait come when there is room for them.
  void refill() {
    if (ready.size() >= to.threads) return;
    const std::uint64_t room = (to.threads - ready.size()) * batch_rows;
    if (room <= coming) return;
    const std::uint64_t waiting = host.held(kWaiting);
    if (waiting > 0) coming += host.resume(kWaiting, std::min(waiting, room - coming));
  }

  // ---- answers

  static Outcome judge(const HttpResponse& response) {
    if (response.error != HttpError::kNone) {
      return mayfly::may_pass_later(response.error)
                 ? Outcome{HttpVerdict::kTryLater, kNoAnswer}
                 : Outcome{HttpVerdict::kRefused, kRefusedReason};
    }
    const HttpVerdict verdict = mayfly::judge_http_status(response.status);
    return {verdict, verdict == HttpVerdict::kTryLater ? kTryLater : kRefusedReason};
  }

  void tell(const HttpResponse& response, const Outcome& outcome) {
    host.count(kRequests);
    const bool answered = response.error == HttpError::kNone;
    const std::string status = std::to_string(response.status);
    if (answered) {
      host.raise(kDone,
                 status + ":" + std::to_string(response.elapsed_ns / mayfly::kMillisecond) + "ms");
    }
    if (answered && mayfly::is_http_rate_limit(response.status)) limit_rate(response);
    const bool delivered = outcome.verdict == HttpVerdict::kDelivered;
    if (!delivered) {
      host.raise(kRequestFailed,
                 answered ? std::string_view(status) : mayfly::http_error_name(response.error));
    }
    if (delivered) {
      if (std::exchange(warned, false)) {
        host.log(sdk::LogLevel::kInfo, "requests are answered well again");
      }
    } else if (answered) {
      warn(to.method + " " + mayfly::http_url_shown(to.url) +
           ": expected a status of 200 to 299, found " + status +
           (response.body.empty() ? "" : ": " + response.body));
    } else {
      warn(response.message);
    }
  }

  // Not for each request of an outage, nor each time that a server comes and goes.
  void warn(const std::string& why) {
    const std::int64_t now = host.now_ns();
    if (warned_ns && now - *warned_ns < kWarnEveryNs) return;
    warned_ns = now;
    warned = true;
    host.log(sdk::LogLevel::kWarn, why + "; further failures are counted for a minute");
  }

  void limit_rate(const HttpResponse& response) {
    if (response.retry_after_ns) {
      constexpr std::int64_t kMs = mayfly::kMillisecond;
      const std::int64_t ms = *response.retry_after_ns / kMs + (*response.retry_after_ns % kMs > 0);
      host.raise(kRateLimit, std::to_string(ms) + "ms");
    } else if (response.status == 429) {
      host.raise(kRateLimit);
    }
  }

  // Rows of an answered request.
  mayfly_result let_go(const sdk::Slice& slice) {
    const auto found = outcomes.find(slice.tag());
    if (found == outcomes.end()) {
      return host.fail(sdk::Failure::kInternal, "rows came of a request that wasn't answered");
    }
    const Outcome outcome = found->second;
    for (const std::uint16_t row : slice.rows()) {
      if (outcome.verdict == HttpVerdict::kDelivered) {
        slice.send(row, kOut);
      } else if (outcome.verdict == HttpVerdict::kTryLater) {
        slice.fail(row, kFailedPort, outcome.reason);
      } else if (on_refused == OnRefused::kDeadLetter) {
        slice.reject(row, outcome.reason);
      } else {
        slice.drop(row, outcome.reason);
      }
    }
    host.count(outcome.verdict == HttpVerdict::kDelivered  ? kDelivered
               : outcome.verdict == HttpVerdict::kTryLater ? kFailed
                                                           : kRefused,
               slice.size());
    if (slice.end_of_group()) outcomes.erase(found);
    return MAYFLY_OK;
  }

  mayfly::HttpSenderOptions to;
  Format format = Format::kNdjson;
  std::uint64_t batch_rows = 1;
  std::uint64_t batch_bytes = 1;
  std::int64_t linger_ns = 0;
  OnRefused on_refused = OnRefused::kDeadLetter;

  std::uint64_t number = kWaiting;  // of the newest request
  HttpBody open_body;
  std::uint64_t rows_open = 0;
  std::vector<HttpBody> ready;  // full, and no thread is free
  std::uint64_t on_their_way = 0;
  std::uint64_t coming = 0;  // let go of those that waited, and not here yet
  std::map<std::uint64_t, Outcome> outcomes;
  std::vector<std::string> spare;  // the memory of bodies that were sent
  bool draining = false;
  bool warned = false;  // and not of the end yet
  std::optional<std::int64_t> warned_ns;
  // The last member: its threads end before anything else does.
  std::optional<HttpSender> sender;
};

}  // namespace

MAYFLY_SDK_PLUGIN(sdk::sink<SignalingHttp>({
    .name = "signaling_http",
    .version = "0.1.0",
    .summary = "Sends rows as JSON over HTTP, many in one request.",
    .flags = MAYFLY_HOLDS | MAYFLY_OPTIONAL_PORTS | MAYFLY_FAILS_ATTEMPTS,
    .options = kOptions,
    .ports = kPorts,
    .counters = kCounters,
    .reasons = kReasons,
    .raises = kRaises,
}))
