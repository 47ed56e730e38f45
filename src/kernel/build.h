// SPDX-License-Identifier: MIT
//
// What a kernel build is made of besides its scheme and its architecture's lifecycle: options as of Kconfig, rules, and
// the words in which kernel and scheme talk to each other.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mmscale::kernel {

// Where mm_count lives in Mm. `isolated`: alone in its line, as since c1753fd02a00 (2023). `packed`: sharing
// its line with what every switch reads, as before.
enum class MmLayout { isolated, packed };

// Whether context_switch carries the per-mm concurrency ids' barriers and accesses (switch_mm_cid,
// kernel/sched/sched.h of 6.4 to 6.12).
enum class MmCid { off, v6_4 };

inline constexpr std::array<std::string_view, 2> kMmCidNames = {"off", "v6.4"};

struct Options {
  bool operator==(const Options&) const = default;

  MmCid mm_cid = MmCid::off;
  // Take and release an rq lock in every switch: one locked read-modify-write on a line of this CPU's own, as
  // __schedule does. Off by default, since it costs every scheme the same and hides what they differ in.
  bool rq_lock = false;
};

// When a CPU that goes offline leaves the mm it borrows (kernel/cpu.c, kernel/sched/core.c). `before`
// 21641bd9a7a7: out of every mm_cpumask first, and to init_mm only when the CPU is dead. `after`: to init_mm
// first.
enum class Hotplug { before, after };

inline constexpr std::array<std::string_view, 2> kHotplugNames = {"before", "after"};

// What some schemes can be tuned with, at run time. A scheme whose per-CPU state can be made from it keeps a
// copy there, made at boot: reading that is an access to the CPU's own lines.
struct Tuning {
  bool operator==(const Tuning&) const = default;

  // nonlazy: ticks of the CPU's counter that loading other page tables takes.
  std::uint32_t switch_ticks = 300;
  // shootdown-batch: dead mms per round of IPIs, 1 to kMaxBatch.
  std::uint32_t batch = 8;
  static constexpr std::uint32_t kMaxBatch = 32;
};

// Choices that only slow paths look at, at run time, so that they cost no build of their own.
struct Rules {
  bool operator==(const Rules&) const = default;

  // ARCH_WANT_IRQS_OFF_ACTIVATE_MM: exec_mmap keeps interrupts off until the new mm is loaded, unless this says no. Which
  // architectures ask for it, and since when, their lifecycles say (kWantsIrqsOffActivateMm).
  std::optional<bool> irqs_off_activate_mm = {};
  Hotplug hotplug = Hotplug::after;
  // Two rules that make things rare, for the explorer to make frequent. x86, INVLPGB and RAR: a global ASID is given to
  // an mm that more CPUs than this run in, when one flush in so many finds that (consider_global_asid, one match of
  // `pid & 0x1f` with jiffies). powerpc: a CPU tries to trim a mask at one flush in so many (tlb_mm_cpumask_trim_timer).
  std::uint32_t global_asid_above = 3;
  std::uint32_t global_asid_one_in = 32;
  std::uint32_t trim_timer = 1073;
  Tuning tuning = {};
};

// What a flush of a living mm gave back: `pages` (madvise, munmap of a part) or `page_tables` too (munmap of
// whole tables), which a CPU may walk speculatively as long as it has them loaded.
enum class Freed { pages, page_tables };

// What barrier a scheme's lazy_enter is: none, that of a read-modify-write (full on x86, completed by
// smp_mb__after_atomic elsewhere), or full. Callers that need a full barrier add what is missing.
enum class EnterBarrier { none, rmw, full };

// The kernel function that calls a hook of the scheme.
enum class Site {
  context_switch,
  exit_mm,
  unlazy,
  mmput,
  kthread_use_mm,
  kthread_unuse_mm,
  exec_mmap,
  sched_force_init_mm,
  finish_cpu,
  start_secondary,
  mmdrop,  // by somebody who held the struct only: kvm, /proc/pid/mem, ...
};

// A trait of a scheme that looks at CPUs, remotely, to find out who borrows an mm: at those in mm_cpumask, or at every
// possible CPU, or the first on x86 and the second elsewhere. Where the architecture keeps no mask it is every CPU in any
// case.
enum class Candidates { mask, all, mask_on_x86 };

// Whether lazy_enter at this site begins to borrow a user mm. At the others a CPU falls back on init_mm,
// which is never freed and needs no tracking.
constexpr bool borrows_user_mm(Site site) {
  return site == Site::context_switch || site == Site::exit_mm || site == Site::kthread_unuse_mm;
}

// How a kernel thread that is lazy on a user mm calls EFI firmware, which needs page tables of its own.
enum class Efi {
  none,             // by no page tables of its own, or not at all
  active_mm_aside,  // active_mm is put aside, efi_mm stored there, and loaded again at the end
  under_active_mm,  // efi_mm is loaded, active_mm stays
  temporary_mm,     // the CPU leaves the user mm first, active_mm stays; then efi_mm is loaded
  unlazied,         // the borrow ends first; then efi_mm is loaded
  kthread_uses_it,  // kthread_use_mm(&efi_mm)
};

// What reap leaves to its caller: to free the mm now, or nothing since the scheme kept it for drain.
enum class Reaped { free_now, deferred };

// When drain is called. `tick`: now and then while CPUs run, interrupts on; it must not wait. `end`: every
// process has ended and every CPU borrows init_mm; nothing may be left behind, and it may wait for other
// CPUs.
enum class Drain { tick, end };

}  // namespace mmscale::kernel
