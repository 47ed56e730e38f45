// SPDX-License-Identifier: MIT
//
// Threads that stand for CPUs, as a test needs them.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "topology/bind.h"
#include "topology/layout.h"
#include "topology/topology.h"

namespace mmscale::test {

// Runs body(cpu, os_cpu) for each emulated CPU on a thread of its own, at once, and waits for all. Pinned to
// one PU each where that many are allowed; else wherever the scheduler puts them, which only makes waiting
// slower.
inline void run_on_cpus(unsigned cpus, const std::function<void(unsigned cpu, unsigned os_cpu)>& body) {
  static const topology::Topology host = topology::Topology::host();
  const std::vector<unsigned> allowed = list(host.layout(), &topology::Pu::allowed);
  std::vector<std::thread> threads;
  for (unsigned cpu = 0; cpu < cpus; ++cpu)
    threads.emplace_back([&, cpu] {
      if (allowed.size() >= cpus) topology::bind_this_thread(host, allowed[cpu]);
      body(cpu, allowed[cpu % allowed.size()]);
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace mmscale::test
