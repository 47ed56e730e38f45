// SPDX-License-Identifier: MIT
//
// A Load around another one: what it does not override is the inner one's.
#pragma once

#include <memory>
#include <utility>

#include "workload/load.h"

namespace mmscale::workload {

class WrappedLoad : public Load {
 public:
  explicit WrappedLoad(std::unique_ptr<Load> inner) : inner_(std::move(inner)) {}

  unsigned cpus() const override { return inner_->cpus(); }
  void boot(unsigned cpu, unsigned os_cpu) override { inner_->boot(cpu, os_cpu); }
  bool run(unsigned cpu, std::uint64_t rounds) override { return inner_->run(cpu, rounds); }
  void finish(unsigned cpu) override { inner_->finish(cpu); }
  void stop(unsigned cpu) override { inner_->stop(cpu); }
  std::uint32_t switches_per_round(unsigned cpu) const override { return inner_->switches_per_round(cpu); }
  kernel::Tally tally(unsigned cpu) const override { return inner_->tally(cpu); }
  void open_window(unsigned cpu) override { inner_->open_window(cpu); }
  void close_window(unsigned cpu) override { inner_->close_window(cpu); }
  std::span<const Step> steps(unsigned cpu) const override { return inner_->steps(cpu); }
  bool run_part(unsigned cpu, std::uint32_t first, std::uint32_t last, std::uint64_t times) override {
    return inner_->run_part(cpu, first, last, times);
  }
  std::vector<std::string> audit() override { return inner_->audit(); }

 protected:
  Load& inner() { return *inner_; }
  const Load& inner() const { return *inner_; }

 private:
  std::unique_ptr<Load> inner_;
};

}  // namespace mmscale::workload
