// SPDX-License-Identifier: MIT
#include "measure/hypervisor.h"

#include <fmt/format.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <array>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>

#include "measure/text_file.h"

namespace mmscale::measure {
namespace {

namespace fs = std::filesystem;

// What this was built for, as a kernel calls it (UTS_MACHINE).
constexpr std::string_view kArchitecture =
#if defined(__x86_64__)
    "x86_64";
#elif defined(__aarch64__)
    "aarch64";
#elif defined(__powerpc64__)
    "ppc64le";
#elif defined(__s390x__)
    "s390x";
#elif defined(__riscv)
    "riscv64";
#elif defined(__loongarch64)
    "loongarch64";
#else
    "";
#endif

bool has_word(std::string_view text, std::string_view wanted) {
  for (auto word = next_word(text); !word.empty(); word = next_word(text))
    if (word == wanted) return true;
  return false;
}

// Vendor and product that the firmware states, when they are those of a virtual machine.
std::optional<std::string> virtual_dmi_name(const fs::path& root) {
  constexpr std::array<std::string_view, 9> kVirtual{
      "QEMU", "KVM", "VMware", "VirtualBox", "Xen", "Bochs", "Virtual Machine", "Parallels", "BHYVE"};
  const auto vendor = read_line(root / "sys/class/dmi/id/sys_vendor").value_or("");
  const auto product = read_line(root / "sys/class/dmi/id/product_name").value_or("");
  const std::string name{trimmed(fmt::format("{} {}", vendor, product))};
  for (const auto word : kVirtual)
    if (name.find(word) != std::string::npos) return name;
  // EC2 states itself on its bare-metal instances too, which are called NAME.metal or NAME.metal-SIZE.
  if (vendor == "Amazon EC2" && product.find(".metal") == std::string::npos) return name;
  return std::nullopt;
}

std::optional<std::string> paravirtual_clock_name(const fs::path& root) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kClocks{
      {{"kvm-clock", "KVM"},
       {"hyperv_clocksource_tsc_page", "Hyper-V"},
       {"hyperv_clocksource_msr", "Hyper-V"},
       {"xen", "Xen"}}};
  const auto clocks =
      read_line(root / "sys/devices/system/clocksource/clocksource0/available_clocksource").value_or("");
  for (const auto& [clock, name] : kClocks)
    if (has_word(clocks, clock)) return std::string{name};
  return std::nullopt;
}

}  // namespace

std::string read_hypervisor(const CpuInfo& info, const fs::path& root) {
  // Firmware of QEMU says the same with KVM and without.
  if (std::string emulated = read_emulator(info, root); !emulated.empty()) return emulated;
  if (auto type = read_line(root / "sys/hypervisor/type")) return *type;

  if (const auto platform = field(info.machine, "platform")) {
    if (*platform == "PowerNV") return "none";
    if (*platform == "pSeries") {
      // Without the emulator's own mark, a pSeries kernel is a partition of the firmware's hypervisor.
      const auto machine = field(info.machine, "machine").value_or("");
      return machine.find("qemu") == std::string::npos ? "PowerVM" : "KVM (pSeries guest)";
    }
  }
  // A mainframe's kernel always runs in a partition, so there is no bare metal to tell from.
  if (field(info.machine, "vendor_id") == "IBM/S390") return "PR/SM";

  if (auto compatible = read_line(root / "proc/device-tree/hypervisor/compatible")) return *compatible;
  // A board that exists in virtual machines only: QEMU's and others' for arm64, QEMU's for riscv.
  const auto board = read_line(root / "proc/device-tree/compatible").value_or("");
  if (board.starts_with("linux,dummy-virt") || board.starts_with("riscv-virtio"))
    return fmt::format("present, make unknown (board {})", board.c_str());

  auto firmware_name = virtual_dmi_name(root);
  if (is_x86(info)) {
    if (has_word(*field(info.processors.front().fields, "flags"), "hypervisor")) {
      if (firmware_name) return *firmware_name;
      return paravirtual_clock_name(root).value_or("present, make unknown");
    }
    return firmware_name.value_or("none");
  }
  return firmware_name.value_or("unknown");
}

std::string read_emulator(const CpuInfo& info, const fs::path& root) {
  // A program of another architecture than the kernel's: qemu-user, containers for another platform. The file is there since
  // Linux 6.1, and who emulates for one process passes it on.
  const auto kernel = read_line(root / "proc/sys/kernel/arch").value_or(std::string{kArchitecture});
  if (!kArchitecture.empty() && kernel != kArchitecture)
    return fmt::format("a program for {} on {}", kArchitecture, kernel);
#if defined(__x86_64__)
  // Where hypervisors say who they are, whatever CPU they say this is.
  std::array<unsigned, 4> cpuid{};
  if (root == "/" && __get_cpuid(1, &cpuid[0], &cpuid[1], &cpuid[2], &cpuid[3]) &&
      (cpuid[2] >> 31 & 1) != 0) {
    __cpuid(0x40000000, cpuid[0], cpuid[1], cpuid[2], cpuid[3]);
    if (std::memcmp(&cpuid[1], "TCGTCGTCGTCG", 12) == 0) return "QEMU TCG";
  }
#endif
  // s390, as kvm-unit-tests' vm_is_tcg() tells it: with KVM the maker is that of the machine below.
  if (const auto machine = read_line(root / "proc/sysinfo");
      machine && machine->starts_with("Manufacturer:") && has_word(*machine, "QEMU"))
    return "QEMU TCG";
  if (info.processors.empty()) return {};
  const CpuInfoFields& first = info.processors.front().fields;
  if (field(first, "model name").value_or("").starts_with("QEMU TCG")) return "QEMU TCG";
  if (field(first, "CPU implementer") == "0x00" && field(first, "CPU part") == "0x051") return "QEMU TCG";
  if (field(info.machine, "machine").value_or("").find("emulated by qemu") != std::string::npos &&
      !read_line(root / "proc/device-tree/hypervisor/compatible"))
    return "QEMU TCG";
  return {};
}

const std::string& emulator() {
  static const std::string name = read_emulator(parse_cpuinfo(read_text("/proc/cpuinfo").value_or("")));
  return name;
}

}  // namespace mmscale::measure
