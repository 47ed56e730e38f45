// SPDX-License-Identifier: MIT
//
// A place in the source that asks the memory for an order: a fence, or an access that is more than relaxed. What
// breaks if it asked for less is what the order is for.
#pragma once

#include <atomic>
#include <cstring>
#include <source_location>
#include <string>
#include <vector>

namespace mmscale::machine::explorer {

struct Site {
  enum class Kind { load, store, rmw, fence, wait };

  std::source_location where;
  Kind kind;
  std::memory_order order;

  bool is_at(const std::source_location& there) const {
    return where.line() == there.line() && where.column() == there.column() &&
           std::strcmp(where.file_name(), there.file_name()) == 0;
  }
};

// One place, and what it asks for instead: relaxed, of a fence, is that there is none.
struct Weakening {
  // The end of a path, behind a slash or all of it.
  std::string file;
  unsigned line = 0;
  // 0: all of the line.
  unsigned column = 0;
  std::memory_order order = std::memory_order_relaxed;

  bool applies(const std::source_location& where) const {
    if (where.line() != line || (column != 0 && where.column() != column)) return false;
    const std::string_view path = where.file_name();
    return path.ends_with(file) && (path.size() == file.size() || path[path.size() - file.size() - 1] == '/');
  }
};

// What an exploration is told about orders.
struct Orders {
  // Filled with every place that asks for one, if not null.
  std::vector<Site>* seen = nullptr;
  const Weakening* weakening = nullptr;
  // Set once the weakened place was passed, if not null.
  bool* applied = nullptr;
};

}  // namespace mmscale::machine::explorer
