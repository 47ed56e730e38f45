// SPDX-License-Identifier: MIT
// Whether a hypervisor stands between the kernel and the machine: it can take CPUs away, and makes each IPI
// dearer.
#pragma once

#include <filesystem>
#include <string>

#include "measure/cpuinfo.h"

namespace mmscale::measure {

// The name of the hypervisor, "none" or "unknown". "none" is said only where the absence can be seen: x86
// without the cpuid flag, powerpc on bare metal (PowerNV). Elsewhere no evidence is "unknown". Evidence, in
// this order: /sys/hypervisor/type, the platform line of powerpc and s390, the device tree, the cpuid flag of
// x86 with the DMI names or the kernel's paravirtual clock sources to name it, DMI names alone.
std::string read_hypervisor(const CpuInfo& info, const std::filesystem::path& root = "/");

}  // namespace mmscale::measure
