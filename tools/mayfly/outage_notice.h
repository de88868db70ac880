// OutageNotice: says that the writer waits for the database, why and until when, and when the wait
// is over; on every log, where no progress bar is seen.
//
// The first word comes after a second, so that short locks stay unnoticed, then one a minute.
//
// TIME  Passed in, monotonic nanoseconds. THREADS  One at a time.
#pragma once

#include <cstdint>
#include <string>

#include "tools/mayfly/console.h"

namespace mayfly::cli {

class OutageNotice {
 public:
  // deadline_ns: how long one outage is waited out; kNever: for ever.
  OutageNotice(Console& console, std::int64_t deadline_ns)
      : console_(console), deadline_ns_(deadline_ns) {}

  // since_ns: when the outage began; 0: there is none. why() is asked only when it is told.
  template <class Why>
  void update(std::int64_t now_ns, std::int64_t since_ns, Why why) {
    if (since_ns == 0) {
      if (told_) tell_end(now_ns);
    } else if (is_due(now_ns, since_ns)) {
      tell(now_ns, why());
    }
  }

 private:
  bool is_due(std::int64_t now_ns, std::int64_t since_ns);
  void tell(std::int64_t now_ns, const std::string& why);
  void tell_end(std::int64_t now_ns);

  Console& console_;
  const std::int64_t deadline_ns_;
  std::int64_t since_ns_ = 0;  // of the outage that is going on
  std::int64_t next_ns_ = 0;
  bool told_ = false;
};

}  // namespace mayfly::cli
