// SPDX-License-Identifier: MIT
//
// What the catalogue says of a scheme. Apart from info.h, so that who only names schemes need not know the kernel.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "kernel/build.h"

namespace mmscale::scheme {

// Whether `said`, a name or the beginning of several and "*", stands for `name`.
constexpr bool stands_for(std::string_view said, std::string_view name) {
  return said.ends_with('*') ? name.starts_with(said.substr(0, said.size() - 1)) : said == name;
}

// Whether a scheme keeps every lazily borrowed mm alive under one lifecycle's rules, and the fact this rests
// on.
struct Safety {
  // As in stands_for(). The entry that says most of a name holds for it.
  std::string_view lifecycle;
  bool safe;
  std::string_view because;
  // A rule without which it is not: kIrqsOffActivateMm or nothing.
  std::string_view only_with = {};
};

// What schemes that ask a CPU for its active_mm need (kernel::Rules): without it a kernel thread's exec sets
// active_mm with interrupts on while the old mm is still loaded, and who asks in between gets a false "not
// me".
inline constexpr std::string_view kIrqsOffActivateMm = "irqs_off_activate_mm";

struct SchemeInfo {
  std::string_view name;
  // One sentence each: the whole idea, and the three places where it costs.
  std::string_view summary;
  std::string_view on_entry;   // user -> kernel
  std::string_view on_exit;    // kernel -> user
  std::string_view last_drop;  // the last mmdrop
  std::string_view origin;
  std::string_view upstream;
  std::span<const Safety> safety;
  // What it can be tuned with (kernel::Tuning): the key of that in a record; empty for nothing.
  std::string_view tunable = {};

  // The entry for a lifecycle; nullptr if nothing is known, which counts as unsafe.
  constexpr const Safety* under(std::string_view lifecycle) const {
    const Safety* best = nullptr;
    for (const Safety& entry : safety) {
      if (entry.lifecycle == lifecycle) return &entry;
      if (stands_for(entry.lifecycle, lifecycle) &&
          (best == nullptr || best->lifecycle.size() < entry.lifecycle.size()))
        best = &entry;
    }
    return best;
  }
  // The same, of every lifecycle: unsafe under one that nobody has thought the scheme through under.
  constexpr Safety judged_under(std::string_view lifecycle) const {
    const Safety* entry = under(lifecycle);
    return entry != nullptr ? *entry : Safety{lifecycle, false, "nothing is known of it"};
  }
};

}  // namespace mmscale::scheme
