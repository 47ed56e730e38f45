// SPDX-License-Identifier: MIT
// A Layout on its way from one process to another of the same program.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "topology/layout.h"

namespace mmscale::topology {

std::string to_bytes(const Layout& layout);

// Nothing if they are not the bytes of a whole Layout.
std::optional<Layout> from_bytes(std::string_view bytes);

}  // namespace mmscale::topology
