// SPDX-License-Identifier: MIT
#include "host/cast.h"

#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cstring>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include "machine/silicon/pool.h"
#include "measure/text_file.h"
#include "topology/bind.h"

namespace mmscale::host {
namespace {

using std::chrono::nanoseconds;

// How long everybody has to be forked and pinned, by thread: measured at some 0.2 ms each on a slow guest.
constexpr nanoseconds kPatienceToStart = std::chrono::seconds(30);
// And to end, once they may.
constexpr nanoseconds kPatienceToEnd = std::chrono::seconds(30);
// How often it is checked that nobody has died: some 10 us each time, on any CPU, 0.01 % of one.
constexpr timespec kCheckEvery = {.tv_sec = 0, .tv_nsec = 100'000'000};

// What the terminal sends goes to the whole foreground group. Whoever made the Cast decides what becomes of
// it, and takes it along (PR_SET_PDEATHSIG).
void ignore_the_terminal() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) sigaddset(&set, signal);
  sigprocmask(SIG_BLOCK, &set, nullptr);
}

// Takes a killed process' threads to the CPU of this one: theirs may have no time for them, and they have to run to end.
void bring_here(pid_t process) {
  const int here = ::sched_getcpu();
  if (here < 0) return;
  const std::vector<unsigned long> mask = topology::affinity_mask(static_cast<unsigned>(here));
  for (const pid_t task : measure::tasks_in(fmt::format("/proc/{}/task", process)))
    ::sched_setaffinity(task, mask.size() * sizeof mask[0], reinterpret_cast<const cpu_set_t*>(mask.data()));
}

// Waits for the end of a process, and says whether it came.
bool collect(pid_t pid, int& status, nanoseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const pid_t ended = ::waitpid(pid, &status, WNOHANG);
    if (ended == pid || (ended < 0 && errno != EINTR)) return true;
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

}  // namespace

Cast::Cast(const topology::Topology& topology, std::vector<Process> processes) : topology_(topology) {
  for (const Process& process : processes) parts_ += static_cast<std::uint32_t>(process.size());
  const pid_t self = ::getpid();
  // Whoever started us may have had children ignored, which we would inherit: nobody could be waited for.
  ::signal(SIGCHLD, SIG_DFL);
  for (const Process& process : processes) {
    const pid_t pid = machine::silicon::Pool::fork();
    if (pid == 0) run_process(process, self);
    if (pid < 0) {
      const int error = errno;
      kill_all();
      throw CastError(fmt::format("cannot fork process {} of {}: {}", pids_.size() + 1, processes.size(),
                                  std::strerror(error)));
    }
    pids_.push_back(pid);
  }
  try {
    wait_for_arrivals(parts_, kPatienceToStart);
  } catch (...) {
    kill_all();
    throw;
  }
}

Cast::~Cast() { kill_all(); }

void Cast::act(nanoseconds patience) {
  open(meeting_[0].first_gate);
  wait_for_arrivals(2 * parts_, patience);
}

void Cast::dismiss() {
  open(meeting_[0].second_gate);
  for (pid_t& pid : pids_) {
    int status = 0;
    if (!collect(pid, status, kPatienceToEnd))
      throw topology::StuckError(fmt::format("process {} of the window does not end", pid));
    const bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    const pid_t was = std::exchange(pid, 0);
    if (!well)
      throw CastError(fmt::format("process {} of the window ended badly (wait status {:#x})", was, status));
  }
}

// The child's whole life.
void Cast::run_process(const Process& process, pid_t parent) {
  ignore_the_terminal();
  // The parent may have died before it could matter to us.
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(1);
  // Outside the try: unwinding would destroy threads that cannot be joined, since they wait for those that are missing.
  std::vector<std::thread> threads;
  try {
    for (std::size_t i = 1; i < process.size(); ++i) threads.emplace_back([&, i] { run_part(process[i]); });
    run_part(process.front());
    for (std::thread& thread : threads) thread.join();
  } catch (const std::system_error& error) {
    fail(fmt::format("cannot start thread {} of {}: {} (ulimit -u, pids.max of the cgroup)",
                     threads.size() + 2, process.size(), error.code().message())
             .c_str());
  }
  // Not exit(): what the parent has yet to write is not ours to flush.
  ::_exit(0);
}

void Cast::run_part(const Part& part) {
  try {
    topology::bind_this_thread(topology_, part.pu);
    arrive_and_wait(meeting_[0].first_gate);
    part.body();
    arrive_and_wait(meeting_[0].second_gate);
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

void Cast::arrive_and_wait(FutexWord& gate) {
  FutexWord& arrived = meeting_[0].arrived;
  // acq_rel: whoever sees everybody arrived sees what they left behind.
  const std::uint32_t now = arrived.fetch_add(1, std::memory_order_acq_rel) + 1;
  if (now % parts_ == 0) futex_wake(arrived, 1, FutexScope::shared_page);
  while (gate.load(std::memory_order_acquire) == 0) futex_wait(gate, 0, FutexScope::shared_page);
}

// Ends this process; the first to fail says why.
void Cast::fail(const char* what) {
  Meeting& meeting = meeting_[0];
  if (meeting.failed.fetch_add(1, std::memory_order_acq_rel) == 0)
    std::strncpy(meeting.error, what, sizeof meeting.error - 1);
  ::_exit(1);
}

void Cast::wait_for_arrivals(std::uint32_t expected, nanoseconds patience) {
  FutexWord& arrived = meeting_[0].arrived;
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    const std::uint32_t now = arrived.load(std::memory_order_acquire);
    if (now == expected) return;
    futex_wait(arrived, now, FutexScope::shared_page, &kCheckEvery);
    check_alive();
    if (std::chrono::steady_clock::now() - begin > patience)
      throw topology::StuckError(fmt::format("{} of {} threads did not come back from a window",
                                             expected - arrived.load(std::memory_order_acquire), parts_));
  }
}

void Cast::check_alive() {
  for (pid_t& pid : pids_) {
    int status = 0;
    if (pid == 0 || ::waitpid(pid, &status, WNOHANG) != pid) continue;
    const pid_t was = std::exchange(pid, 0);
    if (meeting_[0].error[0] != 0) throw CastError(meeting_[0].error);
    throw CastError(
        WIFSIGNALED(status)
            ? fmt::format("process {} of the window was killed by signal {}", was, WTERMSIG(status))
            : fmt::format("process {} of the window ended early (status {})", was, WEXITSTATUS(status)));
  }
}

void Cast::open(FutexWord& gate) {
  gate.store(1, std::memory_order_release);
  futex_wake(gate, static_cast<int>(parts_), FutexScope::shared_page);
}

void Cast::kill_all() {
  for (const pid_t pid : pids_)
    if (pid > 0 && ::kill(pid, SIGKILL) == 0) bring_here(pid);
  // Who is frozen dies when it is thawed.
  for (pid_t& pid : pids_) {
    int status = 0;
    if (pid > 0) collect(pid, status, std::chrono::seconds(5));
    pid = 0;
  }
}

}  // namespace mmscale::host
