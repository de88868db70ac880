// Mayfly for embedders: one include for the engine and its producers, signals and windows of them
// that survive the process, coordinators and the patterns made of them, caches, the single
// writer of a database, and an application's log in one.
#pragma once

#include "mayfly/base/clock.h"                                          // IWYU pragma: export
#include "mayfly/base/status.h"                                         // IWYU pragma: export
#include "mayfly/cache/coarse_clock.h"                                  // IWYU pragma: export
#include "mayfly/cache/lru_cache.h"                                     // IWYU pragma: export
#include "mayfly/cache/sliding_cache.h"                                 // IWYU pragma: export
#include "mayfly/data/schema.h"                                         // IWYU pragma: export
#include "mayfly/patterns/adaptive_rate.h"                              // IWYU pragma: export
#include "mayfly/patterns/anomaly_detector.h"                           // IWYU pragma: export
#include "mayfly/patterns/backpressure.h"                               // IWYU pragma: export
#include "mayfly/patterns/batcher.h"                                    // IWYU pragma: export
#include "mayfly/patterns/circuit_breaker.h"                            // IWYU pragma: export
#include "mayfly/patterns/controlled_fan_out.h"                         // IWYU pragma: export
#include "mayfly/patterns/dynamic_concurrency.h"                        // IWYU pragma: export
#include "mayfly/patterns/fixed_work.h"                                 // IWYU pragma: export
#include "mayfly/patterns/keyed_priority_fan_out.h"                     // IWYU pragma: export
#include "mayfly/patterns/keyed_sequential.h"                           // IWYU pragma: export
#include "mayfly/patterns/reactive_fan_out.h"                           // IWYU pragma: export
#include "mayfly/patterns/retry.h"                                      // IWYU pragma: export
#include "mayfly/patterns/signal_aware.h"                               // IWYU pragma: export
#include "mayfly/patterns/signal_coordinated_reads.h"                   // IWYU pragma: export
#include "mayfly/patterns/signal_log_watcher.h"                         // IWYU pragma: export
#include "mayfly/runtime/engine.h"                                      // IWYU pragma: export
#include "mayfly/runtime/producer.h"                                    // IWYU pragma: export
#include "mayfly/runtime/ticket.h"                                      // IWYU pragma: export
#include "mayfly/signal/signal_sink.h"                                  // IWYU pragma: export
#include "mayfly/storage/hybrid/hybrid_storage.h"                       // IWYU pragma: export
#include "mayfly/storage/log_database/log_database.h"                   // IWYU pragma: export
#include "mayfly/storage/persistent_window/persistent_signal_window.h"  // IWYU pragma: export
#include "mayfly/storage/retry/with_db_retry.h"                         // IWYU pragma: export
#include "mayfly/storage/single_writer/sqlite_single_writer.h"          // IWYU pragma: export
#include "mayfly/storage/stats/stats_reader.h"                          // IWYU pragma: export
#include "mayfly/storage/write_buffer/write_buffer.h"                   // IWYU pragma: export
#include "mayfly/work/coordinator_registry.h"                           // IWYU pragma: export
#include "mayfly/work/for_each.h"                                       // IWYU pragma: export
#include "mayfly/work/for_each_keyed.h"                                 // IWYU pragma: export
#include "mayfly/work/keyed_work_coordinator.h"                         // IWYU pragma: export
#include "mayfly/work/pin_until_acknowledged.h"                         // IWYU pragma: export
#include "mayfly/work/priority_work_coordinator.h"                      // IWYU pragma: export
#include "mayfly/work/result_coordinator.h"                             // IWYU pragma: export
#include "mayfly/work/signal_dispatcher.h"                              // IWYU pragma: export
#include "mayfly/work/work_coordinator.h"                               // IWYU pragma: export
