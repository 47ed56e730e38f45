// SPDX-License-Identifier: MIT
#pragma once

#include <string_view>

#include "kernel/lifecycle/x86_2025.h"

namespace mmscale::kernel::lifecycle {

// x86-2025 in a KVM guest with paravirtual flushes (kvm_flush_tlb_multi, arch/x86/kernel/kvm.c): a virtual CPU that the
// host has taken off its processor, as it does with one that halts in idle, is not interrupted; it is told to flush when
// it runs again. So flushes miss some lazy CPUs, and those keep page tables loaded that are freed. Here a CPU is off from
// enter_deep_idle until it next switches its mm.
struct X86Paravirt : X86Since2025<X86Paravirt, X86Switch<X86LazyMask>> {
  using Switch = X86Switch<X86LazyMask>;

  static constexpr std::string_view kName = "x86-paravirt";
  static constexpr std::string_view kWhat = "x86-2025 in a KVM guest: flushes miss CPUs that halted";

  template <class M>
  struct PerCpu : X86PerCpu<M> {
    // kvm_steal_time.preempted: KVM_VCPU_PREEMPTED, written by the host, and KVM_VCPU_FLUSH_TLB, by who would
    // flush.
    alignas(machine::kApart) Atomic<M, std::uint32_t> preempted{0};
  };

  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>* prev, Mm<M>* next) {
    using enum std::memory_order;
    // The host's part on the way back in: the flags go, and the TLB with them. Acquire pairs with the
    // requester's release in spare.
    if (m.load(arch_state<PerCpu>(cpu).preempted, relaxed) != 0) [[unlikely]] {
      m.exchange(arch_state<PerCpu>(cpu).preempted, 0u, acquire);
      tlb::drop(cpu, m.load(cpu.loaded_mm, relaxed));
    }
    Switch::switch_mm_irqs_off(m, cpu, prev, next);
  }

  // HLT: no C-state flag in a guest, so no leave_mm; the host takes the CPU away.
  template <class M>
  static void enter_deep_idle(M& m, Cpu<M>& cpu) {
    m.store(arch_state<PerCpu>(cpu).preempted, kPreempted, std::memory_order_release);
  }

  template <class M>
  static void spare(M& m, Cpu<M>& cpu, machine::CpuMask& targets) {
    using enum std::memory_order;
    targets.for_each([&](unsigned other) {
      auto& preempted = arch_state<PerCpu>(*cpu.system->cpus[other]).preempted;
      // try_cmpxchg() in the kernel: whoever sets FLUSH_TLB while PREEMPTED is still set may leave the CPU
      // alone. A flag that comes too late is harmless, the CPU is interrupted then.
      if (m.load(preempted, relaxed) != 0 && (m.fetch_or(preempted, kFlushTlb, acq_rel) & kPreempted) != 0)
        targets.reset(other);
    });
  }

 private:
  static constexpr std::uint32_t kPreempted = 1;
  static constexpr std::uint32_t kFlushTlb = 2;
};

}  // namespace mmscale::kernel::lifecycle
