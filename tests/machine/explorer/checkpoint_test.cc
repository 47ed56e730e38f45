// SPDX-License-Identifier: MIT
#include "machine/explorer/checkpoint.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace mmscale::machine::explorer {
namespace {

struct TwoThings {
  std::uint64_t word = 1;
  std::vector<int> some = {1, 2, 3};

  void list(Checkpoint& point) {
    point.value(word);
    point.sequence(some);
  }
};

TEST(Checkpoint, PutsBackWhatWasPutAsideAsOftenAsAsked) {
  TwoThings state;
  Checkpoint point;
  point.begin_saving();
  state.list(point);
  for (int time = 0; time < 2; ++time) {
    state.word = 7;
    state.some.assign(static_cast<std::size_t>(10 * time), 9);
    point.begin_restoring();
    state.list(point);
    EXPECT_EQ(state.word, 1u);
    EXPECT_EQ(state.some, (std::vector<int>{1, 2, 3}));
  }
}

TEST(Checkpoint, IsOfWhatWasSavedLast) {
  TwoThings state;
  Checkpoint point;
  for (const std::uint64_t word : {2u, 3u}) {
    state.word = word;
    point.begin_saving();
    state.list(point);
  }
  state.word = 4;
  point.begin_restoring();
  state.list(point);
  EXPECT_EQ(state.word, 3u);
}

}  // namespace
}  // namespace mmscale::machine::explorer
