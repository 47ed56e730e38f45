// SPDX-License-Identifier: MIT
//
// A Load without an emulated kernel, on real CPUs: they meet before and after.
#pragma once

#include <atomic>

#include "machine/machine.h"
#include "machine/silicon/clock.h"
#include "workload/load.h"

namespace mmscale::workload {

class BareLoad : public Load {
 public:
  explicit BareLoad(unsigned cpus) : cpus_(cpus) {}

  unsigned cpus() const final { return cpus_; }
  void boot(unsigned, unsigned) override { rendezvous(); }
  void finish(unsigned) override { rendezvous(); }

 protected:
  void rendezvous() {
    const unsigned all = (arrivals_.fetch_add(1, std::memory_order_acq_rel) / cpus_ + 1) * cpus_;
    while (arrivals_.load(std::memory_order_acquire) < all) machine::silicon::pause();
  }

 private:
  const unsigned cpus_;
  alignas(machine::kApart) std::atomic<unsigned> arrivals_{0};
};

}  // namespace mmscale::workload
