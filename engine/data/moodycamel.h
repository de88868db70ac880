// moodycamel's queue and semaphore, wherever a distribution puts them: Debian 12 in
// concurrentqueue/, later ones in concurrentqueue/moodycamel/, a source tree at its root.
#pragma once

// lightweightsemaphore.h 1.0.3 uses assert and concurrentqueue.h's macros without including either.
#include <cassert>

#if __has_include(<concurrentqueue/concurrentqueue.h>)
#include <concurrentqueue/concurrentqueue.h>
#include <concurrentqueue/lightweightsemaphore.h>
#elif __has_include(<concurrentqueue/moodycamel/concurrentqueue.h>)
#include <concurrentqueue/moodycamel/concurrentqueue.h>
#include <concurrentqueue/moodycamel/lightweightsemaphore.h>
#else
#include <concurrentqueue.h>
#include <lightweightsemaphore.h>
#endif
