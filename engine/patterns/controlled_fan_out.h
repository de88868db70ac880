// ControlledFanOut: a limit on all that runs, and one for each key.
//
//   ControlledFanOut<std::string, Request> fan_out(
//       [](const Request& r) { return r.host; }, send, {.max_global = 32, .per_key = 4});
//
// A key that is full leaves its place to others: no global place is held while a key's is waited
// for. The node of the same kind is the plugin `controlled_fanout`. atom.h says the rest.
#pragma once

#include <utility>

#include "mayfly/patterns/keyed_sequential.h"

namespace mayfly {

// The two limits.
struct ControlledFanOutOptions {
  int max_global = 0;  // 0 or less: the number of processors
  int per_key = 1;
  SignalSink* signals = nullptr;  // borrowed; null: one of its own
  const Clock* clock = nullptr;   // borrowed; null: the machine's
};

template <class Key, class Item>
class ControlledFanOut : public KeyedSequential<Item, Key> {
 public:
  template <BodyOf<Item> Body>
  ControlledFanOut(typename KeyedSequential<Item, Key>::KeySelector key_selector, Body body,
                   const ControlledFanOutOptions& options)
      : KeyedSequential<Item, Key>(std::move(key_selector), std::move(body),
                                   {.max_concurrency = options.max_global,
                                    .per_key = options.per_key,
                                    .signals = options.signals,
                                    .clock = options.clock}) {}
};

}  // namespace mayfly
