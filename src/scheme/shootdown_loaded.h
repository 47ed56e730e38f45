// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/candidates.h"
#include "scheme/shootdown.h"

namespace mmscale::scheme {

// Shootdown without an active_mm: what Andy Lutomirski asked for in June 2021 (if the core does not count, compile the
// pointer out and pass NULL) and Linus Torvalds in October 2024 (x86 has the better one, per CPU). The dropper reads every
// CPU's loaded_mm and interrupts those that have this mm loaded, or are between two; they go by loaded_mm, too. The
// switch publishes nothing of its own: what is read is what x86's TLB code keeps anyway.
//
// It looks at all CPUs and not at the mask, since x86 to 6.13 clears a bit before it loads the next page tables. It costs
// O(CPUs) for each dead mm.
//
// Needs of the lifecycle: a loaded_mm that other CPUs may read, which only x86 has; that nobody puts an active_mm aside
// (EFI firmware to 6.15).
//
// Memory order: the load is an acquire; under TSO a CPU that is seen with another mm is behind its last use of this one.
// One that is seen too early with this mm is interrupted for nothing. The fence on kernel -> user is shootdown's.
//
struct ShootdownLoaded : Shootdown {
  static constexpr bool kHasActiveMm = false;
  static constexpr Candidates kCandidates = Candidates::all;

  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site) {
    PreemptOff<M> preempt(cpu);
    bool here = false;
    cpu.targets.clear();
    for_each_candidate(m, cpu, mm, [&](Cpu<M>& other) {
      auto* const loaded = m.load(other.loaded_mm, std::memory_order_acquire);
      // Between two mms: x86's LOADED_MM_SWITCHING, which is no address.
      if (loaded != mm && reinterpret_cast<std::uintptr_t>(loaded) != 1) return;
      here |= add_target(m, cpu, other);
    });
    smp_call_function_many(m, cpu, cpu.targets, mm, do_leave_loaded_mm<M>, &Tally::ipis_shoot);
    if (here) call_here(m, cpu, [&] { cpu.tally.shoot_self += leave_loaded_mm(m, cpu, mm); });
    return Reaped::free_now;
  }

  static constexpr Safety kSafety[] = {
      {"*", false, "no other CPU can read what is loaded: the architecture has no loaded_mm"},
      {"x86-*", true, "loaded_mm is what is loaded, and every CPU that has this mm loaded is interrupted"},
  };
  static constexpr SchemeInfo kInfo = {
      .name = "shootdown-loaded",
      .summary = "no active_mm; the last drop interrupts the CPUs whose loaded_mm is this mm",
      .on_entry = "nothing",
      .on_exit = "full barrier",
      .last_drop = "one acquire load per possible CPU, synchronous IPI to the matches",
      .origin = "after Andy Lutomirski, June 2021, and Linus Torvalds, 2024-10-02",
      .upstream = "an idea",
      .safety = kSafety,
  };

 private:
  // Interrupts off. True if this CPU had it loaded.
  template <class M>
  static bool leave_loaded_mm(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    if (m.load(cpu.loaded_mm, relaxed) != mm) return false;
    auto* const init_mm = &cpu.system->init_mm;
    // The emulation's record of who borrows.
    note_borrow(m, cpu, init_mm);
    m.store(m.load(cpu.curr, relaxed)->active_mm, init_mm, relaxed);
    // x86 reads its own loaded_mm and no prev; who does read it finds the mm alive, since its dropper waits.
    cpu.system->lifecycle.switch_mm_irqs_off(m, cpu, mm, init_mm);
    return true;
  }

  template <class M>
  static void do_leave_loaded_mm(M& m, void* mm) {
    Cpu<M>& cpu = this_cpu(m);
    note_ipi(cpu, leave_loaded_mm(m, cpu, static_cast<Mm<M>*>(mm)));
  }
};

}  // namespace mmscale::scheme
