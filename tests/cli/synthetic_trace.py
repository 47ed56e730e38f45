# SPDX-License-Identifier: MIT
"""Writes a made-up scheduler trace as the kernel's `trace` file has it: as many switches and CPUs as asked for.

Processes of several threads are born, go in and out of idle, migrate, fork, exec and exit. The same arguments give
the same file. As a program: synthetic_trace.py SWITCHES CPUS FILE
"""

import random
import sys

THREAD_FLAGS = "3d0f00"
FORK_FLAGS = "1200000"


class System:
    """Tasks on CPUs, and a file that is told what they do."""

    def __init__(self, cpus, out, seed=1):
        self.random = random.Random(seed)
        self.out = out
        self.time_us = 1_000_000
        self.current = [0] * cpus
        self.comm = {0: "swapper", 1: "init"}
        self.process = {1: {1}}
        self.process_of = {1: 1}
        self.ready = [1]
        self.next_pid = 100
        self.switches = 0

    def event(self, cpu, name, text):
        """One line, by whoever is current on `cpu`."""
        self.time_us += self.random.randint(0, 3)
        pid = self.current[cpu]
        comm = "<idle>" if pid == 0 else self.comm[pid]
        stamp = f"{self.time_us // 1_000_000}.{self.time_us % 1_000_000:06d}"
        self.out.write(f"{comm:>16}-{pid:<7} [{cpu:03d}] d.... {stamp}: {name}: {text}\n")

    def switch(self, cpu, pid, state="S"):
        """`cpu` goes on with `pid`."""
        prev = self.current[cpu]
        if prev == pid:
            return
        self.event(
            cpu,
            "sched_switch",
            f"prev_comm={self.comm[prev]} prev_pid={prev} prev_prio=120 prev_state={state} ==> "
            f"next_comm={self.comm[pid]} next_pid={pid} next_prio=120",
        )
        self.current[cpu] = pid
        self.switches += 1
        if prev in self.process_of:
            self.ready.append(prev)

    def make(self, cpu, thread):
        """The task on `cpu` makes a thread or a process."""
        parent, child = self.current[cpu], self.next_pid
        self.next_pid += 1
        self.comm[child] = self.comm[parent]
        flags = THREAD_FLAGS if thread else FORK_FLAGS
        self.event(cpu, "task_newtask", f"pid={child} comm={self.comm[parent]} clone_flags={flags} oom_score_adj=0")
        leader = self.process_of[parent] if thread else child
        self.process.setdefault(leader, set()).add(child)
        self.process_of[child] = leader
        self.ready.append(child)

    def end(self, cpu):
        """The task on `cpu` exits."""
        pid = self.current[cpu]
        self.event(cpu, "sched_process_exit", f"comm={self.comm[pid]} pid={pid} prio=120")
        leader = self.process_of.pop(pid)
        self.process[leader].discard(pid)
        if not self.process[leader]:
            del self.process[leader]
        self.switch(cpu, 0, "X")

    def step(self, most_tasks):
        """Something happens somewhere."""
        cpu = self.random.randrange(len(self.current))
        pid = self.current[cpu]
        if pid == 0:
            if self.ready:
                at = self.random.randrange(len(self.ready))
                self.ready[at], self.ready[-1] = self.ready[-1], self.ready[at]
                self.switch(cpu, self.ready.pop())
            return
        chance = self.random.random()
        if chance < 0.03 and len(self.process_of) < most_tasks:
            self.make(cpu, thread=self.random.random() < 0.7)
        elif chance < 0.04 and pid != 1:
            self.end(cpu)
        elif chance < 0.05 and len(self.process[self.process_of[pid]]) == 1 and pid != 1:
            self.event(cpu, "sched_process_exec", f"filename=/bin/true pid={pid} old_pid={pid}")
        elif chance < 0.4 and self.ready:
            at = self.random.randrange(len(self.ready))
            self.ready[at], self.ready[-1] = self.ready[-1], self.ready[at]
            self.switch(cpu, self.ready.pop(), "R")
        else:
            self.switch(cpu, 0)


def write_trace(path, switches, cpus, seed=1):
    """The trace in `path`; all its CPUs switch at least once if there are enough switches."""
    with open(path, "w", encoding="ascii") as out:
        out.write("# tracer: nop\n#\n")
        system = System(cpus, out, seed)
        while system.switches < switches:
            system.step(most_tasks=8 * cpus)


if __name__ == "__main__":
    write_trace(sys.argv[3], int(sys.argv[1]), int(sys.argv[2]))
