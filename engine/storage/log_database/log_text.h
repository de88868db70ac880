// What the table is given of an entry as text: its message with the mark of what was cut, its extra
// fields as JSON.
//
//   {"track_id":123,"rate":0.5,"done":true,"error":null,"title":"a \"b\""}
//
// Texts that aren't UTF-8 have U+FFFD where they aren't. Reals are the shortest that read back the
// same; NaN is null, infinities are 9e999. "fields_cut" counts fields that were left out.
// THREADS    Any.
#pragma once

#include <string>
#include <string_view>

#include "mayfly/storage/log_database/log_codec.h"

namespace mayfly {

// Each appends to `out`.
void append_log_message(const LogEntry& entry, std::string& out);
// Nothing when it has no fields.
void append_extra_json(const LogEntry& entry, std::string& out);
void append_utf8(std::string_view text, std::string& out);

}  // namespace mayfly
