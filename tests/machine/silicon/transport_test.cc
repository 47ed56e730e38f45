// SPDX-License-Identifier: MIT
#include "machine/silicon/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace mmscale::machine::silicon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

// What `make` throws.
template <class Make>
std::string error_of(Make&& make) {
  try {
    make();
  } catch (const TransportError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Transport, NamesAreInOrderOfFaithfulness) {
  EXPECT_THAT(transport_names(), ElementsAre("membarrier", "signal", "doorbell"));
}

TEST(Transport, DefaultIsTheFirstThatWorksHere) {
  const TransportChoice choice = choose_transport(std::nullopt);
  // What comes before it must be named with a reason.
  std::string reason = "default";
  for (std::string_view name : transport_names()) {
    if (name == choice.name) break;
    EXPECT_THAT(choice.reason, HasSubstr("; not " + std::string(name) + ": "));
    EXPECT_THAT(error_of([&] { choose_transport(name); }), StartsWith("transport '" + std::string(name)));
  }
  EXPECT_THAT(choice.reason, StartsWith(reason));
  EXPECT_EQ(make_transport(choice.name, 2)->name(), choice.name);
}

TEST(Transport, TheOneAskedForIsTaken) {
  for (std::string_view name : {"signal", "doorbell"}) {
    const TransportChoice choice = choose_transport(name);
    EXPECT_EQ(choice.name, name);
    EXPECT_EQ(choice.reason, "asked for");
    EXPECT_EQ(make_transport(name, 2)->name(), name);
  }
}

TEST(Transport, AnUnknownNameIsRefusedWithTheChoice) {
  const std::string want = "no IPI transport 'pigeon'; there are membarrier, signal, doorbell";
  EXPECT_EQ(error_of([] { choose_transport("pigeon"); }), want);
  EXPECT_EQ(error_of([] { make_transport("pigeon", 2); }), want);
  EXPECT_EQ(error_of([] { choose_transport(""); }),
            "no IPI transport ''; there are membarrier, signal, doorbell");
}

// A record must say what is unreal about a transport's price.
TEST(Transport, CaveatsAreOneLine) {
  EXPECT_EQ(make_transport("doorbell", 2)->caveat(), "no interrupt is sent: a lower bound");
  EXPECT_THAT(make_transport("membarrier", 2)->caveat(),
              AllOf(StartsWith("membarrier takes a global mutex"), Not(HasSubstr("\n"))));
}

}  // namespace
}  // namespace mmscale::machine::silicon
