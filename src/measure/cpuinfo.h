// SPDX-License-Identifier: MIT
// /proc/cpuinfo, whose keys differ from architecture to architecture.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mmscale::measure {

// Key and value of each line of a paragraph, in file order.
using CpuInfoFields = std::vector<std::pair<std::string, std::string>>;

// `processors` are the paragraphs that begin with "processor : N"; `machine` is everything else (powerpc and
// s390 describe the machine in paragraphs of their own).
struct CpuInfo {
  struct Processor {
    unsigned cpu = 0;
    CpuInfoFields fields;
  };
  std::vector<Processor> processors;
  CpuInfoFields machine;
};

CpuInfo parse_cpuinfo(std::string_view text);

// The value of the first field called `key`, upper and lower case alike (loongarch writes "Model Name").
std::optional<std::string> field(const CpuInfoFields& fields, std::string_view key);

// What processors these are: x86 "model name", powerpc "cpu", arm implementer, part and variant, s390 machine
// type, riscv uarch or isa. Of `cpus` only; no CPUs given, of all. Different models are joined by " + ".
// "unknown" when nothing tells.
std::string cpu_model(const CpuInfo& info, std::span<const unsigned> cpus = {});

// True for the cpuinfo of an x86 kernel, which alone has "flags" and "vendor_id" for each processor.
bool is_x86(const CpuInfo& info);

}  // namespace mmscale::measure
