// RecordFormat: how a record that couldn't be read is to be read again, as its source says it to
// its host (mayfly_abi.h): the options of the plugin dead_letters that make it read what this
// source does.
//
// Pure; any thread.
#pragma once

#include <string>

#include "mayfly/file/file_options.h"
#include "mayfly/file/inspect.h"

namespace mayfly::file {

// A JSON object; empty: of JSON whose keys are the columns, which needs none.
std::string record_format_of(const FileOptions& options, const Inspection& found);

}  // namespace mayfly::file
