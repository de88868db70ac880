// PatternCache: the last kPatternsMax globs that a sink was asked for, compiled.
//
// THREADS    Any thread; a mutex, never taken by raises. Who asks for the same pattern again and
//            again keeps a PatternSet instead (pattern_set.h), which takes none.
// MEMORY     Shares ownership of a pattern with the queries that use it.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "mayfly/signal/compiled_pattern.h"

namespace mayfly {

class PatternCache {
 public:
  // Allocates when the glob isn't among the last ones.
  std::shared_ptr<const CompiledPattern> get(std::string_view glob);

 private:
  static constexpr std::size_t kPatternsMax = 32;

  std::mutex mutex_;
  std::vector<std::shared_ptr<const CompiledPattern>> patterns_;
  std::size_t next_victim_ = 0;
};

}  // namespace mayfly
