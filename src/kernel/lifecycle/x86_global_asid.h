// SPDX-License-Identifier: MIT
//
// What x86 does where the hardware flushes other CPUs (arch/x86/mm/tlb.c): AMD's INVLPGB since 6.15, and Intel's RAR as
// posted. An mm that runs on four CPUs at once is given the same ASID everywhere, and is flushed by instruction from then
// on; the CPUs that it was loaded on before are interrupted once more to take the new ASID over.
#pragma once

#include "kernel/lifecycle/x86_2025.h"

namespace mmscale::kernel::lifecycle {

template <class M>
struct GlobalAsidPerCpu : X86PerCpu<M> {
  // cpu_tlbstate.loaded_mm_asid, as far as it is a global one: read by who waits for the transition.
  alignas(machine::kApart) Atomic<M, std::uint32_t> global{0};
  // Flushes since consider_global_asid() last looked.
  std::uint32_t flushes = 0;
};

template <class M>
struct GlobalAsidPerMm : X86PerMm<M> {
  // mm->context.global_asid, .asid_transition.
  Atomic<M, std::uint32_t> global_asid{0};
  Atomic<M, std::uint32_t> in_transition{0};
  void reset(M& m) {
    X86PerMm<M>::reset(m);
    m.store(global_asid, 0u, std::memory_order_relaxed);
    m.store(in_transition, 0u, std::memory_order_relaxed);
  }
};

// switch_mm_irqs_off() with global ASIDs. A CPU that comes back to an mm with one returns at once, lazy before or not:
// the TLB was kept up to date, so that it passes by the full barrier that membarrier(2) has from here elsewhere.
struct X86GlobalAsidSwitch : X86Switch<X86LazyMask> {
  template <class M>
  using PerCpu = GlobalAsidPerCpu<M>;
  template <class M>
  using PerMm = GlobalAsidPerMm<M>;

  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>*, Mm<M>* next) {
    using enum std::memory_order;
    expect_irqs_off(m, cpu, "switch_mm_irqs_off");
    auto& own = arch_state<GlobalAsidPerCpu>(cpu);
    auto* const prev = m.load(cpu.loaded_mm, relaxed);
    const bool was_lazy = m.load(own.is_lazy, relaxed) != 0;
    const bool was_global = m.load(own.global, relaxed) != 0;
    if (was_lazy) m.store(own.is_lazy, 0u, relaxed);
    if (prev == next) Mask::check_own_bit(m, cpu, next);
    if (prev != next) Mask::enter_mask(m, cpu, prev, next);
    // mm_global_asid(): smp_load_acquire().
    const bool global = m.load(arch_state<GlobalAsidPerMm>(next).global_asid, acquire) != 0;
    if (prev == next && global == was_global) {
      if (global || !was_lazy) return;
      m.fence();
    }
    const std::uint64_t tlb_gen = m.load(arch_state<GlobalAsidPerMm>(next).tlb_gen, relaxed);
    if (prev == next && global == was_global && own.tlb_gen == tlb_gen) return;
    if (!was_global) tlb::drop(cpu, prev);
    tlb::drop(cpu, next);
    cpu.pgd = m.load(next->pgd, relaxed);
    m.fence();
    m.store(cpu.loaded_mm, next, relaxed);
    m.store(own.global, std::uint32_t{global}, relaxed);
    own.tlb_gen = tlb_gen;
  }
};

template <class Rules>
struct X86GlobalAsid : X86Since2025<Rules, X86GlobalAsidSwitch> {
  using Base = X86<Rules, X86GlobalAsidSwitch>;

  // On one match of `pid & 0x1f` with jiffies, here at one flush in as many of each CPU; then mm_active_cpus_exceeds(mm, 3)
  // counts the CPUs that are not lazy, and use_global_asid().
  template <class M>
  static void consider_global_asid(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    auto& flushes = arch_state<GlobalAsidPerCpu>(cpu).flushes;
    if (++flushes < cpu.system->rules.global_asid_one_in) return;
    flushes = 0;
    std::uint32_t active = 0;
    machine::CpuMask& mask = other_cpus_of_mm(m, cpu, mm);
    if (this_cpu_of_mm(m, cpu, mm)) mask.set(m.cpu());
    mask.for_each([&](unsigned other) {
      Cpu<M>& it = *cpu.system->cpus[other];
      active += m.load(it.loaded_mm, relaxed) == mm && !is_lazy(m, it);
    });
    if (active <= cpu.system->rules.global_asid_above) return;
    if (m.load(arch_state<GlobalAsidPerMm>(mm).global_asid, relaxed) != 0) return;
    // mm_assign_global_asid(): "asid_transition" first, released by the ASID.
    m.store(arch_state<GlobalAsidPerMm>(mm).in_transition, 1u, relaxed);
    m.store(arch_state<GlobalAsidPerMm>(mm).global_asid, 1u, release);
  }

 protected:
  template <class M>
  static bool has_global_asid(M& m, Mm<M>* mm) {
    return m.load(arch_state<GlobalAsidPerMm>(mm).global_asid, std::memory_order_acquire) != 0;
  }
  template <class M>
  static bool in_transition(M& m, Mm<M>* mm) {
    return m.load(arch_state<GlobalAsidPerMm>(mm).in_transition, std::memory_order_relaxed) != 0;
  }

  // finish_asid_transition(): as long as a CPU runs the mm under its old ASID, everybody is interrupted.
  template <class M>
  static void finish_asid_transition(M& m, Cpu<M>& cpu, Mm<M>* mm, Freed freed,
                                     std::uint64_t Tally::*purpose) {
    using enum std::memory_order;
    if (!in_transition(m, mm)) return;
    machine::CpuMask& mask = other_cpus_of_mm(m, cpu, mm);
    bool straggler = false;
    const auto look = [&](Cpu<M>& other) {
      if (straggler) return;
      if (m.load(other.loaded_mm, relaxed) == loaded_mm_switching<Mm<M>>())
        m.spin_until(other.loaded_mm, [](Mm<M>* loaded) { return loaded != loaded_mm_switching<Mm<M>>(); });
      straggler = m.load(other.loaded_mm, relaxed) == mm &&
                  m.load(arch_state<GlobalAsidPerCpu>(other).global, relaxed) == 0;
    };
    mask.for_each([&](unsigned other) { look(*cpu.system->cpus[other]); });
    if (this_cpu_of_mm(m, cpu, mm)) look(cpu);
    if (straggler)
      Base::flush_tlb_multi(m, cpu, mm, mask, freed, false, purpose);
    else
      m.store(arch_state<GlobalAsidPerMm>(mm).in_transition, 0u, relaxed);
  }

  // A CPU that has mm loaded under its old ASID takes the new one; no more lazy then, whatever it was.
  template <class M>
  static void take_global_asid(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    if (has_global_asid(m, mm) &&
        m.load(arch_state<GlobalAsidPerCpu>(cpu).global, std::memory_order_relaxed) == 0)
      X86GlobalAsidSwitch::switch_mm_irqs_off(m, cpu, static_cast<Mm<M>*>(nullptr), mm);
  }
};

}  // namespace mmscale::kernel::lifecycle
