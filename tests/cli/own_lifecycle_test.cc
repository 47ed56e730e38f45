// SPDX-License-Identifier: MIT
#include "cli/own_lifecycle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "kernel/lifecycle/catalogue.h"

namespace mmscale::cli {
namespace {

TEST(OwnLifecycle, GoesByTheReleaseThatChangedTheRules) {
  EXPECT_EQ(lifecycle_of_kernel("x86_64", "6.18.44-fc-v782"), "x86-2025");
  EXPECT_EQ(lifecycle_of_kernel("x86_64", "6.16.0"), "x86-2025");
  EXPECT_EQ(lifecycle_of_kernel("x86_64", "7.0.0-rc1"), "x86-2025");
  EXPECT_EQ(lifecycle_of_kernel("x86_64", "6.15.9"), "x86-2024");
  EXPECT_EQ(lifecycle_of_kernel("x86_64", "6.13.12"), "x86-2017");
  EXPECT_EQ(lifecycle_of_kernel("x86_64", "5.10.0-30-amd64"), "x86-2017");
  EXPECT_EQ(lifecycle_of_kernel("x86_64", "4.9.337"), "");
  EXPECT_EQ(lifecycle_of_kernel("aarch64", "6.12.1"), "arm64");
  EXPECT_EQ(lifecycle_of_kernel("ppc64le", "6.4.0"), "powerpc");
}

TEST(OwnLifecycle, UnknownMachinesAndReleasesHaveNone) {
  for (const char* release : {"", "six", "6", "6.", "6.x", "-1.2"})
    EXPECT_EQ(lifecycle_of_kernel("x86_64", release), "") << release;
  EXPECT_EQ(lifecycle_of_kernel("sparc64", "6.12.0"), "");
}

TEST(OwnLifecycle, HereIsOneOfTheCatalogueOrNone) {
  const std::string own = own_lifecycle();
  const auto names = kernel::lifecycle::Catalogue::names();
  EXPECT_TRUE(own.empty() || std::ranges::count(names, own) == 1) << own;
}

TEST(OwnLifecycle, IsTheDefaultWhereThereIsOne) {
  const ChosenLifecycle known = default_lifecycle("s390x", "6.12.3", "this kernel");
  EXPECT_EQ(known.name, "s390");
  EXPECT_EQ(known.why, "that of this kernel, Linux 6.12.3 on s390x");
  const ChosenLifecycle unknown = default_lifecycle("sparc64", "6.12.3", "this kernel");
  EXPECT_EQ(unknown.name, "powerpc");
  EXPECT_EQ(unknown.why, "no lifecycle is that of Linux 6.12.3 on sparc64");
  EXPECT_EQ(default_lifecycle().name, own_lifecycle().empty() ? "powerpc" : own_lifecycle());
}

}  // namespace
}  // namespace mmscale::cli
