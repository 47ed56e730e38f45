// SPDX-License-Identifier: MIT
#include "cli/home.h"

#include <fmt/format.h>

#include <cstdio>

#include "machine/silicon/home_binding.h"

namespace mmscale::cli {

std::string note_home(const topology::Layout& layout, const std::set<unsigned>& nodes) {
  if (layout.source != "this host") fmt::print(stderr, "mmscale: {}\n", layout.source);
  std::string unbound;
  for (const unsigned node : nodes) {
    const std::string why = machine::silicon::why_unbound(node);
    if (why.empty()) continue;
    const std::string text = machine::silicon::unbound_text(node, why);
    fmt::print(stderr, "mmscale: {}\n", text);
    unbound += (unbound.empty() ? "" : "; ") + text;
  }
  return unbound;
}

}  // namespace mmscale::cli
