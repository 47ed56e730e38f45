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
  static constexpr unsigned kHeldBackPerCpu = Tuning::kMaxBatch;

  template <class M>
  struct PerCpu {
    explicit PerCpu(const Tuning& tuning) : batch(tuning.batch) {}
    std::uint32_t batch;
    std::uint32_t count = 0;
    std::array<Mm<M>*, Tuning::kMaxBatch> dead;
  };

  template <class M>
  static Reaped reap(M& m, Cpu<M>& cpu, Mm<M>* mm, Site) {
    scheme_state<PerCpu>(cpu).dead[scheme_state<PerCpu>(cpu).count++] = mm;
    if (scheme_state<PerCpu>(cpu).count >= scheme_state<PerCpu>(cpu).batch) shoot_all(m, cpu);
    return Reaped::deferred;
  }

  // Nothing at a tick: what is held back is bounded by number, and a round for one mm is what batching
  // avoids.
  template <class M>
  static void drain(M& m, Cpu<M>& cpu, Drain when) {
    if (when == Drain::end && scheme_state<PerCpu>(cpu).count != 0) shoot_all(m, cpu);
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
      .tunable = "batch",
  };

 private:
  template <class M>
  static void shoot_all(M& m, Cpu<M>& cpu) {
    auto& [batch, count, dead] = scheme_state<PerCpu>(cpu);
    {
      PreemptOff<M> preempt(cpu);
      bool here = false;
      cpu.targets.clear();
      for (unsigned i = 0; i < count; ++i)
        for_each_candidate(m, cpu, dead[i], [&](Cpu<M>& other) { here |= add_target(m, cpu, other); });
      expect_may_call_many(m, cpu);
      cpu.tally.ipis_shoot += cpu.targets.count();
      m.call_many(cpu.targets, do_shoot_any<M>, &scheme_state<PerCpu>(cpu));
      if (here)
        call_here(m, cpu, [&] { cpu.tally.shoot_self += shoot_any(m, cpu, scheme_state<PerCpu>(cpu)); });
    }
    for (unsigned i = 0; i < count; ++i) free_mm(m, cpu, dead[i]);
    count = 0;
  }

  // A CPU borrows one mm at most.
  template <class M>
  static bool shoot_any(M& m, Cpu<M>& cpu, const PerCpu<M>& sender) {
    for (unsigned i = 0; i < sender.count; ++i)
      if (shoot_lazy_tlb(m, cpu, sender.dead[i])) return true;
    return false;
  }

  template <class M>
  static void do_shoot_any(M& m, void* sender) {
    Cpu<M>& cpu = this_cpu(m);
    note_ipi(cpu, shoot_any(m, cpu, *static_cast<const PerCpu<M>*>(sender)));
  }
};

}  // namespace mmscale::scheme
