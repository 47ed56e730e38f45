// SPDX-License-Identifier: MIT
#include "machine/simulator/model_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <string>

#include "machine/simulator/model_file.h"
#include "topology/temporary_tree.h"

namespace mmscale::machine::simulator {
namespace {

using testing::Contains;
using testing::Not;

// What $MMSCALE_MACHINES names as long as this is there.
class ModelStore : public testing::Test {
 protected:
  ModelStore() { ::setenv("MMSCALE_MACHINES", folder_.root().c_str(), 1); }
  ~ModelStore() override { ::unsetenv("MMSCALE_MACHINES"); }

  topology::TemporaryTree folder_;
};

TEST_F(ModelStore, EveryMachineInsideLoadsUnderItsOwnName) {
  EXPECT_THAT(model_names(), Contains("power8-16s"));
  for (const BuiltInModel& inside : built_in_models()) {
    const Model model = load_model(inside.name);
    EXPECT_EQ(model.name, inside.name);
    EXPECT_EQ(model.places.size(), model.layout.pus.size()) << inside.name;
  }
}

TEST_F(ModelStore, AFileBesideWinsAndAddsMachines) {
  std::string text = *model_text("skylake-4c");
  text.replace(text.find("\"skylake-4c\""), 12, "\"mine\"");
  folder_.write("skylake-4c.json", text);
  folder_.write("new.json", text);
  EXPECT_EQ(load_model("skylake-4c").name, "mine");
  EXPECT_EQ(load_model("new").name, "mine");
  EXPECT_THAT(model_names(), Contains("new"));
  EXPECT_THAT(model_names(), Contains("power8-16s"));
}

TEST_F(ModelStore, NothingElseInTheFolderIsAMachine) {
  folder_.write("schema.json", "{}");
  folder_.write("README.md", "");
  EXPECT_THAT(model_names(), Not(Contains("schema")));
  EXPECT_THAT(model_names(), Not(Contains("README")));
}

TEST_F(ModelStore, AFileThatCannotBeReadIsNamed) {
  std::filesystem::create_directory(folder_.root() / "skylake-4c.json");
  EXPECT_THROW(load_model("skylake-4c"), ModelError);
}

}  // namespace
}  // namespace mmscale::machine::simulator
