// SPDX-License-Identifier: MIT
//
// docs/adding-a-scheme.md: its example, to the letter, is a scheme.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernel/lifecycle/arm64.h"
#include "kernel/lifecycle/catalogue.h"
#include "kernel/lifecycle/powerpc.h"
#include "kernel/lifecycle/x86_2017.h"
#include "scheme/catalogue.h"
#include "support/two_processes.h"
// Made by tests/CMakeLists.txt from the page.
#include "docs/shootdown_everyone.h"

namespace mmscale::scheme {
namespace {

using testing::IsEmpty;

// It takes its place in a table like any other.
using Table = SchemeList<Shootdown, ShootdownEveryone>;

TEST(AddingAScheme, TheExampleHasAllThatACatalogueAsksFor) {
  EXPECT_EQ(Table::infos()[1]->name, "shootdown-everyone");
  for (std::string_view lifecycle : kernel::lifecycle::Catalogue::names())
    EXPECT_NE(ShootdownEveryone::kInfo.under(lifecycle), nullptr) << lifecycle;
}

template <class Lifecycle>
class AddingASchemeUnder : public testing::Test {};
using ItsLifecycles =
    testing::Types<kernel::lifecycle::Powerpc, kernel::lifecycle::X86_2017, kernel::lifecycle::Arm64>;
TYPED_TEST_SUITE(AddingASchemeUnder, ItsLifecycles);

TYPED_TEST(AddingASchemeUnder, TheExampleFreesSafely) {
  test::TwoProcesses<ShootdownEveryone, TypeParam, 3> k;
  k.leave_cpu_0_alone();
  k.move_on(2);
  k.exit(0);
  EXPECT_TRUE(k.is_free(k.mm));
  EXPECT_EQ(k.sum().ipis_shoot, 2u);
  EXPECT_EQ(k.active(1), k.init_mm());
  EXPECT_THAT(k.findings(), IsEmpty());
}

}  // namespace
}  // namespace mmscale::scheme
