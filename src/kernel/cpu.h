// SPDX-License-Identifier: MIT
//
// The per-CPU area: struct rq's part in a context switch (kernel/sched/sched.h), the architecture's record of
// what is loaded, and the idle task.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "kernel/mm.h"
#include "kernel/mm_slab.h"
#include "kernel/oracle.h"
#include "kernel/rcu.h"
#include "kernel/tally.h"
#include "kernel/task.h"
#include "machine/cpumask.h"
#include "machine/machine.h"

namespace mmscale::kernel {

template <class M>
struct alignas(machine::kApart) Cpu {
  using Mm = kernel::Mm<M>;
  template <class T>
  using Atomic = kernel::Atomic<M, T>;

  // Boots emulated CPU `m.cpu()`: its idle task runs and lazily borrows init_mm, as start_secondary leaves
  // it.
  Cpu(M& m, System<M>& system);

  // rq->curr: the running task. Stored at every switch; read by other CPUs only to check.
  Atomic<Task<M>*> curr;
  // rq->prev_mm: the borrow that a kernel -> user switch ended, until finish_task_switch has returned it.
  Mm* prev_mm = nullptr;
  // rq->membarrier_state: copy of the current mm's.
  std::uint32_t membarrier_state = 0;
  // This CPU's word and bit in every mm_cpumask.
  unsigned mask_word;
  std::uint64_t mask_bit;
  // The mm whose translations the hardware uses: x86's cpu_tlbstate.loaded_mm, the PID register of powerpc.
  Atomic<Mm*> loaded_mm;
  // Page-table root as the entry code would use it (paca->pgd, the CR3 image).
  std::uint64_t pgd = 0;
  System<M>* system;
  // rq->__lock, with the rq_lock option on.
  Atomic<std::uint32_t> rq_lock{0};
  // powerpc's mm_cpumask_trim_clock: flushes until this CPU tries to trim a mask again.
  unsigned trim_clock = 0;
  // rq->nohz_tick_stopped.
  bool nohz_tick_stopped = false;
  // Under a checking Machine: the borrowed mm's generation when the borrow began, and how deep preemption is
  // disabled.
  std::uint32_t borrowed_generation = 0;
  unsigned preempt_count = 0;

  Tally tally;
  [[no_unique_address]] RcuState<M> rcu;
  Task<M> idle;
  typename MmSlab<M>::Magazine magazine;
  // Scratch for copying an mm_cpumask before sending: cfd->cpumask.
  machine::CpuMask targets;
  // What the architecture and the scheme keep per CPU (state.h), each on lines of its own.
  alignas(machine::kApart) std::byte lifecycle_room[kLifecycleRoomPerCpu]{};
  alignas(machine::kApart) std::byte scheme_room[kSchemeRoomPerCpu]{};
};

// A bitmap of CPUs that all share, from the start of a line on, so that no allocator decides which CPUs' bits share one.
template <class M>
class SharedMask {
 public:
  explicit SharedMask(unsigned cpus) : lines_((machine::CpuMask::words_for(cpus) + kWords - 1) / kWords) {}
  Atomic<M, std::uint64_t>& word(unsigned index) { return lines_[index / kWords].words[index % kWords]; }
  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span(lines_)); }

 private:
  static constexpr unsigned kWords = machine::kLine / sizeof(std::uint64_t);
  struct alignas(machine::kLine) Line {
    std::array<Atomic<M, std::uint64_t>, kWords> words{};
  };
  std::vector<Line> lines_;
};

// struct nohz (kernel/sched/fair.c): who idles without a tick. The mask has lines of its own (CPUMASK_OFFSTACK), the rest
// shares one.
template <class M>
struct Nohz {
  explicit Nohz(unsigned cpus) : idle_cpus_mask(cpus) {}
  SharedMask<M> idle_cpus_mask;
  alignas(machine::kLine) Atomic<M, std::int32_t> nr_cpus{0};
  Atomic<M, std::uint32_t> has_blocked{0};
};

// What all CPUs of one emulated system share: init_mm, the slab, the oracle. Written only while no CPU runs,
// or inside init_mm's own atomics.
template <class M>
struct System : Build<M> {
  using Mm = kernel::Mm<M>;

  // `memory` backs all mms, init_mm first (MmSlab says how much).
  System(const Build<M>& build, unsigned cpus, std::span<std::byte> memory, Rules rules = {});

  // cpu_online_mask: word `index`. Read by every sender, written by hotplug only.
  Atomic<M, std::uint64_t>& cpu_online_mask(unsigned index) { return online.word(index); }

  const Rules rules;
  MmSlab<M> slab;
  // The kernel's own address space: what a CPU borrows when there is no user mm to borrow. Never freed.
  Mm& init_mm;
  // What EFI firmware runs on, where it is called (efi.h). Never freed.
  Mm* efi_mm = nullptr;
  std::vector<Cpu<M>*> cpus;
  SharedMask<M> online;
  Nohz<M> nohz;
  typename OracleOf<M>::type oracle;
  // Told of every mm that is freed, by the CPU that frees it, interrupts off; null for nobody.
  void (*mm_freed)(void* context, M& m, Mm* mm) = nullptr;
  void* mm_freed_context = nullptr;
};

template <class M>
System<M>::System(const Build<M>& build, unsigned n, std::span<std::byte> memory, Rules the_rules)
    : Build<M>(build),
      rules(the_rules),
      slab(*this, n, memory),
      init_mm(slab.make_init_mm()),
      cpus(n),
      online(n),
      nohz(n) {}

template <class M>
Cpu<M>::Cpu(M& m, System<M>& sys)
    : curr(&idle),
      mask_word(m.cpu() / machine::CpuMask::kBitsPerWord),
      mask_bit(std::uint64_t{1} << (m.cpu() % machine::CpuMask::kBitsPerWord)),
      loaded_mm(&sys.init_mm),
      system(&sys),
      targets(m.cpus()) {
  m.set_percpu(this);
  sys.cpus[m.cpu()] = this;
  if (sys.lifecycle.per_cpu.bytes != 0) sys.lifecycle.per_cpu.make(lifecycle_room, sys.rules.tuning);
  if (sys.scheme.per_cpu.bytes != 0) sys.scheme.per_cpu.make(scheme_room, sys.rules.tuning);
  if constexpr (kHasRcuModel<M>)
    if (sys.scheme.uses_rcu) rcu.began.resize(m.cpus());
  m.fetch_or(sys.cpu_online_mask(mask_word), mask_bit, std::memory_order_relaxed);
  m.store(idle.active_mm, &sys.init_mm, std::memory_order_relaxed);
  m.store(idle.on_cpu, 1, std::memory_order_relaxed);
  m.fetch_or(sys.init_mm.cpumask(mask_word), mask_bit, std::memory_order_relaxed);
  m.fetch_add(sys.init_mm.active_cpus, 1, std::memory_order_relaxed);
  if constexpr (M::checking) borrowed_generation = m.load(sys.init_mm.generation, std::memory_order_relaxed);
  // sched_init and start_secondary: mmgrab_lazy_tlb(&init_mm), counted where lazy borrows are.
  if (sys.scheme.counted) {
    m.fetch_add(sys.init_mm.mm_count(sys.scheme.layout), 1, std::memory_order_relaxed);
    ++tally.lazy_grabs;
  }
}

// The kernel's Cpu of a Machine: this_cpu_ptr().
template <class M>
MMSCALE_INLINE Cpu<M>& this_cpu(M& m) {
  return *static_cast<Cpu<M>*>(m.percpu());
}

}  // namespace mmscale::kernel
