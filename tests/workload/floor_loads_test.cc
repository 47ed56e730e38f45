// SPDX-License-Identifier: MIT
#include "workload/floor_loads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

#include "machine/silicon/home_memory.h"
#include "support/run_load.h"

namespace mmscale::workload {
namespace {

using testing::IsEmpty;

class EveryFloor : public testing::TestWithParam<Floor> {};
INSTANTIATE_TEST_SUITE_P(Floors, EveryFloor, testing::ValuesIn(floors()),
                         [](const auto& param) { return std::string(param.param.name); });
INSTANTIATE_TEST_SUITE_P(Hits, EveryFloor, testing::ValuesIn(hits()),
                         [](const auto& param) { return std::string(param.param.name); });

TEST_P(EveryFloor, EndsWhereItBegan) {
  const auto load = make_floor_load(GetParam().name, 2, 0);
  EXPECT_EQ(load->cpus(), 2u);
  const kernel::Tally sum = test::run_load(*load, 200'000);
  EXPECT_THAT(load->audit(), IsEmpty());
  for (const kernel::Tally::Field& field : kernel::Tally::fields())
    EXPECT_EQ(sum.*field.member, 0u) << field.name;
}

TEST_P(EveryFloor, RunsOnOneCpuAndSwitchesNothing) {
  const auto load = make_floor_load(GetParam().name, 1, 0);
  EXPECT_EQ(load->switches_per_round(0), 0u);
  load->boot(0, 0);
  EXPECT_TRUE(load->run(0, 1000));
  EXPECT_TRUE(load->run(0, 0));
  load->stop(0);
  EXPECT_TRUE(load->run(0, 1)) << "nobody waits for anybody";
  load->finish(0);
  EXPECT_THAT(load->audit(), IsEmpty());
}

TEST_P(EveryFloor, SaysWhatItIs) { EXPECT_FALSE(GetParam().what.empty()); }

TEST(Floors, AnUnknownOneIsRefused) {
  try {
    make_floor_load("ceiling", 1, 0);
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "no floor 'ceiling'");
  }
}

TEST(Floors, TheSharedLineHasAHome) { EXPECT_THROW(make_floor_load("incdec", 1, 4095), std::runtime_error); }

}  // namespace
}  // namespace mmscale::workload
