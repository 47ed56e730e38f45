// SPDX-License-Identifier: MIT
//
// The museum's room of flushes that leave something behind: verdict TLB.
#include "museum.h"

#include <cstdint>

#include "scheme/refcount.h"
#include "scheme/shootdown.h"

#if !defined(__SANITIZE_THREAD__)
namespace mmscale::check {
namespace {

// Before a665eec0a22e: a single-threaded process that flushes sends its lazy CPUs away and then resets the
// mask to its own CPU (mm_reset_thread_local), whoever has set a bit meanwhile. As long as the mask names
// this CPU alone, later flushes are its own business.
struct PowerpcResetsTheMask : Powerpc {
  template <class M>
  static void flush_tlb_mm(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm,
                           kernel::Freed = kernel::Freed::pages) {
    using enum std::memory_order;
    kernel::PreemptOff<M> preempt(cpu);
    m.fence();
    // mm_is_thread_local()
    if (m.load(mm->active_cpus, relaxed) == 1 &&
        (m.load(mm->cpumask(cpu.mask_word), relaxed) & cpu.mask_bit) != 0)
      return kernel::tlb::drop(cpu, mm);
    // mm_is_singlethreaded()
    if (m.load(mm->mm_users, relaxed) > 1 || m.load(cpu.curr, relaxed)->mm.get(m) != mm)
      return kernel::tlb::broadcast(m, mm);
    kernel::smp_call_function_many(m, cpu, mm, leave_lazy_tlb<M>, &kernel::Tally::ipis_trim);
    m.store(mm->active_cpus, 1, relaxed);
    m.store(mm->cpumask(cpu.mask_word), cpu.mask_bit, relaxed);
    kernel::tlb::drop(cpu, mm);
  }

 private:
  // do_exit_flush_lazy_tlb() as it was: the bit is left to the sender.
  template <class M>
  static void leave_lazy_tlb(M& m, void* info) {
    kernel::Cpu<M>& cpu = kernel::this_cpu(m);
    auto* const mm = static_cast<kernel::Mm<M>*>(info);
    kernel::Task<M>& task = *m.load(cpu.curr, std::memory_order_relaxed);
    if (task.mm.get(m) == mm) return;
    if (m.load(task.active_mm, std::memory_order_relaxed) == mm) kernel::unlazy(m, cpu, mm);
    kernel::tlb::drop(cpu, mm);
  }
};

// A kernel thread (io_uring's) gets hold of the address space after the flushing CPU has seen mm_users == 1.
const Case kTrimmedWhileUsed = {
    .name = "trimmed-while-used",
    .what = "a kernel thread begins to use the mm while its only thread flushes, twice",
    .task_mm = {0},
    .before = {{1, {Act::run, 0}}, {1, {Act::kthread}}, {0, {Act::run, 0}}},
    .programs = {{{Act::flush_pages}, {Act::flush_pages}},
                 {{Act::get_user, 0},
                  {Act::use_mm, 0},
                  {Act::touch},
                  {Act::touch},
                  {Act::unuse_mm},
                  {Act::put_user}}}};

// ASSERT: a CPU that runs in an mm and is not in its mask. TLB: what follows, an entry that the second flush
// leaves.
TEST(Museum, TrimmingTheMaskOfOthersRacesWithKthreadUseMm) {
  for (const Violation violation : {Violation::assertion, Violation::tlb}) {
    EXPECT_TRUE((shows<scheme::Refcount, PowerpcResetsTheMask>(violation, kTrimmedWhileUsed)));
    EXPECT_FALSE((shows<scheme::Refcount, Powerpc>(violation, kTrimmedWhileUsed)));
    EXPECT_FALSE((shows<scheme::Shootdown, Powerpc>(violation, kTrimmedWhileUsed)));
  }
}

// x86 spares lazy CPUs the flush of pages; what they missed they learn from tlb_gen when they come back to
// the mm. Here they do not look.
struct ForgetsWhatItMissed : kernel::lifecycle::X86ExactMask {
  template <class M>
  static void check_own_bit(M& m, kernel::Cpu<M>& cpu, kernel::Mm<M>* mm) {
    using namespace kernel::lifecycle;
    kernel::arch_state<X86PerCpu>(cpu).tlb_gen =
        m.load(kernel::arch_state<X86PerMm>(mm).tlb_gen, std::memory_order_relaxed);
  }
};
struct X86ForgetsWhatItMissed
    : kernel::lifecycle::X86<X86ForgetsWhatItMissed, kernel::lifecycle::X86Switch<ForgetsWhatItMissed>> {};

TEST(Museum, ALazyCpuMustLearnWhichFlushesItMissed) {
  EXPECT_TRUE((shows<scheme::Refcount, X86ForgetsWhatItMissed>(Violation::tlb, the_case("unmap"))));
  EXPECT_FALSE((shows<scheme::Refcount, X86_2017>(Violation::tlb, the_case("unmap"))));
}

}  // namespace
}  // namespace mmscale::check
#endif
