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
  return more.lifecycles.empty() || std::ranges::any_of(more.lifecycles, [lifecycle](std::string_view said) {
           return scheme::stands_for(said, lifecycle);
         });
}

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      Case("alone", "one CPU: the only task exits, then another process runs", {0, 1}, {{0, {run, 0}}},
           {{{exit}, {nmi}, {run, 1}}}),
      Case("exit", "CPU 1 is lazy on the mm that dies on CPU 0, and each CPU goes on with another process",
           {0, 1, 2}, kLeftLazyOnCpu1, {{{exit}, {run, 2}, {tick}}, {{run, 1}}}),
      Case("both-exit", "two threads of one process exit at once; each goes on through a kernel thread",
           {0, 0}, {{0, {run, 0}}, {1, {run, 1}}}, {{{exit}, {kthread}}, {{exit}, {kthread}}}),
      Case("reuse", "CPU 0's process dies and a new one gets its memory, while CPU 1 is lazy on the old one",
           {0, 1}, kLeftLazyOnCpu1, {{{exit}, {born, 0}}, {{run, 1}}}),
      Case("last-drop-elsewhere", "somebody on CPU 1 still pins the struct when the process dies on CPU 0",
           {0, 1}, {{0, {run, 0}}, {1, {hold, 0}}}, {{{exit}, {run, 1}}, {{let_go}}}),
      Case("trimmed",
           "two munmaps that free page tables on CPU 0 take lazy CPU 1 out of the mask, then the process "
           "dies and another one runs",
           {0, 1, 2}, kLeftLazyOnCpu1,
           {{{flush_tables}, {flush_tables}, {exit}, {run, 2}, {tick}}, {{nmi}, {run, 1}}},
           {.rules = {.tuning = {.batch = 1}}}),
      Case("deep-idle",
           "lazy CPU 1 enters an idle state that loses the TLB; CPU 0 unmaps, the process dies and another "
           "runs",
           {0, 1, 2}, kLeftLazyOnCpu1,
           {{{flush_tables}, {exit}, {run, 2}, {tick}}, {{deep_idle}, {nmi}, {run, 1}}},
           {.rules = {.tuning = {.batch = 1}}}),
      Case("kthread-uses",
           "a kernel thread on CPU 1 works in the address space and leaves it, while the process dies on "
           "CPU 0",
           {0, 0, 1}, {{0, {run, 0}}, {1, {kthread}}, {1, {use_mm, 1}}},
           {{{exit}}, {{unuse_mm}, {run, 1}, {exit}}}),
      Case("handed-on",
           "CPU 1 hands its borrow from the idle task to a kernel thread, while two processes die on CPU 0",
           {0, 1}, kLeftLazyOnCpu1, {{{exit}, {run, 1}, {exit}, {tick}}, {{kthread}, {nmi}}},
           {.rules = {.tuning = {.batch = 2}}}),
      Case("no-tables", "as exit, of a process that has no page tables to flush", {0, 1}, kLeftLazyOnCpu1,
           {{{exit}}, {{run, 1}}}, {.exit_flushes = 0}),
      Case("efi", "lazy CPU 1 calls EFI firmware, its active_mm put aside, while the process dies on CPU 0",
           {0, 1}, kLeftLazyOnCpu1, {{{exit}}, {{efi}, {run, 1}}}),
      Case(
          "unmap",
          "a thread on CPU 0 unmaps memory that one on CPU 1 has read, and reads again behind a stay in idle",
          {0, 0}, {{0, {run, 0}}, {1, {run, 1}}, {1, {touch}}},
          {{{flush_pages}}, {{idle}, {run, 1}, {touch}}}),
      Case("exec", "a kernel thread on CPU 1, lazy on the mm that dies on CPU 0, execs a program", {0},
           {{1, {run, 0}}, {1, {kthread}}, {0, {run, 0}}}, {{{exit}}, {{exec}, {exit}}}),
      Case("offline", "lazy CPU 1 goes offline while the process dies on CPU 0", {0}, kLeftLazyOnCpu1,
           {{{exit}}, {{offline}}}),
      Case("membarrier-in",
           "membarrier(2) on CPU 0 against CPU 1's switch from idle to a thread of the same process", {0, 0},
           {{0, {run, 0}}, {1, {run, 1}}, {1, {idle}}}, {{{slow_side}}, {{run, 1}, {fast_side}}},
           {.registered = true}),
      Case("membarrier-round",
           "membarrier(2) on CPU 0 against CPU 1's way from a thread of the same process to idle and back",
           {0, 0}, {{0, {run, 0}}, {1, {run, 1}}}, {{{slow_side}}, {{idle}, {run, 1}, {fast_side}}},
           {.registered = true}),
      Case("membarrier-out",
           "membarrier(2) on CPU 0 against CPU 1's switch from a thread of the same process to idle", {0, 0},
           {{0, {run, 0}}, {1, {run, 1}}}, {{{slow_side}}, {{fast_side}, {idle}}}, {.registered = true}),
      Case("membarrier-switch",
           "membarrier(2) of a registered process on CPU 0 against CPU 1's switch from another process to "
           "its thread",
           {0, 0, 1}, {{0, {run, 0}}, {1, {run, 1}}, {1, {run, 2}}}, {{{slow_side}}, {{run, 1}, {fast_side}}},
           {.registered = true}),
      Case(
          "membarrier-eperm",
          "membarrier-in of a process that has not registered: the kernel answers EPERM and promises nothing",
          {0, 0}, {{0, {run, 0}}, {1, {run, 1}}, {1, {idle}}}, {{{slow_side}}, {{run, 1}, {fast_side}}}),
      Case("membarrier-global-asid",
           "membarrier-in behind two flushes of a process that runs on both CPUs, which INVLPGB and RAR "
           "give a global ASID (at 4 CPUs; here at 2)",
           {0, 0}, {{0, {run, 0}}, {1, {run, 1}}, {0, {flush_pages}}, {0, {flush_pages}}, {1, {idle}}},
           {{{slow_side}}, {{run, 1}, {fast_side}}},
           {.rules = {.global_asid_above = 1, .global_asid_one_in = 1},
            .registered = true,
            .lifecycles = {"x86-invlpgb", "x86-rar"}}),
      Case("exit-flushes-twice",
           "as exit, of a process with more than one batch of page tables: its exit flushes twice", {0, 1, 2},
           kLeftLazyOnCpu1, {{{exit}, {run, 2}}, {{nmi}, {run, 1}}},
           {.exit_flushes = 2, .lifecycles = {"x86-*", "powerpc"}}),
      Case("global-asid",
           "a process that INVLPGB and RAR give a global ASID (at 4 CPUs; here at 1) flushes and dies on "
           "CPU 0, while CPU 1 is lazy on its mm",
           {0, 1, 2}, kLeftLazyOnCpu1,
           {{{flush_pages}, {flush_pages}, {exit}, {run, 2}, {tick}}, {{nmi}, {run, 1}}},
           {.rules = {.global_asid_above = 0, .global_asid_one_in = 1, .tuning = {.batch = 1}},
            .lifecycles = {"x86-invlpgb", "x86-rar"}}),
      Case("context-gone",
           "CPU 0's process flushes alone, then with somebody else who holds it, while CPU 1 is lazy on "
           "its mm; it dies and another one runs",
           {0, 1, 2}, kLeftLazyOnCpu1,
           {{{flush_pages}, {get_user, 0}, {flush_pages}, {put_user}, {exit}, {run, 2}, {tick}},
            {{nmi}, {run, 1}}},
           {.rules = {.tuning = {.batch = 1}}, .lifecycles = {"loongarch"}}),
      Case("trims-cross",
           "kswapd on CPU 0, lazy on the mm, unmaps twice, each time a try to trim the mask (one in 1,073; "
           "here always), while the only thread runs on CPU 1, unmaps itself and reads",
           {0}, {{0, {run, 0}}, {0, {kthread}}},
           {{{flush_other, 0}, {flush_other, 0}}, {{run, 0}, {flush_pages}, {touch}, {touch}}},
           {.rules = {.trim_timer = 1}, .lifecycles = {"powerpc"}}),
      Case("offline-trimmed", "lazy CPU 1 goes offline while the process on CPU 0 flushes, and dies", {0},
           kLeftLazyOnCpu1, {{{flush_pages}, {exit}}, {{offline}}}),
      Case("first-touch",
           "a thread on CPU 0 unmaps memory while CPU 1 switches from another process to a thread of its, "
           "which has never been there and reads it twice",
           {0, 0, 1}, {{0, {run, 0}}, {1, {run, 2}}}, {{{flush_pages}}, {{run, 1}, {touch}, {touch}}}),
      Case("moved-on",
           "CPU 1, lazy on the mm that dies on CPU 0, goes on with another process and becomes lazy on that",
           {0, 1}, kLeftLazyOnCpu1, {{{exit}}, {{run, 1}, {idle}}}),
      Case("migrated",
           "CPU 1 goes idle, lazy on the mm of the only thread, which CPU 0 takes over and which exits there",
           {0, 1}, {{1, {run, 0}}}, {{{run, 0}, {exit}}, {{idle}, {run, 1}}}),
      Case("membarrier-exit",
           "membarrier(2) on CPU 0 against the exit of a thread of the same process on CPU 1", {0, 0},
           {{0, {run, 0}}, {1, {run, 1}}}, {{{slow_side}}, {{fast_side}, {exit}}}, {.registered = true}),
      Case("membarrier-exec",
           "membarrier(2) on CPU 0 against the exec of a process on CPU 1 that shared the mm (CLONE_VM)",
           {0, 0}, {{0, {run, 0}}, {1, {run, 1}}}, {{{slow_side}}, {{fast_side}, {exec}}},
           {.registered = true}),
      Case("membarrier-use",
           "membarrier(2) on CPU 0 against a kernel thread on CPU 1 that begins to work in the mm", {0, 0},
           {{0, {run, 0}}, {1, {kthread}}}, {{{slow_side}}, {{use_mm, 1}, {fast_side}, {unuse_mm}}},
           {.registered = true}),
      Case("membarrier-unuse",
           "membarrier(2) on CPU 0 against a kernel thread on CPU 1 that has worked in the mm and leaves it",
           {0, 0}, {{0, {run, 0}}, {1, {kthread}}, {1, {use_mm, 1}}},
           {{{slow_side}}, {{fast_side}, {unuse_mm}}}, {.registered = true}),
      Case("membarrier-migrated",
           "membarrier(2) on CPU 0 against a thread of the same process that moves from CPU 1 to CPU 2",
           {0, 0}, {{0, {run, 0}}, {1, {run, 1}}},
           {{{slow_side}}, {{fast_store}, {idle}}, {{run, 1}, {fast_load}}}, {.registered = true}),
      Case("two-borrowers",
           "CPUs 1 and 2 are lazy on the mm that dies on CPU 0, and each goes on with another process",
           {0, 1, 2}, kLeftLazyOnCpus1And2, {{{exit}, {tick}}, {{run, 1}}, {{run, 2}}},
           {.interchangeable = 0b110, .lifecycles = kThreeCpus}),
      Case("preempted-exit",
           "a kernel thread preempts the last exit of a process on CPU 0 wherever the kernel lets it, "
           "while CPU 1, lazy on its mm, goes on with another",
           {0, 1}, kLeftLazyOnCpu1, {{{exit}}, {{run, 1}}, {{signal, 0}}}, {.preempted_by = Case::kKthread}),
      Case("preempted-by-user", "as preempted-exit, by a thread of a third process", {0, 1, 2},
           kLeftLazyOnCpu1, {{{exit}}, {{run, 1}}, {{signal, 0}}},
           {.preempted_by = 2, .lifecycles = kThreeCpus}),
      Case("preempted-use",
           "a user's thread preempts a kernel thread on CPU 1, lazy on the mm that dies on CPU 0, that "
           "works in another mm",
           {0, 1, 2}, {{1, {run, 0}}, {1, {kthread}}, {0, {run, 0}}},
           {{{exit}}, {{use_mm, 1}, {unuse_mm}}, {{signal, 1}}},
           {.preempted_by = 2, .lifecycles = kThreeCpus}),
      Case("preempted-unuse",
           "a user's thread preempts a kernel thread on CPU 1 that leaves the mm which dies on CPU 0", {0, 1},
           {{1, {kthread}}, {1, {get_user, 0}}, {1, {use_mm, 0}}, {0, {run, 0}}},
           {{{exit}}, {{unuse_mm}, {put_user}}, {{signal, 1}}},
           {.preempted_by = 1, .lifecycles = kThreeCpus}),
      Case("preempted-exec", "as exec, and a user's thread preempts the kernel thread that execs", {0, 1},
           {{1, {run, 0}}, {1, {kthread}}, {0, {run, 0}}}, {{{exit}}, {{exec}}, {{signal, 1}}},
           {.preempted_by = 1, .lifecycles = kThreeCpus}),
      Case("third-drops",
           "the process dies on CPU 0, CPU 1 gives the last reference back, and CPU 2, lazy, goes on with "
           "another process",
           {0, 1}, {{2, {run, 0}}, {2, {idle}}, {0, {run, 0}}, {1, {hold, 0}}},
           {{{exit}}, {{let_go}}, {{run, 1}}}),
      Case("chain",
           "CPU 2 goes from a borrow of the mm that dies on CPU 0 to that of one whose last thread but its "
           "own exits on CPU 1",
           {0, 1, 1}, {{2, {run, 0}}, {2, {idle}}, {0, {run, 0}}, {1, {run, 1}}},
           {{{exit}}, {{exit}}, {{run, 2}, {exit}}}, {.exit_flushes = 0, .schemes = "mailbox"}),
      Case(
          "many",
          "a process dies on CPU 0 whose mm four CPUs are in the mask of, more than x86 interrupts where it "
          "has INVLPGB; CPUs 1 to 3 are lazy on it, and CPU 1 goes on with another process",
          {0, 1},
          {{1, {run, 0}}, {1, {idle}}, {2, {run, 0}}, {2, {idle}}, {3, {run, 0}}, {3, {idle}}, {0, {run, 0}}},
          {{{exit}}, {{run, 1}}, {}, {}},
          {.lifecycles = {"x86-invlpgb", "x86-rar", "powerpc", "arm64", "riscv"}}),
  };
  return all;
}

const Case& find_case(std::string_view name) { return *std::ranges::find(cases(), name, &Case::name); }

}  // namespace mmscale::check
