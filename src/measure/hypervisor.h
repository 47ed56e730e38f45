// SPDX-License-Identifier: MIT
// Whether a hypervisor stands between the kernel and the machine: it can take CPUs away, and makes each
// IPI dearer.
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

// Who emulates the CPUs in software, as far as can be told; empty otherwise. A hypervisor runs instructions as they
// are, an emulator translates them: what they take says nothing of any CPU. QEMU's TCG is known on x86 by its signature
// in cpuid (this CPU's, asked where root is "/") and its own name ("QEMU TCG CPU"), by the part number of its model
// "max" on arm64 (no vendor's), and on powerpc by the missing node of the hypervisor in a machine that is "emulated by
// qemu". Its models of real arm64 CPUs cannot be told.
std::string read_emulator(const CpuInfo& info, const std::filesystem::path& root = "/");

// The same of this system, asked once.
const std::string& emulator();

}  // namespace mmscale::measure
