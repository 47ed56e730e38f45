// SPDX-License-Identifier: MIT
#include "machine/silicon/transport.h"

#include <errno.h>
#include <fmt/format.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "machine/silicon/membarrier.h"

namespace mmscale::machine::silicon {
namespace {

constexpr std::array<std::string_view, 3> kNames = {"membarrier", "signal", "doorbell"};

// In the middle of a window, perhaps in a handler; record files are whole at any time.
[[noreturn]] void die(const char* what, int error) {
  std::fprintf(stderr, "mmscale: %s failed while an IPI was sent: %s\n", what, std::strerror(error));
  _exit(1);
}

// Whether single CPUs can be addressed too (Linux 5.10, CONFIG_RSEQ).
bool registers_per_target() {
  return (membarrier(MEMBARRIER_CMD_QUERY) & MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) != 0 &&
         membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ) == 0;
}

// The kernel's own synchronous IPIs. membarrier returns when they have been taken, so the price of
// interrupting and waiting is the real one; the handler itself runs at the target's next enable point, which
// its queue brings about.
class Membarrier final : public Transport {
 public:
  explicit Membarrier(unsigned cpus) : cpus_(cpus), os_cpu_(cpus) {
    if (!no_membarrier().empty()) throw std::runtime_error(no_membarrier());
    per_target_ = registers_per_target();
  }

  std::string_view name() const override { return "membarrier"; }

  void attach(unsigned cpu, unsigned os_cpu, InterruptLine) override { os_cpu_[cpu] = os_cpu; }
  void detach(unsigned) override {}

  void raise(const CpuMask& targets) override {
    // PRIVATE_EXPEDITED interrupts every CPU that runs a thread of this process: right only when all are
    // meant.
    const bool everybody = targets.count() + 1 == cpus_;
    if (everybody || !per_target_) {
      if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0) die("membarrier PRIVATE_EXPEDITED", errno);
      return;
    }
    targets.for_each([this](unsigned cpu) {
      if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, MEMBARRIER_CMD_FLAG_CPU,
                     static_cast<int>(os_cpu_[cpu])) != 0)
        die("membarrier PRIVATE_EXPEDITED_RSEQ", errno);
    });
  }

  std::string caveat() const override {
    return per_target_ ? "membarrier takes a global mutex, so concurrent teardowns serialise, and k targets "
                         "that are not everybody cost k system calls where the kernel multicasts"
                       : "membarrier takes a global mutex, so concurrent teardowns serialise, and without "
                         "its RSEQ command every raise interrupts all emulated CPUs";
  }

 private:
  unsigned cpus_;
  bool per_target_ = false;
  std::vector<unsigned> os_cpu_;
};

// A real-time signal to the pinned thread: the handler runs on the target as an interrupt's would, in the
// middle of whatever it was doing. Dearer than an IPI, since the kernel builds a signal frame.
class Signal final : public Transport {
 public:
  explicit Signal(unsigned cpus) : tid_(cpus) {
    rlimit pending;
    if (getrlimit(RLIMIT_SIGPENDING, &pending) == 0 && pending.rlim_cur < cpus)
      throw std::runtime_error(
          fmt::format("signal: {} may be pending at a time (RLIMIT_SIGPENDING, ulimit -i), {} CPUs "
                      "need as many",
                      pending.rlim_cur, cpus));
    install();
  }

  std::string_view name() const override { return "signal"; }

  void attach(unsigned cpu, unsigned, InterruptLine line) override {
    line_of_this_thread = line;
    tid_[cpu] = static_cast<pid_t>(syscall(SYS_gettid));
  }

  void detach(unsigned) override { line_of_this_thread = {}; }

  void raise(const CpuMask& targets) override {
    const pid_t process = getpid();
    targets.for_each([&](unsigned cpu) {
      if (syscall(SYS_tgkill, process, tid_[cpu], number()) != 0) [[unlikely]]
        raise_later(process, tid_[cpu]);
    });
  }

  // The number used: the last real-time signal, out of the way of libraries that count from the first.
  static int number() { return SIGRTMAX; }

  static void install() {
    struct sigaction action = {};
    action.sa_handler = [](int) {
      const int saved = errno;
      if (line_of_this_thread.deliver != nullptr) line_of_this_thread.deliver(line_of_this_thread.cpu);
      errno = saved;
    };
    action.sa_flags = SA_RESTART;
    sigfillset(&action.sa_mask);
    if (sigaction(number(), &action, nullptr) != 0)
      throw std::runtime_error(fmt::format("sigaction: {}", std::strerror(errno)));
  }

 private:
  // A signal is refused with EAGAIN while as many are pending for this user as RLIMIT_SIGPENDING allows.
  // Targets take theirs in microseconds, so room that has not come within a second will not come.
  static void raise_later(pid_t process, pid_t target) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(1);
    do {
      if (errno != EAGAIN) die("tgkill", errno);
      if (std::chrono::steady_clock::now() > give_up)
        die("tgkill (RLIMIT_SIGPENDING, ulimit -i, leaves no room for a signal)", EAGAIN);
      sched_yield();
    } while (syscall(SYS_tgkill, process, target, number()) != 0);
  }

  // The one thread_local of the project: a signal handler gets no argument that could name its CPU.
  static thread_local constinit InterruptLine line_of_this_thread;

  std::vector<pid_t> tid_;
};

thread_local constinit InterruptLine Signal::line_of_this_thread = {};

// Nothing is sent: the target finds the request at its next enable point. No real machine delivers for free,
// so this is the lower bound of what an IPI can cost.
class Doorbell final : public Transport {
 public:
  std::string_view name() const override { return "doorbell"; }
  void attach(unsigned, unsigned, InterruptLine) override {}
  void detach(unsigned) override {}
  void raise(const CpuMask&) override {}
  std::string caveat() const override { return "no interrupt is sent: a lower bound"; }
};

// Why a transport does not work on this system; empty if it does.
std::string refusal(std::string_view name) { return name == "membarrier" ? no_membarrier() : ""; }

}  // namespace

std::span<const std::string_view> transport_names() { return kNames; }

TransportChoice choose_transport(std::optional<std::string_view> asked) {
  if (asked) {
    if (std::find(kNames.begin(), kNames.end(), *asked) == kNames.end())
      throw std::runtime_error(
          fmt::format("no IPI transport '{}'; there are {}", *asked, fmt::join(kNames, ", ")));
    if (const std::string why = refusal(*asked); !why.empty())
      throw std::runtime_error(fmt::format("transport '{}' does not work here: {}", *asked, why));
    return {std::string(*asked), "asked for"};
  }
  std::string reason = "default";
  for (std::string_view name : kNames) {
    const std::string why = refusal(name);
    if (why.empty()) return {std::string(name), reason};
    reason += fmt::format("; not {}: {}", name, why);
  }
  throw std::runtime_error(reason);
}

std::unique_ptr<Transport> make_transport(std::string_view name, unsigned cpus) {
  if (name == "membarrier") return std::make_unique<Membarrier>(cpus);
  if (name == "signal") return std::make_unique<Signal>(cpus);
  if (name == "doorbell") return std::make_unique<Doorbell>();
  throw std::runtime_error(fmt::format("no IPI transport '{}'; there are {}", name, fmt::join(kNames, ", ")));
}

}  // namespace mmscale::machine::silicon
