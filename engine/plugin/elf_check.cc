#include "mayfly/plugin/elf_check.h"

#include <elf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "mayfly/abi/mayfly_abi.h"
#include "mayfly/plugin/elf_symbols.h"

// The linker's: the header of the program that this is part of.
extern "C" __attribute__((visibility("hidden"))) const Elf64_Ehdr __ehdr_start;

namespace mayfly {
namespace {

Status refuse(Code code, std::string message) { return {code, std::move(message)}; }

std::string machine_name(std::uint16_t machine) {
  constexpr std::pair<std::uint16_t, const char*> kNames[] = {
      {EM_386, "x86"},      {EM_X86_64, "x86-64"}, {EM_ARM, "ARM"},    {EM_AARCH64, "AArch64"},
      {EM_RISCV, "RISC-V"}, {EM_PPC64, "POWER"},   {EM_S390, "S/390"}, {EM_MIPS, "MIPS"},
  };
  for (const auto& [known, name] : kNames) {
    if (known == machine) return name;
  }
  return fmt::format("machine {} of the ELF specification", machine);
}

// dlopen would say "No such file or directory".
Status check_machine(const std::string& path, const Elf64_Ehdr& head) {
  const Elf64_Ehdr& own = __ehdr_start;
  const bool own_order = head.e_ident[EI_DATA] == own.e_ident[EI_DATA];
  // At the same place in 32-bit files.
  const auto machine =
      own_order ? head.e_machine : static_cast<std::uint16_t>(__builtin_bswap16(head.e_machine));
  const bool own_class = head.e_ident[EI_CLASS] == own.e_ident[EI_CLASS];
  if (own_order && own_class && machine == own.e_machine) return {};
  return refuse(
      Code::kConfig,
      fmt::format("{}: built for {}{}, but this program for {}; build it for this machine", path,
                  machine_name(machine), own_class ? "" : " with another word size",
                  machine_name(own.e_machine)));
}

Status check_whole(const std::string& path, const Elf64_Ehdr& head, std::ifstream& file) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  std::uint64_t end = head.e_phoff + std::uint64_t{head.e_phnum} * sizeof(Elf64_Phdr);
  file.seekg(static_cast<std::streamoff>(head.e_phoff));
  for (int i = 0; i < head.e_phnum; ++i) {
    Elf64_Phdr segment{};
    if (!file.read(reinterpret_cast<char*>(&segment), sizeof segment)) break;
    if (segment.p_type == PT_LOAD) end = std::max(end, segment.p_offset + segment.p_filesz);
  }
  if (file && end <= size) return {};
  return refuse(Code::kConfig,
                fmt::format("{}: cut short: expected at least {} bytes, found {}; build or copy it "
                            "again",
                            path, end, size));
}

// In this very file: dlsym would also look into the libraries that it needs.
Status check_entry(const std::string& path) {
  MAYFLY_ASSIGN_OR_RETURN(const ElfSymbols symbols, read_elf_symbols(path));
  const auto has = [](const std::vector<std::string>& names) {
    return std::ranges::find(names, MAYFLY_PLUGIN_ENTRY) != names.end();
  };
  constexpr const char* kHowTo = "build it with mayfly_plugin and end it with MAYFLY_SDK_PLUGIN";
  if (!has(symbols.exported)) {
    return refuse(
        Code::kConfig,
        fmt::format("{}: not a Mayfly plugin: it exports no symbol " MAYFLY_PLUGIN_ENTRY "; {}",
                    path, kHowTo));
  }
  if (has(symbols.data)) {
    return refuse(Code::kConfig,
                  fmt::format("{}: not a Mayfly plugin: its symbol " MAYFLY_PLUGIN_ENTRY
                              " is data, expected a function; {}",
                              path, kHowTo));
  }
  return {};
}

}  // namespace

Status check_elf(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return refuse(Code::kConfig, fmt::format("{}: not a file; expected the lib<name>.so that "
                                             "mayfly_plugin builds",
                                             path));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return refuse(Code::kUnavailable,
                  fmt::format("{}: plugin can't be opened: {}", path, std::strerror(errno)));
  }
  Elf64_Ehdr head{};
  file.read(reinterpret_cast<char*>(&head), sizeof head);
  if (!file || std::memcmp(head.e_ident, ELFMAG, SELFMAG) != 0) {
    return refuse(Code::kConfig,
                  fmt::format("{}: not a shared library (no ELF header); expected the lib<name>.so "
                              "that mayfly_plugin builds",
                              path));
  }
  MAYFLY_RETURN_IF_ERROR(check_machine(path, head));
  if (head.e_type != ET_DYN || head.e_phentsize != sizeof(Elf64_Phdr)) {
    return refuse(
        Code::kConfig,
        fmt::format("{}: expected a shared library, found another kind of ELF file", path));
  }
  MAYFLY_RETURN_IF_ERROR(check_whole(path, head, file));
  return check_entry(path);
}

}  // namespace mayfly
