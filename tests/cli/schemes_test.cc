// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kernel/lifecycle/catalogue.h"
#include "scheme/catalogue.h"

namespace mmscale::cli {
namespace {

using testing::HasSubstr;

TEST(Schemes, TheTextSaysAllOfEach) {
  const std::string text = schemes_text();
  for (const scheme::SchemeInfo* info : scheme::Catalogue::infos()) {
    for (const std::string_view part : {info->name, info->summary, info->on_entry, info->on_exit,
                                        info->last_drop, info->origin, info->upstream}) {
      EXPECT_FALSE(part.empty()) << info->name;
      EXPECT_THAT(text, HasSubstr(std::string(part)));
    }
    for (const scheme::Safety& safety : info->safety)
      EXPECT_THAT(text, HasSubstr(std::string(safety.because)));
  }
  EXPECT_THAT(text, HasSubstr("under powerpc      UNSAFE: "));
  EXPECT_THAT(text, HasSubstr("under powerpc      safe (rc11): "));
}

TEST(Schemes, TheJsonSaysTheSame) {
  const auto all = nlohmann::json::parse(schemes_json());
  ASSERT_EQ(all.size(), scheme::Catalogue::infos().size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    const scheme::SchemeInfo& info = *scheme::Catalogue::infos()[i];
    EXPECT_EQ(all[i].at("name"), info.name);
    EXPECT_EQ(all[i].at("summary"), info.summary);
    EXPECT_EQ(all[i].at("on_entry"), info.on_entry);
    EXPECT_EQ(all[i].at("on_exit"), info.on_exit);
    EXPECT_EQ(all[i].at("last_drop"), info.last_drop);
    EXPECT_EQ(all[i].at("origin"), info.origin);
    EXPECT_EQ(all[i].at("upstream"), info.upstream);
    const auto lifecycles = kernel::lifecycle::Catalogue::names();
    ASSERT_EQ(all[i].at("safety").size(), lifecycles.size());
    for (std::size_t j = 0; j < lifecycles.size(); ++j) {
      EXPECT_EQ(all[i].at("safety")[j].at("lifecycle"), lifecycles[j]);
      EXPECT_EQ(all[i].at("safety")[j].at("safe"), info.under(lifecycles[j])->safe);
      const bool strong = lifecycles[j].starts_with("x86") || lifecycles[j] == "s390";
      EXPECT_EQ(all[i].at("safety")[j].at("memory") == "tso", strong) << lifecycles[j];
      EXPECT_EQ(all[i].at("safety")[j].at("because"), info.under(lifecycles[j])->because);
    }
  }
}

}  // namespace
}  // namespace mmscale::cli
