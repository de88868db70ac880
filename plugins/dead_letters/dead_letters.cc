// The descriptor of the source of dead letters; dead_letter_source.h says what it does.
#include "mayfly/dead_letters/dead_letter_source.h"

namespace {

constexpr mayfly_named kPorts[] = {{"out", "Every letter that could be read, in order."}};

// As the readers number theirs, and one more.
constexpr mayfly_named kReasons[] = {
    mayfly::kReadReasons[0],
    mayfly::kReadReasons[1],
    mayfly::kReadReasons[2],
    mayfly::kReadReasons[3],
    mayfly::kReadReasons[4],
    mayfly::kReadReasons[5],
    mayfly::kReadReasons[6],
    {"not_one_record", "a letter is one record, and this is none or several"},
};
static_assert(sizeof kReasons / sizeof kReasons[0] == mayfly::dead_letters::kNotOneRecord + 1u);

}  // namespace

MAYFLY_SDK_PLUGIN(mayfly::sdk::source<mayfly::dead_letters::DeadLetterSource>({
    .name = "dead_letters",
    .version = "0.1.0",
    .summary = "Reads dead letters, as `mayfly dlq show` writes them, to try their rows again.",
    .flags = MAYFLY_REPLAYABLE | MAYFLY_PARSES_TEXT,
    .options = mayfly::dead_letters::kOptions,
    .ports = kPorts,
    .reasons = kReasons,
}))
