// page_main FILE.so PAGE.md [--write]: whether a plugin's page says what its descriptor says.
//
// The generated part stands between two marks. --write (by `bazel run`) puts it there.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "mayfly/plugin/describe.h"
#include "mayfly/plugin/library.h"

namespace {

constexpr std::string_view kBegin = "<!-- from the plugin's descriptor -->\n";
constexpr std::string_view kEnd = "<!-- until here -->\n";

int fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fail("usage: page_main FILE.so PAGE.md [--write]");
  std::string page = argv[2];
  const bool write = argc > 3 && std::string_view(argv[3]) == "--write";
  if (const char* workspace = std::getenv("BUILD_WORKSPACE_DIRECTORY"); write && workspace) {
    page = std::string(workspace) + "/" + page;
  }
  const auto library = mayfly::PluginLibrary::load(argv[1], ::geteuid());
  if (!library.ok()) return fail(library.status().message());
  std::stringstream read;
  read << std::ifstream(page).rdbuf();
  std::string text = read.str();
  const std::size_t begin = text.find(kBegin);
  const std::size_t end = text.find(kEnd);
  if (begin == text.npos || end == text.npos || end < begin) {
    return fail(page + ": expected the marks \"" + std::string(kBegin) + "\" and \"" +
                std::string(kEnd) + "\", between which the generated part stands");
  }
  const std::size_t from = begin + kBegin.size();
  const std::string wanted = mayfly::describe_markdown(**library);
  if (text.substr(from, end - from) == wanted) return 0;
  if (!write) {
    return fail(page + " differs from the descriptor. Expected:\n" + wanted +
                "\nWrite it with `bazel run` of this test and the argument --write");
  }
  text.replace(from, end - from, wanted);
  std::ofstream out(page);
  out << text;
  return out.flush() ? 0 : fail(page + ": can't be written");
}
