// SPDX-License-Identifier: MIT
#include "topology/distance.h"

namespace mmscale::topology {

Distance distance(const Layout& layout, const Pu& a, const Pu& b) {
  if (a.os_index == b.os_index) return Distance::kSamePu;
  if (!a.online || !b.online) return Distance::kUnknown;
  if (a.core == b.core) return Distance::kSmtSibling;
  if (a.llc == b.llc) return Distance::kSameLlc;
  if (layout.reported.die && a.die == b.die) return Distance::kSameDie;
  if (a.package == b.package) return Distance::kSamePackage;
  return Distance::kOtherPackage;
}

std::string_view to_string(Distance distance) {
  constexpr std::string_view kNames[] = {"same-pu",      "smt-sibling",   "same-llc", "same-die",
                                         "same-package", "other-package", "unknown"};
  return kNames[static_cast<std::size_t>(distance)];
}

}  // namespace mmscale::topology
