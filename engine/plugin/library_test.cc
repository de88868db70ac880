#include "mayfly/plugin/library.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "mayfly/plugin/registry.h"

namespace mayfly {
namespace {

namespace fs = std::filesystem;

// A folder of its own for each test, not writable by others.
fs::path folder(const std::string& name) {
  const char* base = std::getenv("TEST_TMPDIR");
  const fs::path path = fs::path(base == nullptr ? "/tmp" : base) / name;
  fs::remove_all(path);
  fs::create_directories(path);
  ::chmod(path.c_str(), 0755);
  return path;
}

// The plugin from the runfiles, copied into the folder.
fs::path copied(const fs::path& into, const std::string& from, const std::string& as = "") {
  const fs::path source(from);
  const fs::path target = into / (as.empty() ? source.filename().string() : as);
  fs::copy_file(fs::canonical(source), target, fs::copy_options::overwrite_existing);
  ::chmod(target.c_str(), 0644);
  return target;
}

std::string refusal(const fs::path& path) {
  const auto library = PluginLibrary::load(path.string(), ::geteuid());
  return library.ok() ? "" : library.status().message();
}

std::string refused_bad(const std::string& name) {
  const fs::path path = copied(folder("bad_" + name), "tests/plugins/bad/lib" + name + ".so");
  const std::string message = refusal(path);
  CHECK(message.starts_with(fs::canonical(path).string() + ": "));
  return message;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("library: a file that was cut short is refused, wherever the cut is") {
  const fs::path path = copied(folder("cut"), "plugins/batch/libbatch.so");
  // Within what is loaded: behind it a file may hold debug information, which nothing maps.
  for (const std::uintmax_t size : {5000, 1000, 64}) {
    fs::resize_file(path, size);
    CAPTURE(size);
    CHECK(has(refusal(path), "cut short"));
  }
  fs::resize_file(path, 20);
  CHECK(has(refusal(path), "no ELF header"));
}

TEST_CASE("library: a pipe or a folder in a plugin's place is refused, not waited for") {
  const fs::path where = folder("not_a_file");
  REQUIRE(::mkfifo((where / "libpipe.so").c_str(), 0600) == 0);
  CHECK(has(refusal(where / "libpipe.so"), "not a file"));
  fs::create_directory(where / "libfolder.so");
  CHECK(has(refusal(where / "libfolder.so"), "not a file"));
}

TEST_CASE("library: a plugin loads from a folder that holds nothing else") {
  const fs::path path = copied(folder("alone"), "plugins/batch/libbatch.so");
  const auto library = PluginLibrary::load(path.string(), ::geteuid());
  REQUIRE_MESSAGE(library.ok(), library.status().message());
  CHECK((*library)->name() == "batch");
  CHECK((*library)->path() == fs::canonical(path).string());
}

TEST_CASE("library: a file that isn't there, or isn't a library, is refused") {
  const fs::path dir = folder("not_elf");
  CHECK(has(refusal(dir / "libnone.so"), "plugin can't be found: No such file or directory"));
  std::ofstream(dir / "libtext.so") << "just text";
  CHECK(has(refusal(dir / "libtext.so"), "not a shared library (no ELF header)"));
  std::ofstream(dir / "libempty.so");
  CHECK(has(refusal(dir / "libempty.so"), "not a shared library (no ELF header)"));
  std::ofstream(dir / "libcut.so") << "\x7f"
                                      "ELF and then nothing of the kind";
  CHECK(has(refusal(dir / "libcut.so"), "no ELF header"));
}

TEST_CASE("library: a plugin that breaks the ABI is refused, and told how") {
  CHECK(has(refused_bad("wrong_major"), "majors must be equal"));
  CHECK(has(refused_bad("newer_minor"), "newer than this program's"));
  CHECK(has(refused_bad("cut_short"), "its descriptor is cut short"));
  CHECK(has(refused_bad("null_descriptor"), "returned NULL"));
  CHECK(has(refused_bad("no_entry"), "it exports no symbol mayfly_plugin_v1"));
  CHECK(has(refused_bad("other_name"),
            "calls itself \"somebody_else\", so its file must be called libsomebody_else.so"));
}

TEST_CASE("library: an entry that is data is refused before anything is called") {
  CHECK(
      has(refused_bad("entry_is_data"),
          "its symbol mayfly_plugin_v1 is data, expected a function; build it with mayfly_plugin"));
}

TEST_CASE("library: what the loader refuses is told in its words") {
  CHECK(has(refused_bad("unresolved"), "can't be loaded: "));
  CHECK(has(refused_bad("unresolved"), "nobody_defines_this"));
}

TEST_CASE("library: a file for another machine is refused, and the machine is named") {
  const fs::path path = copied(folder("machine"), "plugins/pass/libpass.so");
  const auto with = [&](std::streamoff at, std::string_view bytes) {
    std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
    std::string before(bytes.size(), '\0');
    file.seekg(at).read(before.data(), static_cast<std::streamsize>(before.size()));
    file.seekp(at).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    file.close();
    const std::string message = refusal(path);
    file.open(path, std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(at).write(before.data(), static_cast<std::streamsize>(before.size()));
    return message;
  };
  using namespace std::string_view_literals;
  constexpr std::streamoff kClass = 4, kOrder = 5, kMachine = 18;
  CHECK(has(with(kMachine, "\x16\0"sv), "built for S/390, but this program for "));
  CHECK(has(with(kMachine, "\xff\xfe"sv), "built for machine 65279 of the ELF specification"));
  CHECK(has(with(kClass, "\1"sv), " with another word size, but this program for "));
  CHECK(has(with(kOrder, "\2"sv), "but this program for "));
  CHECK(refusal(path) == "");
}

TEST_CASE("trust: what others can write isn't loaded, also not in a sticky folder") {
  const fs::path dir = folder("trust");
  const fs::path path = copied(dir, "plugins/pass/libpass.so");
  CHECK(refusal(path) == "");
  ::chmod(path.c_str(), 0664);
  CHECK(has(refusal(path), "since the file is writable by its group (mode 0664); run `chmod go-w"));
  ::chmod(path.c_str(), 0646);
  CHECK(has(refusal(path), "since the file is writable by others (mode 0646)"));
  ::chmod(path.c_str(), 0644);
  ::chmod(dir.c_str(), 01777);
  CHECK(has(refusal(path), "since its folder is writable by others (mode 1777)"));
  ::chmod(dir.c_str(), 0755);
}

TEST_CASE("trust: the rule applies to the file that a link leads to") {
  const fs::path open = folder("trust_open");
  const fs::path closed = folder("trust_closed");
  const fs::path target = copied(open, "plugins/pass/libpass.so");
  fs::create_symlink(target, closed / "libpass.so");
  ::chmod(open.c_str(), 0777);
  CHECK(has(refusal(closed / "libpass.so"), "its folder is writable by others"));
  ::chmod(open.c_str(), 0755);
}

TEST_CASE("trust: files of root and of the user are trusted, those of others aren't") {
  CHECK(check_ownership("/f", "the file", 0, 0100644, 1000).ok());
  CHECK(check_ownership("/f", "the file", 1000, 0100644, 1000).ok());
  CHECK(check_ownership("/f", "the file", 1001, 0100644, 1000).message() ==
        "/f: not loaded, since the file belongs to user 1001; only root and user 1000 are trusted; "
        "change the owner or copy the plugin to a folder of your own");
  CHECK_FALSE(check_ownership("/f", "its folder", 1000, 0040777, 1000).ok());
}

TEST_CASE("registry: the first folder that has the plugin decides, also when it is refused") {
  const fs::path first = folder("first");
  const fs::path second = folder("second");
  copied(second, "plugins/pass/libpass.so");
  PluginSearch search;
  search.user = ::geteuid();
  search.directories = {first.string()};
  search.environment_path = ":" + second.string() + ":/nonexistent";
  CHECK(PluginRegistry(search).find("pass").ok());

  ::chmod(copied(first, "plugins/pass/libpass.so").c_str(), 0666);

  const auto refused = PluginRegistry(search).find("pass");
  REQUIRE(!refused.ok());
  CHECK(has(refused.status().message(), first.string()));
}

TEST_CASE(
    "registry: whatever has the plugin's name decides, and isn't passed over for a later one") {
  const fs::path first = folder("decides");
  const fs::path second = folder("decides_not");
  copied(second, "plugins/pass/libpass.so");
  const fs::path entry = first / "libpass.so";
  PluginSearch search;
  search.user = ::geteuid();
  search.directories = {first.string(), second.string()};
  const auto refused = [&] {
    PluginRegistry registry(search);
    const auto found = registry.find("pass");
    CHECK(registry.list().size() == 1);
    CHECK(registry.list()[0].library == nullptr);
    fs::remove_all(entry);
    return found.ok() ? "" : found.status().message();
  };
  fs::create_directory(entry);
  CHECK(has(refused(), "decides/libpass.so: not a file"));
  REQUIRE(::mkfifo(entry.c_str(), 0600) == 0);
  CHECK(has(refused(), "decides/libpass.so: not a file"));
  fs::create_symlink("libpass.so", entry);
  CHECK(has(refused(), "decides/libpass.so: plugin can't be found: Too many levels"));
  fs::create_symlink("nowhere.so", entry);
  CHECK(has(refused(), "decides/libpass.so: plugin can't be found: No such file"));
  CHECK(PluginRegistry(search).find("pass").ok());
}

TEST_CASE("registry: a name is suggested for one that isn't known, not for one that is refused") {
  const fs::path dir = folder("suggests");
  copied(dir, "tests/plugins/bad/libunresolved.so");
  PluginSearch search;
  search.user = ::geteuid();
  search.directories = {dir.string()};
  PluginRegistry registry(search);
  CHECK(registry.find("unresolved").status().code() == Code::kUnavailable);
  CHECK(registry.nearest_name("unresolved") == "");
  CHECK(registry.nearest_name("unresolvd") == "unresolved");
  CHECK(registry.nearest_name("something_else") == "");
}

TEST_CASE("registry: finds plugins beside the program, installed or built") {
  const fs::path root = folder("prefix");
  fs::create_directories(root / "bin");
  fs::create_directories(root / "lib/mayfly/plugins");
  fs::create_directories(root / "tree/tools/mayfly");
  fs::create_directories(root / "tree/plugins/batch");
  copied(root / "lib/mayfly/plugins", "plugins/pass/libpass.so");
  copied(root / "tree/plugins/batch", "plugins/batch/libbatch.so");
  PluginSearch search;
  search.user = ::geteuid();
  search.program = (root / "bin/mayfly").string();
  CHECK(PluginRegistry(search).names() == std::vector<std::string>{"pass"});
  search.program = (root / "tree/tools/mayfly/mayfly").string();
  PluginRegistry built(search);
  CHECK(built.names() == std::vector<std::string>{"batch"});
  CHECK(built.find("batch").ok());
}

TEST_CASE("registry: finds the plugins in the program's own runfiles, behind the environment's") {
  const fs::path root = folder("runfiles");
  fs::create_directories(root / "bench.runfiles/_main/plugins/pass");
  fs::create_directories(root / "given/_main/plugins/pass");
  const fs::path own =
      copied(root / "bench.runfiles/_main/plugins/pass", "plugins/pass/libpass.so");
  PluginSearch search;
  search.user = ::geteuid();
  search.program = (root / "bench").string();
  const auto found = PluginRegistry(search).find("pass");
  REQUIRE_MESSAGE(found.ok(), found.status().message());
  CHECK((*found)->path() == own.string());
  const fs::path given = copied(root / "given/_main/plugins/pass", "plugins/pass/libpass.so");
  search.runfiles = (root / "given").string();
  CHECK((*PluginRegistry(search).find("pass"))->path() == given.string());
  // What has no plugins there isn't said to have been searched.
  std::ofstream(root / "given/MANIFEST") << "_main/x /x";
  fs::create_directories(root / "given/other");
  const std::string missing = PluginRegistry(search).find("none").status().message();
  CHECK(has(missing, "searched " + (root / "given/_main/plugins").string() + ", "));
  CHECK_FALSE(has(missing, "MANIFEST"));
  CHECK_FALSE(has(missing, "given/other"));
}

TEST_CASE("registry: a missing plugin's message names the folders that were searched") {
  PluginSearch search;
  search.directories = {"/a", "/b"};
  const auto found = PluginRegistry(search).find("pass");
  REQUIRE(!found.ok());
  CHECK(found.status().code() == Code::kUnavailable);
  CHECK(found.status().message() ==
        "plugin \"pass\" was not found; searched /a, /b (name its folder with --plugin-dir or "
        "MAYFLY_PLUGIN_PATH)");
  CHECK(has(PluginRegistry(search).find("libpass.so").status().message(),
            "a path needs a slash, as in \"./libpass.so\""));
}

TEST_CASE("registry: the list has the good ones and why the others were refused") {
  const fs::path dir = folder("listed");
  copied(dir, "plugins/pass/libpass.so");
  copied(dir, "tests/plugins/bad/libcut_short.so");
  std::ofstream(dir / "notes.txt") << "no plugin";
  PluginSearch search;
  search.user = ::geteuid();
  search.directories = {dir.string()};
  const std::vector<PluginListing> list = PluginRegistry(search).list();
  REQUIRE(list.size() == 2);
  CHECK(list[0].name == "cut_short");
  CHECK(list[0].library == nullptr);
  CHECK(has(list[0].status.message(), "cut short"));
  CHECK(list[1].name == "pass");
  CHECK(list[1].library != nullptr);
}

TEST_CASE("registry: a plugin is loaded once, by name or by path") {
  const fs::path dir = folder("once");
  const fs::path path = copied(dir, "plugins/pass/libpass.so");
  PluginSearch search;
  search.user = ::geteuid();
  search.directories = {dir.string()};
  PluginRegistry registry(search);
  CHECK(registry.find("pass")->get() == registry.find(path.string())->get());
}

}  // namespace
}  // namespace mayfly
