// SPDX-License-Identifier: MIT
#include "host/calls.h"

#include <fmt/format.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <system_error>

#include "host/timed.h"
#include "machine/silicon/membarrier.h"
#include "measure/leader.h"

namespace mmscale::host {
namespace {

using machine::silicon::membarrier;

[[noreturn]] void refuse(const char* call) {
  throw std::system_error(errno, std::generic_category(), fmt::format("{} on the measuring thread", call));
}

void register_for_membarrier() {
  if (membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0) refuse("registering for membarrier");
}

// The time of one call, in ticks.
std::uint64_t timed_membarrier() {
  const std::uint64_t begin = machine::silicon::ticks();
  if (membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) != 0) refuse("membarrier");
  return machine::silicon::ticks() - begin;
}

std::uint64_t timed_munmap() {
  const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  void* const page = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) refuse("mmap");
  // Without a page there is nothing in any TLB, and nobody to interrupt. volatile: it is never read.
  *static_cast<volatile char*>(page) = 1;
  const std::uint64_t begin = machine::silicon::ticks();
  if (::munmap(page, size) != 0) refuse("munmap");
  return machine::silicon::ticks() - begin;
}

class Caller {
 public:
  Caller(Call call, Timed& timed) : call_(call), timed_(timed) {}
  bool play(std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i)
      timed_.now.record(call_ == Call::munmap ? timed_munmap() : timed_membarrier());
    return true;
  }
  void open() { timed_.open(); }
  void close() { timed_.close(); }

 private:
  const Call call_;
  Timed& timed_;
};

// Computes in user space, where an interrupt finds it.
struct Busy {
  bool play(std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i) asm volatile("" : : : "memory");
    return true;
  }
};

// Sleeps until the caller has done; the CPU then idles with this thread's mm still loaded.
void sleep_until(FutexWord& done, measure::Side& side) {
  const measure::ThreadProbe probe;
  side.before = probe.snapshot();
  while (done.load(std::memory_order_acquire) == 0) futex_wait(done, 0, FutexScope::one_mm);
  side.after = probe.snapshot();
}

struct SharedCall {
  measure::Phases phases;
  Timed timed;
  FutexWord done{0};
};

}  // namespace

std::string no_membarrier() { return machine::silicon::no_membarrier(); }

Answer ask_calls(const measure::Bench& bench, Call call, Others others, std::span<const unsigned> pus,
                 const measure::WindowTimes& times) {
  if (pus.empty()) throw std::invalid_argument("a call needs a CPU to be made on");
  const SharedArray<SharedCall> shared(1);
  const SharedArray<measure::Side> sides(pus.size());
  const bool lazy = others == Others::lazy;
  const auto leaders = static_cast<unsigned>(lazy ? 1 : pus.size());

  Process process;
  process.push_back({pus[0], [&] {
                       if (call == Call::membarrier) register_for_membarrier();
                       Caller caller(call, shared[0].timed);
                       measure::Leader(caller, shared[0].phases, leaders, times, pus[0], sides[0]).run();
                       shared[0].done.store(1, std::memory_order_release);
                       futex_wake(shared[0].done, static_cast<int>(pus.size()), FutexScope::one_mm);
                     }});
  for (std::size_t i = 1; i < pus.size(); ++i)
    process.push_back({pus[i], [&, i] {
                         Busy busy;
                         if (lazy)
                           sleep_until(shared[0].done, sides[i]);
                         else
                           measure::Leader(busy, shared[0].phases, leaders, times, pus[i], sides[i]).run();
                       }});
  Cast cast(bench.topology, {std::move(process)});
  Witness witness = act(bench, cast, pus, times);
  // Hardly anything switches here.
  witness.account.idle_share_low.reset();
  witness.account.idle_share_high.reset();
  witness.account.idle_missing = "only where switches are measured";

  Answer result{.window = measure::empty_window(bench, pus), .findings = {}};
  for (std::size_t i = 0; i < pus.size(); ++i) {
    measure::CpuWindow& cpu = result.window.cpus[i];
    cpu.start_ns = sides[i].start_ns;
    cpu.end_ns = sides[i].end_ns;
    cpu.rounds = sides[0].rounds;
    cpu.pmu = sides[i].pmu;
    result.window.conditions.cpus.push_back(sides[i].conditions(pus[i]));
    result.window.conditions.cpus.back().sleeps = lazy && i != 0;
  }
  judge_window(bench, witness, times, false, result.window);
  shared[0].timed.put("call", "call_ns", result.findings);
  result.findings.put("targets", static_cast<double>(pus.size() - 1));
  result.findings.put("calls", static_cast<double>(shared[0].timed.closed.count()));
  report(witness.account, static_cast<double>(sides[0].all_rounds), result.findings,
         {{"question", kCallNames[static_cast<std::size_t>(call)]},
          {"others_do", kOthersNames[static_cast<std::size_t>(others)]},
          {"targets", pus.size() - 1}});
  return result;
}

}  // namespace mmscale::host
