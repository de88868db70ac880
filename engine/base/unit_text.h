// Durations, sizes and numbers as a pipeline's file has them, for messages. Functions are pure.
#pragma once

#include <cstdint>
#include <string>

namespace mayfly {

// The shortest exact form: "1.5s", "64KiB".
std::string format_duration(std::int64_t ns);
std::string format_size(std::int64_t bytes);
// To 15 digits, so that a sum of decimals looks like one: "1.8".
std::string format_number(double number);

}  // namespace mayfly
