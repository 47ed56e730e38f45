// SPDX-License-Identifier: MIT
#include "machine/silicon/membarrier.h"

#include <errno.h>
#include <fmt/format.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <system_error>
#include <thread>

#include "machine/machine.h"
#include "machine/silicon/clock.h"

namespace mmscale::machine::silicon {
namespace {

// A thread that does nothing but read its counter, on another CPU than the one that made it, and keeps the longest time
// between two readings.
class Watcher {
 public:
  Watcher() : thread_([this] { watch(); }) {}
  ~Watcher() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
  }

  // Readings so far. Relaxed, as below: what counts is that the other CPU has run, not in what order it saw things.
  std::uint64_t readings() const { return readings_.load(std::memory_order_relaxed); }
  void forget() { longest_.store(0, std::memory_order_relaxed); }
  // Ticks, since forget().
  std::uint64_t longest() const { return longest_.load(std::memory_order_relaxed); }

 private:
  void watch() {
    leave_cpu_of_maker();
    std::uint64_t last = ticks();
    while (!stop_.load(std::memory_order_relaxed)) {
      const std::uint64_t now = ticks();
      if (now - last > longest_.load(std::memory_order_relaxed))
        longest_.store(now - last, std::memory_order_relaxed);
      last = now;
      readings_.store(readings_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    }
  }

  // Two threads on one CPU would see each other's turns as gaps. Where it is refused, the scheduler does as much.
  void leave_cpu_of_maker() const {
    cpu_set_t allowed;
    if (maker_ < 0 || maker_ >= CPU_SETSIZE || sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
    CPU_CLR(maker_, &allowed);
    if (CPU_COUNT(&allowed) != 0) sched_setaffinity(0, sizeof allowed, &allowed);
  }

  const int maker_ = sched_getcpu();
  std::atomic<bool> stop_{false};
  alignas(kApart) std::atomic<std::uint64_t> readings_{0};
  alignas(kApart) std::atomic<std::uint64_t> longest_{0};
  std::thread thread_;
};

// Whether calls that answer 0 interrupt anybody: the watcher's longest gap around a call is held against the one around
// the question what membarrier can do, which interrupts nobody. Looking at the watcher makes it wait for a line in both,
// so the medians differ by the interrupt alone. Where that cannot be found out, the calls are believed.
bool interrupts_others() {
  if (std::thread::hardware_concurrency() < 2) return true;
  constexpr std::size_t kCalls = 63;
  // Longer than an interrupt takes to arrive and be handled, in a virtual machine too.
  constexpr std::uint64_t kSettledNs = 20'000;
  // A watcher that does not run for so long tells nothing, on a machine with so much else to do.
  constexpr std::uint64_t kPatienceNs = 2'000'000'000;
  const std::uint64_t give_up = now_ns() + kPatienceNs;
  const auto settle = [] {
    const std::uint64_t until = now_ns() + kSettledNs;
    while (now_ns() < until) {
    }
  };
  try {
    Watcher watcher;
    std::array<std::uint64_t, kCalls> asked;
    std::array<std::uint64_t, kCalls> called;
    const auto longest_around = [&watcher, settle](int command) {
      settle();
      watcher.forget();
      membarrier(command);
      settle();
      return watcher.longest();
    };
    for (std::size_t call = 0; call < kCalls;) {
      if (now_ns() > give_up) return true;
      const std::uint64_t before = watcher.readings();
      asked[call] = longest_around(MEMBARRIER_CMD_QUERY);
      called[call] = longest_around(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
      if (watcher.readings() != before) ++call;
    }
    std::ranges::nth_element(asked, asked.begin() + kCalls / 2);
    std::ranges::nth_element(called, called.begin() + kCalls / 2);
    return 2 * called[kCalls / 2] >= 3 * asked[kCalls / 2];
  } catch (const std::system_error&) {
    return true;  // no thread to be had
  }
}

std::string find_out() {
  const int commands = membarrier(MEMBARRIER_CMD_QUERY);
  if (commands < 0) return fmt::format("membarrier(2): {}", std::strerror(errno));
  if ((commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0)
    return "membarrier(2) has no PRIVATE_EXPEDITED here (Linux 4.14, CONFIG_MEMBARRIER)";
  if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0 ||
      membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0)
    return fmt::format("membarrier(2) PRIVATE_EXPEDITED: {}", std::strerror(errno));
  if (!interrupts_others())
    return "membarrier(2) PRIVATE_EXPEDITED answers 0 but no interrupt is seen, as in a sandbox with a "
           "kernel of its own, "
           "or where CPUs are emulated";
  return {};
}

}  // namespace

int membarrier(int command, unsigned flags, int cpu_id) {
  return static_cast<int>(syscall(SYS_membarrier, command, flags, cpu_id));
}

const std::string& no_membarrier() {
  static const std::string why = find_out();
  return why;
}

}  // namespace mmscale::machine::silicon
