// SPDX-License-Identifier: MIT
//
// Names a user types: lists of them, and what was probably meant by one that does not exist.
#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "topology/text.h"

namespace mmscale::cli {

// A bad value on the command line; what() is one line that names the option, the value and what is allowed.
struct UsageError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

// The allowed name nearest to `name` by edit distance, if it is near enough to be a slip; else empty.
std::string_view nearest(std::string_view name, std::span<const std::string_view> allowed);

// Throws UsageError unless `name` is among `allowed`: "--scheme: there is no 'refcout', did you mean
// 'refcount'?; there are ...".
void check_name(std::string_view option, std::string_view name, std::span<const std::string_view> allowed);

// "a,b,c" to its parts, each once, "all" to every allowed name; each must be allowed, none may be empty.
std::vector<std::string> parse_names(std::string_view option, std::string_view text,
                                     std::span<const std::string_view> allowed);

// The names of a table's rows: of schemes, workloads, families, loops; rows or pointers to them.
template <class Table>
std::vector<std::string_view> names_of(const Table& table) {
  std::vector<std::string_view> names;
  for (const auto& row : table)
    if constexpr (std::is_pointer_v<std::remove_cvref_t<decltype(row)>>)
      names.push_back(row->name);
    else
      names.push_back(row.name);
  return names;
}

using topology::split_list;
// Its parts, each once.
std::vector<std::string> each_of(std::string_view text);

}  // namespace mmscale::cli
