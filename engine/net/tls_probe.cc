// tls_probe URL [CA_FILE]: fetches it and prints what came of it, for tls_test.py.
#include <cstdio>
#include <string>

#include "mayfly/net/http_client.h"

int main(int argc, char** argv) {
  if (argc < 2) return 64;
  const mayfly::SystemClock clock;
  mayfly::HttpClient client(clock);
  const mayfly::HttpResponse response =
      client.send({.url = argv[1], .ca_file = argc > 2 ? argv[2] : ""});
  std::printf("%.*s %d %s\n", static_cast<int>(http_error_name(response.error).size()),
              http_error_name(response.error).data(), response.status,
              response.error == mayfly::HttpError::kNone ? response.body.c_str()
                                                         : response.message.c_str());
}
