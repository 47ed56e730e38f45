// SPDX-License-Identifier: MIT
//
// What a scheduler trace says, whatever it was written by: one stream of events for every reader, in the
// order of time.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string_view>

namespace mmscale::trace {

// A file that cannot be read or does not make sense; what() is one line that names the file and the line or
// byte.
class TraceError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The kernel's TASK_COMM_LEN: 15 characters and a zero.
class Comm {
 public:
  Comm() = default;
  explicit Comm(std::string_view text) {
    const std::size_t length = std::min(text.size(), text_.size() - 1);
    std::copy_n(text.data(), length, text_.data());
  }
  std::string_view view() const { return {text_.data(), strnlen(text_.data(), text_.size())}; }
  bool operator==(const Comm&) const = default;

 private:
  std::array<char, 16> text_{};
};

// What the kernel calls a task that executes the file `path` (begin_new_exec, fs/exec.c).
inline Comm executed_name(std::string_view path) { return Comm(path.substr(path.rfind('/') + 1)); }

enum class Kind : std::uint8_t {
  task,      // `pid` exists when the trace begins: `tgid`, `kernel` and `comm` say what it is
  switched,  // sched_switch: from `pid` to `other`
  newtask,   // task_newtask: `pid` makes `other` with clone_flags `flags`
  fork,      // sched_process_fork: the same without clone_flags
  exec,      // sched_process_exec: `pid` runs another program; as a thread of several it was called `other`
  exit,      // sched_process_exit: `pid` has left its mm
  seen,      // an event of no consequence: a task may still be current on `cpu` behind its sched_switch
  ipi,       // csd_queue_cpu: a call of `call` was queued for another CPU
  lost,      // the tracer dropped `count` events here; 0 is an unknown number
};

// What the recorded kernel itself called on other CPUs, as far as it concerns us.
enum class Call : std::uint8_t {
  other,
  exit_flush,  // do_exit_flush_lazy_tlb (powerpc radix)
  shoot,       // do_shoot_lazy_tlb
  flush,       // flush_tlb_func (x86)
};
inline constexpr std::array<std::string_view, 4> kCallNames = {"other", "do_exit_flush_lazy_tlb",
                                                               "do_shoot_lazy_tlb", "flush_tlb_func"};
// By the kernel function's name.
inline Call call_of(std::string_view function) {
  for (std::size_t i = 1; i < kCallNames.size(); ++i)
    if (kCallNames[i] == function) return static_cast<Call>(i);
  return Call::other;
}

// CLONE_VM, CLONE_THREAD (include/uapi/linux/sched.h).
inline constexpr std::uint64_t kCloneVm = 0x100;
inline constexpr std::uint64_t kCloneThread = 0x10000;

// TASK_IDLE: what only kernel threads sleep in.
inline constexpr char kStateIdle = 'I';

// The head of an event does not say who was current, or in another pid namespace than its body.
inline constexpr std::int32_t kUnknownPid = -1;

struct Event {
  std::uint64_t time_ns = 0;
  std::uint64_t flags = 0;
  std::uint64_t count = 0;
  std::uint32_t cpu = 0;
  // The task that was current on `cpu`; 0 is that CPU's idle task, kUnknownPid whoever the CPU runs.
  std::int32_t pid = 0;
  std::int32_t other = 0;
  // 0: not known.
  std::int32_t tgid = 0;
  Kind kind = Kind::seen;
  // sched_switch: first letter of prev_state.
  char state = 0;
  bool kernel = false;
  Call call = Call::other;
  // Of `pid`, and of `other`; empty where the event does not say. exec: the new one.
  Comm comm;
  Comm other_comm;
};

// Limits that make nonsense an error instead of an allocation: NR_CPUS of the largest configuration, and
// PID_MAX_LIMIT.
inline constexpr std::uint32_t kMostCpus = 8192;
inline constexpr std::int32_t kMostPid = 4 << 20;

// One pass over a trace.
class Source {
 public:
  virtual ~Source() = default;
  // The next event; false at the end. Throws TraceError.
  virtual bool next(Event& event) = 0;
  // "ftrace text", "trace-cmd report", "perf script text", "trace.dat", "mmscale trace".
  virtual std::string_view format() const = 0;
};

}  // namespace mmscale::trace
