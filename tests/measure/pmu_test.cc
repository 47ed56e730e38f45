// SPDX-License-Identifier: MIT
//
// Counted here are page faults: an event of the kernel's software, which machines without a PMU have, too.
#include "measure/pmu.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace mmscale::measure {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const PmuRequest kFaults = {"faults", {"no such event", "perf::PAGE-FAULTS"}};

void touch_pages(std::size_t count) {
  const std::size_t bytes = count * static_cast<std::size_t>(getpagesize());
  void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  madvise(memory, bytes, MADV_NOHUGEPAGE);
  for (std::size_t i = 0; i < bytes; i += static_cast<std::size_t>(getpagesize()))
    static_cast<volatile char*>(memory)[i] = 1;
  munmap(memory, bytes);
}

TEST(Pmu, SaysWhatItCannotCount) {
  const std::vector<PmuRequest> requests = {{"hitm", {"no such event"}}};
  const Pmu pmu = probe_pmu(requests);
  EXPECT_THAT(pmu.events, IsEmpty());
  EXPECT_THAT(pmu.missing, ElementsAre("hitm: libpfm4 knows no such event of this CPU"));
  EXPECT_EQ(pmu.summary(), "unavailable (hitm: libpfm4 knows no such event of this CPU)");
}

TEST(Pmu, AsksForNoMoreThanFits) {
  const std::vector<PmuRequest> requests(kMostPmuEvents + 1, PmuRequest{"hitm", {"no such event"}});
  EXPECT_EQ(probe_pmu(requests).missing.size(), requests.size());
}

TEST(Pmu, TheStandardRequestsAreCountedOrExplained) {
  const Pmu& pmu = this_pmu();
  EXPECT_EQ(pmu.events.size() + pmu.missing.size(), standard_pmu_requests().size());
  EXPECT_EQ(pmu.events.empty(), pmu.summary().starts_with("unavailable ("));
}

TEST(PmuCounters, CountBetweenBeginAndEnd) {
  const std::vector<PmuRequest> requests = {kFaults, {"hitm", {"no such event"}}};
  const Pmu pmu = probe_pmu(requests);
  // A sandbox may forbid perf_event_open altogether; that is then said.
  if (pmu.events.empty()) {
    EXPECT_THAT(pmu.summary(), HasSubstr("faults: "));
    return;
  }
  EXPECT_EQ(pmu.events[0].event, "perf::PAGE-FAULTS");
  EXPECT_THAT(pmu.summary(), HasSubstr("hitm: libpfm4 knows no such event"));
  PmuCounters counters(pmu);
  touch_pages(100);
  counters.begin();
  touch_pages(40);
  counters.end();
  touch_pages(100);
  const PmuReading reading = counters.reading();
  ASSERT_TRUE(reading[0]);
  EXPECT_GE(*reading[0], 40u);
  EXPECT_LT(*reading[0], 100u);
  EXPECT_FALSE(reading[1]);
}

TEST(PmuCounters, WithoutEventsReadNothing) {
  PmuCounters counters(Pmu{});
  counters.begin();
  counters.end();
  EXPECT_FALSE(counters.reading()[0]);
}

}  // namespace
}  // namespace mmscale::measure
