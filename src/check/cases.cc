// SPDX-License-Identifier: MIT
#include "check/case.h"

#include <algorithm>

#include "scheme/facts.h"

namespace mmscale::check {

namespace {

using enum Act;

// Task 0 visited CPUs 1 and 2 as well.
const std::vector<Case::Before> kLeftLazyOnCpus1And2 = {
    {1, {run, 0}}, {1, {idle}}, {2, {run, 0}}, {2, {idle}}, {0, {run, 0}}};

// Where three CPUs are explored: one lifecycle of each kind of mask and of flush. Under the variants of x86 they took half
// of the whole table's time and showed what two CPUs show.
const std::vector<std::string_view> kThreeCpus = {"powerpc", "arm64", "x86-2017", "x86-2025",
                                                  "s390",    "riscv", "loongarch"};

// Task 0 visited CPU 1, which is idle since and lazy on its mm, and now runs on CPU 0.
const std::vector<Case::Before> kLeftLazyOnCpu1 = {{1, {run, 0}}, {1, {idle}}, {0, {run, 0}}};

}  // namespace

bool Case::concerns_lifecycle(std::string_view lifecycle) const {
  return lifecycles.empty() || std::ranges::any_of(lifecycles, [lifecycle](std::string_view said) {
           return scheme::stands_for(said, lifecycle);
         });
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {.name = "alone",
       .what = "one CPU: the only task exits, then another process runs",
       .cpus = 1,
       .task_mm = {0, 1},
       .before = {{0, {run, 0}}},
       .programs = {{{exit}, {nmi}, {run, 1}}}},
      {.name = "exit",
       .what = "CPU 1 is lazy on the mm that dies on CPU 0, and each CPU goes on with another process",
       .cpus = 2,
       .task_mm = {0, 1, 2},
       .before = kLeftLazyOnCpu1,
       .programs = {{{exit}, {run, 2}, {tick}}, {{run, 1}}}},
      {.name = "both-exit",
       .what = "two threads of one process exit at once; each goes on through a kernel thread",
       .cpus = 2,
       .task_mm = {0, 0},
       .before = {{0, {run, 0}}, {1, {run, 1}}},
       .programs = {{{exit}, {kthread}}, {{exit}, {kthread}}}},
      {.name = "reuse",
       .what = "CPU 0's process dies and a new one gets its memory, while CPU 1 is lazy on the old one",
       .cpus = 2,
       .task_mm = {0, 1},
       .before = kLeftLazyOnCpu1,
       .programs = {{{exit}, {born, 0}}, {{run, 1}}}},
      {.name = "last-drop-elsewhere",
       .what = "somebody on CPU 1 still pins the struct when the process dies on CPU 0",
       .cpus = 2,
       .task_mm = {0, 1},
       .before = {{0, {run, 0}}, {1, {hold, 0}}},
       .programs = {{{exit}, {run, 1}}, {{let_go}}}},
      {.name = "trimmed",
       .what = "two munmaps that free page tables on CPU 0 take lazy CPU 1 out of the mask, then the process "
               "dies and another one runs",
       .cpus = 2,
       .task_mm = {0, 1, 2},
       .before = kLeftLazyOnCpu1,
       .programs = {{{flush_tables}, {flush_tables}, {exit}, {run, 2}, {tick}}, {{nmi}, {run, 1}}},
       .rules = {.tuning = {.batch = 1}}},
      {.name = "deep-idle",
       .what = "lazy CPU 1 enters an idle state that loses the TLB; CPU 0 unmaps, the process dies and "
               "another runs",
       .cpus = 2,
       .task_mm = {0, 1, 2},
       .before = kLeftLazyOnCpu1,
       .programs = {{{flush_tables}, {exit}, {run, 2}, {tick}}, {{deep_idle}, {nmi}, {run, 1}}},
       .rules = {.tuning = {.batch = 1}}},
      {.name = "kthread-uses",
       .what = "a kernel thread on CPU 1 works in the address space and leaves it, while the process dies on "
               "CPU 0",
       .cpus = 2,
       .task_mm = {0, 0, 1},
       .before = {{0, {run, 0}}, {1, {kthread}}, {1, {use_mm, 1}}},
       .programs = {{{exit}}, {{unuse_mm}, {run, 1}, {exit}}}},
      {.name = "handed-on",
       .what =
           "CPU 1 hands its borrow from the idle task to a kernel thread, while two processes die on CPU 0",
       .cpus = 2,
       .task_mm = {0, 1},
       .before = kLeftLazyOnCpu1,
       .programs = {{{exit}, {run, 1}, {exit}, {tick}}, {{kthread}, {nmi}}},
       .rules = {.tuning = {.batch = 2}}},
      {.name = "no-tables",
       .what = "as exit, of a process that has no page tables to flush",
       .cpus = 2,
       .task_mm = {0, 1},
       .before = kLeftLazyOnCpu1,
       .programs = {{{exit}}, {{run, 1}}},
       .exit_flushes = 0},
      {.name = "efi",
       .what = "lazy CPU 1 calls EFI firmware, its active_mm put aside, while the process dies on CPU 0",
       .cpus = 2,
       .task_mm = {0, 1},
       .before = kLeftLazyOnCpu1,
       .programs = {{{exit}}, {{efi}, {run, 1}}}},
      {.name = "unmap",
       .what = "a thread on CPU 0 unmaps memory that one on CPU 1 has read, and reads again behind a stay in "
               "idle",
       .cpus = 2,
       .task_mm = {0, 0},
       .before = {{0, {run, 0}}, {1, {run, 1}}, {1, {touch}}},
       .programs = {{{flush_pages}}, {{idle}, {run, 1}, {touch}}}},
      {.name = "exec",
       .what = "a kernel thread on CPU 1, lazy on the mm that dies on CPU 0, execs a program",
       .cpus = 2,
       .task_mm = {0},
       .before = {{1, {run, 0}}, {1, {kthread}}, {0, {run, 0}}},
       .programs = {{{exit}}, {{exec}, {exit}}}},
      {.name = "offline",
       .what = "lazy CPU 1 goes offline while the process dies on CPU 0",
       .cpus = 2,
       .task_mm = {0},
       .before = kLeftLazyOnCpu1,
       .programs = {{{exit}}, {{offline}}}},
      {.name = "membarrier-in",
       .what = "membarrier(2) on CPU 0 against CPU 1's switch from idle to a thread of the same process",
       .cpus = 2,
       .task_mm = {0, 0},
       .before = {{0, {run, 0}}, {1, {run, 1}}, {1, {idle}}},
       .programs = {{{slow_side}}, {{run, 1}, {fast_side}}},
       .registered = true},
      {.name = "membarrier-round",
       .what =
           "membarrier(2) on CPU 0 against CPU 1's way from a thread of the same process to idle and back",
       .cpus = 2,
       .task_mm = {0, 0},
       .before = {{0, {run, 0}}, {1, {run, 1}}},
       .programs = {{{slow_side}}, {{idle}, {run, 1}, {fast_side}}},
       .registered = true},
      {.name = "membarrier-out",
       .what = "membarrier(2) on CPU 0 against CPU 1's switch from a thread of the same process to idle",
       .cpus = 2,
       .task_mm = {0, 0},
       .before = {{0, {run, 0}}, {1, {run, 1}}},
       .programs = {{{slow_side}}, {{fast_side}, {idle}}},
       .registered = true},
      {.name = "membarrier-switch",
       .what = "membarrier(2) of a registered process on CPU 0 against CPU 1's switch from another process "
               "to its "
               "thread",
       .cpus = 2,
       .task_mm = {0, 0, 1},
       .before = {{0, {run, 0}}, {1, {run, 1}}, {1, {run, 2}}},
       .programs = {{{slow_side}}, {{run, 1}, {fast_side}}},
       .registered = true},
      {.name = "membarrier-eperm",
       .what = "membarrier-in of a process that has not registered: the kernel answers EPERM and promises "
               "nothing",
       .cpus = 2,
       .task_mm = {0, 0},
       .before = {{0, {run, 0}}, {1, {run, 1}}, {1, {idle}}},
       .programs = {{{slow_side}}, {{run, 1}, {fast_side}}}},
      {.name = "membarrier-global-asid",
       .what = "membarrier-in behind two flushes of a process that runs on both CPUs, which INVLPGB and RAR "
               "give a "
               "global ASID (at 4 CPUs; here at 2)",
       .cpus = 2,
       .task_mm = {0, 0},
       .before = {{0, {run, 0}}, {1, {run, 1}}, {0, {flush_pages}}, {0, {flush_pages}}, {1, {idle}}},
       .programs = {{{slow_side}}, {{run, 1}, {fast_side}}},
       .rules = {.global_asid_above = 1, .global_asid_one_in = 1},
       .registered = true,
       .lifecycles = {"x86-invlpgb", "x86-rar"}},
      {.name = "exit-flushes-twice",
       .what = "as exit, of a process with more than one batch of page tables: its exit flushes twice",
       .cpus = 2,
       .task_mm = {0, 1, 2},
       .before = kLeftLazyOnCpu1,
       .programs = {{{exit}, {run, 2}}, {{nmi}, {run, 1}}},
       .exit_flushes = 2,
       .lifecycles = {"x86-*", "powerpc"}},
      {.name = "global-asid",
       .what = "a process that INVLPGB and RAR give a global ASID (at 4 CPUs; here at 1) flushes and dies on "
               "CPU 0, "
               "while CPU 1 is lazy on its mm",
       .cpus = 2,
       .task_mm = {0, 1, 2},
       .before = kLeftLazyOnCpu1,
       .programs = {{{flush_pages}, {flush_pages}, {exit}, {run, 2}, {tick}}, {{nmi}, {run, 1}}},
       .rules = {.global_asid_above = 0, .global_asid_one_in = 1, .tuning = {.batch = 1}},
       .lifecycles = {"x86-invlpgb", "x86-rar"}},
      {.name = "context-gone",
       .what = "CPU 0's process flushes alone, then with somebody else who holds it, while CPU 1 is lazy on "
               "its mm; it "
               "dies and another one runs",
       .cpus = 2,
       .task_mm = {0, 1, 2},
       .before = kLeftLazyOnCpu1,
       .programs = {{{flush_pages}, {get_user, 0}, {flush_pages}, {put_user}, {exit}, {run, 2}, {tick}},
                    {{nmi}, {run, 1}}},
       .rules = {.tuning = {.batch = 1}},
       .lifecycles = {"loongarch"}},
      {.name = "trims-cross",
       .what = "kswapd on CPU 0, lazy on the mm, unmaps twice, each time a try to trim the mask (one in "
               "1,073; here "
               "always), while the only thread runs on CPU 1, unmaps itself and reads",
       .cpus = 2,
       .task_mm = {0},
       .before = {{0, {run, 0}}, {0, {kthread}}},
       .programs = {{{flush_other, 0}, {flush_other, 0}}, {{run, 0}, {flush_pages}, {touch}, {touch}}},
       .rules = {.trim_timer = 1},
       .lifecycles = {"powerpc"}},
      {.name = "offline-trimmed",
       .what = "lazy CPU 1 goes offline while the process on CPU 0 flushes, and dies",
       .cpus = 2,
       .task_mm = {0},
       .before = kLeftLazyOnCpu1,
       .programs = {{{flush_pages}, {exit}}, {{offline}}}},
      {.name = "first-touch",
       .what = "a thread on CPU 0 unmaps memory while CPU 1 switches from another process to a thread of "
               "its, which has "
               "never been there and reads it twice",
       .cpus = 2,
       .task_mm = {0, 0, 1},
       .before = {{0, {run, 0}}, {1, {run, 2}}},
       .programs = {{{flush_pages}}, {{run, 1}, {touch}, {touch}}}},
      {.name = "moved-on",
       .what =
           "CPU 1, lazy on the mm that dies on CPU 0, goes on with another process and becomes lazy on that",
       .cpus = 2,
       .task_mm = {0, 1},
       .before = kLeftLazyOnCpu1,
       .programs = {{{exit}}, {{run, 1}, {idle}}}},
      {.name = "migrated",
       .what =
           "CPU 1 goes idle, lazy on the mm of the only thread, which CPU 0 takes over and which exits there",
       .cpus = 2,
       .task_mm = {0, 1},
       .before = {{1, {run, 0}}},
       .programs = {{{run, 0}, {exit}}, {{idle}, {run, 1}}}},
      {.name = "membarrier-exit",
       .what = "membarrier(2) on CPU 0 against the exit of a thread of the same process on CPU 1",
       .cpus = 2,
       .task_mm = {0, 0},
       .before = {{0, {run, 0}}, {1, {run, 1}}},
       .programs = {{{slow_side}}, {{fast_side}, {exit}}},
       .registered = true},
      {.name = "membarrier-exec",
       .what = "membarrier(2) on CPU 0 against the exec of a process on CPU 1 that shared the mm (CLONE_VM)",
       .cpus = 2,
       .task_mm = {0, 0},
       .before = {{0, {run, 0}}, {1, {run, 1}}},
       .programs = {{{slow_side}}, {{fast_side}, {exec}}},
       .registered = true},
      {.name = "membarrier-use",
       .what = "membarrier(2) on CPU 0 against a kernel thread on CPU 1 that begins to work in the mm",
       .cpus = 2,
       .task_mm = {0, 0},
       .before = {{0, {run, 0}}, {1, {kthread}}},
       .programs = {{{slow_side}}, {{use_mm, 1}, {fast_side}, {unuse_mm}}},
       .registered = true},
      {.name = "membarrier-unuse",
       .what =
           "membarrier(2) on CPU 0 against a kernel thread on CPU 1 that has worked in the mm and leaves it",
       .cpus = 2,
       .task_mm = {0, 0},
       .before = {{0, {run, 0}}, {1, {kthread}}, {1, {use_mm, 1}}},
       .programs = {{{slow_side}}, {{fast_side}, {unuse_mm}}},
       .registered = true},
      {.name = "membarrier-migrated",
       .what = "membarrier(2) on CPU 0 against a thread of the same process that moves from CPU 1 to CPU 2",
       .cpus = 3,
       .task_mm = {0, 0},
       .before = {{0, {run, 0}}, {1, {run, 1}}},
       .programs = {{{slow_side}}, {{fast_store}, {idle}}, {{run, 1}, {fast_load}}},
       .registered = true},
      {.name = "two-borrowers",
       .what = "CPUs 1 and 2 are lazy on the mm that dies on CPU 0, and each goes on with another process",
       .cpus = 3,
       .task_mm = {0, 1, 2},
       .before = kLeftLazyOnCpus1And2,
       .programs = {{{exit}, {tick}}, {{run, 1}}, {{run, 2}}},
       .interchangeable = 0b110,
       .lifecycles = kThreeCpus},
      {.name = "third-drops",
       .what = "the process dies on CPU 0, CPU 1 gives the last reference back, and CPU 2, lazy, goes on "
               "with another "
               "process",
       .cpus = 3,
       .task_mm = {0, 1},
       .before = {{2, {run, 0}}, {2, {idle}}, {0, {run, 0}}, {1, {hold, 0}}},
       .programs = {{{exit}}, {{let_go}}, {{run, 1}}}},
      {.name = "chain",
       .what = "CPU 2 goes from a borrow of the mm that dies on CPU 0 to that of one whose last thread but "
               "its own "
               "exits on CPU 1",
       .cpus = 3,
       .task_mm = {0, 1, 1},
       .before = {{2, {run, 0}}, {2, {idle}}, {0, {run, 0}}, {1, {run, 1}}},
       .programs = {{{exit}}, {{exit}}, {{run, 2}, {exit}}},
       .exit_flushes = 0,
       .schemes = "mailbox"},
      {.name = "many",
       .what = "a process dies on CPU 0 whose mm four CPUs are in the mask of, more than x86 interrupts "
               "where it has "
               "INVLPGB; CPUs 1 to 3 are lazy on it, and CPU 1 goes on with another process",
       .cpus = 4,
       .task_mm = {0, 1},
       .before = {{1, {run, 0}},
                  {1, {idle}},
                  {2, {run, 0}},
                  {2, {idle}},
                  {3, {run, 0}},
                  {3, {idle}},
                  {0, {run, 0}}},
       .programs = {{{exit}}, {{run, 1}}, {}, {}},
       .lifecycles = {"x86-invlpgb", "x86-rar", "powerpc", "arm64", "riscv"}},
  };
  return all;
}

}  // namespace mmscale::check
