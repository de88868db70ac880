#include "mayfly/signal/signal_route.h"

#include <utility>

namespace mayfly {

SignalSubscription route(SignalSink& from, std::string_view patterns, SignalSink& to,
                         RouteTransform transform, RouteObserver on_forwarded) {
  return from.subscribe(patterns,
                        [&to, transform = std::move(transform),
                         on_forwarded = std::move(on_forwarded)](const SignalEvent& event) {
                          std::string transformed;
                          std::string_view name;
                          if (transform) {
                            transformed = transform(event);
                            name = transformed;
                            if (name.empty()) return;
                          } else {
                            name = event.name();
                          }
                          if (to.raise_caused(name, event, event.operation()) && on_forwarded)
                            on_forwarded(event, name);
                        });
}

}  // namespace mayfly
