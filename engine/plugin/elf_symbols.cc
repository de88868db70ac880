#include "mayfly/plugin/elf_symbols.h"

#include <elf.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>

namespace mayfly {
namespace {

// The file's bytes; every read is checked against its size, since nothing in it is to be trusted.
class Image {
 public:
  explicit Image(std::vector<char> bytes) : bytes_(std::move(bytes)) {}

  template <class T>
  std::optional<T> at(std::uint64_t offset) const {
    if (offset > bytes_.size() || bytes_.size() - offset < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }
  // A terminated text within [begin, begin + size).
  std::optional<std::string> text(std::uint64_t begin, std::uint64_t size, std::uint64_t at) const {
    if (begin > bytes_.size() || size > bytes_.size() - begin || at >= size) return std::nullopt;
    const char* first = bytes_.data() + begin + at;
    const void* end = std::memchr(first, 0, size - at);
    if (end == nullptr) return std::nullopt;
    return std::string(first, static_cast<const char*>(end));
  }

 private:
  std::vector<char> bytes_;
};

Result<Image> read_image(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                             &std::fclose);
  if (file == nullptr) {
    return Status(Code::kNoInput, fmt::format("{}: {}", path, std::strerror(errno)));
  }
  std::vector<char> bytes;
  char chunk[1 << 16];
  for (std::size_t n = 0; (n = std::fread(chunk, 1, sizeof chunk, file.get())) > 0;) {
    bytes.insert(bytes.end(), chunk, chunk + n);
  }
  return Image(std::move(bytes));
}

}  // namespace

Result<ElfSymbols> read_elf_symbols(const std::string& path) {
  const Status damaged(
      Code::kConfig,
      fmt::format("{}: its symbols can't be read: not a 64-bit ELF file, cut short or damaged",
                  path));
  MAYFLY_ASSIGN_OR_RETURN(const Image image, read_image(path));
  const auto header = image.at<Elf64_Ehdr>(0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_shentsize != sizeof(Elf64_Shdr)) {
    return damaged;
  }
  const auto section = [&](std::uint64_t i) {
    return image.at<Elf64_Shdr>(header->e_shoff + i * sizeof(Elf64_Shdr));
  };
  ElfSymbols symbols;
  for (std::uint32_t i = 0; i < header->e_shnum; ++i) {
    const auto dynsym = section(i);
    if (!dynsym) return damaged;
    if (dynsym->sh_type != SHT_DYNSYM) continue;
    const auto names = section(dynsym->sh_link);
    if (!names) return damaged;
    // Entry 0 is always empty.
    for (std::uint64_t k = 1; k < dynsym->sh_size / sizeof(Elf64_Sym); ++k) {
      const auto symbol = image.at<Elf64_Sym>(dynsym->sh_offset + k * sizeof(Elf64_Sym));
      if (!symbol) return damaged;
      const auto name = image.text(names->sh_offset, names->sh_size, symbol->st_name);
      if (!name) return damaged;
      const bool undefined = symbol->st_shndx == SHN_UNDEF;
      const int bind = ELF64_ST_BIND(symbol->st_info);
      if (bind == STB_LOCAL) continue;
      (undefined ? symbols.imported : symbols.exported).push_back(*name);
      if (!undefined && bind != STB_GLOBAL) symbols.weak.push_back(*name);
      const int type = ELF64_ST_TYPE(symbol->st_info);
      const bool function = type == STT_FUNC || type == STT_GNU_IFUNC;
      if (!undefined && !function) symbols.data.push_back(*name);
    }
  }
  return symbols;
}

}  // namespace mayfly
