// SPDX-License-Identifier: MIT
#include "measure/output_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>

namespace mmscale::measure {
namespace {

namespace fs = std::filesystem;

class OutputFileTest : public testing::Test {
 protected:
  OutputFileTest() {
    std::string name = (fs::temp_directory_path() / "output_file_test.XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = folder_ / "out";
  }
  ~OutputFileTest() override { fs::remove_all(folder_); }

  std::string text() const {
    std::ostringstream text;
    text << std::ifstream(path_).rdbuf();
    return text.str();
  }
  // What another process is told that writes the same file.
  std::string told_another() const {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      std::string what = "nothing";
      try {
        write_file(path_, "other");
      } catch (const OutputError& error) {
        what = error.what();
      }
      _exit(write(ends[1], what.data(), what.size()) > 0 ? 0 : 1);
    }
    close(ends[1]);
    std::string what(1000, ' ');
    what.resize(static_cast<std::size_t>(read(ends[0], what.data(), what.size())));
    close(ends[0]);
    waitpid(child, nullptr, 0);
    return what;
  }

  fs::path folder_;
  fs::path path_;
};

TEST_F(OutputFileTest, IsNotThereUntilItIsCommitted) {
  {
    OutputFile file(path_);
    file.write("new", 0);
    EXPECT_FALSE(fs::exists(path_));
  }
  EXPECT_TRUE(fs::is_empty(folder_)) << "given up, it leaves nothing";
  write_file(path_, "new");
  EXPECT_EQ(text(), "new");
}

TEST_F(OutputFileTest, TwoProcessesDoNotMeetInOneFile) {
  const std::string refusal =
      "cannot write " + path_.string() + ": process " + std::to_string(getpid()) + " is writing it";
  std::optional<OutputFile> file(std::in_place, path_);
  file->publish();
  EXPECT_EQ(told_another(), refusal) << "a new one";
  file->write("mine", 0);
  file->commit();
  file.emplace(path_);
  EXPECT_EQ(told_another(), refusal) << "one that replaces another";
  EXPECT_EQ(text(), "mine");
  file.reset();
  EXPECT_EQ(told_another(), "nothing");
  EXPECT_EQ(text(), "other");
}

TEST_F(OutputFileTest, WhoComesSecondDoesNotTakeThePlaceOfTheFirst) {
  OutputFile file(path_);
  std::ofstream(path_) << "first";
  EXPECT_THROW(file.publish(), OutputError);
  EXPECT_EQ(text(), "first");
}

TEST_F(OutputFileTest, TracesAreTheirOwners) {
  write_file(path_, "secret", Readers::owner);
  EXPECT_EQ(fs::status(path_).permissions() & fs::perms::all, fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(OutputFileTest, RootDoesNotFollowALinkOfAStranger) {
  if (geteuid() != 0) GTEST_SKIP() << "not root";
  std::ofstream(folder_ / "target") << "precious";
  fs::create_symlink(folder_ / "target", path_);
  write_file(path_, "by root's own link");
  EXPECT_EQ(text(), "by root's own link");
  EXPECT_TRUE(fs::is_symlink(path_));
  ASSERT_EQ(lchown(path_.c_str(), 12345, 12345), 0);
  EXPECT_THROW(write_file(path_, "planted"), OutputError);
  EXPECT_EQ(text(), "by root's own link");
}

TEST_F(OutputFileTest, AFileKeepsItsPermissions) {
  std::ofstream(path_) << "old";
  fs::permissions(path_, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  write_file(path_, "new");
  EXPECT_EQ(static_cast<unsigned>(fs::status(path_).permissions()), 0640U);
}

}  // namespace
}  // namespace mmscale::measure
