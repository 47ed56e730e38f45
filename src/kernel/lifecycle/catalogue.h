// SPDX-License-Identifier: MIT
//
// The one table of lifecycles: what an architecture does to mm_cpumask, loaded_mm and active_mm behind the
// scheduler's back. docs/lifecycles.md has their rules side by side. A lifecycle is a struct of static
// functions:
//
//   kName, kWhat              its name, and one line about it
//   kKeepsMask                mm_cpumask tells where an mm may be; else every CPU is a candidate
//   kSwitchMmReadsPrev        switch_mm loads from the scheduler's prev, which must not be freed then
//   kSwitchMmComparesPrev     switch_mm compares it with next
//   kSwitchMmIsFullBarrier    changing the mm is a full barrier (membarrier, switch_mm_cid)
//   kSwitchToIsFullBarrier    every __switch_to is one
//   kWantsIrqsOffActivateMm   ARCH_WANT_IRQS_OFF_ACTIVATE_MM in 6.12
//   kAbsent                   costs of the architecture that are not there
//   enter_lazy_tlb<K>(m, cpu, mm)             a CPU begins to borrow, or goes on borrowing; interrupts off
//   switch_mm_irqs_off<K>(m, cpu, prev, next) the page tables change; interrupts off
//   exit_flush<K>(m, cpu, mm)                 exit_mmap's flush, by a task that is lazy on mm itself
//   flush_tlb_mm<K>(m, cpu, mm, freed)        a flush of a living mm
//   enter_deep_idle<K>(m, cpu)                optional: an idle state that loses the TLB
//   cpu_disable<K>(m, cpu)                    optional: what __cpu_disable does to the masks; interrupts off
#pragma once

#include <array>
#include <string_view>

#include "kernel/lifecycle/arm64.h"
#include "kernel/lifecycle/powerpc.h"
#include "kernel/lifecycle/powerpc_hash.h"
#include "kernel/lifecycle/x86_2017.h"
#include "kernel/lifecycle/x86_2024.h"
#include "kernel/lifecycle/x86_noflush.h"

namespace mmscale::kernel::lifecycle {

template <class... Lifecycles>
struct LifecycleList {
  // Calls f.template operator()<Lifecycle>() for each, in order.
  template <class F>
  static constexpr void for_each(F&& f) {
    (f.template operator()<Lifecycles>(), ...);
  }
  static constexpr std::array<std::string_view, sizeof...(Lifecycles)> names() {
    return {Lifecycles::kName...};
  }
  // Whether the lifecycle of that name has ARCH_WANT_IRQS_OFF_ACTIVATE_MM in 6.12.
  static constexpr bool wants_irqs_off_activate_mm(std::string_view name) {
    return ((Lifecycles::kName == name && Lifecycles::kWantsIrqsOffActivateMm) || ...);
  }
  // What every figure under the lifecycle of that name lacks, in words; empty for a lifecycle that does not
  // exist.
  static constexpr std::string_view absent(std::string_view name) {
    std::string_view text;
    ((Lifecycles::kName == name ? void(text = Lifecycles::kAbsent) : void()), ...);
    return text;
  }
};

// Costs that no lifecycle has: of the idle loop around the switch.
inline constexpr std::string_view kAbsentEverywhere =
    "leaving a C-state (idle CPUs spin), and the IPI that a polling idle CPU is spared";

using Catalogue = LifecycleList<Powerpc, PowerpcHash, X86_2017, X86_2024, X86Noflush, Arm64>;

}  // namespace mmscale::kernel::lifecycle
