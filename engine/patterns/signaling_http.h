// HTTP whose course can be followed by signals, and steers by them like any other work.
//
//   HttpClient client(clock);
//   const HttpResponse page = download_with_signals(client, {.url = url}, sink);
//   if (!page.ok()) ...                      // page.error and page.message, or page.status
//
// SIGNALS  In this order: stage.starting, progress:0, stage.request (there is a connection),
//          stage.headers (the answer's status is known), stage.reading, progress:<percent>,
//          progress:100 and stage.completed. A percentage is raised once at most and never falls;
//          of a download it says how much of the body is here, of a post how much of it is sent,
//          so that those come before stage.headers. An answer whose length isn't told has 0 and
//          100 alone. 100 is raised when the whole answer is here.
// FAILURE  ends with stage.failed:<why> in place of the last two: the status, if the server
//          answered with one outside of 200 to 299, else a word of http_error.h. Whatever it was,
//          the response has it.
// OPERATION  With a coordinator's Operation signals are raised in its name, and its cancellation
//          and its time limit stop the transfer at once.
// THREADS  Waits on the caller's. A client serves one thread at a time. The request's own events
//          are called, too, each before the signal of the same moment.
//
// A target of its own (@mayfly//engine/patterns:signaling_http), since it needs libcurl. The sink
// of the same kind is the plugin `signaling_http`.
#pragma once

#include <stop_token>

#include "mayfly/base/operation_id.h"
#include "mayfly/net/http_client.h"
#include "mayfly/signal/signal_sink.h"
#include "mayfly/work/operation.h"

namespace mayfly {

// GET, whatever the request's method is. Set its limits: those of HttpLimits are for small answers.
HttpResponse download_with_signals(HttpClient& client, HttpRequest request, SignalSink& sink,
                                   OperationId operation = 0, std::stop_token stop = {});
HttpResponse download_with_signals(HttpClient& client, HttpRequest request, Operation& operation);

// POST, whatever the request's method is.
HttpResponse post_with_signals(HttpClient& client, HttpRequest request, SignalSink& sink,
                               OperationId operation = 0, std::stop_token stop = {});
HttpResponse post_with_signals(HttpClient& client, HttpRequest request, Operation& operation);

}  // namespace mayfly
