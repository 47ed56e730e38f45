// SPDX-License-Identifier: MIT
#include "machine/simulator/model_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace mmscale::machine::simulator {
namespace {

using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

json number(double value) { return {{"value", value}, {"quality", "E"}, {"source", "this test"}}; }

json good() {
  return {
      {"schema", 1},
      {"name", "test"},
      {"description", "two sockets"},
      {"topology", "pack:2 [numa] core:2 pu:2"},
      {"cpus", 8},
      {"domain", "package"},
      {"kind", "x86"},
      {"protocol", "home"},
      {"atomics", "near"},
      {"arbitration", "fifo"},
      {"costs_ns", {{"atomic", number(6)}}},
      {"one_way_ns", {{"smt-sibling", number(9)}, {"domain", number(36)}, {"other-package", number(116)}}}};
}

// The message for a file in which something was changed; empty if there is none.
std::string complaint(const std::function<void(json&)>& change) {
  json file = good();
  change(file);
  try {
    parse_model(file.dump(), "test.json");
  } catch (const ModelError& error) {
    EXPECT_THAT(error.what(), Not(HasSubstr("\n")));
    return error.what();
  }
  return {};
}

TEST(ModelFile, OneWayIsTheSumOfItsLegsAndTheOperation) {
  const Model model = parse_model(good().dump(), "test.json");
  // (36 - 6) / 4: through the agent; (116 - 36) / 2: to the home, which is one of the two, and back. Siblings
  // pass the line on in their cache.
  EXPECT_EQ(model.leg[static_cast<std::size_t>(Reach::domain)], 7'500u);
  EXPECT_EQ(model.leg[static_cast<std::size_t>(Reach::other_package)], 40'000u);
  EXPECT_EQ(model.leg[static_cast<std::size_t>(Reach::sibling)], 3'000u);
  EXPECT_EQ(model.costs.atomic, 6'000u);
}

TEST(ModelFile, ACoreThatIsADomainHasNoWayToItsAgent) {
  json file = good();
  file["domain"] = "core";
  file["one_way_ns"] = {{"smt-sibling", number(9)}, {"package", number(36)}, {"other-package", number(116)}};
  const Model model = parse_model(file.dump(), "test.json");
  EXPECT_EQ(model.places[2].domain, model.places[2].core);
  EXPECT_EQ(model.leg[static_cast<std::size_t>(Reach::domain)], 0u);
  // To the home, to the owner and back: (36 - 6) / 3.
  EXPECT_EQ(model.leg[static_cast<std::size_t>(Reach::package)], 10'000u);
  EXPECT_EQ(model.leg[static_cast<std::size_t>(Reach::other_package)], 50'000u);
}

TEST(ModelFile, ScaleMultipliesLatenciesAndNotTheCounter) {
  const Model once = parse_model(good().dump(), "test.json");
  const Model twice = parse_model(good().dump(), "test.json", 2);
  EXPECT_EQ(twice.costs.atomic, 2 * once.costs.atomic);
  EXPECT_EQ(twice.leg[1], 2 * once.leg[1]);
  EXPECT_EQ(twice.costs.tick, once.costs.tick);
}

TEST(ModelFile, SaysWhatIsWrongInOneLine) {
  EXPECT_EQ(complaint([](json&) {}), "");
  EXPECT_EQ(complaint([](json& f) { f["cpus"] = 9; }),
            "test.json: 'cpus' is 9, but 'pack:2 [numa] core:2 pu:2' has 8 PUs");
  EXPECT_EQ(complaint([](json& f) { f["one_way_ns"].erase("other-package"); }),
            "test.json: one_way_ns: class 'other-package' is missing, and the topology has such CPUs");
  EXPECT_EQ(complaint([](json& f) { f["one_way_ns"].erase("smt-sibling"); }),
            "test.json: one_way_ns: class 'smt-sibling' is missing, and the topology has such CPUs");
  EXPECT_EQ(complaint([](json& f) { f["one_way_ns"]["domain"] = number(-1); }),
            "test.json: one_way_ns.domain is negative: -1");
  EXPECT_EQ(complaint([](json& f) { f["costs_ns"]["atomic"] = number(-7); }),
            "test.json: costs_ns.atomic is negative: -7");
  EXPECT_EQ(complaint([](json& f) { f["one_way_ns"]["domain"] = number(5); }),
            "test.json: one_way_ns.domain is less than the atomic operation it contains (6 ns)");
  EXPECT_THAT(complaint([](json& f) { f["one_way_ns"]["far"] = number(5); }),
              HasSubstr("unknown class 'far'"));
  EXPECT_THAT(complaint([](json& f) { f["costs_ns"]["lod"] = number(5); }), HasSubstr("unknown cost 'lod'"));
  EXPECT_THAT(complaint([](json& f) { f["latency"] = 1; }), HasSubstr("unknown key 'latency'"));
  EXPECT_THAT(complaint([](json& f) { f["protocol"] = "ring"; }), HasSubstr("there are home, snoop"));
  EXPECT_THAT(complaint([](json& f) { f["reads_from"] = "memory"; }), HasSubstr("there are agent, owner"));
  EXPECT_THAT(complaint([](json& f) { f["home_hears_from"] = "all"; }),
              HasSubstr("there are owner, requester"));
  EXPECT_THAT(complaint([](json& f) { f["conflicts"] = "all"; }),
              HasSubstr("there are passed-on, acknowledged"));
  for (const auto& [key, value] :
       {std::pair{"reads_from", "owner"}, {"home_hears_from", "requester"}, {"conflicts", "acknowledged"}})
    EXPECT_THAT(complaint([&](json& f) {
                  f[key] = value;
                  f["protocol"] = "snoop";
                }),
                HasSubstr("the protocol is 'snoop'"));
  EXPECT_THAT(complaint([](json& f) { f["topology"] = "pack"; }), HasSubstr("'topology'"));
  EXPECT_THAT(complaint([](json& f) { f["one_way_ns"]["domain"].erase("source"); }), HasSubstr("'source'"));
  EXPECT_THAT(complaint([](json& f) { f["one_way_ns"]["domain"].erase("quality"); }), HasSubstr("'quality'"));
  EXPECT_THAT(complaint([](json& f) { f["one_way_ns"]["domain"] = 47.5; }),
              HasSubstr("object with a number"));
  EXPECT_THAT(complaint([](json& f) { f.erase("domain"); }), HasSubstr("'domain' is missing"));
  EXPECT_THAT(complaint([](json& f) { f["schema"] = 2; }), HasSubstr("'schema' must be 1"));
  EXPECT_THAT(complaint([](json& f) { f["one_way_ns"]["domain"]["quality"] = 5; }),
              HasSubstr("must be string"));
  for (const char* cost : {"load", "store", "atomic", "memory", "tick"})
    EXPECT_THAT(complaint([cost](json& f) { f["costs_ns"][cost] = number(0); }),
                HasSubstr("must be more than 0"));
}

TEST(ModelFile, SaysWhereTheJsonBreaks) {
  try {
    parse_model("{\n  \"schema\": 1,\n  oops\n}", "test.json");
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_STREQ(error.what(), "test.json: not JSON from line 3 on");
  }
}

TEST(ModelFile, BoundsWhatAFileMayHold) {
  const auto refusal = [](const std::string& text) -> std::string {
    try {
      parse_model(text, "test.json");
    } catch (const ModelError& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(refusal(std::string(100'000, '[')), "test.json: nested more than 16 deep: no machine file");
  EXPECT_THAT(refusal(R"({"schema": 1e999})"), testing::StartsWith("test.json: number overflow"));
}

TEST(ModelFile, UnknownMachineNamesTheKnownOnes) {
  try {
    load_model("xeon8176");
    FAIL();
  } catch (const ModelError& error) {
    EXPECT_THAT(error.what(), HasSubstr("there is no machine 'xeon8176'; there are "));
    EXPECT_THAT(error.what(), HasSubstr("xeon8176-8s"));
  }
  EXPECT_THROW(load_model("/nowhere/at-all.json"), ModelError);
}

}  // namespace
}  // namespace mmscale::machine::simulator
