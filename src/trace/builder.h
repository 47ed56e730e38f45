// SPDX-License-Identifier: MIT
//
// From events to programs: follows tasks, which mm each is in, births, execs, exits and migrations, and
// writes what each CPU does.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "trace/event.h"
#include "trace/exec_watch.h"
#include "trace/facts.h"
#include "trace/steps.h"
#include "trace/unseen_trims.h"

namespace mmscale::trace {

class Builder {
 public:
  // First pass: gathers facts, and hands over no steps.
  Builder();
  // Second pass over the same events, with the facts of the first.
  explicit Builder(const Facts& facts);

  void add(const Event& event);
  // From the first event to the last one added.
  std::uint64_t span_ns() const { return now_; }

  // Second pass: what has accumulated since it was last cleared.
  Chunk& chunk() { return chunk_; }
  // First pass, after the last event.
  Facts finish();

 private:
  static constexpr std::uint32_t kNowhere = UINT32_MAX;

  struct Task {
    std::uint32_t slot = 0;
    // Its mm; kNowhere for a kernel thread, and after exit.
    std::uint32_t mm = kNowhere;
    // Where it runs, and where it ran last.
    std::uint32_t runs_on = kNowhere;
    std::uint32_t ran_on = kNowhere;
    // Its Origin or blind fork, by position; kNowhere if an event introduced it.
    std::uint32_t origin = kNowhere;
    std::uint32_t blind = kNowhere;
    // Its thread group's leader, as far as is known: itself, or the creator's.
    std::int32_t leader = 0;
    bool dead = false;
    // It last left its CPU preempted or in uninterruptible sleep, as may happen on the way through exec or
    // exit; and it went on on another CPU so, and has done nothing since that shows where in the kernel it
    // is.
    bool left_awake = false;
    bool moved_awake = false;
    // It is in the new mm of an exec whose event is still to come.
    bool executed = false;
  };
  struct Cpu {
    std::int32_t current = 0;
    // False before its first event, and where events were lost: any task may be current.
    bool known = false;
  };

  bool surveying() const { return known_ == nullptr; }
  std::uint32_t dense(std::uint32_t cpu);
  void note(Oddity oddity, std::uint32_t cpu, std::int32_t pid, std::uint64_t count = 1);
  // What a step's task is called.
  struct Called {
    std::int32_t pid = 0;
    Comm comm = {};
  };
  void emit(std::uint32_t cpu, Op op, const Called& called, std::uint32_t slot = Step::kIdle,
            std::uint32_t other = Step::kIdle, std::uint32_t turns = 0);

  Task& task(std::int32_t pid, const Comm& comm, std::uint32_t cpu);
  Task& introduce(std::int32_t pid, std::uint32_t cpu);
  void adopt(Task& task, std::int32_t pid, const Comm& comm, std::uint32_t cpu);
  Origin* origin_of(std::int32_t pid);
  void learn(std::int32_t pid, Origin::What what);
  void learn_tgid(std::int32_t pid, std::int32_t tgid);
  void forget(std::int32_t pid);
  void exchange_pids(std::int32_t thread, std::int32_t leader);
  bool may_exchange(std::int32_t thread, std::int32_t leader) const;

  std::uint32_t new_mm();
  bool put_mm(std::uint32_t mm);
  void change_mm(Task& task, std::uint32_t cpu, const Called& called);

  void expect_current(std::uint32_t cpu, std::int32_t pid, const Comm& comm);
  void switch_to(std::uint32_t cpu, std::int32_t pid, const Comm& comm, bool last_of_prev = false);
  void take(std::uint32_t cpu, const Event& event);
  void on_switch(std::uint32_t cpu, const Event& event);
  void on_newtask(std::uint32_t cpu, const Event& event, bool shares_mm);
  void on_fork(std::uint32_t cpu, const Event& event);
  void on_exec(std::uint32_t cpu, const Event& event);
  void on_exit(std::uint32_t cpu, const Event& event);
  void on_lost(const Event& event);

  const Facts* known_ = nullptr;
  Facts facts_;
  Chunk chunk_;
  std::uint64_t now_ = 0;
  bool begun_ = false;
  std::uint32_t epoch_ = 0;
  std::uint32_t origins_ = 0;
  std::uint32_t blinds_ = 0;
  std::size_t early_execs_ = 0;

  std::vector<std::uint32_t> dense_;
  std::vector<Cpu> cpus_;
  std::unordered_map<std::int32_t, Task> tasks_;
  // By slot: how often it was switched away from. Slots of tasks that are gone are used again.
  std::vector<std::uint32_t> turns_;
  std::vector<std::uint32_t> free_slots_;
  // By mm: how many tasks live in it.
  std::vector<std::uint32_t> users_;
  std::vector<std::uint32_t> free_mms_;
  std::uint64_t alive_ = 0;
  // Of processes that were there before the trace: a pid of each tgid whose mm is known.
  std::unordered_map<std::int32_t, std::int32_t> member_of_tgid_;
  // What a recorder's snapshot says of tasks that have not appeared yet.
  std::unordered_map<std::int32_t, Origin> snapshot_;
  UnseenTrims unseen_trims_;
  // First pass.
  ExecWatch exec_watch_;
  // First pass: pids of the trace's CPUs.
  std::vector<bool> cpu_seen_;
};

}  // namespace mmscale::trace
