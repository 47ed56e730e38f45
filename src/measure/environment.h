// SPDX-License-Identifier: MIT
// The environment a measurement was made in: whoever reads a number must be able to tell what made it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "measure/build_info.h"
#include "measure/frequency.h"
#include "measure/kernel_config.h"
#include "topology/quota.h"

namespace mmscale::measure {

// What could not be read is the text "unknown" or an empty optional, never a reassuring default.
struct Environment {
  // The kernel.
  std::string kernel_release;              // uname -r
  std::string kernel_version;              // uname -v
  std::string kernel_config_source;        // where the configuration was found, else why it was not
  LazyTlb lazy_tlb;                        // how this kernel keeps a borrowed mm alive
  std::optional<bool> preempt_rt;          // PREEMPT_RT frees the mm by RCU
  std::optional<bool> debug_shoot_lazies;  // DEBUG_VM_SHOOT_LAZIES doubles the cost of a shootdown
  std::string boot_parameters;             // those of /proc/cmdline that bear on a measurement, in its order
  std::vector<std::pair<std::string, std::string>>
      mitigations;  // each file of .../cpu/vulnerabilities, sorted

  // The machine.
  std::string cpu_model;
  std::string microcode;  // revision
  std::string mmu;  // powerpc: "Radix" or "Hash", which decides who flushes lazy CPUs; else "not applicable"
  std::optional<bool> smt;
  Frequency frequency;  // of the CPUs in use
  std::string hypervisor;
  std::string clocksource;
  std::uint64_t memory_bytes = 0;  // 0 is unknown
  unsigned numa_nodes = 0;         // nodes with memory; 0 is unknown
  std::string cpus_online;         // CPU list

  // How the machine is set.
  std::string thp;             // transparent huge pages: "always", "madvise" or "never"
  std::string aslr;            // of this process: "off", "partial" or "full"
  std::string numa_balancing;  // "on" or "off"
  std::string isolated_cpus;   // isolcpus: CPU list or "none"
  std::string nohz_full_cpus;  // CPU list or "none"

  // This process.
  std::string cpus_used;  // CPU list
  topology::CpuQuota cpu_quota;
  BuildInfo build;
  std::string command_line;
};

// Reads all of it. `cpus` are the operating system's numbers of the CPUs in use, for what can differ from CPU
// to CPU; none given, the online ones. `root` is where /proc, /sys and /boot are found. Never fails: see
// Environment. Takes milliseconds, on very large machines more; read it once per run and outside of
// any measurement.
Environment read_environment(const std::filesystem::path& root = "/", std::span<const unsigned> cpus = {},
                             std::string command_line = {});

// The same as keys and values for the "context" of a result file. The keys, their number and their order are
// fixed; scripts may rely on them.
std::vector<std::pair<std::string, std::string>> to_context(const Environment& environment);

}  // namespace mmscale::measure
