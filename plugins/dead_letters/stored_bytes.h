// StoredBytes: values of a dead letter's columns that JSON can't say: blobs, and texts that aren't
// UTF-8 (engine/data/row_json.h writes them).
//
// Pure; any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace mayfly::dead_letters {

struct StoredBytes {
  std::string column;
  std::string bytes;
  bool is_blob = false;
};

// Takes {"hex":"..."} and {"text_hex":"..."} out of an object's members, which are null after it.
// `json` is the object, in one line; what isn't one is left as it is.
std::vector<StoredBytes> take_stored_bytes(std::string& json);

}  // namespace mayfly::dead_letters
