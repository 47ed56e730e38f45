// SPDX-License-Identifier: MIT
#include "workload/ipi_load.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "machine/silicon/transport.h"
#include "support/run_load.h"

namespace mmscale::workload {
namespace {

TEST(IpiLoad, EveryCallIsHandledOnceByEveryTransport) {
  for (const std::string_view transport : machine::silicon::transport_names()) {
    try {
      (void)machine::silicon::choose_transport(transport);
    } catch (const std::runtime_error&) {
      continue;
    }
    std::uint64_t calls = 0;
    machine::IpiTally last;
    const auto load = make_ipi_load({.transport = transport, .cpus = 2, .targets = 1},
                                    [&](std::uint64_t, const machine::IpiTally& tally) {
                                      ++calls;
                                      last = tally;
                                    });
    test::run_load(*load, 200);
    EXPECT_TRUE(load->audit().empty()) << transport;
    EXPECT_GE(calls, 200u);
    EXPECT_EQ(last.queued, calls);
    EXPECT_LE(last.raised, last.queued);
  }
}

TEST(IpiLoad, TargetsOfAnInterruptingTransportCompute) {
  EXPECT_EQ(target_does("signal"), TargetDoes::compute);
  EXPECT_EQ(target_does("doorbell"), TargetDoes::enable_points);
  EXPECT_EQ(target_does("membarrier"), TargetDoes::enable_points);
  EXPECT_EQ(to_string(TargetDoes::compute), "compute");
}

TEST(IpiLoad, RefusesNoTargetsAndTooMany) {
  EXPECT_THROW(make_ipi_load({.transport = "doorbell", .cpus = 2, .targets = 2}, nullptr),
               std::invalid_argument);
  EXPECT_THROW(make_ipi_load({.transport = "doorbell", .cpus = 2, .targets = 0}, nullptr),
               std::invalid_argument);
}

}  // namespace
}  // namespace mmscale::workload
