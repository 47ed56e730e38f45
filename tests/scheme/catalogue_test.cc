// SPDX-License-Identifier: MIT
#include "scheme/catalogue.h"
#include "scheme/known.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "kernel/build.h"
#include "kernel/lifecycle/catalogue.h"

namespace mmscale::scheme {
namespace {

TEST(SchemeCatalogue, NamesAreUniqueAndFindTheirScheme) {
  std::set<std::string_view> names;
  for (const SchemeInfo* info : Catalogue::infos()) {
    EXPECT_TRUE(names.insert(info->name).second) << info->name;
    EXPECT_EQ(find_scheme(info->name), info);
    // It stands on command lines, in file names and in tables.
    EXPECT_TRUE(std::all_of(info->name.begin(), info->name.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    })) << info->name;
  }
  EXPECT_EQ(find_scheme("no such scheme"), nullptr);
  EXPECT_EQ(find_scheme(""), nullptr);
}

TEST(SchemeCatalogue, SaysSomethingEverywhere) {
  for (const SchemeInfo* info : Catalogue::infos()) {
    SCOPED_TRACE(info->name);
    for (std::string_view text : {info->name, info->summary, info->on_entry, info->on_exit, info->last_drop,
                                  info->origin, info->upstream}) {
      EXPECT_FALSE(text.empty());
      EXPECT_EQ(text.find('\n'), text.npos) << text;
      EXPECT_EQ(text, text.substr(text.find_first_not_of(' '))) << text;
    }
  }
}

// Each text is of its own scheme: a copied entry that was not adapted shows as a repeated summary.
TEST(SchemeCatalogue, SummariesDiffer) {
  std::set<std::string_view> summaries;
  for (const SchemeInfo* info : Catalogue::infos())
    EXPECT_TRUE(summaries.insert(info->summary).second) << info->name;
}

TEST(SchemeCatalogue, JudgesEverySchemeUnderEveryLifecycle) {
  for (const SchemeInfo* info : Catalogue::infos()) {
    for (std::string_view lifecycle : kernel::lifecycle::Catalogue::names()) {
      const Safety* safety = info->under(lifecycle);
      ASSERT_NE(safety, nullptr) << info->name << " under " << lifecycle;
      EXPECT_FALSE(safety->because.empty()) << info->name << " under " << lifecycle;
    }
  }
}

// The entry that says most of a name holds: the name itself, else the longest beginning.
TEST(SchemeCatalogue, AnEntryForSeveralLifecyclesYieldsToOneThatSaysMore) {
  static constexpr Safety kEntries[] = {
      {"*", true, "all"}, {"x86-*", false, "x86"}, {"x86-2024", true, "one"}};
  SchemeInfo info;
  info.safety = kEntries;
  EXPECT_EQ(info.under("powerpc")->because, "all");
  EXPECT_EQ(info.under("x86-2017")->because, "x86");
  EXPECT_EQ(info.under("x86-2024")->because, "one");
  info.safety = std::span(kEntries).subspan(1);
  EXPECT_EQ(info.under("powerpc"), nullptr);
}

TEST(SchemeCatalogue, JudgesNoLifecycleTwice) {
  for (const SchemeInfo* info : Catalogue::infos()) {
    std::set<std::string_view> lifecycles;
    for (const Safety& safety : info->safety)
      EXPECT_TRUE(lifecycles.insert(safety.lifecycle).second) << info->name << ": " << safety.lifecycle;
  }
}

// A comparison needs the floor, something safe, and something that is not.
TEST(SchemeCatalogue, HasTheFloorAndBothSidesOfTheArgument) {
  for (std::string_view name : {"untracked", "refcount", "shootdown"})
    EXPECT_NE(find_scheme(name), nullptr) << name;
  EXPECT_FALSE(find_scheme("untracked")->under("powerpc")->safe);
  EXPECT_TRUE(find_scheme("refcount")->under("powerpc")->safe);
  EXPECT_TRUE(find_scheme("shootdown")->under("powerpc")->safe);
}

TEST(SchemeCatalogue, WalksTheSchemesInOrder) {
  std::vector<std::string_view> walked;
  Catalogue::for_each([&]<class Scheme> { walked.push_back(Scheme::kInfo.name); });
  std::vector<std::string_view> listed;
  for (const SchemeInfo* info : Catalogue::infos()) listed.push_back(info->name);
  EXPECT_EQ(walked, listed);
}

}  // namespace
}  // namespace mmscale::scheme
