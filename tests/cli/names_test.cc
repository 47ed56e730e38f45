// SPDX-License-Identifier: MIT
#include "cli/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

namespace mmscale::cli {
namespace {

using testing::ElementsAre;

constexpr std::array<std::string_view, 4> kSchemes = {"untracked", "refcount", "refcount-packed",
                                                      "shootdown"};

TEST(Nearest, FindsSlips) {
  EXPECT_EQ(nearest("refcout", kSchemes), "refcount");
  EXPECT_EQ(nearest("refocunt", kSchemes), "refcount");
  EXPECT_EQ(nearest("Refcount", kSchemes), "refcount");
  EXPECT_EQ(nearest("shotdown", kSchemes), "shootdown");
  EXPECT_EQ(nearest("refcount_packed", kSchemes), "refcount-packed");
}

TEST(Nearest, FindsUnfinishedNames) {
  EXPECT_EQ(nearest("shoot", kSchemes), "shootdown");
  EXPECT_EQ(nearest("ref", kSchemes), "refcount");
  EXPECT_EQ(nearest("refcount-", kSchemes), "refcount");
}

TEST(Nearest, DoesNotGuess) {
  EXPECT_EQ(nearest("banana", kSchemes), "");
  EXPECT_EQ(nearest("", kSchemes), "");
  EXPECT_EQ(nearest("sh", kSchemes), "");
  EXPECT_EQ(nearest("x", {}), "");
}

std::string complaint(std::string_view text) {
  try {
    parse_names("--scheme", text, kSchemes);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "none";
}

TEST(Names, ThatDoNotExist) {
  EXPECT_EQ(complaint("refcout"),
            "--scheme: there is no 'refcout', did you mean 'refcount'?; there are untracked, refcount, "
            "refcount-packed, "
            "shootdown");
  EXPECT_EQ(complaint("banana"),
            "--scheme: there is no 'banana'; there are untracked, refcount, refcount-packed, shootdown");
  EXPECT_EQ(complaint("refcount,"),
            "--scheme: there is no ''; there are untracked, refcount, refcount-packed, shootdown");
  EXPECT_EQ(complaint(""),
            "--scheme: there is no ''; there are untracked, refcount, refcount-packed, shootdown");
}

TEST(Names, InTheOrderGivenAndEachOnce) {
  EXPECT_THAT(parse_names("--scheme", "shootdown,refcount,shootdown", kSchemes),
              ElementsAre("shootdown", "refcount"));
}

TEST(Names, AllIsEveryName) {
  EXPECT_THAT(parse_names("--scheme", "all", kSchemes),
              ElementsAre("untracked", "refcount", "refcount-packed", "shootdown"));
}

TEST(SplitList, KeepsEmptyParts) {
  EXPECT_THAT(split_list("a,b"), ElementsAre("a", "b"));
  EXPECT_THAT(split_list("a,,b,"), ElementsAre("a", "", "b", ""));
  EXPECT_THAT(split_list(""), ElementsAre(""));
}

}  // namespace
}  // namespace mmscale::cli
