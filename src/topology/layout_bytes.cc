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
  T one() {
    T value{};
    if (const std::string_view taken = take(sizeof value); whole)
      std::memcpy(static_cast<void*>(&value), taken.data(), sizeof value);
    return value;
  }
  std::string text() { return std::string(take(one<std::size_t>())); }
  template <class T>
  std::vector<T> all() {
    std::vector<T> values;
    for (auto count = one<std::size_t>(); whole && count > 0; --count) values.push_back(one<T>());
    return values;
  }
};

}  // namespace

std::string to_bytes(const Layout& layout) {
  Writer writer;
  writer.text(layout.source);
  writer.one(layout.is_this_system);
  writer.all(layout.pus);
  writer.all(layout.numa_nodes);
  writer.one(layout.core_kinds.size());
  for (const CoreKind& kind : layout.core_kinds) writer.text(kind.name);
  writer.one(layout.core_kinds_ranked);
  writer.one(layout.reported);
  return std::move(writer.bytes);
}

std::optional<Layout> from_bytes(std::string_view bytes) {
  Reader reader{bytes};
  Layout layout;
  layout.source = reader.text();
  layout.is_this_system = reader.one<bool>();
  layout.pus = reader.all<Pu>();
  layout.numa_nodes = reader.all<NumaNode>();
  for (auto kinds = reader.one<std::size_t>(); reader.whole && kinds > 0; --kinds)
    layout.core_kinds.push_back({reader.text()});
  layout.core_kinds_ranked = reader.one<bool>();
  layout.reported = reader.one<Levels>();
  if (!reader.whole || !reader.left.empty()) return std::nullopt;
  return layout;
}

}  // namespace mmscale::topology
