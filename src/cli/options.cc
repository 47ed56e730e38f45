// SPDX-License-Identifier: MIT
#include "cli/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <system_error>

#include "bench/families.h"
#include "campaign/formats.h"
#include "cli/completion.h"
#include "cli/names.h"
#include "kernel/build.h"
#include "machine/silicon/transport.h"
#include "measure/output_file.h"
#include "scheme/known.h"
#include "topology/placement.h"
#include "topology/sharing.h"
#include "workload/patterns.h"

namespace mmscale::cli {
namespace {

constexpr double kMost32 = std::numeric_limits<std::uint32_t>::max();
// Whole numbers up to here are themselves as a double.
constexpr double kMostWhole = 9007199254740992.0;

std::vector<std::string_view> schemes() { return names_of(scheme::schemes()); }
std::vector<std::string_view> families() { return names_of(bench::families()); }
std::vector<std::string_view> workloads() { return names_of(workload::patterns()); }
std::vector<std::string_view> lifecycles() {
  const auto names = scheme::lifecycle_names();
  return {names.begin(), names.end()};
}
std::vector<std::string_view> sharings() {
  return {topology::kSharingNames.begin(), topology::kSharingNames.end()};
}
std::vector<std::string_view> placements() {
  return {topology::kPlacementNames.begin(), topology::kPlacementNames.end()};
}
std::vector<std::string_view> transports() {
  const auto names = machine::silicon::transport_names();
  return {names.begin(), names.end()};
}
std::vector<std::string_view> mm_cids() {
  return {to_string(kernel::MmCid::off), to_string(kernel::MmCid::v6_4)};
}
std::vector<std::string_view> hotplugs() {
  return {to_string(kernel::Hotplug::before), to_string(kernel::Hotplug::after)};
}

// Families that run the emulated kernel.
constexpr std::string_view kKernel = "switch,teardown,mix,explorer,simulator";

}  // namespace

std::span<const OptionInfo> options() {
  static const std::vector<OptionInfo> kOptions = {
      // what is measured
      {.name = "--family",
       .value = Value::names,
       .help = "What to measure, or all",
       .key = "family",
       .page = "docs/families.md",
       .choices = families},
      {.name = "sim --family",
       .value = Value::names,
       .help = "What to simulate: switch, floor, bounce, or all",
       .key = "family",
       .page = "docs/simulator.md",
       .choices =
           [] {
             return std::vector<std::string_view>{"switch", "floor", "bounce"};
           }},
      {.name = "--scheme",
       .value = Value::names,
       .help = "Schemes, comma-separated; default all that are safe",
       .key = "scheme",
       .page = "docs/schemes.md",
       .families = "switch,teardown,mix,simulator",
       .choices = schemes},
      {.name = "--workload",
       .value = Value::names,
       .help = "Workloads, or all",
       .key = "workload",
       .page = "docs/families.md",
       .families = "switch",
       .choices = workloads},
      {.name = "--sharing",
       .value = Value::names,
       .help = "Who shares an mm, or a number of CPUs",
       .key = "sharing",
       .page = "docs/topology.md",
       .families = "switch,mix",
       .choices = sharings},
      {.name = "--placement",
       .value = Value::names,
       .help = "Which CPUs come first, or a CPU list",
       .key = "placement",
       .page = "docs/topology.md",
       .choices = placements},
      {.name = "--cpus",
       .value = Value::cpu_counts,
       .help = "CPU counts: 1,2,4, ranges, all, octave (8 per doubling); default: as the budget allows",
       .key = "cpus",
       .page = "docs/measuring.md"},
      {.name = "sim --cpus",
       .value = Value::cpu_counts,
       .help = "CPU counts: 1,2,4, ranges, all, octave (8 per doubling); default: one per doubling, and all",
       .key = "cpus",
       .page = "docs/simulator.md"},
      {.name = "--leave",
       .value = Value::text,
       .help =
           "Cores left to everything else: N, N/package or N/node; default: 1 on machines of more than 16 "
           "CPUs",
       .page = "docs/measuring.md"},
      {.name = "--home",
       .value = Value::count,
       .help = "NUMA node of the contended mm; default: the first CPU's",
       .key = "home_node",
       .condition = true,
       .page = "docs/topology.md",
       .most = kMost32},
      {.name = "--machine",
       .value = Value::name,
       .help = "A machine model, by name or file (*.json); sim takes list, too: which there are, and what "
               "they are",
       .key = "machine",
       .condition = true,
       .page = "docs/simulator.md"},
      // the emulated kernel
      {.name = "--lifecycle",
       .value = Value::name,
       .help =
           "Whose rules for mm_cpumask and the lazy TLB; default: this kernel's, powerpc where none is its",
       .key = "lifecycle",
       .condition = true,
       .page = "docs/lifecycles.md",
       .families = kKernel,
       .choices = lifecycles},
      {.name = "sim --lifecycle",
       .value = Value::name,
       .help = "Whose rules for mm_cpumask; default: of the machine's kind, x86-2024, arm64 or powerpc",
       .key = "lifecycle",
       .condition = true,
       .page = "docs/lifecycles.md",
       .families = kKernel,
       .choices = lifecycles},
      {.name = "--mm-cid",
       .value = Value::name,
       .help = "switch_mm_cid's barriers: off, or as in v6.4",
       .key = "mm_cid",
       .condition = true,
       .page = "docs/lifecycles.md",
       .families = "switch,mix,teardown",
       .choices = mm_cids},
      {.name = "--rq-lock",
       .value = Value::flag,
       .help = "Take an rq lock in every switch",
       .key = "rq_lock",
       .condition = true,
       .page = "docs/lifecycles.md",
       .families = "switch,mix,teardown"},
      {.name = "--irqs-off-activate-mm,!--irqs-on-activate-mm",
       .value = Value::flag,
       .help = "exec_mmap keeps interrupts off until the new mm is loaded (ARCH_WANT_IRQS_OFF_ACTIVATE_MM); "
               "default: as the lifecycle's 6.12",
       .key = "irqs_off_activate_mm",
       .condition = true,
       .page = "docs/lifecycles.md",
       .families = "switch,mix,teardown"},
      {.name = "--hotplug",
       .value = Value::name,
       .help = "A CPU going offline leaves its mm before or after the fix 21641bd9a7a7",
       .key = "hotplug",
       .condition = true,
       .page = "docs/lifecycles.md",
       .families = "switch,mix,teardown",
       .choices = hotplugs},
      {.name = "--migrate-every",
       .value = Value::count,
       .help = "build: one process of so many changes its CPU; 0: none",
       .key = "migrate_every",
       .condition = true,
       .page = "docs/families.md",
       .families = "switch",
       .workloads = "build",
       .most = kMost32},
      {.name = "--no-page-tables",
       .value = Value::flag,
       .help = "The processes have no page tables, so that nothing is flushed when they die",
       .key = "page_tables",
       .condition = true,
       .page = "docs/lifecycles.md",
       .families = "switch,mix"},
      {.name = "--death-ticks",
       .value = Value::count,
       .help =
           "exit, build, hotplug, mix: ticks of the CPU's counter (TSC) that a death and the next birth take "
           "besides",
       .key = "death_ticks",
       .condition = true,
       .page = "docs/families.md",
       .families = "switch,mix",
       .workloads = "exit,build,hotplug",
       .most = kMost32},
      {.name = "--nohz",
       .value = Value::count,
       .help = "One idle period in so many stops the tick and ends with a busy one, which write words of the "
               "whole "
               "machine",
       .key = "nohz_every",
       .condition = true,
       .page = "docs/costs.md",
       .families = "switch,mix",
       .least = 1,
       .most = kMost32},
      {.name = "replay --nohz",
       .value = Value::count,
       .help = "The tick rate, CONFIG_HZ: an idle period of the trace that is longer than a tick stops it, "
               "which writes "
               "words of the whole machine",
       .key = "nohz_hz",
       .condition = true,
       .page = "docs/costs.md",
       .least = 1,
       .most = 100'000},
      {.name = "--idle-exit",
       .value = Value::duration,
       .help = "How long an idle CPU takes to leave its idle state for an interrupt, e.g. 2us; default: "
               "sim's machine's, "
               "else 0",
       .key = "idle_exit_ns",
       .condition = true,
       .page = "docs/costs.md",
       .families = "switch,mix,teardown",
       .workloads = "exit,build,server,hotplug"},
      {.name = "--registered",
       .value = Value::flag,
       .help = "The processes have registered for membarrier(2)",
       .key = "registered",
       .condition = true,
       .page = "docs/costs.md",
       .families = "switch,mix"},
      {.name = "--deep-idle",
       .value = Value::flag,
       .help = "Idle CPUs enter a state that loses the TLB",
       .key = "deep_idle",
       .condition = true,
       .page = "docs/lifecycles.md",
       .families = "switch,mix"},
      {.name = "--switch-ticks",
       .value = Value::count,
       .help = "nonlazy: ticks of the CPU's counter (TSC) that loading other page tables takes",
       .key = "switch_ticks",
       .condition = true,
       .page = "docs/schemes.md",
       .families = "switch,mix,teardown",
       .most = 1'000'000},
      {.name = "--batch",
       .value = Value::count,
       .help = "shootdown-batch: dead mms per round of IPIs",
       .key = "batch",
       .condition = true,
       .page = "docs/schemes.md",
       .families = "switch,mix,teardown",
       .least = 1,
       .most = kernel::Tuning::kMaxBatch},
      {.name = "--transport",
       .value = Value::name,
       .help = "How IPIs are sent; default: the first that works",
       .key = "transport",
       .condition = true,
       .page = "docs/measuring.md",
       .families = "switch,teardown,mix,ipi",
       .choices = transports},
      {.name = "replay --transport",
       .value = Value::name,
       .help = "--silicon: how IPIs are sent",
       .key = "transport",
       .condition = true,
       .page = "docs/traces.md",
       .choices = transports},
      // the workload
      {.name = "--think",
       .value = Value::count,
       .help = "Ticks of the CPU's counter (TSC) that every task runs before it is switched away",
       .key = "think_cycles",
       .condition = true,
       .page = "docs/families.md",
       .families = "switch,mix",
       .most = kMost32},
      {.name = "--tasks-per-cpu",
       .value = Value::count,
       .help = "idle, kthread: user tasks that run in turn on each CPU before it idles",
       .key = "tasks_per_cpu",
       .condition = true,
       .page = "docs/families.md",
       .families = "switch",
       .workloads = "idle,kthread",
       .least = 1,
       .most = 1000},
      {.name = "--lifetime",
       .value = Value::count,
       .help =
           "exit, exec, build, server, hotplug: switches per CPU in a process', program's or thread's life",
       .key = "lifetime",
       .condition = true,
       .page = "docs/families.md",
       .families = "switch",
       .workloads = "exit,exec,build,server,hotplug",
       .least = 2,
       .most = kMost32},
      {.name = "--exits",
       .value = Value::count,
       .help = "mix: thread exits per million switches of a CPU, "
               "comma-separated",
       .key = "exits_per_million",
       .page = "docs/families.md",
       .families = "mix",
       .most = 500'000},
      {.name = "--linger",
       .value = Value::duration,
       .help = "teardown: how long borrowers go on borrowing after the drop, e.g. 20us; default 0",
       .key = "linger_ns",
       .condition = true,
       .page = "docs/teardown.md",
       .families = "teardown"},
      {.name = "--line-pus",
       .value = Value::text,
       .help = "line: pairs of so many PUs, or of all; default: all up to 512 that the budget has time for",
       .key = "sampled_from",
       .page = "docs/families.md",
       .families = "line"},
      {.name = "--latency",
       .value = Value::flag,
       .help = "Time one switch in 997",
       .key = "latency_one_in",
       .condition = true,
       .page = "docs/latency.md",
       .families = "switch,mix"},
      {.name = "--loop",
       .value = Value::names,
       .help = "floor: the loops to simulate, or all",
       .key = "scheme",
       .page = "docs/simulator.md",
       .families = "floor"},
      {.name = "--between",
       .value = Value::number,
       .help = "floor: ns that the loop itself takes after each round",
       .key = "between_ns",
       .condition = true,
       .page = "docs/simulator.md",
       .families = "floor",
       .most = 1e6},
      {.name = "--inside",
       .value = Value::number,
       .help = "floor: ns in a lock's critical section, or while a count is held",
       .key = "inside_ns",
       .condition = true,
       .page = "docs/simulator.md",
       .families = "floor",
       .most = 1e6},
      {.name = "--delay",
       .value = Value::number,
       .help = "floor: ns after each round that other hardware threads of the core do not stretch",
       .key = "delay_ns",
       .condition = true,
       .page = "docs/simulator.md",
       .families = "floor",
       .most = 1e6},
      {.name = "--lines",
       .value = Value::count,
       .help = "floor: lines of a walk",
       .key = "walked_lines",
       .condition = true,
       .page = "docs/simulator.md",
       .families = "floor",
       .least = 1,
       .most = 10'000},
      {.name = "--rest-of-switch",
       .value = Value::text,
       .help = "What a switch takes beside the scheme's part: ns, or a file with lines 'CPUs ns'",
       .key = "rest_of_switch",
       .condition = true,
       .page = "docs/simulator.md",
       .families = "switch"},
      {.name = "--random-think",
       .value = Value::flag,
       .help = "Draw what is between switches, with --think or --rest-of-switch as the mean",
       .key = "random_think",
       .condition = true,
       .page = "docs/simulator.md",
       .families = "switch"},
      // time
      {.name = "--window",
       .value = Value::duration,
       .help = "Length of a measurement, e.g. 200ms; default: as the budget allows",
       .key = "window_ns",
       .condition = true,
       .page = "docs/measuring.md"},
      {.name = "sim --window",
       .value = Value::duration,
       .help = "Length of a measurement, in virtual time",
       .key = "window_ns",
       .condition = true,
       .page = "docs/simulator.md"},
      {.name = "--warm",
       .value = Value::duration,
       .help = "Time before it; default: a quarter of the window",
       .key = "warm_ns",
       .condition = true,
       .page = "docs/measuring.md"},
      {.name = "--reps",
       .value = Value::count,
       .help = "Repetitions; default: 9 if the budget allows",
       .page = "docs/measuring.md",
       .least = 1,
       .most = 1'000'000},
      {.name = "--budget",
       .value = Value::duration,
       .help = "Time limit; unset options are chosen to fit",
       .page = "docs/measuring.md"},
      // the simulation
      {.name = "--seed",
       .value = Value::count,
       .help = "Of what the model draws at random",
       .key = "simulator_seed",
       .condition = true,
       .page = "docs/simulator.md",
       .most = kMostWhole},
      {.name = "--scale",
       .value = Value::number,
       .help = "Multiplies every latency of the model, to see how much depends on them",
       .key = "simulator_scale",
       .condition = true,
       .page = "docs/simulator.md",
       .least = 1e-3,
       .most = 1000},
      // the replay
      {.name = "replay --lifecycle",
       .value = Value::names,
       .help = "Whose rules for mm_cpumask and the lazy TLB, comma-separated, or all; default: of the kernel "
               "that "
               "the trace names, else powerpc, and refcount and shootdown under every other's",
       .key = "lifecycle",
       .condition = true,
       .page = "docs/traces.md",
       .choices = lifecycles},
      {.name = "--timeline",
       .value = Value::file,
       .help = "Write what every CPU did, under each scheme, for ui.perfetto.dev (JSON; .gz too)",
       .page = "docs/traces.md"},
      {.name = "--silicon",
       .value = Value::flag,
       .help = "Replay on this machine's CPUs, as fast as they go",
       .key = "world",
       .condition = true,
       .page = "docs/traces.md"},
      {.name = "replay --machine",
       .value = Value::name,
       .help = "Replay at the recorded times on this machine model, by name or file, or on all that have the "
               "CPUs and are of the lifecycle's kind; default: the smallest of these",
       .key = "machine",
       .condition = true,
       .page = "docs/traces.md"},
      {.name = "--until",
       .value = Value::duration,
       .help = "Only so much of the trace, e.g. 500ms",
       .page = "docs/traces.md"},
      {.name = "--cpu",
       .value = Value::cpu_list,
       .help = "Only what happened on these CPUs, a list as 0-3,8",
       .page = "docs/traces.md"},
      {.name = "--comm",
       .value = Value::text,
       .help = "Only tasks that have this name at some time",
       .page = "docs/traces.md"},
      {.name = "--tick-rate",
       .value = Value::number,
       .help = "Ticks per second, where the trace's clock counts ticks (counter, uptime, x86-tsc, ...)",
       .page = "docs/traces.md",
       .least = 1e-3,
       .most = 1e12},
      {.name = "--threads",
       .value = Value::count,
       .help = "Schemes replayed at a time; 0 is one per CPU",
       .page = "docs/traces.md",
       .most = 4096},
      // the explorer
      {.name = "check --scheme",
       .value = Value::names,
       .help = "Schemes, comma-separated, or all",
       .page = "docs/explorer.md",
       .choices = schemes},
      {.name = "check --lifecycle",
       .value = Value::names,
       .help = "Lifecycles, comma-separated, or all",
       .page = "docs/explorer.md",
       .choices = lifecycles},
      {.name = "--case",
       .value = Value::names,
       .help = "Cases, comma-separated, or all",
       .page = "docs/explorer.md"},
      {.name = "--verdicts",
       .value = Value::names,
       .help = "What counts: dangling, compared, used, order, tlb, assert, leak, double-free, or all; a "
               "deadlock always does",
       .page = "docs/explorer.md"},
      {.name = "--memory",
       .value = Value::name,
       .help = "Memory model: sc, tso, pso, rc11 (C++'s, without load buffering), or natural: tso for "
               "lifecycles of x86, rc11 for the others",
       .page = "docs/explorer.md"},
      {.name = "--weaken",
       .value = Value::text,
       .help = "Every place in the source that asks for an order asks for less, one at a time: a table of "
               "what breaks. With FILE:LINE[:COLUMN]=ORDER only that place does, everywhere else it is as "
               "usual; ORDER is none (of a fence), relaxed, acquire, release or acq_rel",
       .page = "docs/barriers.md"},
      {.name = "--replay",
       .value = Value::text,
       .help = "Show one schedule, as printed with a violation",
       .page = "docs/explorer.md"},
      {.name = "--svg",
       .value = Value::file,
       .help = "Also draw the violation, or the schedule of --replay, into this file; of one --scheme, "
               "--lifecycle and --case",
       .page = "docs/explorer.md"},
      {.name = "--steps",
       .value = Value::count,
       .help = "Steps for each case, 0 is without limit",
       .page = "docs/explorer.md",
       .most = kMostWhole},
      {.name = "--bound",
       .value = Value::count,
       .help = "Preemptions at most; default: without bound. Explores unreduced",
       .page = "docs/explorer.md",
       .most = 1'000'000},
      {.name = "--most-cpus",
       .value = Value::count,
       .help = "Only cases of at most so many CPUs, 0 is any",
       .page = "docs/explorer.md",
       .most = 64},
      {.name = "--most-mms",
       .value = Value::count,
       .help = "Only cases that begin with at most so many mms, 0 is any",
       .page = "docs/explorer.md",
       .most = 64},
      // the machine
      {.name = "--synthetic",
       .value = Value::text,
       .help = "Show a made-up machine, e.g. 'pack:16 [numa] core:12 pu:8'",
       .page = "docs/topology.md"},
      {.name = "--xml",
       .value = Value::file,
       .help = "Show the machine of a file that lstopo wrote",
       .page = "docs/topology.md"},
      {.name = "--allow",
       .value = Value::cpu_list,
       .help = "Show it as if started by taskset with these CPUs, e.g. 0,4-7",
       .page = "docs/topology.md"},
      {.name = "topo --placement",
       .value = Value::text,
       .help = "Show the order of: compact, scatter, socket, smt-first, smt-last, or a CPU list",
       .page = "docs/topology.md",
       .choices = placements},
      {.name = "topo --cpus",
       .value = Value::count,
       .help = "Show only so many CPUs of that order",
       .page = "docs/topology.md",
       .least = 1,
       .most = 1'000'000},
      {.name = "--time",
       .value = Value::duration,
       .help = "How long to look at the CPUs",
       .page = "docs/validity.md"},
      // calibration, recording
      {.name = "calibrate --reps",
       .value = Value::count,
       .help = "Windows for each number",
       .page = "docs/simulator.md",
       .least = 1,
       .most = 1'000'000},
      {.name = "--buffer",
       .value = Value::count,
       .help = "Ring buffer of each CPU, KiB",
       .page = "docs/traces.md",
       .least = 64,
       .most = 1u << 20},
      {.name = "calibrate -o,--out",
       .value = Value::file,
       .help = "The machine file (*.json); - is standard output",
       .page = "docs/simulator.md"},
      {.name = "calibrate --window",
       .value = Value::duration,
       .help = "Length of a measurement",
       .page = "docs/simulator.md"},
      {.name = "calibrate --accept-invalid",
       .value = Value::flag,
       .help = "Take invalid windows where there are no valid ones, and say so in the file",
       .page = "docs/simulator.md"},
      {.name = "record -o,--out",
       .value = Value::file,
       .help = "The trace; gzipped if it ends in .gz",
       .page = "docs/traces.md"},
      {.name = "--seconds",
       .value = Value::duration,
       .help = "How long at most, in seconds or as 500ms, 2m",
       .page = "docs/traces.md"},
      {.name = "--tracefs",
       .value = Value::file,
       .help = "Where tracefs is; default where it is mounted",
       .page = "docs/traces.md"},
      {.name = "--hide-names",
       .value = Value::flag,
       .help = "Call tasks that the command did not start 'other', and leave the command out of the header",
       .page = "docs/traces.md"},
      // the assessment
      {.name = "--record",
       .value = Value::duration,
       .help = "Record this machine, or the command, for so long at most, e.g. 10s",
       .page = "docs/traces.md"},
      {.name = "assess --lifecycle",
       .value = Value::name,
       .help = "Whose rules the emulated kernel has; default: this kernel's, powerpc where none is its",
       .key = "lifecycle",
       .page = "docs/lifecycles.md",
       .choices = lifecycles},
      {.name = "assess --window",
       .value = Value::duration,
       .help = "Length of a measurement",
       .key = "window_ns",
       .page = "docs/measuring.md"},
      {.name = "assess --reps",
       .value = Value::count,
       .help = "Windows of each case",
       .page = "docs/measuring.md",
       .least = 2,
       .most = 1'000},
      {.name = "--plant",
       .value = Value::number,
       .help = "Also emulate a refcount whose switch takes so many ns longer, to see whether that is found",
       .page = "docs/validity.md",
       .most = 1e6},
      {.name = "assess --out",
       .value = Value::file,
       .help = "File for the records (JSON); - is standard output",
       .page = "docs/records.md"},
      {.name = "--accept-invalid",
       .value = Value::flag,
       .help = "Take invalid windows, too",
       .page = "docs/validity.md"},
      // what becomes of it
      {.name = "assess --json",
       .value = Value::flag,
       .help = "What comes out as JSON",
       .page = "docs/describe.md"},
      {.name = "check --json",
       .value = Value::flag,
       .help = "Print JSON: one object for each scheme, lifecycle and case",
       .page = "docs/explorer.md"},
      {.name = "--json", .value = Value::flag, .help = "Print JSON", .page = "docs/describe.md"},
      {.name = "-o,--out",
       .value = Value::file,
       .help = "File for the records (JSON, Google Benchmark's format); - is standard output",
       .page = "docs/records.md"},
      {.name = "-q,--quiet",
       .value = Value::flag,
       .help = "Say nothing on standard error but what ends it",
       .page = "docs/measuring.md"},
      {.name = "--config",
       .value = Value::file,
       .help = "Take options that are not on the command line from this file (TOML): window = \"100ms\"",
       .page = "docs/measuring.md"},
      {.name = "--completion",
       .value = Value::name,
       .help = "Print what this shell completes command lines with",
       .page = "docs/describe.md",
       .choices = shells},
      {.name = "describe --out",
       .value = Value::file,
       .help = "Write it to this file",
       .page = "docs/describe.md"},
      {.name = "--man",
       .value = Value::file,
       .help = "Write the manual's pages into this folder",
       .page = "docs/describe.md"},
      {.name = "--format",
       .value = Value::name,
       .help = "What standard output has of the results; default: console",
       .page = "docs/records.md",
       .choices = campaign::formats},
      {.name = "--unsafe",
       .value = Value::flag,
       .help = "Schemes that are unsafe under the lifecycle, too",
       .page = "docs/schemes.md"},
      {.name = "--dry-run",
       .value = Value::flag,
       .help = "Show what would be done, and how long it would take",
       .page = "docs/measuring.md"},
      {.name = "--live",
       .value = Value::flag,
       .help = "On a terminal, between windows: a bar for each scheme, and each package's share",
       .page = "docs/measuring.md"},
  };
  return kOptions;
}

std::string_view to_string(Value value) {
  switch (value) {
    case Value::flag:
      return "flag";
    case Value::count:
      return "count";
    case Value::number:
      return "number";
    case Value::duration:
      return "duration";
    case Value::name:
      return "name";
    case Value::names:
      return "names";
    case Value::text:
      return "text";
    case Value::file:
      return "file";
    case Value::cpu_counts:
      return "cpu counts";
    case Value::cpu_list:
      return "cpu list";
  }
  return "text";
}

namespace {

// Whether "-o,--out" or "--a,!--b" has this name among its own.
bool is_called(std::string_view names, std::string_view name) {
  for (const std::string& one : split_list(names))
    if (std::string_view(one).substr(one.starts_with('!') ? 1 : 0) == name) return true;
  return false;
}

}  // namespace

const OptionInfo* find_option(std::string_view command, std::string_view name) {
  const std::string own = fmt::format("{} ", command);
  for (const OptionInfo& option : options())
    if (option.name.starts_with(own) && is_called(option.name.substr(own.size()), name)) return &option;
  for (const OptionInfo& option : options())
    if (option.name.starts_with('-') && is_called(option.name, name)) return &option;
  return nullptr;
}

std::uint64_t parse_count(std::string_view option, std::string_view text, std::uint64_t least,
                          std::uint64_t most) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 10);
  if (error == std::errc() && end == text.data() + text.size() && value >= least && value <= most)
    return value;
  throw UsageError(fmt::format("{}: '{}' is not a whole number from {} to {}", option, text, least, most));
}

double parse_number(std::string_view option, std::string_view text, double least, double most) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(value) && value >= least &&
      value <= most)
    return value;
  throw UsageError(fmt::format("{}: '{}' is not a number from {} to {}", option, text, least, most));
}

namespace {

// How many bytes the UTF-8 character takes that the text begins with; 0 if it begins with none.
std::size_t utf8_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80   ? 1
                             : lead < 0xc2 ? 0
                             : lead < 0xe0 ? 2
                             : lead < 0xf0 ? 3
                             : lead < 0xf5 ? 4
                                           : 0;
  if (length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  if (length < 3) return length;
  // Neither longer than need be, nor half of a pair, nor beyond what there is.
  const auto second = static_cast<unsigned char>(text[1]);
  const bool wrong = (lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) ||
                     (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f);
  return wrong ? 0 : length;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string visible;
  while (!text.empty()) {
    const auto code = static_cast<unsigned char>(text.front());
    std::size_t length = utf8_length(text);
    if (code == '\n') {
      visible += "\\n";
    } else if (code < 0x20 || code == 0x7f || length == 0) {
      visible += fmt::format("\\x{:02x}", code);
      length = 1;
    } else {
      visible += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return visible;
}

void make_folder_of(const std::string& path) {
  if (path.empty() || measure::is_standard_output(path)) return;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (folder.empty()) return;
  std::error_code error;
  std::error_code not_there;
  std::filesystem::create_directories(folder, error);
  if (error && !std::filesystem::exists(folder, not_there))
    throw std::runtime_error(fmt::format("cannot make the folder {}: {}", folder.string(), error.message()));
}

}  // namespace mmscale::cli
