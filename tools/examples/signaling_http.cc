// A download that can be followed by signals, and one that fails. The argument is ignored: a server
// on loopback stands for the real one.
#include "mayfly/patterns/signaling_http.h"

#include <cstdio>
#include <string>

#include "mayfly/mayfly.h"
#include "tools/examples/example_check.h"
#include "tools/examples/one_answer.h"

using example::shown;

namespace {

constexpr int kBytes = 300'000;

void downloaded(mayfly::HttpClient& client, mayfly::SignalSink& sink) {
  const example::OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kBytes) +
                                      "\r\n\r\n" + std::string(kBytes, '.'),
                                  1);
  int percents = 0;
  const auto watch = sink.subscribe("progress:*,stage.*", [&](const mayfly::SignalEvent& event) {
    const bool between = event.name().starts_with("progress:") && event.name() != "progress:100";
    if (between && ++percents % 5 != 1) return;
    std::printf("  %.*s\n", static_cast<int>(event.name().size()), event.name().data());
  });
  const mayfly::HttpResponse page = download_with_signals(client, {.url = server.url()}, sink);
  shown(page.ok() && page.body.size() == kBytes, "a download, while its progress is shown");
  shown(sink.detect("stage.completed") && sink.detect("progress:100"), "it has ended well");
}

void cut_short(mayfly::HttpClient& client, mayfly::SignalSink& sink) {
  const example::OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf", 1);
  const mayfly::HttpResponse page = download_with_signals(client, {.url = server.url()}, sink);
  shown(page.error == mayfly::HttpError::kCutShort, "half an answer is none");
  std::printf("  %s\n", page.message.c_str());
  shown(sink.detect("stage.failed:cut-short"), "and a signal says why");
}

// Bodies that wait for a server are cancelled with their coordinator.
void many(mayfly::SignalSink& sink, const mayfly::Clock& clock) {
  const example::OneAnswer server("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 4);
  mayfly::WorkCoordinator<std::string> downloads(
      {.max_concurrency = 2, .signals = &sink},
      [&clock](std::string& url, mayfly::Operation& operation) {
        mayfly::HttpClient client(clock);
        return download_with_signals(client, {.url = url}, operation).ok()
                   ? mayfly::Status()
                   : mayfly::Status(mayfly::Code::kTryAgain, "not downloaded");
      });
  for (int i = 0; i < 4; ++i) {
    if (!downloads.enqueue(server.url()).ok()) shown(false, "a URL is taken");
  }
  downloads.complete();
  shown(downloads.drain().ok() && downloads.counts().succeeded == 4, "several, two at a time");
}

}  // namespace

int main() {
  const mayfly::SystemClock clock;
  mayfly::SignalSink sink(clock);
  mayfly::HttpClient client(clock);
  downloaded(client, sink);
  cut_short(client, sink);
  many(sink, clock);
}
