// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include "kernel/cpu.h"
#include "kernel/irq.h"
#include "kernel/preempt.h"
#include "kernel/tlb.h"

namespace mmscale::kernel::lifecycle {

// s390 (arch/s390/include/asm/mmu_context.h, tlbflush.h, read at 6.x and late 2025). Two masks: cpu_attach_mask, whose bit
// is set at every switch and cleared behind the switch to another mm, so that a lazy CPU stays in it; and mm_cpumask,
// whose bit is set when the rq lock is released (finish_arch_post_lock_switch) and which every flush sets back to the
// first. IDTE flushes all CPUs without an interrupt. So whoever is lazy on an mm is in its mask.
//
// A trip through idle and back to the same mm writes shared words: both bits are set by atomics whether they are set or
// not, and the lock in mm->context is taken to look whether a flush is due. mm_count is one of four.
struct S390 : DefaultLifecycle {
  static constexpr std::string_view kName = "s390";
  static constexpr std::string_view kWhat =
      "s390: attached CPUs set their bit behind the rq lock; a flush sets the mask back to those attached";
  static constexpr std::string_view kAbsent = "loading the ASCE, IDTE and IPTE, TLB misses after a switch";
  static constexpr bool kTotalStoreOrder = true;
  static constexpr bool kSwitchMmIsFullBarrier = true;
  // cpumask_clear_cpu(cpu, &prev->context.cpu_attach_mask), a write.
  static constexpr bool kSwitchMmReadsPrev = true;
  // Since fe20164177be (late in 2025).
  static constexpr bool kWantsIrqsOffActivateMm = true;
  // cpu_attach_mask
  static constexpr unsigned kMasks = 2;

  template <class M>
  struct PerMm {
    // mm->context.asce, .flush_count, .lock; flush_mm is what the lock is for, and never found set here.
    Atomic<M, std::uint64_t> asce{0};
    Atomic<M, std::uint32_t> flush_count{0};
    Atomic<M, std::uint32_t> lock{0};
    void reset(M& m) {
      m.store(asce, reinterpret_cast<std::uint64_t>(this), std::memory_order_relaxed);
      m.store(flush_count, 0u, std::memory_order_relaxed);
      m.store(lock, 0u, std::memory_order_relaxed);
    }
  };

  template <class M>
  MMSCALE_INLINE static void switch_mm_irqs_off(M& m, Cpu<M>& cpu, Mm<M>* prev, Mm<M>* next) {
    using enum std::memory_order;
    expect_irqs_off(m, cpu, "switch_mm_irqs_off");
    if (next != &cpu.system->init_mm) cpu.pgd = m.load(arch_state<PerMm>(next).asce, relaxed);
    m.fetch_or(attached(m, cpu, next), cpu.mask_bit, seq_cst);
    m.store(cpu.loaded_mm, next, relaxed);
    if (prev != next) m.fetch_and(attached(m, cpu, prev), ~cpu.mask_bit, seq_cst);
  }

  template <class M>
  MMSCALE_INLINE static void finish_arch_post_lock_switch(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    using enum std::memory_order;
    if (mm == nullptr) return;
    auto& context = arch_state<PerMm>(mm);
    PreemptOff<M> preempt(cpu);
    if (m.load(context.flush_count, relaxed) != 0) [[unlikely]]
      m.spin_until(context.flush_count, [](std::uint32_t flushes) { return flushes == 0; });
    m.fetch_or(mm->cpumask(cpu.mask_word), cpu.mask_bit, seq_cst);
    // __tlb_flush_mm_lazy()
    while (m.exchange(context.lock, 1u, acquire) != 0)
      m.spin_until(context.lock, [](std::uint32_t locked) { return locked == 0; });
    m.store(context.lock, 0u, release);
  }

  // __tlb_flush_mm()
  template <class M>
  static void flush_tlb_mm(M& m, Cpu<M>& cpu, Mm<M>* mm, Freed = Freed::pages) {
    using enum std::memory_order;
    PreemptOff<M> preempt(cpu);
    m.fetch_add(arch_state<PerMm>(mm).flush_count, 1u, seq_cst);
    for (unsigned w = 0; w < cpu.targets.words(); ++w)
      m.store(mm->cpumask(w), m.load(mm->second_mask(w, m.cpus(), *cpu.system), relaxed), relaxed);
    tlb::broadcast(m, mm);
    m.fetch_sub(arch_state<PerMm>(mm).flush_count, 1u, seq_cst);
  }

 private:
  template <class M>
  MMSCALE_INLINE static Atomic<M, std::uint64_t>& attached(M& m, Cpu<M>& cpu, Mm<M>* mm) {
    return mm->second_mask(cpu.mask_word, m.cpus(), *cpu.system);
  }
};

}  // namespace mmscale::kernel::lifecycle
