// The version of the program and of the engine in it.
#pragma once

namespace mayfly::cli {

inline constexpr char kVersion[] = "0.1.0";

}  // namespace mayfly::cli
