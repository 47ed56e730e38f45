// SPDX-License-Identifier: MIT
#pragma once

#include <array>

#include "kernel/candidates.h"
#include "scheme/shootdown.h"

namespace mmscale::scheme {

// Shootdown of several dead mms in one round: the dropping CPU keeps them until it has Tuning::batch, then
// interrupts the union of their masks once, and each target looks for its active_mm among all of them. Idea 2
// in the comment over cleanup_lazy_tlbs (kernel/fork.c). Fewer IPIs per exit, up to batch - 1 dead mms held
// back per CPU for as long as it has no further one.
//
// Needs of the lifecycle: shootdown's mask.
//
// Memory order: shootdown's. The list is this CPU's own; a target reads it inside the IPI, which publishes
// it.
struct ShootdownBatch : Shootdown {
  static constexpr kernel::Candidates kCandidates = kernel::Candidates::mask;
  static constexpr unsigned kHeldBackPerCpu = kernel::Tuning::kMaxBatch;

  template <class K>
  struct PerCpu {
    explicit PerCpu(const kernel::Tuning& tuning) : batch(tuning.batch) {}
    std::uint32_t batch;
    std::uint32_t count = 0;
    std::array<typename kernel::Task<K>::Mm*, kernel::Tuning::kMaxBatch> dead;
  };

  template <class K, kernel::Site kSite>
  static kernel::Reaped reap(typename K::Machine& m, kernel::Cpu<K>& cpu, typename kernel::Task<K>::Mm* mm) {
    cpu.scheme.dead[cpu.scheme.count++] = mm;
    if (cpu.scheme.count >= cpu.scheme.batch) shoot_all<K>(m, cpu);
    return kernel::Reaped::deferred;
  }

  // Nothing at a tick: what is held back is bounded by number, and a round for one mm is what batching
  // avoids.
  template <class K>
  static void drain(typename K::Machine& m, kernel::Cpu<K>& cpu, kernel::Drain when) {
    if (when == kernel::Drain::end && cpu.scheme.count != 0) shoot_all<K>(m, cpu);
  }

  static constexpr SchemeInfo kInfo = {
      .name = "shootdown-batch",
      .summary = "shootdown of several dead mms in one round of IPIs",
      .on_entry = "nothing",
      .on_exit = "full barrier",
      .last_drop =
          "kept until there are enough; then one synchronous IPI round over the union of their masks",
      .origin = "idea 2 in the comment over cleanup_lazy_tlbs, Nicholas Piggin (2655421ae69f)",
      .upstream = "not implemented",
      .safety = kSafety,
  };

 private:
  template <class K>
  static void shoot_all(typename K::Machine& m, kernel::Cpu<K>& cpu) {
    auto& [batch, count, dead] = cpu.scheme;
    {
      kernel::PreemptOff<K> preempt(cpu);
      bool here = false;
      cpu.targets.clear();
      for (unsigned i = 0; i < count; ++i)
        kernel::for_each_candidate<K>(m, cpu, dead[i], [&](kernel::Cpu<K>& other) {
          if (&other == &cpu)
            here = true;
          else if (kernel::cpu_online<K>(m, other))
            cpu.targets.set(kernel::cpu_number(other));
        });
      kernel::expect_may_call_many<K>(m, cpu);
      cpu.tally.ipis_shoot += cpu.targets.count();
      m.call_many(cpu.targets, do_shoot_any<K>, &cpu.scheme);
      if (here) {
        kernel::IrqSave irq(m);
        ++cpu.tally.ipis_local;
        cpu.tally.shoot_self += shoot_any<K>(m, cpu, cpu.scheme);
      }
    }
    for (unsigned i = 0; i < count; ++i) kernel::free_mm<K>(m, cpu, dead[i]);
    count = 0;
  }

  // A CPU borrows one mm at most.
  template <class K>
  static bool shoot_any(typename K::Machine& m, kernel::Cpu<K>& cpu, const PerCpu<K>& sender) {
    for (unsigned i = 0; i < sender.count; ++i)
      if (kernel::shoot_lazy_tlb<K>(m, cpu, sender.dead[i])) return true;
    return false;
  }

  template <class K>
  static void do_shoot_any(typename K::Machine& m, void* sender) {
    kernel::Cpu<K>& cpu = kernel::this_cpu<K>(m);
    kernel::note_ipi(cpu, shoot_any<K>(m, cpu, *static_cast<const PerCpu<K>*>(sender)));
  }
};

}  // namespace mmscale::scheme
