// The descriptor's tables as typed ranges. An element may be longer than this host knows, so the
// stride is the plugin's element size. Views: nothing is owned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

#include "mayfly/abi/mayfly_abi.h"

namespace mayfly {

// Whether what is sent to this port of a sink counts as a failed attempt.
inline bool is_failed_port(const mayfly_plugin& plugin, std::uint32_t port) {
  return (plugin.flags & MAYFLY_FAILS_ATTEMPTS) != 0 && port + 1 == plugin.ports.count;
}

// Whether rows may be sent to this port of a node though nobody takes them.
inline bool may_be_unjoined(const mayfly_plugin& plugin, std::uint32_t port) {
  if ((plugin.flags & MAYFLY_OPTIONAL_PORTS) != 0 && (port > 0 || plugin.kind == MAYFLY_SINK)) {
    return true;
  }
  return is_failed_port(plugin, port);
}

// A table that came through the plugin interface, as a range of T's.
template <class T>
class TableView {
 public:
  explicit TableView(const mayfly_table& table) : table_(table) {}

  class Iterator {
   public:
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(const char* at, std::uint32_t stride) : at_(at), stride_(stride) {}
    const T& operator*() const { return *reinterpret_cast<const T*>(at_); }
    const T* operator->() const { return &**this; }
    Iterator& operator++() {
      at_ += stride_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    bool operator==(const Iterator& other) const { return at_ == other.at_; }

   private:
    const char* at_ = nullptr;
    std::uint32_t stride_ = 0;
  };

  std::uint32_t size() const { return table_.count; }
  bool empty() const { return table_.count == 0; }
  const T& operator[](std::uint32_t i) const {
    return *reinterpret_cast<const T*>(data() + std::size_t{i} * table_.element_size);
  }
  Iterator begin() const { return {data(), table_.element_size}; }
  Iterator end() const {
    return {data() + std::size_t{table_.count} * table_.element_size, table_.element_size};
  }
  // By the element's name.
  std::optional<std::uint32_t> find(std::string_view name) const {
    for (std::uint32_t i = 0; i < size(); ++i) {
      if (name == (*this)[i].name) return i;
    }
    return std::nullopt;
  }

 private:
  const char* data() const { return static_cast<const char*>(table_.data); }

  mayfly_table table_;
};

using NamedTable = TableView<mayfly_named>;
using OptionTable = TableView<mayfly_option>;

}  // namespace mayfly
