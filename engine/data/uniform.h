// Whether the rows of a slice have one value in common, asked of a whole column at once: most
// batches come from one source, have no parents and no tickets, and end as one outcome, and then
// nothing needs to be done row by row.
#pragma once

#include <cstdint>
#include <cstring>

#include "mayfly/data/batch_view.h"

namespace mayfly {

// The run is compared with itself, shifted by one: the C library's memcmp is the fastest loop there
// is.
template <class T>
bool all_are(const T* values, std::uint32_t count, T value) {
  return count == 0 ||
         (values[0] == value && std::memcmp(values, values + 1, (count - 1) * sizeof(T)) == 0);
}

// Whether the first `count` bits are set.
inline bool all_set(const std::uint64_t* bits, std::uint32_t count) {
  const std::uint32_t words = count / 64;
  const std::uint64_t rest = (std::uint64_t{1} << (count % 64)) - 1;
  return all_are(bits, words, ~std::uint64_t{0}) && (rest == 0 || (bits[words] & rest) == rest);
}

// `column` is one of the batch's.
template <class T>
bool slice_is_all(const mayfly_batch& batch, std::uint16_t head, const T* column, T value) {
  return all_of_runs(batch, head, [&](std::uint16_t first, std::uint32_t rows) {
    return all_are(column + first, rows, value);
  });
}

}  // namespace mayfly
