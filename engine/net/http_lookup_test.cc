// A program of its own: its getaddrinfo is libcurl's, too.
#include <doctest/doctest.h>
#include <netdb.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "mayfly/net/http_client.h"

namespace {

// Where lookups wait until the test lets them go.
struct Lookups {
  std::mutex mutex;
  std::condition_variable changed;
  int begun = 0;
  int ended = 0;
  bool may_end = false;
};

Lookups& lookups() {
  static Lookups& made = *new Lookups;  // threads of libcurl may outlive main
  return made;
}

}  // namespace

extern "C" int getaddrinfo(const char*, const char*, const addrinfo*, addrinfo**) {
  Lookups& all = lookups();
  std::unique_lock lock(all.mutex);
  ++all.begun;
  all.changed.notify_all();
  all.changed.wait(lock, [&] { return all.may_end; });
  ++all.ended;
  all.changed.notify_all();
  return EAI_FAIL;
}

namespace mayfly {
namespace {

TEST_CASE("http client: a stop doesn't wait for a name's address") {
  const ManualClock clock;
  std::stop_source stop;
  {
    HttpClient client(clock);
    const std::jthread stopper([&] {
      std::unique_lock lock(lookups().mutex);
      lookups().changed.wait(lock, [] { return lookups().begun > 0; });
      stop.request_stop();
    });
    const HttpResponse response = client.send(
        {.url = "http://slow.example/", .limits = {.connect_ns = kNever, .total_ns = kNever}},
        stop.get_token());
    CHECK(response.error == HttpError::kCancelled);
  }
  std::unique_lock lock(lookups().mutex);
  CHECK(lookups().ended == 0);
  lookups().may_end = true;
  lookups().changed.notify_all();
  lookups().changed.wait(lock, [] { return lookups().ended == lookups().begun; });
}

}  // namespace
}  // namespace mayfly
