// Mayfly for embedders: one include for the engine, its producers, its signals and its caches.
#pragma once

#include "mayfly/base/clock.h"           // IWYU pragma: export
#include "mayfly/base/status.h"          // IWYU pragma: export
#include "mayfly/cache/coarse_clock.h"   // IWYU pragma: export
#include "mayfly/cache/lru_cache.h"      // IWYU pragma: export
#include "mayfly/cache/sliding_cache.h"  // IWYU pragma: export
#include "mayfly/data/schema.h"          // IWYU pragma: export
#include "mayfly/runtime/engine.h"       // IWYU pragma: export
#include "mayfly/runtime/producer.h"     // IWYU pragma: export
#include "mayfly/runtime/ticket.h"       // IWYU pragma: export
#include "mayfly/signal/signal_sink.h"   // IWYU pragma: export
