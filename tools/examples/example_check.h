// How examples say that they did what they show.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace example {

// Prints what was shown; exits the program when it wasn't so.
inline void shown(bool so, const char* what) {
  std::printf("%s %s\n", so ? "ok  " : "FAIL", what);
  if (!so) std::quick_exit(1);
}

}  // namespace example
