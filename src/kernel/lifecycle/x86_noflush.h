// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "kernel/lifecycle/x86_2024.h"

namespace mmscale::kernel::lifecycle {

// x86 since 6.14 where flushes miss lazy CPUs, so that nothing may count on them:
//
// - Paravirtual, a choice per CPU (kvm_flush_tlb_multi, arch/x86/kernel/kvm.c): a virtual CPU that the host
// has taken off
//   its processor, as it does with one that halts in idle, is not interrupted; it is told to flush when it
//   runs again. Here a CPU is off from enter_deep_idle until it next switches its mm.
// - INVLPGB (arch/x86/mm/tlb.c, 6.15 on AMD): an mm that is active on more than three CPUs gets a global ASID
// and is
//   flushed by a broadcast instruction. No CPU is interrupted and none moves to init_mm, the sender neither.
struct X86Noflush : X86LazyMask<X86Noflush> {
  using Base = X86LazyMask<X86Noflush>;

  static constexpr std::string_view kName = "x86-noflush";
  static constexpr std::string_view kWhat =
      "x86 since 6.14 whose flushes miss lazy CPUs: paravirtual guest, INVLPGB";
  static constexpr std::string_view kAbsent =
      "writing CR3 but for its barrier (250 to 300 cycles), the choice of an ASID, INVLPG, INVLPGB, TLBSYNC, "
      "TLB misses "
      "after a switch";
  // consider_global_asid(): mm_active_cpus_exceeds(mm, 3).
  static constexpr unsigned kGlobalAsidAbove = 3;

  template <class M>
  struct PerCpu : Base::template PerCpu<M> {
    // kvm_steal_time.preempted: KVM_VCPU_PREEMPTED, written by the host, and KVM_VCPU_FLUSH_TLB, by who would
    // flush.
    alignas(machine::kApart) Atomic<M, std::uint32_t> preempted{0};
  };

  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>* prev, Mm<M>* next) {
    using enum std::memory_order;
    // The host's part on the way back in: the flags go, and the TLB with them. Acquire pairs with the
    // requester's release in needs_flush.
    if (m.load(arch_state<PerCpu>(cpu).preempted, relaxed) != 0) [[unlikely]] {
      m.exchange(arch_state<PerCpu>(cpu).preempted, 0u, acquire);
      tlb::drop(cpu, m.load(cpu.loaded_mm, relaxed));
    }
    Base::switch_mm_irqs_off(m, cpu, prev, next);
  }

  // HLT: no C-state flag in a guest, so no leave_mm; the host takes the CPU away.
  template <class M>
  static void enter_deep_idle(M& m, Cpu<M>& cpu) {
    m.store(arch_state<PerCpu>(cpu).preempted, kPreempted, std::memory_order_release);
  }

  template <class M>
  static bool needs_flush(M& m, Cpu<M>& cpu, unsigned other, Mm<M>* mm, Freed freed) {
    using enum std::memory_order;
    auto& preempted = arch_state<PerCpu>(*cpu.system->cpus[other]).preempted;
    // try_cmpxchg() in the kernel: whoever sets FLUSH_TLB while PREEMPTED is still set may leave the CPU
    // alone. A flag that comes too late is harmless, the CPU is interrupted then.
    if (m.load(preempted, relaxed) != 0 && (m.fetch_or(preempted, kFlushTlb, acq_rel) & kPreempted) != 0)
      return false;
    return Base::needs_flush(m, cpu, other, mm, freed);
  }

  template <class M>
  static void exit_flush(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    if (!broadcast(m, cpu, mm)) Base::exit_flush(m, cpu, mm);
  }

  template <class M>
  static void flush_tlb_mm(M& m, Cpu<M>& cpu, Mm<M>* mm, Freed freed = Freed::pages) {
    if (!broadcast(m, cpu, mm)) Base::flush_tlb_mm(m, cpu, mm, freed);
  }

 private:
  static constexpr std::uint32_t kPreempted = 1;
  static constexpr std::uint32_t kFlushTlb = 2;

  // broadcast_tlb_flush(): INVLPGB, TLBSYNC. Their cost is absent. False if this mm has no global ASID.
  template <class M>
  static bool broadcast(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    if (other_cpus_of_mm(m, cpu, mm).count() + this_cpu_of_mm(m, cpu, mm) <= kGlobalAsidAbove) return false;
    m.fetch_add(arch_state<PerMm>(mm).tlb_gen, std::uint64_t{1}, std::memory_order_seq_cst);
    tlb::broadcast(m, mm);
    return true;
  }
};

}  // namespace mmscale::kernel::lifecycle
