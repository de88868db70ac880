#include "mayfly/work/for_each_crew.h"

#include <exception>

#include "mayfly/base/thread_name.h"

namespace mayfly {

void ForEachCrew::run() {
  work_(0);
  for (std::jthread& thread : threads_) {
    if (!thread.joinable()) break;
    thread.join();
  }
}

void ForEachCrew::grow(int number) {
  const auto place = static_cast<std::size_t>(number);
  if (place >= threads_.size() || threads_[place].joinable()) return;
  try {
    threads_[place] = std::jthread([this, number] {
      name_this_thread("mayfly-each");
      work_(number + 1);
    });
  } catch (const std::exception&) {
    // No thread to be had, or no memory for one: those that run do the work.
  }
}

}  // namespace mayfly
