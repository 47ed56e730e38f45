// SPDX-License-Identifier: MIT
#include "topology/layout_bytes.h"

#include <cstring>
#include <type_traits>
#include <vector>

namespace mmscale::topology {
namespace {

struct Writer {
  std::string bytes;

  template <class T>
  void one(const T& value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void one(const CoreKind& kind) { text(kind.name); }
  void text(std::string_view value) {
    one(value.size());
    bytes += value;
  }
  template <class T>
  void all(const std::vector<T>& values) {
    one(values.size());
    for (const T& value : values) one(value);
  }
};

struct Reader {
  std::string_view left;
  bool whole = true;

  std::string_view take(std::size_t size) {
    whole = whole && size <= left.size();
    const std::string_view taken = left.substr(0, whole ? size : 0);
    left.remove_prefix(taken.size());
    return taken;
  }
  template <class T>
  void one(T& value) {
    if (const std::string_view taken = take(sizeof value); whole)
      std::memcpy(static_cast<void*>(&value), taken.data(), sizeof value);
  }
  void one(CoreKind& kind) { text(kind.name); }
  void text(std::string& value) {
    std::size_t size = 0;
    one(size);
    value = take(size);
  }
  template <class T>
  void all(std::vector<T>& values) {
    std::size_t count = 0;
    for (one(count); whole && count > 0; --count) one(values.emplace_back());
  }
};

// All of a layout, written or read.
template <class Io, class L>
void pass(Io& io, L& layout) {
  io.text(layout.source);
  io.one(layout.is_this_system);
  io.all(layout.pus);
  io.all(layout.numa_nodes);
  io.all(layout.core_kinds);
  io.one(layout.core_kinds_ranked);
  io.one(layout.reported);
}

}  // namespace

std::string to_bytes(const Layout& layout) {
  Writer writer;
  pass(writer, layout);
  return std::move(writer.bytes);
}

std::optional<Layout> from_bytes(std::string_view bytes) {
  Reader reader{bytes};
  Layout layout;
  pass(reader, layout);
  if (!reader.whole || !reader.left.empty()) return std::nullopt;
  return layout;
}

}  // namespace mmscale::topology
