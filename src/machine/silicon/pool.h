// SPDX-License-Identifier: MIT
//
// Pinned threads, one per PU, kept from window to window. Asleep between windows: an idle pool disturbs
// nobody.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <vector>

#include "topology/topology.h"

namespace mmscale::machine::silicon {

class Pool {
 public:
  // The topology must be of this system and outlive the pool.
  explicit Pool(const topology::Topology& topology);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Runs body(i) on a thread pinned to PU os_cpus[i], for all i at once, and waits for all. Every thread's
  // binding is made and read back before any body starts; topology::BindError if one fails, or a CPU does not run its
  // thread. Bodies must not throw: they wait for each other, so one that left would hang the rest.
  //
  // Threads that spin for each other cannot be called off. If they have not all come back after `patience`,
  // which means a bug, a CPU that was taken away, or more spinning CPUs than a hypervisor gives time to, those that
  // are missing are taken to the CPU of this one and parked for ever by a signal, wherever they are, and
  // topology::StuckError is thrown. What they were working on is theirs for good: the caller must not destroy it. The
  // pool makes new threads for their CPUs.
  void run(std::span<const unsigned> os_cpus, const std::function<void(unsigned)>& body,
           std::chrono::nanoseconds patience);

  // fork(), but for malloc's locks: a parked thread may hold some for ever, and fork() takes all.
  static pid_t fork();

 private:
  class Worker;

  Worker& worker(unsigned os_cpu);
  // Which of these are not done by then.
  std::vector<unsigned> missing(std::span<const unsigned> os_cpus, std::chrono::nanoseconds patience) const;
  void park(std::span<const unsigned> os_cpus);
  static std::vector<std::unique_ptr<Worker>>& abandoned();

  const topology::Topology& topology_;
  std::map<unsigned, std::unique_ptr<Worker>> workers_;
  // CPUs that did not run their thread when last asked to.
  std::set<unsigned> silent_;
};

}  // namespace mmscale::machine::silicon
