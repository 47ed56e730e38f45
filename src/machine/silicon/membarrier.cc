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

// A thread that does nothing but read its counter, on another CPU than the one that made it.
class Watcher {
 public:
  Watcher() : thread_([this] { watch(); }) {}
  ~Watcher() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
  }

  // Readings so far. Relaxed, as below: what counts is that the other CPU has run, not in what order it saw things.
  std::uint64_t readings() const { return readings_.load(std::memory_order_relaxed); }
  // Gaps between two readings that were too long for nothing to have happened.
  std::uint64_t gaps() const { return gaps_.load(std::memory_order_relaxed); }

 private:
  void watch() {
    leave_cpu_of_maker();
    // The usual step: the median of some. An interrupt costs hundreds of cycles to enter and leave, 16 steps are about
    // as many; a virtual machine's costs more. Where the counter ticks less than once a step (arm64's at 25 MHz), two
    // or three ticks are already long.
    std::array<std::uint64_t, 101> steps;
    std::uint64_t last = ticks();
    for (std::uint64_t& step : steps) {
      const std::uint64_t now = ticks();
      step = now - last;
      last = now;
    }
    std::ranges::nth_element(steps, steps.begin() + steps.size() / 2);
    const std::uint64_t usual = steps[steps.size() / 2];
    const std::uint64_t longest = usual == 0 ? 3 : 16 * usual;
    last = ticks();
    while (!stop_.load(std::memory_order_relaxed)) {
      const std::uint64_t now = ticks();
      if (now - last > longest) gaps_.fetch_add(1, std::memory_order_relaxed);
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
  std::atomic<std::uint64_t> gaps_{0};
  std::thread thread_;
};

// Whether calls that answer 0 interrupt anybody. Where that cannot be found out, they are believed.
bool interrupts_others() {
  if (std::thread::hardware_concurrency() < 2) return true;
  constexpr int kCalls = 64;
  // A watcher that does not run for so long tells nothing, on a machine with so much else to do.
  constexpr std::uint64_t kPatienceNs = 2'000'000'000;
  const std::uint64_t give_up = now_ns() + kPatienceNs;
  try {
    Watcher watcher;
    const auto wait_for_readings = [&] {
      // Some, and not one: the gap before it is counted by then.
      const std::uint64_t before = watcher.readings();
      while (watcher.readings() < before + 4)
        if (now_ns() > give_up) return false;
      return true;
    };
    int seen = 0;
    for (int call = 0; call < kCalls; ++call) {
      // The watcher runs at the time of the call; if it loses its CPU just then, that is a gap too, and in favour.
      if (!wait_for_readings()) return true;
      const std::uint64_t before = watcher.gaps();
      membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
      if (!wait_for_readings()) return true;
      seen += watcher.gaps() != before ? 1 : 0;
    }
    return seen >= kCalls / 2;
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
    return "membarrier(2) PRIVATE_EXPEDITED answers 0 but interrupts nobody, as in a sandbox with a kernel "
           "of its own";
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
