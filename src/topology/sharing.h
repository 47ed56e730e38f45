// SPDX-License-Identifier: MIT
// Which CPUs share one object (an mm, a line): a partition of the CPUs in use.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "topology/layout.h"

namespace mmscale::topology {

enum class ShareBy { kAll, kPackage, kNuma, kDie, kLlc, kCore, kPrivate, kCpus };

// What parse_sharing takes, besides a number of CPUs.
inline constexpr std::array<std::string_view, 7> kSharingNames{"all", "package", "numa",   "die",
                                                               "llc", "core",    "private"};

struct Sharing {
  ShareBy by = ShareBy::kAll;
  unsigned cpus = 0;  // of kCpus: how many neighbours in the placement order share

  bool operator==(const Sharing&) const = default;
};

// One of kSharingNames, or how many CPUs are to share ("8"). Throws std::invalid_argument.
Sharing parse_sharing(std::string_view text);

// What parse_sharing reads back.
std::string to_string(const Sharing& sharing);

// For each of the CPUs (OS indexes in placement order) the
// group it is in. Groups count from 0 as they first appear. Throws std::invalid_argument.
std::vector<unsigned> groups(const Layout& layout, std::span<const unsigned> cpus, const Sharing& sharing);

}  // namespace mmscale::topology
