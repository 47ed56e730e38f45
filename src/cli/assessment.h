// SPDX-License-Identifier: MIT
//
// What `mmscale assess` found out, and how it says it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "measure/statistics.h"

namespace mmscale::cli {

// The median of what windows said, ns, and the interval that holds it (measure::median_interval): empty without a
// window that counts, the interval below five, whose extremes hold the median with 94 %.
struct Figure {
  std::optional<double> median;
  std::optional<measure::Interval> interval;
  std::size_t windows = 0;
};
Figure figure_of(std::span<const double> values);

// Pairs that wake each other on so many CPUs. ns of a CPU's time for each switch, idling included.
struct SwitchPoint {
  unsigned cpus = 0;
  // What each end computes between a message and its own, ns, so that the other sleeps; not in what follows.
  double pause_ns = 0;
  // The part of messages that their receiver slept for, at least.
  double slept_share = 0;
  // Whether the running kernel counts lazy references, as far as is known. Of one that does not, nothing is mm_count's, and
  // the emulation says what counting would cost.
  bool counted = true;
  // The running kernel: ends that share one mm, ends with an mm each, and by how much the first take longer in
  // windows that followed each other. Whatever a shared mm costs is in that, mm_count among it: no scheme can
  // give more, but for the instructions of its own that mm_count has with an mm each, too.
  Figure threads;
  Figure processes;
  Figure sharing;
  // The emulated kernel with the processes' switch as the rest in between: refcount with one mm less refcount
  // with an mm each, and less the other schemes with one mm.
  Figure mm_count;
  Figure shootdown;
  Figure hazptr;
  // Those instructions: refcount with an mm each less shootdown.
  Figure instructions;
  // A refcount made slower by a known amount, less refcount.
  Figure planted;
};

// From the last thread's exit to its having been collected, with so many CPUs lazy on the mm.
struct Death {
  unsigned lazy = 0;
  Figure ns;
};

// What a recording had.
struct Workload {
  std::string name;
  // Why there is nothing below; empty if there is.
  std::string unavailable;
  double seconds = 0;
  unsigned cpus = 0;
  std::uint64_t switches = 0;
  std::uint64_t borrows = 0;
  std::uint64_t deaths = 0;
  // CPUs that shootdown interrupts when mms die, under powerpc's rules.
  std::uint64_t interrupts = 0;
  // Events that its tracer dropped, at least: where there are any, all counts are too low.
  std::uint64_t lost = 0;
};

struct Assessment {
  std::string placement;
  std::string transport;
  std::string lifecycle;
  // How the running kernel keeps a borrowed mm alive (measure::lazy_tlb_of).
  std::string kernel_lazy_tlb;
  unsigned repetitions = 0;
  // That may be used at a time, and of how many.
  unsigned all_cpus = 0;
  unsigned online_cpus = 0;
  double planted_ns = 0;
  // Windows that do not count were taken, too.
  bool accepts_invalid = false;
  std::vector<SwitchPoint> points;
  std::vector<Death> deaths;
  // A call of the running kernel that interrupts one other CPU, which computes or idles: membarrier, and
  // munmap with its TLB flush.
  Figure interrupt_running;
  Figure flush_running;
  Figure flush_idle;
  std::optional<Workload> workload;
  bool incomplete = false;
};

// Whether the kernel bears out the emulated mm_count. It takes two costs that are seen: an interval that meets the other and
// holds 0 as well bears out nothing (cannot_tell). unknown: too few windows count.
enum class Agreement { agree, disagree, cannot_tell, unknown };
Agreement agreement(const SwitchPoint& point);

// What any scheme spares of a switch at most, ns: the upper ends of what sharing costs and of mm_count's own instructions.
// Empty if that is unknown, or where threads take less: what else they share then spares more than mm_count costs, and how
// much nobody knows.
std::optional<double> bound(const SwitchPoint& point);
// At most so much more switches per second, as a part, in a program that does nothing but switch: the bound out of the lower
// end of what a switch of threads takes. Empty without one, or if it is nearly all of a switch.
std::optional<double> most_gain(const SwitchPoint& point);
// The same of the emulated mm_count.
std::optional<double> emulated_gain(const SwitchPoint& point);

// What part of its CPUs' time a recording spends on so many ns at each switch of its borrows. Empty if there is none, if its
// counts are too low, or if it has more CPUs than switches were measured on.
std::optional<double> share_of(const Assessment& assessment, double ns);

// What part of its CPUs' time the recording spends on mm_count, borrows being two switches each; the upper end
// of the interval. Of the bound where the kernel does not bear out the emulation, and of a whole switch where there is no
// bound. Empty if unknown.
std::optional<double> workload_share(const Assessment& assessment);

// What part of its CPUs' time a recording would spend on shootdown's interrupts, at most. Empty if unknown.
std::optional<double> interrupts_share(const Assessment& assessment);

// Tables, then sentences.
std::string in_words(const Assessment& assessment);
nlohmann::ordered_json to_json(const Assessment& assessment);
// The same as an entry of a record file.
nlohmann::ordered_json to_record(const Assessment& assessment);

}  // namespace mmscale::cli
