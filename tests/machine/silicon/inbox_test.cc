// SPDX-License-Identifier: MIT
#include "machine/silicon/inbox.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <thread>
#include <vector>

#include "machine/silicon/silicon.h"
#include "support/run_on_cpus.h"

namespace mmscale::machine::silicon {
namespace {

using testing::ElementsAre;
using TestRequest = Request<Silicon<true>>;
using TestInbox = Inbox<Silicon<true>>;

std::vector<TestRequest*> take(TestInbox& inbox) {
  std::vector<TestRequest*> requests;
  for (TestRequest* request = inbox.take_all(); request != nullptr; request = request->next)
    requests.push_back(request);
  return requests;
}

TEST(Inbox, GivesTheOldestFirst) {
  TestInbox inbox;
  std::array<TestRequest, 3> requests;
  for (TestRequest& request : requests) inbox.push(request);
  EXPECT_THAT(take(inbox), ElementsAre(&requests[0], &requests[1], &requests[2]));
}

TEST(Inbox, PushTellsWhetherItWasEmpty) {
  TestInbox inbox;
  std::array<TestRequest, 3> requests;
  EXPECT_TRUE(inbox.push(requests[0]));
  EXPECT_FALSE(inbox.push(requests[1]));
  inbox.take_all();
  EXPECT_TRUE(inbox.push(requests[2]));
}

TEST(Inbox, PendingUntilTaken) {
  TestInbox inbox;
  TestRequest request;
  EXPECT_FALSE(inbox.pending());
  inbox.push(request);
  EXPECT_TRUE(inbox.pending());
  inbox.take_all();
  EXPECT_FALSE(inbox.pending());
  EXPECT_EQ(inbox.take_all(), nullptr);
}

// Every push is taken exactly once, each pusher's in its order, and exactly those that found the inbox empty
// were told so: the owner finds as many full inboxes.
TEST(Inbox, TwoPushersLoseNothing) {
  constexpr unsigned kEach = 20'000;
  TestInbox inbox;
  std::array<std::vector<TestRequest>, 2> requests{std::vector<TestRequest>(kEach),
                                                   std::vector<TestRequest>(kEach)};
  std::array<unsigned, 2> told_empty{};
  std::array<unsigned, 2> taken{};
  unsigned times_full = 0;
  std::atomic<unsigned> pushers{2};
  test::run_on_cpus(3, [&](unsigned cpu, unsigned) {
    if (cpu < 2) {
      for (TestRequest& request : requests[cpu]) told_empty[cpu] += inbox.push(request);
      --pushers;
      return;
    }
    for (bool last = false; !last;) {
      last = pushers == 0;
      TestRequest* request = inbox.take_all();
      times_full += request != nullptr;
      for (; request != nullptr; request = request->next) {
        const unsigned of = request >= requests[0].data() && request < requests[0].data() + kEach ? 0 : 1;
        ASSERT_EQ(request, &requests[of][taken[of]]);
        ++taken[of];
      }
    }
  });
  EXPECT_THAT(taken, ElementsAre(kEach, kEach));
  EXPECT_EQ(told_empty[0] + told_empty[1], times_full);
}

// A sender's requests to different targets, and what senders and targets write in turn, must not share lines.
TEST(Inbox, RequestsAndHeadsStandApart) {
  EXPECT_EQ(alignof(TestRequest) % kLine, 0u);
  EXPECT_EQ(sizeof(TestRequest), kLine);
  EXPECT_EQ(alignof(TestInbox) % kApart, 0u);
}

}  // namespace
}  // namespace mmscale::machine::silicon
