// SPDX-License-Identifier: MIT
#include "trace/replay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "machine/silicon/pool.h"
#include "machine/silicon/transport.h"
#include "machine/simulator/model_file.h"
#include "scheme/catalogue.h"
#include "scheme/known.h"
#include "topology/topology.h"
#include "trace/session.h"

namespace mmscale::trace {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kByHand = MMSCALE_TESTDATA "/by_hand.trace";

std::vector<ReplaySpec> under(ReplaySpec spec, const std::vector<std::string>& schemes) {
  std::vector<ReplaySpec> specs;
  for (const std::string& scheme : schemes) {
    spec.scheme = scheme;
    specs.push_back(spec);
  }
  return specs;
}

SessionResult in_virtual_time(const Trace& trace, const std::vector<std::string>& schemes) {
  const auto model = machine::simulator::load_model("power9-2c");
  ReplaySpec spec;
  spec.model = &model;
  for (std::size_t i = 0; i < trace.facts().cpus.size(); ++i)
    spec.pus.push_back(model.layout.pus[i].os_index);
  return replay_all(trace, under(spec, schemes), 2);
}

// What must not depend on how fast anybody is.
std::vector<std::uint64_t> counts(const ReplayResult& result) {
  const kernel::Tally& sum = result.sum;
  return {sum.lazy_grabs,   sum.lazy_drops, sum.lazy_grabs_unlazy, sum.lazy_drops_unlazy, sum.ipis_useful,
          sum.ipis_useless, sum.ipis_shoot, sum.ipis_exit_flush,   sum.ipis_trim,         sum.ipis_local,
          sum.shoot_self,   sum.exits,      sum.mms_born,          sum.mms_freed};
}

// Every figure is counted by hand beside the event that makes it, in the file itself.
TEST(ByHand, RefcountChangesMmCountAsOftenAsCounted) {
  const Trace trace(kByHand, {});
  const auto session = in_virtual_time(trace, {"refcount"});
  const ReplayResult& result = session.schemes[0].result;
  EXPECT_EQ(result.sum.lazy_grabs, 10u);
  EXPECT_EQ(result.sum.lazy_drops, 10u);
  EXPECT_EQ(result.sum.lazy_grabs_unlazy, 1u);
  EXPECT_EQ(result.sum.lazy_drops_unlazy, 1u);
  EXPECT_EQ(result.sum.mm_count_ops(), 22u);
  EXPECT_EQ(result.sum.mms_freed, 2u);
  EXPECT_EQ(result.sum.ipis_trim, 1u);
  EXPECT_EQ(result.sum.ipis_sent(), 1u);
  EXPECT_THAT(result.audit, IsEmpty());
}

TEST(ByHand, ShootdownsSendTheirIpis) {
  const Trace trace(kByHand, {});
  const auto session = in_virtual_time(trace, {"shootdown", "shootdown-exitflush"});
  for (const auto& [spec, result] : session.schemes) {
    const std::string& scheme = spec.scheme;
    EXPECT_EQ(result.sum.mm_count_ops(), 0u) << scheme;
    EXPECT_EQ(result.sum.mms_freed, 4u) << scheme;
    EXPECT_EQ(result.sum.ipis_trim, 1u) << scheme;
    EXPECT_EQ(result.sum.ipis_useful, 1u) << scheme;
    EXPECT_EQ(result.sum.ipis_useless, 1u) << scheme;
    // Every death runs it on the dropping CPU; an exec's dropper no longer borrows.
    EXPECT_EQ(result.sum.ipis_local, 4u) << scheme;
    EXPECT_EQ(result.sum.shoot_self, 3u) << scheme;
    EXPECT_EQ(result.teardown_ns.count(), 4u) << scheme;
    EXPECT_THAT(result.audit, IsEmpty()) << scheme;
  }
  EXPECT_EQ(session.schemes[0].result.sum.ipis_shoot, 1u);
  EXPECT_EQ(session.schemes[1].result.sum.ipis_exit_flush, 1u);
  EXPECT_EQ(session.schemes[1].result.sum.ipis_shoot, 0u);
}

TEST(ByHand, TheFactsAreWhatTheFileSays) {
  const Trace trace(kByHand, {});
  const auto session = in_virtual_time(trace, {"refcount"});
  const Facts& facts = session.facts;
  EXPECT_THAT(facts.cpus, ElementsAre(0, 1));
  EXPECT_EQ(facts.switches, 21u);
  EXPECT_EQ(facts.forks, 3u);
  EXPECT_EQ(facts.threads, 1u);
  EXPECT_EQ(facts.execs, 1u);
  EXPECT_EQ(facts.exits, 4u);
  EXPECT_EQ(facts.adopted, 1u);
  EXPECT_EQ(facts.born, 4u);
  EXPECT_EQ(facts.died, 4u);
  EXPECT_THAT(facts.origins, SizeIs(2));
  for (const Facts::Odd& odd : facts.odd) EXPECT_EQ(odd.count, 0u);
}

// Real CPUs in whatever order they come, against virtual time, scheme by scheme: of the trace's CPUs as many
// as there are here.
TEST(Worlds, CountTheSame) {
  const auto topology = topology::Topology::host();
  std::vector<unsigned> pus;
  for (const topology::Pu& pu : topology.layout().pus)
    if (pu.allowed) pus.push_back(pu.os_index);
  const Trace trace(kByHand, pus.size() < 2 ? Filter{.cpus = {0}} : Filter{});
  pus.resize(trace.facts().cpus.size());
  std::vector<std::string> schemes;
  for (const scheme::SchemeInfo* info : scheme::Catalogue::infos()) schemes.emplace_back(info->name);
  const auto virtual_time = in_virtual_time(trace, schemes);
  machine::silicon::Pool pool(topology);
  const auto transport = machine::silicon::choose_transport(std::nullopt);
  ReplaySpec spec;
  spec.pool = &pool;
  spec.pus = pus;
  spec.transport = transport.name;
  const auto silicon = replay_all(trace, under(spec, schemes), 1);
  for (std::size_t i = 0; i < schemes.size(); ++i) {
    EXPECT_EQ(counts(silicon.schemes[i].result), counts(virtual_time.schemes[i].result)) << schemes[i];
    EXPECT_EQ(silicon.schemes[i].result.switches, virtual_time.schemes[i].result.switches) << schemes[i];
    // Where the oracle is in, it says of an unsafe scheme that it is.
    if (scheme::find_scheme(schemes[i])->under(spec.lifecycle)->safe) {
      EXPECT_THAT(silicon.schemes[i].result.audit, IsEmpty()) << schemes[i];
    }
  }
}

TEST(Filters, LeaveOutWhatTheySay) {
  const Trace early(kByHand, {.until_ns = 10'500'000});
  EXPECT_EQ(in_virtual_time(early, {"refcount"}).facts.events, 11u);
  const Trace one_cpu(kByHand, {.cpus = {1}});
  EXPECT_THAT(one_cpu.facts().cpus, ElementsAre(1));
  EXPECT_GT(one_cpu.facts().of(Oddity::filtered).count, 0u);
  EXPECT_THAT(in_virtual_time(one_cpu, {"shootdown"}).schemes[0].result.audit, IsEmpty());
  const Trace named(kByHand, {.comm = "b"});
  EXPECT_LT(named.facts().switches, 21u);
  EXPECT_THAT(in_virtual_time(named, {"refcount"}).schemes[0].result.audit, IsEmpty());
  EXPECT_THROW(Trace(kByHand, {.comm = "nobody"}), TraceError);
  EXPECT_THROW(Trace(kByHand, {.cpus = {7}}), TraceError);
}

TEST(Replays, WhatDoesNotExistIsRefused) {
  const Trace trace(kByHand, {});
  EXPECT_THROW(in_virtual_time(trace, {"refcout"}), std::invalid_argument);
}

}  // namespace
}  // namespace mmscale::trace
