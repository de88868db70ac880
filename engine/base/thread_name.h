// name_this_thread: what a debugger, top -H and perf call the calling thread. At most 15 bytes.
#pragma once

#include <pthread.h>

namespace mayfly {

inline void name_this_thread(const char* name) { pthread_setname_np(pthread_self(), name); }

}  // namespace mayfly
