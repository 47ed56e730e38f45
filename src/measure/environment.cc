// SPDX-License-Identifier: MIT
#include "measure/environment.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "measure/atomics.h"
#include "measure/build_info.h"
#include "measure/cpuinfo.h"
#include "measure/frequency.h"
#include "measure/hypervisor.h"
#include "measure/kernel_config.h"
#include "measure/record.h"
#include "measure/text_file.h"
#include "topology/cpu_list.h"
#include "topology/quota.h"
#include "topology/text.h"

namespace mmscale::measure {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUnknown = "unknown";

std::string line_or_unknown(const fs::path& path) { return read_line(path).value_or(std::string{kUnknown}); }

std::vector<unsigned> read_cpu_list(const fs::path& path) {
  const auto line = read_line(path);
  if (!line) return {};
  try {
    return topology::parse_cpu_list(*line);
  } catch (const std::invalid_argument&) {
    return {};
  }
}

// A mask the kernel was built for but that names no CPU: the file is there, and empty or "(null)".
std::string cpu_set_or_none(const fs::path& path) {
  const auto text = read_text(path);
  if (!text) return std::string{kUnknown};
  const auto list = trimmed(*text);
  return list.empty() || list == "(null)" ? "none" : std::string{list};
}

std::optional<bool> read_smt(const fs::path& root, std::span<const unsigned> cpus) {
  const auto cpus_dir = root / "sys/devices/system/cpu";
  if (const auto active = read_line(cpus_dir / "smt/active")) return *active == "1";
  // Kernels without the switch: siblings that are online show themselves in the topology.
  for (const unsigned cpu : cpus) {
    const auto siblings = read_cpu_list(cpus_dir / fmt::format("cpu{}/topology/thread_siblings_list", cpu));
    if (siblings.empty()) return std::nullopt;
    if (siblings.size() > 1) return true;
  }
  return cpus.empty() ? std::nullopt : std::optional{false};
}

// True where the configuration sets `symbol`, false where it does not, nothing without a configuration.
std::optional<bool> is_set(const FoundKernelConfig& found, std::string_view symbol) {
  if (!found.config) return std::nullopt;
  const auto entry = found.config->find(symbol);
  return entry != found.config->end() && entry->second == "y";
}

std::optional<bool> read_preempt_rt(const FoundKernelConfig& found, std::string_view kernel_version) {
  if (const auto configured = is_set(found, "PREEMPT_RT")) return configured;
  // uname -v names it, out of tree with a blank; that it does not proves nothing for older kernels.
  if (kernel_version.find("PREEMPT_RT") != std::string_view::npos ||
      kernel_version.find("PREEMPT RT") != std::string_view::npos)
    return true;
  return std::nullopt;
}

// Parameters of which a kernel engineer would ask when two measurements differ. A trailing '*' stands for any
// ending. The rest of the command line names disks, hosts and keys, and has no business in a result file.
constexpr std::array kBootParameters{
    // who may run where, and what interrupts it
    "isolcpus", "nohz", "nohz_full", "rcu_nocbs", "rcu_nocb_poll", "irqaffinity", "skew_tick", "threadirqs",
    "preempt", "maxcpus", "nr_cpus", "possible_cpus", "nosmt", "nosmt=*", "smt-enabled", "psi", "delayacct",
    "schedstats",
    // clocks, frequency and idle states
    "clocksource", "tsc", "intel_pstate", "amd_pstate", "cpufreq.*", "cpuidle.*", "cpuidle_haltpoll.*",
    "haltpoll.*", "idle", "intel_idle.*", "processor.max_cstate", "powersave",
    // address translation and memory
    "nopti", "pti", "kpti", "nopcid", "noinvpcid", "disable_radix", "radix_hcall_invalidate", "disable_tlbie",
    "numa", "numa_balancing", "transparent_hugepage", "hugepages", "hugepagesz", "default_hugepagesz",
    "norandmaps", "nokaslr",
    // mitigations
    "mitigations", "nospectre_v1", "nospectre_v2", "spectre_v2", "spectre_v2_user",
    "spec_store_bypass_disable", "spec_rstack_overflow", "retbleed", "l1tf", "mds", "tsx", "tsx_async_abort",
    "mmio_stale_data", "srbds", "gather_data_sampling", "reg_file_data_sampling", "indirect_target_selection",
    "tsa", "vmscape", "no_entry_flush", "no_uaccess_flush"};

bool is_boot_parameter(std::string_view parameter) {
  const auto name = parameter.substr(0, parameter.find('='));
  return std::any_of(kBootParameters.begin(), kBootParameters.end(), [&](std::string_view known) {
    if (!known.ends_with('*')) return name == known;
    return parameter.starts_with(known.substr(0, known.size() - 1));
  });
}

std::string read_boot_parameters(const fs::path& root) {
  const auto line = read_line(root / "proc/cmdline");
  if (!line) return std::string{kUnknown};
  std::string kept;
  std::string_view rest = *line;
  for (auto word = next_word(rest); !word.empty(); word = next_word(rest)) {
    if (word == "--") break;  // what follows is for init
    if (is_boot_parameter(word)) kept += fmt::format("{}{}", kept.empty() ? "" : " ", word);
  }
  return kept.empty() ? "none" : kept;
}

// Each file of .../cpu/vulnerabilities, sorted. The states themselves contain commas, colons and semicolons.
std::string read_mitigations(const fs::path& root) {
  std::vector<std::string> mitigations;
  std::error_code error;
  const auto dir = root / "sys/devices/system/cpu/vulnerabilities";
  for (fs::directory_iterator entry{dir, error}, end; !error && entry != end; entry.increment(error))
    mitigations.push_back(
        fmt::format("{}={}", entry->path().filename().string(), line_or_unknown(entry->path())));
  std::sort(mitigations.begin(), mitigations.end());
  return mitigations.empty() ? std::string{kUnknown} : fmt::format("{}", fmt::join(mitigations, " | "));
}

// Of "always [madvise] never" the word in brackets.
std::string read_thp(const fs::path& root) {
  const auto line = line_or_unknown(root / "sys/kernel/mm/transparent_hugepage/enabled");
  const auto open = line.find('[');
  const auto close = line.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::string{kUnknown};
  return line.substr(open + 1, close - open - 1);
}

std::string read_aslr(const fs::path& root) {
  // ADDR_NO_RANDOMIZE of <linux/personality.h>: what setarch -R sets for one process.
  constexpr unsigned kNoRandomize = 0x0040000;
  const auto personality = read_line(root / "proc/self/personality").value_or("");
  if ((topology::number<unsigned>(personality, 16).value_or(0) & kNoRandomize) != 0) return "off";
  const auto setting = read_line(root / "proc/sys/kernel/randomize_va_space");
  if (setting == "0") return "off";
  if (setting == "1") return "partial";
  if (setting == "2") return "full";
  return std::string{kUnknown};
}

std::string read_numa_balancing(const fs::path& root) {
  const auto setting = read_line(root / "proc/sys/kernel/numa_balancing");
  if (!setting) return std::string{kUnknown};
  return *setting == "0" ? "off" : "on";
}

std::uint64_t read_memory_bytes(const fs::path& root) {
  const auto kib = line_value(read_text(root / "proc/meminfo").value_or(""), "MemTotal:").value_or(0);
  return kib > 0 ? static_cast<std::uint64_t>(kib) * 1024 : 0;
}

std::string on_off(std::optional<bool> value) { return !value ? "unknown" : *value ? "on" : "off"; }

std::string yes_no(std::optional<bool> value) { return !value ? "unknown" : *value ? "yes" : "no"; }

std::string describe(const topology::CpuQuota& quota) {
  const auto source = quota.source.empty() ? "" : fmt::format(" ({})", quota.source);
  return quota.cpus ? fmt::format("{} CPUs{}", *quota.cpus, source) : fmt::format("none seen{}", source);
}

}  // namespace

Environment read_environment(const fs::path& root, std::span<const unsigned> cpus, std::string command_line) {
  const auto cpus_dir = root / "sys/devices/system/cpu";
  const auto online = read_cpu_list(cpus_dir / "online");
  if (cpus.empty()) cpus = online;

  const auto release = read_line(root / "proc/sys/kernel/osrelease").value_or("");
  const auto version = line_or_unknown(root / "proc/sys/kernel/version");
  const auto config = find_kernel_config(release, root);
  const auto cpuinfo = parse_cpuinfo(read_text(root / "proc/cpuinfo").value_or(""));
  const auto frequency = read_frequency(cpus, root);
  const auto build = this_build();
  const auto list_or_unknown = [](std::span<const unsigned> list) {
    return list.empty() ? std::string{kUnknown} : topology::format_cpu_list(list);
  };
  const auto count_or_unknown = [](auto count, std::string_view unit, double divisor) {
    return count == 0 ? std::string{kUnknown}
                      : fmt::format("{:.4g}{}", static_cast<double>(count) / divisor, unit);
  };
  std::optional<std::string> microcode;
  if (!cpuinfo.processors.empty()) microcode = field(cpuinfo.processors.front().fields, "microcode");
  return Environment({
      {"kernel", release.empty() ? std::string{kUnknown} : release},
      {"kernel_version", version},
      {"kernel_config", config.config ? config.source : config.problem},
      {"kernel_lazy_tlb", lazy_tlb_of(config, release)},
      {"kernel_preempt_rt", yes_no(read_preempt_rt(config, version))},
      {"kernel_debug_shoot_lazies", yes_no(is_set(config, "DEBUG_VM_SHOOT_LAZIES"))},
      {"boot_parameters", read_boot_parameters(root)},
      {"mitigations", read_mitigations(root)},
      {"cpu_model", cpu_model(cpuinfo, cpus)},
      {"microcode", microcode.value_or(std::string{kUnknown})},
      // powerpc: "Radix" or "Hash", which decides who flushes lazy CPUs.
      {"mmu", field(cpuinfo.machine, "MMU").value_or("not applicable")},
      {"smt", on_off(read_smt(root, cpus))},
      {"governor", frequency.governor},
      {"frequency", to_string(frequency.state)},
      {"frequency_detail", frequency.detail},
      {"hypervisor", read_hypervisor(cpuinfo, root)},
      {"clocksource",
       line_or_unknown(root / "sys/devices/system/clocksource/clocksource0/current_clocksource")},
      {"memory", count_or_unknown(read_memory_bytes(root), " GiB", 1024.0 * 1024 * 1024)},
      {"numa_nodes",
       count_or_unknown(read_cpu_list(root / "sys/devices/system/node/has_memory").size(), "", 1)},
      {"cpus_online", list_or_unknown(online)},
      {"thp", read_thp(root)},
      {"aslr", read_aslr(root)},
      {"numa_balancing", read_numa_balancing(root)},
      {"isolated_cpus", cpu_set_or_none(cpus_dir / "isolated")},
      {"nohz_full_cpus", cpu_set_or_none(cpus_dir / "nohz_full")},
      {"cpus_used", list_or_unknown(cpus)},
      {"cpu_quota", describe(topology::read_cpu_quota(root))},
      {"mmscale_schema", std::to_string(kSchema)},
      {"mmscale_version", build.version},
      {"git_revision", build.revision},
      {"compiler", build.compiler},
      {"compiler_flags", build.flags},
      {"build_type", build.build_type},
      {"atomics", std::string{kAtomics}},
      {"optimised", build.optimised ? "yes" : "no"},
      {"sanitizer", build.sanitizer.empty() ? "none" : build.sanitizer},
      {"command_line", std::move(command_line)},
  });
}

const std::string& Environment::operator[](std::string_view key) const {
  return std::ranges::find(facts_, key, &Facts::value_type::first)->second;
}

void Environment::set(std::string_view key, std::string value) {
  std::ranges::find(facts_, key, &Facts::value_type::first)->second = std::move(value);
}

}  // namespace mmscale::measure
