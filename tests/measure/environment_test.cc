// SPDX-License-Identifier: MIT
#include "measure/environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "measure/build_info.h"
#include "measure/cpuinfo.h"
#include "measure/frequency.h"
#include "measure/hypervisor.h"
#include "measure/kernel_config.h"
#include "measure/text_file.h"

namespace mmscale::measure {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const fs::path kData{MMSCALE_TESTDATA};

Environment of(const std::string& tree) { return read_environment(kData / tree); }

// --- The scheme of the kernel.

TEST(LazyTlb, RefcountFromTheBootConfiguration) {
  const auto environment = of("x86-refcount");
  EXPECT_EQ(environment["kernel_lazy_tlb"], "refcount");
  EXPECT_EQ(environment["kernel_config"], "/boot/config-6.8.0-45-generic");
  EXPECT_EQ(environment["kernel_preempt_rt"], "no");
  EXPECT_EQ(environment["kernel_debug_shoot_lazies"], "no");
}

TEST(LazyTlb, ShootdownFromTheRunningKernelsOwnConfiguration) {
  const auto environment = of("ppc64le-shootdown");
  EXPECT_EQ(environment["kernel_lazy_tlb"], "shootdown");
  EXPECT_EQ(environment["kernel_config"], "/proc/config.gz");
  EXPECT_EQ(environment["kernel_debug_shoot_lazies"], "yes");
}

TEST(LazyTlb, BeforeTheSymbolAllKernelsCounted) {
  const auto environment = of("x86-5.10");
  EXPECT_EQ(environment["kernel_lazy_tlb"], "refcount (kernel before 6.4)");
}

TEST(LazyTlb, RealTimeKernelCounts) {
  const auto environment = of("x86-rt");
  EXPECT_EQ(environment["kernel_preempt_rt"], "yes");
  EXPECT_EQ(environment["kernel_config"], "/usr/lib/modules/6.12.1-rt/config");
}

TEST(LazyTlb, WithoutAConfigurationIsUnknownEvenForAnOldRelease) {
  const auto environment = of("x86-no-config");
  EXPECT_EQ(environment["kernel_lazy_tlb"], "unknown: no /proc/config.gz and no config file of this kernel");
  EXPECT_EQ(environment["kernel_debug_shoot_lazies"], "unknown");
  EXPECT_EQ(environment["kernel_preempt_rt"], "yes");  // the version says so
}

TEST(LazyTlb, TheNameInTheChangelogsIsNoEvidence) {
  EXPECT_EQ(of("x86-name-trap")["kernel_lazy_tlb"],
            "unknown: /boot/config-6.6.0 has no MMU_LAZY_TLB symbol, though 6.6.0 should");
}

std::string judged(std::string_view config, std::string_view release) {
  return lazy_tlb_of({parse_kernel_config(config), "/proc/config.gz", ""}, release);
}

TEST(LazyTlb, ASchemeThatMainlineDoesNotHaveIsNamed) {
  EXPECT_EQ(
      judged("CONFIG_MMU_LAZY_TLB_IMPLICIT_SHOOTDOWN=y\n", "6.6.0"),
      "unknown: /proc/config.gz sets MMU_LAZY_TLB_IMPLICIT_SHOOTDOWN, a scheme that mainline does not have");
}

TEST(LazyTlb, AContradictionIsUnknown) {
  EXPECT_EQ(judged("CONFIG_MMU_LAZY_TLB_SHOOTDOWN=y\nCONFIG_MMU_LAZY_TLB_REFCOUNT=y\n", "6.6.0"),
            "unknown: /proc/config.gz sets MMU_LAZY_TLB_REFCOUNT and MMU_LAZY_TLB_SHOOTDOWN");
}

TEST(LazyTlb, TheReleaseDecidesWhereTheSymbolBegan) {
  EXPECT_EQ(judged("CONFIG_MMU=y\n", "6.3.13"), "refcount (kernel before 6.4)");
  EXPECT_THAT(judged("CONFIG_MMU=y\n", "6.4.0-rc1"), StartsWith("unknown: "));
  EXPECT_THAT(judged("CONFIG_MMU=y\n", "custom"), StartsWith("unknown: "));
  EXPECT_EQ(judged("CONFIG_MMU_LAZY_TLB_REFCOUNT=y\n", "5.14.0-570.el9"), "refcount");
}

TEST(KernelConfig, OfNoSymbolsIsNone) {
  EXPECT_FALSE(parse_kernel_config(""));
  EXPECT_FALSE(parse_kernel_config("# CONFIG_MMU is not set\n"));
}

TEST(KernelConfig, ADamagedFileIsAProblemAndNotAnEmptyConfiguration) {
  const auto root = fs::path{::testing::TempDir()} / "damaged-config";
  fs::create_directories(root / "proc");
  fs::copy_file(kData / "ppc64le-shootdown/proc/config.gz", root / "proc/config.gz",
                fs::copy_options::overwrite_existing);
  fs::resize_file(root / "proc/config.gz", fs::file_size(root / "proc/config.gz") / 2);
  const auto found = find_kernel_config("6.10.3", root);
  EXPECT_FALSE(found.config);
  EXPECT_EQ(found.problem, "cannot read /proc/config.gz");
  fs::remove_all(root);
}

// --- The machine.

TEST(Environment, OfABareMetalServer) {
  const auto environment = of("x86-refcount");
  EXPECT_EQ(environment["kernel"], "6.8.0-45-generic");
  EXPECT_THAT(environment["kernel_version"], StartsWith("#45-Ubuntu SMP"));
  EXPECT_EQ(environment["cpu_model"], "Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz");
  EXPECT_EQ(environment["microcode"], "0x2007006");
  EXPECT_EQ(environment["mmu"], "not applicable");
  EXPECT_EQ(environment["smt"], "on");
  EXPECT_EQ(environment["hypervisor"], "none");
  EXPECT_EQ(environment["clocksource"], "tsc");
  EXPECT_EQ(environment["memory"], "125 GiB");
  EXPECT_EQ(environment["numa_nodes"], "2");
  EXPECT_EQ(environment["thp"], "madvise");
  EXPECT_EQ(environment["aslr"], "full");
  EXPECT_EQ(environment["numa_balancing"], "on");
  EXPECT_EQ(environment["isolated_cpus"], "2-3");
  EXPECT_EQ(environment["nohz_full_cpus"], "2-3");
  EXPECT_EQ(environment["cpus_online"], "0-3");
  EXPECT_EQ(environment["cpus_used"], "0-3");
  EXPECT_EQ(environment["mitigations"],
            "l1tf=Not affected | meltdown=Mitigation: PTI | spectre_v2=Mitigation: Retpolines; STIBP: "
            "disabled; RSB filling");
}

TEST(Environment, KeepsOfTheCommandLineOnlyWhatBearsOnAMeasurement) {
  EXPECT_EQ(of("x86-refcount")["boot_parameters"],
            "isolcpus=managed_irq,2-3 nohz_full=2-3 mitigations=auto,nosmt intel_idle.max_cstate=1");
}

TEST(Environment, OfAPowerServer) {
  const auto environment = of("ppc64le-shootdown");
  EXPECT_EQ(environment["cpu_model"], "POWER9, altivec supported");
  EXPECT_EQ(environment["mmu"], "Radix");
  EXPECT_EQ(environment["smt"], "on");  // from the siblings, as there is no switch
  EXPECT_EQ(environment["hypervisor"], "none");
  EXPECT_EQ(environment["isolated_cpus"], "none");
  EXPECT_EQ(environment["nohz_full_cpus"], "unknown");
  EXPECT_EQ(environment["frequency"], "scaling");
}

TEST(Environment, OfAGuestThatTellsLittle) {
  const auto environment = of("kvm-guest");
  EXPECT_EQ(environment["hypervisor"], "KVM");
  EXPECT_EQ(environment["smt"], "off");
  EXPECT_EQ(environment["aslr"], "off");  // setarch -R, whatever the system setting
  EXPECT_EQ(environment["frequency"], "unknown");
  EXPECT_EQ(environment["governor"], "unknown");
}

TEST(Environment, OfAnEmptyTreeClaimsNothing) {
  const auto context = read_environment(kData / "no-such-root").facts();
  const std::map<std::string, std::string> by_key{context.begin(), context.end()};
  for (const auto* key : {"kernel", "kernel_preempt_rt", "mitigations", "cpu_model", "smt", "governor",
                          "frequency", "hypervisor", "clocksource", "memory", "numa_nodes", "cpus_online",
                          "thp", "aslr", "numa_balancing", "isolated_cpus"}) {
    EXPECT_EQ(by_key.at(key), "unknown") << key;
  }
  EXPECT_THAT(by_key.at("kernel_lazy_tlb"), StartsWith("unknown: "));
}

TEST(CpuModel, OfArmNamesEachKindOfCoreInUse) {
  const auto info = parse_cpuinfo(*read_text(kData / "arm-governor-mix/proc/cpuinfo"));
  EXPECT_EQ(cpu_model(info),
            "arm implementer 0x41 part 0xd05 variant 0x1 + arm implementer 0x41 part 0xd0a variant 0x3");
  const std::vector<unsigned> big{1};
  EXPECT_EQ(cpu_model(info, big), "arm implementer 0x41 part 0xd0a variant 0x3");
}

TEST(CpuModel, OfAMainframe) {
  EXPECT_EQ(cpu_model(parse_cpuinfo("vendor_id       : IBM/S390\n# processors    : 1\n"
                                    "processor 0: version = FF,  identification = 0133E8,  machine = 3906\n"
                                    "\ncpu number      : 0\n")),
            "version = FF,  identification = 0133E8,  machine = 3906");
}

TEST(Hypervisor, OfPartitions) {
  const auto root = kData / "no-such-root";
  EXPECT_EQ(
      read_hypervisor(
          parse_cpuinfo("processor : 0\ncpu : POWER10\n\nplatform : pSeries\nmachine : CHRP IBM,9080"), root),
      "PowerVM");
  const auto qemu = parse_cpuinfo(
      "processor : 0\ncpu : POWER9\n\nplatform : pSeries\nmachine : CHRP IBM pSeries (emulated by qemu)");
  EXPECT_EQ(read_hypervisor(qemu, root), "QEMU TCG");
  // With KVM its device tree names a hypervisor.
  std::string name = (fs::temp_directory_path() / "hypervisor_test.XXXXXX").string();
  const fs::path kvm = mkdtemp(name.data());
  fs::create_directories(kvm / "proc/device-tree/hypervisor");
  std::ofstream(kvm / "proc/device-tree/hypervisor/compatible") << "linux,kvm";
  EXPECT_EQ(read_hypervisor(qemu, kvm), "KVM (pSeries guest)");
  fs::remove_all(kvm);
}

TEST(Emulator, IsKnownByItsNames) {
  const auto of = [](const char* text) { return read_emulator(parse_cpuinfo(text), kData / "no-such-root"); };
  EXPECT_EQ(of("processor : 0\nvendor_id : AuthenticAMD\nmodel name : QEMU TCG CPU version 2.5+\n"),
            "QEMU TCG");
  EXPECT_EQ(of("processor : 0\nmodel name : AMD EPYC\n"), "");
  EXPECT_EQ(of("processor : 0\nCPU implementer : 0x00\nCPU part : 0x051\n"), "QEMU TCG");
  EXPECT_EQ(of("processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0c\n"), "");
  EXPECT_EQ(of("processor : 0\ncpu : POWER9\n\nmachine : CHRP IBM pSeries (emulated by qemu)\n"), "QEMU TCG");
}

TEST(Emulator, IsAKernelOfAnotherArchitecture) {
  const auto root = fs::path{::testing::TempDir()} / "foreign";
  fs::create_directories(root / "proc/sys/kernel");
  std::ofstream(root / "proc/sys/kernel/arch") << "vax\n";
  EXPECT_THAT(read_emulator(parse_cpuinfo(""), root), ::testing::EndsWith(" on vax"));
  EXPECT_THAT(read_hypervisor(parse_cpuinfo("processor : 0\nmodel name : AMD EPYC\n"), root),
              ::testing::EndsWith(" on vax"));
  fs::remove_all(root);
}

TEST(Hypervisor, IsKnownByBoardsAndMakersOfVirtualMachinesAlone) {
  const auto of = [](const char* cpuinfo, const char* file, const std::string& text) {
    std::string name = (fs::temp_directory_path() / "hypervisor_test.XXXXXX").string();
    const fs::path root = mkdtemp(name.data());
    fs::create_directories((root / file).parent_path());
    std::ofstream(root / file) << text;
    const std::string hypervisor = read_hypervisor(parse_cpuinfo(cpuinfo), root);
    fs::remove_all(root);
    return hypervisor;
  };
  // arch/s390/kernel/sysinfo.c
  const char* const s390 = "vendor_id       : IBM/S390\n# processors    : 1\n";
  EXPECT_EQ(of(s390, "proc/sysinfo", "Manufacturer:         QEMU            \nType:  8561\n"), "QEMU TCG");
  EXPECT_EQ(of(s390, "proc/sysinfo", "Manufacturer:         IBM             \nType:  3931\n"), "PR/SM");
  // A device tree's strings end in a NUL each.
  using std::string_literals::operator""s;
  const char* const arm = "processor : 0\nFeatures : fp\nCPU implementer : 0x41\n";
  EXPECT_EQ(of(arm, "proc/device-tree/compatible", "linux,dummy-virt\0"s),
            "present, make unknown (board linux,dummy-virt)");
  EXPECT_EQ(of(arm, "proc/device-tree/compatible", "raspberrypi,4-model-b\0brcm,bcm2711\0"s), "unknown");
  EXPECT_EQ(of("processor : 0\nisa : rv64imafdc\n", "proc/device-tree/compatible", "riscv-virtio\0"s),
            "present, make unknown (board riscv-virtio)");
}

TEST(Hypervisor, WithoutEvidenceOnArmIsUnknown) {
  const auto info = parse_cpuinfo("processor : 0\nFeatures : fp\nCPU implementer : 0x41\n");
  EXPECT_EQ(read_hypervisor(info, kData / "no-such-root"), "unknown");
  const auto emulated =
      parse_cpuinfo("processor : 0\nFeatures : fp\nCPU implementer : 0x00\nCPU part : 0x051\n");
  EXPECT_EQ(read_hypervisor(emulated, kData / "no-such-root"), "QEMU TCG");
}

TEST(Hypervisor, IsNamedByTheFirmwareWhereItCan) {
  const auto root = fs::path{::testing::TempDir()} / "virtual-dmi";
  const auto dmi = root / "sys/class/dmi/id";
  fs::create_directories(dmi);
  const auto name = [&](const std::string& vendor, const std::string& product) {
    std::ofstream{dmi / "sys_vendor"} << vendor << '\n';
    std::ofstream{dmi / "product_name"} << product << '\n';
    return read_hypervisor(parse_cpuinfo("processor : 0\nFeatures : fp\n"), root);
  };
  EXPECT_EQ(name("QEMU", "KVM Virtual Machine"), "QEMU KVM Virtual Machine");
  EXPECT_EQ(name("Amazon EC2", "c7g.large"), "Amazon EC2 c7g.large");
  EXPECT_EQ(name("Amazon EC2", "c7g.metal"), "unknown");
  EXPECT_EQ(name("Ampere(R)", "Mt. Jade"), "unknown");
  fs::remove_all(root);
}

// --- The clock rate.

Frequency frequency(const std::string& tree, const std::vector<unsigned>& cpus) {
  return read_frequency(cpus, kData / tree);
}

TEST(FrequencyOf, OneFrequencyWithoutBoostIsFixed) {
  const auto fixed = frequency("x86-refcount", {0, 1, 2, 3});
  EXPECT_EQ(fixed.state, FrequencyState::kFixed);
  EXPECT_EQ(fixed.governor, "performance");
  EXPECT_EQ(fixed.detail, "cpu 0: governor performance of acpi-cpufreq at 2200 MHz, no boost");
}

TEST(FrequencyOf, BoostScales) {
  const auto boosted = frequency("boost-on", {0});
  EXPECT_EQ(boosted.state, FrequencyState::kScaling);
  EXPECT_EQ(boosted.detail, "cpu 0: boost is on");
}

TEST(FrequencyOf, OnlyTheCpusInUseCount) {
  EXPECT_EQ(frequency("arm-governor-mix", {0}).state, FrequencyState::kFixed);
  EXPECT_EQ(frequency("arm-governor-mix", {2}).state, FrequencyState::kFixed);  // equal limits
  EXPECT_EQ(frequency("arm-governor-mix", {3}).state, FrequencyState::kUnknown);
}

TEST(FrequencyOf, TheWorstCpuDecidesAndTheGovernorsAreListed) {
  const auto mixed = frequency("arm-governor-mix", {0, 1, 2, 3});
  EXPECT_EQ(mixed.state, FrequencyState::kScaling);
  EXPECT_EQ(mixed.governor, "performance (cpu 0), schedutil (cpu 1-2), unknown (cpu 3)");
  EXPECT_EQ(mixed.detail, "cpu 1: governor schedutil of cpufreq-dt may choose from 600 to 2000 MHz");
  EXPECT_EQ(frequency("arm-governor-mix", {0, 3}).state, FrequencyState::kUnknown);
}

TEST(FrequencyOf, IntelPstateIsNeverFixed) {
  const auto pinned = frequency("intel-pstate", {0});
  EXPECT_EQ(pinned.state, FrequencyState::kUnknown);
  EXPECT_EQ(pinned.detail, "cpu 0: intel_pstate leaves the choice to the hardware");
  EXPECT_EQ(frequency("intel-pstate", {1}).state, FrequencyState::kScaling);
}

TEST(FrequencyOf, NoReadableFileOrNoCpuIsUnknown) {
  EXPECT_EQ(frequency("no-such-root", {0}).state, FrequencyState::kUnknown);
  EXPECT_EQ(frequency("x86-refcount", {}).state, FrequencyState::kUnknown);
}

// --- The record.

TEST(Context, KeysAreFixed) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : read_environment(kData / "no-such-root").facts()) keys.push_back(key);
  EXPECT_THAT(keys, ::testing::ElementsAre(
                        "kernel", "kernel_version", "kernel_config", "kernel_lazy_tlb", "kernel_preempt_rt",
                        "kernel_debug_shoot_lazies", "boot_parameters", "mitigations", "cpu_model",
                        "microcode", "mmu", "smt", "governor", "frequency", "frequency_detail", "hypervisor",
                        "clocksource", "memory", "numa_nodes", "cpus_online", "thp", "aslr", "numa_balancing",
                        "isolated_cpus", "nohz_full_cpus", "cpus_used", "cpu_quota", "mmscale_schema",
                        "mmscale_version", "git_revision", "compiler", "compiler_flags", "build_type",
                        "atomics", "optimised", "sanitizer", "command_line"));
}

TEST(Context, SaysWhatWasRead) {
  const auto context = read_environment(kData / "x86-refcount", {}, "mmscale run --cpus=2").facts();
  const std::map<std::string, std::string> by_key{context.begin(), context.end()};
  EXPECT_EQ(by_key.at("memory"), "125 GiB");
  EXPECT_EQ(by_key.at("numa_nodes"), "2");
  EXPECT_EQ(by_key.at("smt"), "on");
  EXPECT_EQ(by_key.at("frequency"), "fixed");
  EXPECT_EQ(by_key.at("kernel_preempt_rt"), "no");
  EXPECT_EQ(by_key.at("cpu_quota"), "none seen");
  EXPECT_EQ(by_key.at("command_line"), "mmscale run --cpus=2");
  EXPECT_THAT(by_key.at("mitigations"), HasSubstr("l1tf=Not affected | meltdown=Mitigation: PTI | "));
}

TEST(Context, OfThisMachineLeavesNoKeyEmpty) {
  for (const auto& [key, value] : read_environment("/", {}, "test").facts()) {
    if (key == "compiler_flags") continue;  // a build without flags is possible
    EXPECT_FALSE(value.empty()) << key;
  }
}

TEST(Build, KnowsItself) {
  const auto build = this_build();
  EXPECT_THAT(build.version, ::testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+"));
  EXPECT_FALSE(build.revision.empty());
  EXPECT_THAT(build.compiler, ::testing::AnyOf(StartsWith("gcc "), StartsWith("clang ")));
  // By the library's flags: this test may have others.
  EXPECT_EQ(build.optimised, build.flags.find("-O") != std::string::npos) << build.flags;
#if defined(__SANITIZE_ADDRESS__)
  EXPECT_THAT(build.sanitizer, HasSubstr("address"));
#elif defined(__SANITIZE_THREAD__)
  EXPECT_THAT(build.sanitizer, HasSubstr("thread"));
#else
  EXPECT_THAT(build.sanitizer, IsEmpty());
#endif
}

// --- The helpers.

TEST(TextFile, IntegersMustFillTheText) {
  EXPECT_EQ(to_integer(" 42\n"), 42);
  EXPECT_EQ(to_integer("-1"), -1);
  EXPECT_FALSE(to_integer("42 kB"));
  EXPECT_FALSE(to_integer(""));
}

TEST(TextFile, AnUnreadableFileIsNotAnEmptyOne) {
  EXPECT_FALSE(read_text(kData / "no-such-file"));
  EXPECT_FALSE(read_text(kData));  // a directory opens and then refuses to be read
  EXPECT_EQ(read_line(kData / "schedstat-off"), "0 0 0");
}

}  // namespace
}  // namespace mmscale::measure
