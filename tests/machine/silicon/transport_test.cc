// SPDX-License-Identifier: MIT
#include "machine/silicon/transport.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>

namespace mmscale::machine::silicon {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr char kNothing[] = "nothing was thrown";

// What `make` throws.
template <class Make>
std::string error_of(Make&& make) {
  try {
    make();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return kNothing;
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
  // An emulator's loops are so slow that the interrupts do not show in them.
  if (const std::string no = error_of([] { make_transport("membarrier", 2); }); no != kNothing)
    GTEST_SKIP() << no;
  EXPECT_THAT(make_transport("membarrier", 2)->caveat(),
              AllOf(StartsWith("membarrier takes a global mutex"), Not(HasSubstr("\n"))));
}

// The queue of signals is a resource of the user, shared with other processes: while it is full an interrupt
// is late, not lost.
class FullQueue : public testing::Test {
 protected:
  FullQueue() {
    getrlimit(RLIMIT_SIGPENDING, &before_);
    const rlimit none{0, before_.rlim_max};
    setrlimit(RLIMIT_SIGPENDING, &none);
    attach();
    all_.set(1);
  }
  ~FullQueue() override {
    make_room();
    transport_->detach(1);
  }
  // CPU 1 is the thread that calls this.
  void attach() {
    transport_->attach(1, 1, {[](void* taken) { ++*static_cast<std::atomic<int>*>(taken); }, &taken_});
  }
  void make_room() { setrlimit(RLIMIT_SIGPENDING, &before_); }

  std::unique_ptr<Transport> transport_ = make_transport("signal", 2);
  CpuMask all_{2};
  std::atomic<int> taken_ = 0;

 private:
  rlimit before_;
};

TEST_F(FullQueue, DelaysASignal) {
  std::thread other([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    make_room();
  });
  transport_->raise(all_);
  other.join();
  EXPECT_EQ(taken_, 1);
}

TEST_F(FullQueue, ForGoodIsTheEndAndSaysWhy) {  // The process that is to die is a copy of this one, with
                                                // threads of its own.
  const auto die = [this] {
    attach();
    transport_->raise(all_);
  };
  EXPECT_DEATH(die(), "RLIMIT_SIGPENDING");
}

}  // namespace
}  // namespace mmscale::machine::silicon
