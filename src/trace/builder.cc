// SPDX-License-Identifier: MIT
#include "trace/builder.h"

#include <algorithm>
#include <utility>

namespace mmscale::trace {

Builder::Builder() : cpu_seen_(kMostCpus) {}

Builder::Builder(const Facts& facts) : known_(&facts), dense_(kMostCpus, kNowhere) {
  cpus_.resize(facts.cpus.size());
  chunk_.cpus.resize(facts.cpus.size());
  for (std::uint32_t i = 0; i < facts.cpus.size(); ++i) dense_[facts.cpus[i]] = i;
}

// The emulated CPU for one of the trace's. The first pass does not yet know which there are, and uses the
// trace's numbers.
std::uint32_t Builder::dense(std::uint32_t cpu) {
  if (!surveying()) return dense_[cpu];
  cpu_seen_[cpu] = true;
  if (cpu >= cpus_.size()) cpus_.resize(cpu + 1);
  return cpu;
}

void Builder::note(Oddity oddity, std::uint32_t cpu, std::int32_t pid, std::uint64_t count) {
  Facts::Odd& odd = facts_.odd[static_cast<std::size_t>(oddity)];
  if (odd.count == 0) odd = {0, now_, cpu, pid};
  odd.count += count;
}

void Builder::emit(std::uint32_t cpu, Op op, const Called& called, std::uint32_t slot, std::uint32_t other,
                   std::uint32_t turns) {
  ++facts_.steps;
  const Step step{now_, epoch_, slot, other, turns, op, called.pid, called.comm};
  if (step.global()) ++epoch_;
  if (surveying()) return;
  chunk_.cpus[cpu].push_back(step);
  chunk_.epoch = epoch_;
  chunk_.end_ns = now_;
  ++chunk_.steps;
}

std::uint32_t Builder::new_mm() {
  facts_.most_alive = std::max(facts_.most_alive, ++alive_);
  auto mm = static_cast<std::uint32_t>(users_.size());
  if (free_mms_.empty()) {
    users_.push_back(1);
  } else {
    mm = free_mms_.back();
    free_mms_.pop_back();
    users_[mm] = 1;
  }
  unseen_trims_.born(mm);
  return mm;
}

// One task fewer lives there; true if it was the last.
bool Builder::put_mm(std::uint32_t mm) {
  if (mm == kNowhere || --users_[mm] != 0) return false;
  free_mms_.push_back(mm);
  --alive_;
  ++facts_.died;
  return true;
}

// `last_of_prev`: the task that is left has exited, and will not run again.
void Builder::switch_to(std::uint32_t cpu, std::int32_t pid, const Comm& comm, bool last_of_prev) {
  Cpu& c = cpus_[cpu];
  const std::int32_t prev = c.current;
  if (prev == pid) return;
  if (pid != 0) {
    Task& next = task(pid, comm, cpu);
    if (next.runs_on != kNowhere) {
      // Its other CPU must have switched away, or its clock is late: it goes idle until its own events say
      // more.
      note(Oddity::two_places, cpu, pid);
      const std::uint32_t elsewhere = next.runs_on;
      switch_to(elsewhere, 0, {});
      cpus_[elsewhere].known = false;
    }
  }
  // Looked up again: what came before may have moved tasks.
  if (pid != 0) {
    Task& next = task(pid, comm, cpu);
    const bool moved = next.ran_on != kNowhere && next.ran_on != cpu;
    if (moved && next.mm != kNowhere) ++facts_.migrations;
    emit(cpu, Op::switch_to, {pid, comm}, next.slot, Step::kIdle, moved ? turns_[next.slot] : 0);
    if (moved && next.left_awake) next.moved_awake = true;
    if (next.mm != kNowhere && unseen_trims_.came(next.mm, cpu)) note(Oddity::came_back, cpu, pid);
    next.runs_on = next.ran_on = cpu;
  } else {
    emit(cpu, Op::switch_to, {});
  }
  c.current = pid;
  if (prev == 0) return;
  const auto found = tasks_.find(prev);
  if (found == tasks_.end()) return;
  if (found->second.mm != kNowhere && users_[found->second.mm] == 1)
    unseen_trims_.alone(found->second.mm, cpu);
  found->second.runs_on = kNowhere;
  ++turns_[found->second.slot];
  if (last_of_prev && found->second.dead) {
    free_slots_.push_back(found->second.slot);
    tasks_.erase(found);
  }
}

// Makes sure that `pid` is what `cpu` runs.
void Builder::expect_current(std::uint32_t cpu, std::int32_t pid, const Comm& comm) {
  Cpu& c = cpus_[cpu];
  if (c.known && may_exchange(c.current, pid))
    exchange_pids(c.current, pid);
  else if (c.known && may_exchange(pid, c.current))
    exchange_pids(pid, c.current);
  if (c.current != pid) {
    if (c.known) note(Oddity::missed_switch, cpu, pid);
    switch_to(cpu, pid, comm);
  }
  c.known = true;
}

void Builder::on_switch(std::uint32_t cpu, const Event& event) {
  ++facts_.switches;
  Cpu& c = cpus_[cpu];
  // A CPU that was taken to be idle, since its task appeared elsewhere, says that it only now switched away:
  // what is behind it is what counts.
  const auto prev = tasks_.find(event.pid);
  const bool gone = prev != tasks_.end() && prev->second.runs_on != kNowhere && prev->second.runs_on != cpu;
  if (gone && !c.known && c.current == 0)
    c.known = true;
  else
    expect_current(cpu, event.pid, event.comm);
  if (event.state == kStateIdle) learn(event.pid, Origin::What::kernel);
  if (surveying()) exec_watch_.switched(event, facts_.switches);
  if (const auto found = tasks_.find(event.pid); found != tasks_.end() && found->second.runs_on == cpu) {
    Task& left = found->second;
    if (!surveying() && early_execs_ < known_->early_execs.size() &&
        known_->early_execs[early_execs_] == facts_.switches) {
      ++early_execs_;
      left.executed = !left.dead;
      if (left.executed) change_mm(left, cpu, {event.pid, event.comm});
    }
    // The stopper takes a task away that asked for another CPU, as execve does long before it changes the mm.
    left.left_awake =
        (event.state == 'R' || event.state == 'D') && !event.other_comm.view().starts_with("migration/");
    if (!left.left_awake) left.moved_awake = false;
  }
  // EXIT_ZOMBIE, EXIT_DEAD, and TASK_DEAD as old kernels print it. Until then a task that has exited may
  // still be preempted or sleep.
  constexpr std::string_view kDeadStates = "ZXx";
  const bool last = event.state == 0 || kDeadStates.find(event.state) != kDeadStates.npos;
  switch_to(cpu, event.other, event.other_comm, last);
}

void Builder::on_newtask(std::uint32_t cpu, const Event& event, bool shares_mm) {
  expect_current(cpu, event.pid, event.comm);
  // A clone is what kernel threads make, too; the other kinds are not.
  if (!shares_mm || (event.flags & kCloneThread) != 0) learn(event.pid, Origin::What::user);
  Task& child = introduce(event.other, cpu);
  const auto found = event.pid == 0 ? tasks_.end() : tasks_.find(event.pid);
  if (found != tasks_.end()) {
    found->second.moved_awake = false;
    if ((event.flags & kCloneThread) != 0) child.leader = found->second.leader;
  }
  const std::uint32_t mm = found == tasks_.end() ? kNowhere : found->second.mm;
  // A child has its parent's name.
  const Called called{event.other, event.comm};
  if (mm == kNowhere) return emit(cpu, Op::thread, called, child.slot);
  if (shares_mm) {
    if (users_[mm] == 1) unseen_trims_.alone(mm, cpu);
    ++(event.kind == Kind::newtask && (event.flags & kCloneThread) == 0 ? facts_.vforks : facts_.threads);
    child.mm = mm;
    ++users_[mm];
    return emit(cpu, Op::clone, called, child.slot);
  }
  if (users_[mm] == 1) unseen_trims_.trimmed(mm, cpu);
  ++facts_.forks;
  ++facts_.born;
  child.mm = new_mm();
  emit(cpu, Op::fork, called, child.slot);
}

// sched_process_fork follows task_newtask, which knows more; alone it does not say whether the mm is shared.
void Builder::on_fork(std::uint32_t cpu, const Event& event) {
  if (const auto found = tasks_.find(event.other);
      found != tasks_.end() && found->second.ran_on == kNowhere) {
    expect_current(cpu, event.pid, event.comm);
    return;
  }
  note(Oddity::no_flags, cpu, event.other);
  const std::uint32_t blind = blinds_++;
  bool thread = false;
  if (surveying())
    facts_.blind_threads.push_back(false);
  else
    thread = known_->blind_threads.at(blind);
  on_newtask(cpu, event, thread);
  if (const auto found = tasks_.find(event.other); found != tasks_.end()) found->second.blind = blind;
}

void Builder::on_exec(std::uint32_t cpu, const Event& event) {
  ++facts_.execs;
  if (const auto thread = tasks_.find(event.other);
      event.other != event.pid && thread != tasks_.end() && !thread->second.dead)
    exchange_pids(event.other, event.pid);
  expect_current(cpu, event.pid, event.comm);
  Task& task = this->task(event.pid, event.comm, cpu);
  if (task.dead) return note(Oddity::dead, cpu, event.pid);
  if (surveying())
    if (const auto early = exec_watch_.executed(event)) facts_.early_execs.push_back(*early);
  if (!std::exchange(task.executed, false)) change_mm(task, cpu, {event.pid, event.comm});
}

// exec_mmap(): takes the new mm before it drops the old one.
void Builder::change_mm(Task& task, std::uint32_t cpu, const Called& called) {
  const std::uint32_t old = task.mm;
  if (std::exchange(task.moved_awake, false) && old != kNowhere) note(Oddity::either_cpu, cpu, called.pid);
  task.mm = new_mm();
  unseen_trims_.came(task.mm, cpu);
  ++facts_.born;
  task.leader = called.pid;
  emit(cpu, Op::exec, called, task.slot);
  put_mm(old);
}

void Builder::on_exit(std::uint32_t cpu, const Event& event) {
  ++facts_.exits;
  expect_current(cpu, event.pid, event.comm);
  Task& task = this->task(event.pid, event.comm, cpu);
  if (task.dead) return note(Oddity::dead, cpu, event.pid);
  task.dead = true;
  emit(cpu, Op::leave_mm, {event.pid, event.comm}, task.slot);
  if (put_mm(std::exchange(task.mm, kNowhere)) && task.moved_awake) note(Oddity::either_cpu, cpu, event.pid);
}

void Builder::on_lost(const Event& event) {
  note(Oddity::lost, event.cpu, 0, std::max<std::uint64_t>(event.count, 1));
  // Which CPU's events were lost is not always said, and a task may have moved from any.
  for (Cpu& cpu : cpus_) cpu.known = false;
}

void Builder::add(const Event& event) {
  if (event.kind == Kind::seen) return learn_tgid(event.pid, event.tgid);
  ++facts_.events;
  if (event.kind == Kind::lost) return on_lost(event);
  if (event.kind == Kind::task) {
    if (surveying())
      snapshot_[event.pid] = {event.kernel ? Origin::What::kernel : Origin::What::user, true, event.comm,
                              event.pid, event.tgid};
    return;
  }
  if (!std::exchange(begun_, true)) facts_.first_ns = event.time_ns;
  const std::uint32_t cpu = dense(event.cpu);
  const std::uint64_t time = event.time_ns < facts_.first_ns ? 0 : event.time_ns - facts_.first_ns;
  if (time < now_) note(Oddity::time_back, cpu, event.pid);
  now_ = std::max(now_, time);
  facts_.last_ns = facts_.first_ns + now_;
  if (event.pid == kUnknownPid) {
    Event known = event;
    known.pid = cpus_[cpu].current;
    known.tgid = 0;
    return take(cpu, known);
  }
  take(cpu, event);
}

void Builder::take(std::uint32_t cpu, const Event& event) {
  switch (event.kind) {
    case Kind::switched:
      on_switch(cpu, event);
      break;
    case Kind::newtask:
      on_newtask(cpu, event, (event.flags & kCloneVm) != 0);
      break;
    case Kind::fork:
      on_fork(cpu, event);
      break;
    case Kind::exec:
      on_exec(cpu, event);
      break;
    case Kind::exit:
      on_exit(cpu, event);
      break;
    default:
      ++facts_.calls[static_cast<std::size_t>(event.call)];
      expect_current(cpu, event.pid, event.comm);
  }
  learn_tgid(event.pid, event.tgid);
}

Facts Builder::finish() {
  std::sort(facts_.early_execs.begin(), facts_.early_execs.end());
  // Each may hold its new mm while the old one is still alive.
  facts_.most_alive += std::min<std::uint64_t>(facts_.early_execs.size(), facts_.slots);
  if (surveying())
    for (std::uint32_t cpu = 0; cpu < cpu_seen_.size(); ++cpu)
      if (cpu_seen_[cpu]) facts_.cpus.push_back(cpu);
  return std::move(facts_);
}

}  // namespace mmscale::trace
