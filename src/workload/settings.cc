// SPDX-License-Identifier: MIT
#include "workload/settings.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "topology/text.h"

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

  static constexpr workload::Value kKind = std::is_same_v<Value, bool> ? workload::Value::flag
                                           : std::is_enum_v<Value>     ? workload::Value::name
                                           : kIsDuration               ? workload::Value::duration
                                                                       : workload::Value::count;
};

constexpr std::string_view kEmulated = "switch,mix,teardown";
constexpr std::string_view kFamiliesPage = "docs/families.md", kLifecyclesPage = "docs/lifecycles.md",
                           kCostsPage = "docs/costs.md", kSchemesPage = "docs/schemes.md";

template <const auto& kNames>
std::vector<std::string_view> names() {
  return {kNames.begin(), kNames.end()};
}

template <auto... kPath>
constexpr Setting setting(Setting::Of of, std::string_view name, std::string_view key, std::string_view page,
                          std::string_view help, OptionInfo::More more = {}) {
  if (more.commands.empty()) more.commands = of == processes ? "bench,sim" : "bench,sim,replay";
  if (more.families.empty()) more.families = of == processes ? "switch,mix" : kEmulated;
  using Place = At<kPath...>;
  if (Place::kKind == Value::count && more.most == 0) more.most = UINT32_MAX;
  return {{name, Place::kKind, page, key, help, more, true}, of, Place::get, Place::set};
}

constexpr Setting kSettings[] = {
    setting<&Settings::options, &Options::mm_cid>(kernel, "--mm-cid", "mm_cid", kLifecyclesPage,
                                                  "switch_mm_cid's barriers: off, or as in v6.4",
                                                  {.choices = names<kernel::kMmCidNames>}),
    setting<&Settings::options, &Options::rq_lock>(kernel, "--rq-lock", "rq_lock", kLifecyclesPage,
                                                   "Take an rq lock in every switch"),
    setting<&Settings::rules, &Rules::irqs_off_activate_mm>(
        kernel, "--irqs-off-activate-mm,!--irqs-on-activate-mm", "irqs_off_activate_mm", kLifecyclesPage,
        "exec_mmap keeps interrupts off until the new mm is loaded (ARCH_WANT_IRQS_OFF_ACTIVATE_MM); "
        "default: as the lifecycle's 6.12"),
    setting<&Settings::rules, &Rules::hotplug>(
        kernel, "--hotplug", "hotplug", kLifecyclesPage,
        "A CPU going offline leaves its mm before or after the fix 21641bd9a7a7",
        {.choices = names<kernel::kHotplugNames>}),
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
        {.workloads = "exit,build,server,hotplug", .most = 100'000'000, .left_out = true}),
    setting<&Settings::nohz_hz>(
        kernel, "replay --nohz", "nohz_hz", kCostsPage,
        "The tick rate, CONFIG_HZ: an idle period of the trace that is longer than a tick stops it, "
        "which writes words of the whole machine",
        {.least = 1, .most = 100'000, .commands = "replay", .left_out = true}),
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
        {.families = "switch",
         .workloads = "idle,kthread",
         .least = 1,
         .most = 1000,
         .unused = 1,
         .left_out = true}),
    setting<&Settings::processes, &PatternParameters::nohz_every>(
        processes, "--nohz", "nohz_every", kCostsPage,
        "One idle period in so many stops the tick and ends with a busy one, which write words of the "
        "whole machine",
        {.least = 1, .left_out = true}),
    setting<&Settings::processes, &PatternParameters::registered>(
        processes, "--registered", "registered", kCostsPage,
        "The processes have registered for membarrier(2)", {.left_out = true}),
    setting<&Settings::processes, &PatternParameters::lifetime>(
        processes, "--lifetime", "lifetime", kFamiliesPage,
        "exit, exec, build, server, hotplug: switches per CPU in a process', program's or thread's life",
        {.families = "switch",
         .workloads = "exit,exec,build,server,hotplug",
         .least = 2,
         .is_counted = true,
         .left_out = true}),
    setting<&Settings::processes, &PatternParameters::migrate_every>(
        processes, "--migrate-every", "migrate_every", kFamiliesPage,
        "build: one process of so many changes its CPU; 0: none",
        {.families = "switch", .workloads = "build", .least = 2, .or_none = true, .left_out = true}),
    setting<&Settings::linger>(
        findings, "--linger", "linger_ns", "docs/teardown.md",
        "teardown: how long borrowers go on borrowing after the drop, e.g. 20us; default 0",
        {.families = "teardown", .most = 365 * 24 * 3600 * 1e9, .commands = "bench"}),
    setting<&Settings::latency>(findings, "--latency", "latency_one_in", "docs/latency.md",
                                "Time one switch in 8192",
                                {.families = "switch", .is_counted = true, .commands = "bench"}),
};

}  // namespace

std::span<const Setting> settings() { return kSettings; }

PatternParameters Pattern::used_of(PatternParameters asked) const {
  Settings settings{.processes = asked};
  for (const Setting& setting : kSettings) {
    const std::vector<std::string> users = topology::split_list(setting.more.workloads);
    if (!setting.more.workloads.empty() && !topology::contains(users, name))
      setting.set(settings, setting.more.unused);
  }
  return settings.processes;
}

}  // namespace mmscale::workload
