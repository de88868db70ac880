// How a record that couldn't be read is to be read again, as its source says it to its host
// (mayfly_abi.h): the options of the plugin dead_letters that make it read what this source does.
// Types are those that were read; whether a table's go before them is for who replays.
//
// Pure; any thread.
#pragma once

#include <string>

#include "mayfly/file/file_options.h"
#include "mayfly/file/inspect.h"

namespace mayfly::file {

// A JSON object.
std::string record_format_of(const FileOptions& options, const Inspection& found);

}  // namespace mayfly::file
