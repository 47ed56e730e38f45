// SPDX-License-Identifier: MIT
//
// The builder's tasks: who there is, by which pid, and what is known of those that no event introduced.
#include <utility>

#include "trace/builder.h"

namespace mmscale::trace {

Builder::Task& Builder::introduce(std::int32_t pid, std::uint32_t cpu) {
  if (const auto found = tasks_.find(pid); found != tasks_.end()) {
    if (!found->second.dead) note(Oddity::reborn, cpu, pid);
    forget(pid);
  }
  Task& task = tasks_[pid];
  task.leader = pid;
  if (free_slots_.empty()) {
    task.slot = static_cast<std::uint32_t>(turns_.size());
    turns_.push_back(0);
  } else {
    task.slot = free_slots_.back();
    free_slots_.pop_back();
  }
  facts_.slots = static_cast<std::uint32_t>(turns_.size());
  return task;
}

// A pid that means another task from now on. One that never exited keeps its slot and its mm: nobody knows
// when they went.
void Builder::forget(std::int32_t pid) {
  const auto found = tasks_.find(pid);
  if (found == tasks_.end()) return;
  Task& old = found->second;
  if (old.runs_on != kNowhere) {
    const std::uint32_t cpu = old.runs_on;
    switch_to(cpu, 0, {});
    cpus_[cpu].known = false;
  }
  if (old.dead) free_slots_.push_back(old.slot);
  tasks_.erase(pid);
}

// A thread that executes takes over its leader's pid, and the dead leader, which may still be on a CPU, gets
// the thread's (de_thread, fs/exec.c).
void Builder::exchange_pids(std::int32_t thread, std::int32_t leader) {
  if (const auto old = tasks_.find(leader); old != tasks_.end() && !old->second.dead) forget(leader);
  const auto give = [this](auto node, std::int32_t pid) {
    if (node.empty()) return;
    node.key() = pid;
    if (node.mapped().runs_on != kNowhere) cpus_[node.mapped().runs_on].current = pid;
    tasks_.insert(std::move(node));
  };
  auto was_thread = tasks_.extract(thread);
  auto was_leader = tasks_.extract(leader);
  give(std::move(was_thread), leader);
  give(std::move(was_leader), thread);
}

// Whether `thread` lives and `leader`, of its group, is dead: where a CPU that runs the one goes on as the
// other, they have exchanged their pids.
bool Builder::may_exchange(std::int32_t thread, std::int32_t leader) const {
  const auto one = tasks_.find(thread);
  if (thread == leader || one == tasks_.end() || one->second.dead || one->second.leader != leader)
    return false;
  const auto other = tasks_.find(leader);
  return other == tasks_.end() || other->second.dead;
}

// The task of that pid, made if nothing introduced it.
Builder::Task& Builder::task(std::int32_t pid, const Comm& comm, std::uint32_t cpu) {
  if (const auto found = tasks_.find(pid); found != tasks_.end()) return found->second;
  Task& made = introduce(pid, cpu);
  adopt(made, pid, comm, cpu);
  return made;
}

// A task that was there before the trace: what is it, and in which mm?
void Builder::adopt(Task& task, std::int32_t pid, const Comm& comm, std::uint32_t cpu) {
  Origin origin;
  if (surveying()) {
    origin.pid = pid;
    origin.comm = comm;
    if (const auto seen = snapshot_.find(pid); seen != snapshot_.end())
      origin = seen->second;
    else if (named_like_kernel(pid, comm.view()))
      origin.what = Origin::What::guess_kernel;
    facts_.origins.push_back(origin);
  } else {
    origin = known_->origins.at(origins_);
  }
  task.origin = origins_++;
  // A tgid that is only learnt on the way is not yet known to the first pass, and both must come to the same.
  if (origin.recorded && origin.tgid != 0) task.leader = origin.tgid;
  // The first pass does not know yet and takes every one for a process: what it counts of mms is at most too
  // much.
  if (!surveying() && origin.is_kernel()) return emit(cpu, Op::thread, {pid, comm}, task.slot);
  if (!surveying() && origin.tgid != 0) {
    const auto member = member_of_tgid_.find(origin.tgid);
    if (member != member_of_tgid_.end())
      if (const auto found = tasks_.find(member->second);
          found != tasks_.end() && found->second.mm != kNowhere) {
        task.mm = found->second.mm;
        ++users_[task.mm];
        return emit(cpu, Op::join, {pid, comm}, task.slot, found->second.slot);
      }
    member_of_tgid_[origin.tgid] = pid;
  }
  task.mm = new_mm();
  ++facts_.adopted;
  emit(cpu, Op::born, {pid, comm}, task.slot);
}

Origin* Builder::origin_of(std::int32_t pid) {
  if (!surveying()) return nullptr;
  const auto found = tasks_.find(pid);
  if (found == tasks_.end() || found->second.origin == kNowhere) return nullptr;
  return &facts_.origins[found->second.origin];
}

void Builder::learn(std::int32_t pid, Origin::What what) {
  if (Origin* origin = origin_of(pid); origin != nullptr && !origin->recorded && what > origin->what)
    origin->what = what;
}

void Builder::learn_tgid(std::int32_t pid, std::int32_t tgid) {
  if (!surveying() || tgid == 0) return;
  if (Origin* origin = origin_of(pid); origin != nullptr && origin->tgid == 0) origin->tgid = tgid;
  if (const auto found = tasks_.find(pid); found != tasks_.end() && found->second.blind != kNowhere)
    facts_.blind_threads[found->second.blind] = tgid != pid;
}

}  // namespace mmscale::trace
