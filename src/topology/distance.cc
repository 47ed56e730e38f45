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
  switch (distance) {
    case Distance::kSamePu:
      return "same-pu";
    case Distance::kSmtSibling:
      return "smt-sibling";
    case Distance::kSameLlc:
      return "same-llc";
    case Distance::kSameDie:
      return "same-die";
    case Distance::kSamePackage:
      return "same-package";
    case Distance::kOtherPackage:
      return "other-package";
    case Distance::kUnknown:
      break;
  }
  return "unknown";
}

}  // namespace mmscale::topology
