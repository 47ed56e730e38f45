// SPDX-License-Identifier: MIT
#include "measure/frequency.h"

#include <fmt/format.h>

#include <array>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "measure/text_file.h"
#include "topology/cpu_list.h"
#include "topology/text.h"

namespace mmscale::measure {
namespace {

namespace fs = std::filesystem;

// Drivers through which the kernel names one frequency and gets it. Not here: intel_pstate, intel_cpufreq and
// the amd-pstate family, whose hardware chooses within hints, and pcc-cpufreq, whose firmware does.
constexpr std::array<std::string_view, 6> kObedientDrivers{"acpi-cpufreq", "cppc_cpufreq", "powernv-cpufreq",
                                                           "cpufreq-dt",   "scpi-cpufreq", "scmi"};

// Governors that stay where they are under such a driver: at the upper limit, at the lower, where they
// were put.
constexpr std::array<std::string_view, 3> kStillGovernors{"performance", "powersave", "userspace"};

std::optional<std::int64_t> read_integer(const fs::path& path) {
  const auto line = read_line(path);
  return line ? to_integer(*line) : std::nullopt;
}

// Boost on, off, or nothing where no file speaks of it. A CPU's own switch overrides the machine's.
std::optional<bool> read_boost(const fs::path& cpus_dir, const fs::path& cpufreq) {
  if (const auto own = read_integer(cpufreq / "boost")) return *own != 0;
  if (const auto all = read_integer(cpus_dir / "cpufreq/boost")) return *all != 0;
  if (const auto no_turbo = read_integer(cpus_dir / "intel_pstate/no_turbo")) return *no_turbo == 0;
  return std::nullopt;
}

struct CpuFrequency {
  FrequencyState state;
  std::string governor;
  std::string detail;
};

CpuFrequency read_cpu(unsigned cpu, const fs::path& cpus_dir) {
  const auto cpufreq = cpus_dir / fmt::format("cpu{}/cpufreq", cpu);
  const auto governor = read_line(cpufreq / "scaling_governor");
  const auto driver = read_line(cpufreq / "scaling_driver");
  const auto min_khz = read_integer(cpufreq / "scaling_min_freq");
  const auto max_khz = read_integer(cpufreq / "scaling_max_freq");
  const auto boost = read_boost(cpus_dir, cpufreq);

  const auto verdict = [&](FrequencyState state, std::string_view why) {
    return CpuFrequency{state, governor.value_or("unknown"), fmt::format("cpu {}: {}", cpu, why)};
  };
  if (!governor || !driver || !min_khz || !max_khz)
    return verdict(FrequencyState::kUnknown, "no readable cpufreq files");
  const bool obedient = topology::contains(kObedientDrivers, *driver);
  const bool one_frequency = *min_khz == *max_khz;
  if (!one_frequency && !(obedient && topology::contains(kStillGovernors, *governor))) {
    return verdict(FrequencyState::kScaling,
                   fmt::format("governor {} of {} may choose from {} to {} MHz", *governor, *driver,
                               *min_khz / 1000, *max_khz / 1000));
  }
  if (boost.value_or(false)) return verdict(FrequencyState::kScaling, "boost is on");
  if (!obedient)
    return verdict(FrequencyState::kUnknown, fmt::format("{} leaves the choice to the hardware", *driver));
  // The cpufreq core makes the boost file for every one of these drivers that can boost, so none means none.
  return verdict(FrequencyState::kFixed,
                 fmt::format("governor {} of {} at {} MHz, no boost", *governor, *driver,
                             (*governor == "powersave" ? *min_khz : *max_khz) / 1000));
}

}  // namespace

Frequency read_frequency(std::span<const unsigned> cpus, const fs::path& root) {
  Frequency all;
  if (cpus.empty()) {
    all.detail = "no CPUs to look at";
    return all;
  }
  std::map<std::string, std::vector<unsigned>> by_governor;
  all.state = FrequencyState::kFixed;
  for (const unsigned cpu : cpus) {
    auto one = read_cpu(cpu, root / "sys/devices/system/cpu");
    by_governor[one.governor].push_back(cpu);
    if (all.detail.empty() || one.state > all.state) {
      all.state = one.state;
      all.detail = std::move(one.detail);
    }
  }
  all.governor.clear();
  for (const auto& [governor, its_cpus] : by_governor) {
    if (by_governor.size() == 1) {
      all.governor = governor;
    } else {
      all.governor += fmt::format("{}{} (cpu {})", all.governor.empty() ? "" : ", ", governor,
                                  topology::format_cpu_list(its_cpus));
    }
  }
  return all;
}

std::string to_string(FrequencyState state) {
  constexpr std::array<std::string_view, 3> kNames = {"fixed", "unknown", "scaling"};
  return std::string(kNames.at(static_cast<std::size_t>(state)));
}

}  // namespace mmscale::measure
