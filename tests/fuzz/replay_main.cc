// Gives a fuzzer's target the files of its corpus, one after the other: what was found once is
// found again, and what covers much is tried with every compiler and sanitizer.
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tests/fuzz/fuzz_input.h"

int main(int argc, char** argv) {
  int files = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream in(entry.path(), std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(in), {}};
      std::printf("%s\n", entry.path().c_str());
      std::fflush(stdout);
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
      ++files;
    }
  }
  mayfly::fuzz::check(files > 0, "a corpus has files");
  return 0;
}
