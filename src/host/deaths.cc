// SPDX-License-Identifier: MIT
#include "host/deaths.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>
#include <thread>

#include "host/timed.h"
#include "machine/silicon/pool.h"
#include "measure/leader.h"
#include "topology/bind.h"

namespace mmscale::host {
namespace {

// A joined thread has let go of its mm, but its CPU has yet to switch to idle: well below this.
constexpr timespec kUntilIdle = {.tv_sec = 0, .tv_nsec = 100'000};

struct SharedDeath {
  measure::Phases phases;
  Timed timed;
  std::atomic<std::uint64_t> last_breath{0};  // ticks
};

class Mortal {
 public:
  Mortal(const topology::Topology& topology, std::span<const unsigned> borrowers, SharedDeath& shared)
      : topology_(topology), borrowers_(borrowers), shared_(shared) {}

  bool play(std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i) live_and_die();
    return true;
  }
  void open() { shared_.timed.open(); }
  void close() { shared_.timed.close(); }

 private:
  void live_and_die() {
    const pid_t self = ::getpid();
    const pid_t child = machine::silicon::Pool::fork();
    if (child < 0) throw std::system_error(errno, std::generic_category(), "fork of a process to die");
    if (child == 0) be_born_and_exit(self);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
      if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "waiting for a death");
    const std::uint64_t collected = machine::silicon::ticks();
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
      throw std::runtime_error(
          fmt::format("a process that was to die ended badly (wait status {:#x})", status));
    // acquire: pairs with the child's release, though waitpid has ordered them already.
    const std::uint64_t died = shared_.last_breath.load(std::memory_order_acquire);
    shared_.timed.now.record(collected > died ? collected - died : 0);
  }

  [[noreturn]] void be_born_and_exit(pid_t parent) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(1);
    try {
      for (const unsigned pu : borrowers_) {
        std::thread borrower([this, pu] {
          try {
            topology::bind_this_thread(topology_, pu);
          } catch (...) {
            ::_exit(1);
          }
          // Writes to its stack: something for its CPU's TLB to hold.
          char byte = 1;
          asm volatile("" : : "r"(&byte) : "memory");
        });
        borrower.join();
      }
      if (!borrowers_.empty()) ::nanosleep(&kUntilIdle, nullptr);
    } catch (...) {
      ::_exit(1);
    }
    shared_.last_breath.store(machine::silicon::ticks(), std::memory_order_release);
    ::_exit(0);
  }

  const topology::Topology& topology_;
  const std::span<const unsigned> borrowers_;
  SharedDeath& shared_;
};

}  // namespace

Answer ask_deaths(const measure::Bench& bench, std::span<const unsigned> pus,
                  const measure::WindowTimes& times) {
  if (pus.empty()) throw std::invalid_argument("a death needs a CPU to happen on");
  const SharedArray<SharedDeath> shared(1);
  const SharedArray<measure::Side> side(1);
  Cast cast(bench.topology, {{{pus[0], [&] {
                                 Mortal mortal(bench.topology, pus.subspan(1), shared[0]);
                                 measure::Leader(mortal, shared[0].phases, 1, times, pus[0], side[0]).run();
                               }}}});
  Witness witness = act(bench, cast, pus, times);
  // Each death was announced: a process, and a thread for each borrower.
  if (witness.account.ended)
    *witness.account.ended -= static_cast<std::int64_t>(side[0].all_rounds * pus.size());
  // Kernel threads free what the dead leave behind (RCU, vfree of kernel stacks): that is part of dying, and
  // has a figure of its own.
  for (std::size_t i = 0; i < witness.account.others.size(); ++i)
    witness.account.others[i].run_ns -= witness.account.kernel_threads[i].run_ns;
  // Those who died took their counts with them.
  witness.account.idle_share_low.reset();
  witness.account.idle_share_high.reset();
  witness.account.idle_missing = "only where switches are measured";

  Answer result{.window = measure::empty_window(bench, pus), .findings = {}};
  for (measure::CpuWindow& cpu : result.window.cpus) cpu.rounds = side[0].rounds;
  result.window.cpus[0].start_ns = side[0].start_ns;
  result.window.cpus[0].end_ns = side[0].end_ns;
  result.window.cpus[0].pmu = side[0].pmu;
  result.window.conditions.cpus.push_back(side[0].conditions(pus[0]));
  judge_window(bench, witness, times, true, result.window);
  shared[0].timed.put("death", "death_ns", result.findings);
  result.findings.put("borrowers", static_cast<double>(pus.size() - 1));
  result.findings.put("deaths", static_cast<double>(shared[0].timed.closed.count()));
  report(witness.account, static_cast<double>(side[0].all_rounds), result.findings,
         {{"question", "exit"}, {"borrowers", pus.size() - 1}});
  return result;
}

}  // namespace mmscale::host
