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

  template <class K>
  struct PerCpu : Base::template PerCpu<K> {
    // kvm_steal_time.preempted: KVM_VCPU_PREEMPTED, written by the host, and KVM_VCPU_FLUSH_TLB, by who would
    // flush.
    alignas(machine::kApart) typename K::Machine::template Atomic<std::uint32_t> preempted{0};
  };

  template <class K>
  MMSCALE_INLINE static void switch_mm_irqs_off(typename K::Machine& m, Cpu<K>& cpu,
                                                typename Task<K>::Mm* prev, typename Task<K>::Mm* next) {
    using enum std::memory_order;
    // The host's part on the way back in: the flags go, and the TLB with them. Acquire pairs with the
    // requester's release in needs_flush.
    if (m.load(cpu.lifecycle.preempted, relaxed) != 0) [[unlikely]] {
      m.exchange(cpu.lifecycle.preempted, 0u, acquire);
      tlb::drop<K>(cpu, m.load(cpu.loaded_mm, relaxed));
    }
    Base::template switch_mm_irqs_off<K>(m, cpu, prev, next);
  }

  // HLT: no C-state flag in a guest, so no leave_mm; the host takes the CPU away.
  template <class K>
  static void enter_deep_idle(typename K::Machine& m, Cpu<K>& cpu) {
    m.store(cpu.lifecycle.preempted, kPreempted, std::memory_order_release);
  }

  template <class K>
  static bool needs_flush(typename K::Machine& m, Cpu<K>& cpu, unsigned other, typename Task<K>::Mm* mm,
                          Freed freed) {
    using enum std::memory_order;
    auto& preempted = cpu.system->cpus[other]->lifecycle.preempted;
    // try_cmpxchg() in the kernel: whoever sets FLUSH_TLB while PREEMPTED is still set may leave the CPU
    // alone. A flag that comes too late is harmless, the CPU is interrupted then.
    if (m.load(preempted, relaxed) != 0 && (m.fetch_or(preempted, kFlushTlb, acq_rel) & kPreempted) != 0)
      return false;
    return Base::template needs_flush<K>(m, cpu, other, mm, freed);
  }

  template <class K>
  static void exit_flush(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    if (!broadcast<K>(m, cpu, mm)) Base::template exit_flush<K>(m, cpu, mm);
  }

  template <class K>
  static void flush_tlb_mm(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm,
                           Freed freed = Freed::pages) {
    if (!broadcast<K>(m, cpu, mm)) Base::template flush_tlb_mm<K>(m, cpu, mm, freed);
  }

 private:
  static constexpr std::uint32_t kPreempted = 1;
  static constexpr std::uint32_t kFlushTlb = 2;

  // broadcast_tlb_flush(): INVLPGB, TLBSYNC. Their cost is absent. False if this mm has no global ASID.
  template <class K>
  static bool broadcast(typename K::Machine& m, Cpu<K>& cpu, typename Task<K>::Mm* mm) {
    if (other_cpus_of_mm<K>(m, cpu, mm).count() + this_cpu_of_mm<K>(m, cpu, mm) <= kGlobalAsidAbove)
      return false;
    m.fetch_add(mm->lifecycle.tlb_gen, std::uint64_t{1}, std::memory_order_seq_cst);
    tlb::broadcast<K>(m, mm);
    return true;
  }
};

}  // namespace mmscale::kernel::lifecycle
