// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "kernel/lazy.h"
#include "kernel/lifecycle/x86_2017.h"

namespace mmscale::kernel::lifecycle {

// x86-2017 with what Andy Lutomirski's series of 2022-01-08 changes of it: the flush handler and the idle loop end the
// borrow (unlazy_mm_irqs_off, 20 and 21/23), so that active_mm leaves the mm when loaded_mm does; firmware is called in
// a temporary mm (19/23); activate_mm runs with interrupts off (23/23). Posted, not merged: what x86 would be if it
// kept active_mm in step.
struct X86Unlazy : X86<X86Unlazy, X86Switch<X86ExactMask>> {
  static constexpr std::string_view kName = "x86-unlazy";
  static constexpr std::string_view kWhat =
      "x86-2017 whose flushes and idle move active_mm along, as posted in January 2022";
  static constexpr bool kWantsIrqsOffActivateMm = true;
  static constexpr Efi kEfi = Efi::unlazied;

  // unlazy_mm_irqs_off()
  template <class M>
  static void leave_lazy_mm(M& m, Cpu<M>& cpu) {
    using enum std::memory_order;
    unlazy(m, cpu, m.load(m.load(cpu.curr, relaxed)->active_mm, relaxed));
  }
};

}  // namespace mmscale::kernel::lifecycle
