// SPDX-License-Identifier: MIT
#include "topology/limited_child.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <vector>

#include "topology/machines.h"
#include "topology/render.h"

namespace mmscale::topology {
namespace {

using testing::HasSubstr;

TEST(LimitedChild, HandsOverWhatItsWorkWrites) {
  LimitedChild child({}, [](std::FILE* out) { return std::fwrite("some", 1, 4, out) == 4 ? 7 : 1; });
  char text[8];
  ASSERT_EQ(child.read(text, sizeof text), 4u);
  EXPECT_EQ(child.read(text, sizeof text), 0u);
  const auto ending = child.ended();
  EXPECT_EQ(ending.status, 7);
  EXPECT_EQ(ending.broke, "");
}

TEST(LimitedChild, ItsDeathIsAWord) {
  LimitedChild child({}, [](std::FILE*) { return raise(SIGKILL); });
  EXPECT_EQ(child.ended().broke, "Killed");
}

TEST(LimitedChild, EndsWhenItsTimeIsUp) {
  LimitedChild child({.cpu_seconds = 1}, [](std::FILE*) {
    for (std::atomic<int> i{0};;) ++i;
    return 0;
  });
  EXPECT_THAT(child.ended().broke, HasSubstr("more than 1 s of CPU time"));
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(LimitedChild, HasNoMoreMemoryThanItMay) {
  LimitedChild child({.memory_bytes = rlim_t{256} << 20}, [](std::FILE*) {
    return static_cast<int>(std::vector<char>(std::size_t{1} << 30).size() & 1);
  });
  EXPECT_THAT(child.ended().broke, HasSubstr("more than 256 MiB of memory"));
}
#endif

TEST(LimitedChild, WhoeverHasEnoughEndsIt) {
  const LimitedChild child({}, [](std::FILE*) {
    pause();
    return 0;
  });
}

TEST(LayoutBytes, GiveBackTheLayout) {
  Layout layout = machine("pack:2 [numa] l3:2 core:3 pu:2");
  layout.core_kinds = {{"fast"}, {""}};
  layout.core_kinds_ranked = true;
  layout.reported.die = false;
  const std::string bytes = to_bytes(layout);
  EXPECT_EQ(from_bytes(bytes), layout);
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_EQ(from_bytes(bytes.substr(0, length)), std::nullopt) << length;
  EXPECT_EQ(from_bytes(bytes + '\0'), std::nullopt);
}

}  // namespace
}  // namespace mmscale::topology
