// SPDX-License-Identifier: MIT
#include "host/kernel_counts.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "topology/temporary_tree.h"

namespace mmscale::host {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// CPU 1 is offline: it has no column.
constexpr std::string_view kX86 = R"(           CPU0       CPU2       CPU3
  1:          9          9          9   IO-APIC   1-edge      i8042
NMI:          5          5          5   Non-maskable interrupts
LOC:        100        200        300   Local timer interrupts
RES:         10         20         30   Rescheduling interrupts
CAL:          1          2          3   Function call interrupts
TLB:          4          5          6   TLB shootdowns
ERR:          0
)";

std::vector<std::string> text(const std::vector<IpiRow>& rows) {
  std::vector<std::string> text;
  for (const IpiRow& row : rows)
    text.push_back(fmt::format("{} {} {}", row.name, static_cast<int>(row.kind), row.count));
  return text;
}

TEST(Interrupts, AreSummedOverTheCpusAskedForByTheColumnsName) {
  EXPECT_THAT(text(parse_interrupts(kX86, std::vector{0u, 3u})),
              ElementsAre("RES 0 40", "CAL 1 4", "TLB 2 10"));
  EXPECT_THAT(text(parse_interrupts(kX86, std::vector{2u})), ElementsAre("RES 0 20", "CAL 1 2", "TLB 2 5"));
  // An offline CPU took none.
  EXPECT_THAT(text(parse_interrupts(kX86, std::vector{1u})), ElementsAre("RES 0 0", "CAL 1 0", "TLB 2 0"));
}

TEST(Interrupts, AreKnownByTheirDescriptionOnOtherArchitectures) {
  constexpr std::string_view kArm64 =
      "           CPU0       CPU1\n"
      " 11:       1          2     GICv3  30 Level     arch_timer\n"
      "IPI0:      7          8       Rescheduling interrupts\n"
      "IPI1:      1          2       Function call interrupts\n"
      "IPI5:      0          1       IRQ work interrupts\n"
      "Err:       0\n";
  EXPECT_THAT(text(parse_interrupts(kArm64, std::vector{0u, 1u})),
              ElementsAre("IPI0 0 15", "IPI1 1 3", "IPI5 3 1"));
  constexpr std::string_view kPowerpc =
      "           CPU0\n"
      "LOC:         12   Local timer interrupts for timer event device\n"
      "DBL:          6   Doorbell interrupts\n";
  EXPECT_THAT(text(parse_interrupts(kPowerpc, std::vector{0u})), ElementsAre("DBL 3 6"));
}

TEST(Interrupts, OfEveryArchitectureAreKnown) {
  for (const auto& [description, kind] : std::vector<std::pair<std::string_view, IpiKind>>{
           {"XIVE-IPI   0 Edge      IPI-0", IpiKind::other},  // powerpc, powernv and pseries
           {"XICS   2 Edge      IPI", IpiKind::other},        // powerpc, older firmware
           {"[EXT] External Call", IpiKind::other},           // s390
           {"[EXT] Emergency Signal", IpiKind::other},        // s390
           {"LoongArch  1  Rescheduling interrupts", IpiKind::reschedule},
           {"CPU stop (for crash dump) interrupts", IpiKind::other},  // arm64, riscv
           {"CPU stop NMIs", IpiKind::other},                         // arm64 since 6.12
           {"Function call interrupts", IpiKind::function_call}})
    EXPECT_EQ(measure::ipi_kind(description), kind) << description;
  for (const std::string_view device :
       {"XIVE-IRQ 2097152 Edge      virtio0-config", "XICS 4134 Level     ohci_hcd:usb1",
        "GICv3  30 Level     arch_timer", "Local timer interrupts", "Machine check polls",
        "[EXT] Clock Comparator", "not TLB shootdowns at all", ""})
    EXPECT_FALSE(measure::ipi_kind(device)) << device;
}

// Whole tables as these kernels print them: rows by number, by name, without a description, of devices in between.
TEST(Interrupts, AreFoundAmongWhatElseATableHas) {
  constexpr std::string_view kPower9 =
      "           CPU0       CPU1       CPU4       CPU5       \n"
      " 16:       1023        990          7          0  XIVE-IPI   0 Edge      IPI-0\n"
      " 17:          0          1          0          0  XIVE-IRQ 4096 Edge      RAS-EPOW\n"
      " 20:      15021          0          0          0  XIVE-IRQ 4865 Edge      ibmvscsi\n"
      "LOC:      45678      45001      40123      40111   Local timer interrupts for timer event device\n"
      "BCT:          0          0          0          0   Broadcast timer interrupts for timer event device\n"
      "SPU:          4          0          0          0   Spurious interrupts\n"
      "PMI:          0          0          0          0   Performance monitoring interrupts\n"
      "NMI:          0          0          0          0   System Reset interrupts\n"
      "DBL:        345        400         11         12   Doorbell interrupts\n";
  EXPECT_THAT(text(parse_interrupts(kPower9, std::vector{0u, 4u})), ElementsAre("16 3 1030", "DBL 3 356"));
  constexpr std::string_view kS390 =
      "           CPU0       CPU1       \n"
      "EXT:       3532       3100 \n"
      "I/O:        122         98 \n"
      "AIO:          0          0 \n"
      "CLK:       3000       2900   [EXT] Clock Comparator\n"
      "EXC:          4          6   [EXT] External Call\n"
      "EMS:        105         97   [EXT] Emergency Signal\n"
      "TMR:          0          0   [EXT] CPU Timer\n"
      "VRT:          9          9   [I/O] Virtual I/O Devices\n"
      "NMI:          0          0   [NMI] Machine Check\n"
      "RST:          0          0   [CPU] CPU Restart\n";
  EXPECT_THAT(text(parse_interrupts(kS390, std::vector{0u, 1u})), ElementsAre("EXC 3 10", "EMS 3 202"));
  constexpr std::string_view kRiscv =
      "           CPU0       CPU1       \n"
      " 10:      50123      49001  RISC-V INTC   5 Edge      riscv-timer\n"
      " 12:       1201          0  SiFive PLIC   8 Edge      virtio0\n"
      "IPI0:        33         41  Rescheduling interrupts\n"
      "IPI1:       877        901  Function call interrupts\n"
      "IPI2:         0          0  CPU stop interrupts\n"
      "IPI4:         2          3  IRQ work interrupts\n"
      "IPI5:         0          0  Timer broadcast interrupts\n";
  EXPECT_THAT(text(parse_interrupts(kRiscv, std::vector{1u})),
              ElementsAre("IPI0 0 41", "IPI1 1 901", "IPI2 3 0", "IPI4 3 3", "IPI5 3 0"));
}

TEST(Interrupts, HalfARowIsNone) {
  EXPECT_THAT(parse_interrupts("  CPU0 CPU1\nRES:  1\n", std::vector{0u}), IsEmpty());
  EXPECT_THAT(parse_interrupts("", std::vector{0u}), IsEmpty());
}

// /proc of two processes: kthreadd, and one of two threads.
class KernelCountsTest : public testing::Test {
 protected:
  void task(int process, int task, const char* comm, int voluntary, int involuntary) {
    const std::string directory = fmt::format("proc/{}/task/{}/", process, task);
    tree_.write(directory + "status", fmt::format("Name:\t{}\nvoluntary_ctxt_switches:\t{}\n"
                                                  "nonvoluntary_ctxt_switches:\t{}",
                                                  comm, voluntary, involuntary));
    tree_.write(directory + "schedstat", "5000 600 7");
    // A comm may hold anything, a bracket and a blank included.
    tree_.write(directory + "stat", fmt::format("{} (a) b) S{} 3 0 0", task, repeated(" 1", 35)));
    tree_.write(fmt::format("proc/{}/comm", process), comm);
  }
  static std::string repeated(const std::string& text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
  }

  topology::TemporaryTree tree_;
};

TEST_F(KernelCountsTest, ReadsEveryTask) {
  task(2, 2, "kthreadd", 10, 1);
  task(77, 77, "worker", 20, 2);
  task(77, 78, "worker", 30, 3);
  tree_.write("proc/self/comm", "no number");
  tree_.write("proc/stat", "cpu 1 2 3\nintr 5\nctxt 1234\nprocesses 77");
  tree_.write("proc/interrupts", std::string(kX86));
  const KernelCounts counts = read_kernel_counts(std::vector{0u}, tree_.root());
  EXPECT_EQ(counts.tasks_missing, "");
  ASSERT_EQ(counts.tasks.size(), 3u);
  EXPECT_EQ(counts.tasks.at(78).process, 77);
  EXPECT_EQ(counts.tasks.at(78).switches, 33);
  EXPECT_EQ(counts.tasks.at(78).run_ns, 5000);
  EXPECT_EQ(counts.tasks.at(78).cpu, 3u);
  EXPECT_EQ(counts.switches, 1234);
  EXPECT_EQ(counts.forks, 77);
  EXPECT_EQ(text(counts.ipis).size(), 3u);
  EXPECT_THAT(counts.idle_missing, HasSubstr("no cpuidle states"));
}

TEST_F(KernelCountsTest, AContainerDoesNotShowEveryTask) {
  task(1, 1, "init", 10, 1);
  const KernelCounts counts = read_kernel_counts(std::vector{0u}, tree_.root());
  EXPECT_THAT(counts.tasks_missing, HasSubstr("container"));
  EXPECT_EQ(counts.tasks.size(), 1u);
  EXPECT_FALSE(counts.switches);
  EXPECT_THAT(counts.ipis_missing, HasSubstr("/proc/interrupts"));
}

TEST_F(KernelCountsTest, SumsIdleStatesOverTheCpus) {
  for (const int cpu : {0, 1})
    for (const int state : {0, 1}) {
      const std::string directory = fmt::format("sys/devices/system/cpu/cpu{}/cpuidle/state{}/", cpu, state);
      tree_.write(directory + "name", state == 0 ? "POLL" : "C1");
      tree_.write(directory + "usage", fmt::format("{}", 10 * state + cpu));
      tree_.write(directory + "time", "5");
    }
  const KernelCounts counts = read_kernel_counts(std::vector{0u, 1u}, tree_.root());
  ASSERT_EQ(counts.idle.size(), 2u);
  EXPECT_EQ(counts.idle[1].name, "C1");
  EXPECT_EQ(counts.idle[1].entries, 21);
  EXPECT_EQ(counts.idle[1].time_ns, 10'000);
}

TEST_F(KernelCountsTest, NamesTheIdleDriver) {
  EXPECT_EQ(idle_driver(tree_.root()), "unavailable (no cpuidle driver)");
  tree_.write("sys/devices/system/cpu/cpuidle/current_driver", "intel_idle");
  EXPECT_EQ(idle_driver(tree_.root()), "intel_idle, governor unknown");
  tree_.write("sys/devices/system/cpu/cpuidle/current_governor_ro", "menu");
  EXPECT_EQ(idle_driver(tree_.root()), "intel_idle, governor menu");
}

TEST(KernelCounts, OfThisKernelHoldThisProcess) {
  const KernelCounts counts = read_kernel_counts(std::vector{0u});
  ASSERT_TRUE(counts.tasks.contains(getpid()));
  EXPECT_GT(counts.time_ns, 0);
}

}  // namespace
}  // namespace mmscale::host
