// SPDX-License-Identifier: MIT
#include "scheme/known.h"

#include <algorithm>

#include "kernel/lifecycle/catalogue.h"
#include "scheme/catalogue.h"

namespace mmscale::scheme {
namespace {

constexpr auto kSchemes = Catalogue::infos();
constexpr auto kLifecycleNames = kernel::lifecycle::Catalogue::names();

const std::vector<LifecycleInfo>& all_lifecycles() {
  static const std::vector<LifecycleInfo> kAll = [] {
    std::vector<LifecycleInfo> all;
    kernel::lifecycle::Catalogue::for_each([&all]<class Lifecycle> {
      all.push_back({Lifecycle::kName, Lifecycle::kWhat, Lifecycle::kAbsent,
                     Lifecycle::kWantsIrqsOffActivateMm, Lifecycle::kTotalStoreOrder});
    });
    return all;
  }();
  return kAll;
}

}  // namespace

std::span<const SchemeInfo* const> schemes() { return kSchemes; }

const SchemeInfo* find_scheme(std::string_view name) {
  const auto found = std::ranges::find(kSchemes, name, &SchemeInfo::name);
  return found == kSchemes.end() ? nullptr : *found;
}

bool must_reach_borrowers(std::string_view name) {
  bool must = true;
  Catalogue::for_each([&]<class Scheme> {
    if (Scheme::kInfo.name == name) must = !Scheme::kCounted && Scheme::kBorrowsUserMm;
  });
  return must;
}

std::span<const LifecycleInfo> lifecycles() { return all_lifecycles(); }
std::span<const std::string_view> lifecycle_names() { return kLifecycleNames; }

const LifecycleInfo& lifecycle_info(std::string_view name) {
  static const LifecycleInfo kNone;
  const auto found = std::ranges::find(all_lifecycles(), name, &LifecycleInfo::name);
  return found == all_lifecycles().end() ? kNone : *found;
}

}  // namespace mmscale::scheme
