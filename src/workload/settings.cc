// SPDX-License-Identifier: MIT
#include "workload/settings.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace mmscale::workload {
namespace {

using enum Setting::Of;
using kernel::Options;
using kernel::Rules;
using kernel::Tuning;

template <class T>
struct Stored {
  using type = T;
};
template <class T>
struct Stored<std::optional<T>> {
  using type = T;
};

// The member of Settings at the end of a path of members.
template <auto... kPath>
struct At {
  using Member = std::remove_reference_t<decltype((std::declval<Settings&>().*....*kPath))>;
  using Value = typename Stored<Member>::type;
  static constexpr bool kIsDuration = std::is_same_v<Value, std::chrono::nanoseconds>;

  static std::optional<std::uint64_t> get(const Settings& settings) {
    const std::optional<Value> value = (settings.*....*kPath);
    if (!value) return std::nullopt;
    if constexpr (kIsDuration)
      return static_cast<std::uint64_t>(value->count());
    else
      return static_cast<std::uint64_t>(*value);
  }
  static void set(Settings& settings, std::uint64_t value) { (settings.*....*kPath) = Value(value); }

  static constexpr Setting::Kind kKind = std::is_same_v<Value, bool> ? Setting::Kind::flag
                                         : std::is_enum_v<Value>     ? Setting::Kind::name
                                         : kIsDuration               ? Setting::Kind::duration
                                                                     : Setting::Kind::count;
};

constexpr std::string_view kEmulated = "switch,mix,teardown";
constexpr std::string_view kFamiliesPage = "docs/families.md", kLifecyclesPage = "docs/lifecycles.md",
                           kCostsPage = "docs/costs.md", kSchemesPage = "docs/schemes.md";

template <auto... kPath>
constexpr Setting setting(Setting::Of of, std::string_view name, std::string_view key, std::string_view page,
                          std::string_view help, Setting::Few few = {}) {
  if (few.commands.empty()) few.commands = of == processes ? "bench,sim" : "bench,sim,replay";
  if (few.families.empty()) few.families = of == processes ? "switch,mix" : kEmulated;
  using Place = At<kPath...>;
  return {Place::kKind, of, Place::get, Place::set, name, key, page, help, few};
}

constexpr Setting kSettings[] = {
    setting<&Settings::options, &Options::mm_cid>(kernel, "--mm-cid", "mm_cid", kLifecyclesPage,
                                                  "switch_mm_cid's barriers: off, or as in v6.4",
                                                  {.names = kernel::kMmCidNames}),
    setting<&Settings::options, &Options::rq_lock>(kernel, "--rq-lock", "rq_lock", kLifecyclesPage,
                                                   "Take an rq lock in every switch"),
    setting<&Settings::rules, &Rules::irqs_off_activate_mm>(
        kernel, "--irqs-off-activate-mm,!--irqs-on-activate-mm", "irqs_off_activate_mm", kLifecyclesPage,
        "exec_mmap keeps interrupts off until the new mm is loaded (ARCH_WANT_IRQS_OFF_ACTIVATE_MM); "
        "default: as the lifecycle's 6.12"),
    setting<&Settings::rules, &Rules::hotplug>(
        kernel, "--hotplug", "hotplug", kLifecyclesPage,
        "A CPU going offline leaves its mm before or after the fix 21641bd9a7a7",
        {.names = kernel::kHotplugNames}),
    setting<&Settings::rules, &Rules::tuning, &Tuning::switch_ticks>(
        scheme, "--switch-ticks", "switch_ticks", kSchemesPage,
        "nonlazy: ticks of the CPU's counter (TSC) that loading other page tables takes",
        {.most = 1'000'000}),
    setting<&Settings::rules, &Rules::tuning, &Tuning::batch>(scheme, "--batch", "batch", kSchemesPage,
                                                              "shootdown-batch: dead mms per round of IPIs",
                                                              {.least = 1, .most = Tuning::kMaxBatch}),
    setting<&Settings::processes, &PatternParameters::idle_exit>(
        kernel, "--idle-exit", "idle_exit_ns", kCostsPage,
        "How long an idle CPU takes to leave its idle state for an interrupt, e.g. 2us; default: "
        "sim's machine's, else 0",
        // No idle state takes longer.
        {.workloads = "exit,build,server,hotplug", .left_out = true, .most = 100'000'000}),
    setting<&Settings::nohz_hz>(
        kernel, "replay --nohz", "nohz_hz", kCostsPage,
        "The tick rate, CONFIG_HZ: an idle period of the trace that is longer than a tick stops it, "
        "which writes words of the whole machine",
        {.left_out = true, .least = 1, .most = 100'000, .commands = "replay"}),
    setting<&Settings::processes, &PatternParameters::think>(
        processes, "--think", "think_cycles", kFamiliesPage,
        "Ticks of the CPU's counter (TSC) that every task runs before it is switched away"),
    setting<&Settings::processes, &PatternParameters::page_tables>(
        processes, "--no-page-tables", "page_tables", kLifecyclesPage,
        "The processes have no page tables, so that nothing is flushed when they die"),
    setting<&Settings::processes, &PatternParameters::deep_idle>(
        processes, "--deep-idle", "deep_idle", kLifecyclesPage, "Idle CPUs enter a state that loses the TLB"),
    setting<&Settings::processes, &PatternParameters::death_ticks>(
        processes, "--death-ticks", "death_ticks", kFamiliesPage,
        "exit, build, hotplug, mix: ticks of the CPU's counter (TSC) that a death and the next birth take "
        "besides",
        {.workloads = "exit,build,hotplug", .left_out = true}),
    setting<&Settings::processes, &PatternParameters::tasks_per_cpu>(
        processes, "--tasks-per-cpu", "tasks_per_cpu", kFamiliesPage,
        "idle, kthread: user tasks that run in turn on each CPU before it idles",
        {.workloads = "idle,kthread",
         .unused = 1,
         .left_out = true,
         .least = 1,
         .most = 1000,
         .families = "switch"}),
    setting<&Settings::processes, &PatternParameters::nohz_every>(
        processes, "--nohz", "nohz_every", kCostsPage,
        "One idle period in so many stops the tick and ends with a busy one, which write words of the "
        "whole machine",
        {.left_out = true, .least = 1}),
    setting<&Settings::processes, &PatternParameters::registered>(
        processes, "--registered", "registered", kCostsPage,
        "The processes have registered for membarrier(2)", {.left_out = true}),
    setting<&Settings::processes, &PatternParameters::lifetime>(
        processes, "--lifetime", "lifetime", kFamiliesPage,
        "exit, exec, build, server, hotplug: switches per CPU in a process', program's or thread's life",
        {.workloads = "exit,exec,build,server,hotplug", .left_out = true, .least = 2, .families = "switch"}),
    setting<&Settings::processes, &PatternParameters::migrate_every>(
        processes, "--migrate-every", "migrate_every", kFamiliesPage,
        "build: one process of so many changes its CPU; 0: none",
        {.workloads = "build", .left_out = true, .families = "switch"}),
    setting<&Settings::linger>(
        findings, "--linger", "linger_ns", "docs/teardown.md",
        "teardown: how long borrowers go on borrowing after the drop, e.g. 20us; default 0",
        {.most = 365 * 24 * 3600 * std::uint64_t{1'000'000'000},
         .commands = "bench",
         .families = "teardown"}),
    setting<&Settings::latency>(findings, "--latency", "latency_one_in", "docs/latency.md",
                                "Time one switch in 8192", {.commands = "bench", .families = "switch"}),
};

bool is_among(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (list.substr(0, end) == name) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

}  // namespace

std::span<const Setting> settings() { return kSettings; }

PatternParameters Pattern::used_of(PatternParameters asked) const {
  Settings settings{.processes = asked};
  for (const Setting& setting : kSettings)
    if (!setting.few.workloads.empty() && !is_among(setting.few.workloads, name))
      setting.set(settings, setting.few.unused);
  return settings.processes;
}

}  // namespace mmscale::workload
