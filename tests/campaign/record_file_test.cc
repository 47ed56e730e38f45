// SPDX-License-Identifier: MIT
#include "campaign/record_file.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "campaign/cpu_counts.h"
#include "campaign/google.h"
#include "support/records.h"

namespace mmscale::campaign {
namespace {

namespace fs = std::filesystem;
using nlohmann::ordered_json;
using testing::HasSubstr;
using testing::StartsWith;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

ordered_json record(int number) {
  return {{"name", "switch/" + std::to_string(number)}, {"value", number * 0.5}, {"list", {1, 2, 3}}};
}

ordered_json document(int records) {
  ordered_json all = {{"context", {{"kernel", "6.1"}}}, {"benchmarks", ordered_json::array()}};
  for (int i = 0; i < records; ++i) all["benchmarks"].push_back(record(i));
  return all;
}

class RecordFileTest : public testing::Test {
 protected:
  RecordFileTest() {
    std::string name = (fs::temp_directory_path() / "record_file_test.XXXXXX").string();
    folder_ = mkdtemp(name.data());
    path_ = folder_ / "records.json";
  }
  ~RecordFileTest() override { fs::remove_all(folder_); }

  std::optional<RecordFile> open() {
    return std::optional<RecordFile>(std::in_place, path_.string(), context_);
  }

  const ordered_json context_ = {{"kernel", "6.1"}};
  fs::path folder_;
  fs::path path_;
};

// Files may grow to this size only, while it lives.
class SizeLimit {
 public:
  explicit SizeLimit(std::uintmax_t bytes) {
    // The signal would end us; without it write(2) fails, as it does on a full disk.
    old_handler_ = signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old_);
    struct rlimit limit = old_;
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~SizeLimit() {
    setrlimit(RLIMIT_FSIZE, &old_);
    signal(SIGXFSZ, old_handler_);
  }

 private:
  struct rlimit old_;
  sighandler_t old_handler_;
};

TEST_F(RecordFileTest, IsCompleteAfterEveryStep) {
  auto file = open();
  EXPECT_EQ(ordered_json::parse(text_of(path_)), document(0));
  for (int i = 0; i < 5; ++i) {
    file->append(record(i));
    EXPECT_EQ(ordered_json::parse(text_of(path_)), document(i + 1));
  }
  file->close();
  EXPECT_EQ(ordered_json::parse(text_of(path_)), document(5));
}

TEST_F(RecordFileTest, IsLaidOutAsGoogleBenchmarkDoes) {
  open()->append({{"name", "a"}});
  EXPECT_EQ(text_of(path_),
            "{\n"
            "  \"context\": {\n"
            "    \"kernel\": \"6.1\"\n"
            "  },\n"
            "  \"benchmarks\": [\n"
            "    {\n"
            "      \"name\": \"a\"\n"
            "    }\n"
            "  ]\n"
            "}\n");
}

TEST_F(RecordFileTest, WhatWasThereStaysUntilTheNewFileIsWhole) {
  const std::string old(100'000, 'x');
  std::ofstream(path_) << old;
  {
    auto file = open();
    file->append(record(0));
    EXPECT_EQ(text_of(path_), old);
    // Whoever is killed now leaves both.
    const fs::path beside = path_.string() + "." + std::to_string(getpid()) + ".new";
    EXPECT_EQ(ordered_json::parse(text_of(beside)), document(1));
    file->close();
    EXPECT_FALSE(fs::exists(beside));
  }
  EXPECT_EQ(ordered_json::parse(text_of(path_)), document(1));
}

TEST_F(RecordFileTest, WithoutARecordWhatWasThereStays) {
  std::ofstream(path_) << "old";
  open();
  EXPECT_EQ(text_of(path_), "old");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

TEST_F(RecordFileTest, ByGzipItIsCompleteAfterEveryStepToo) {
  path_ += ".gz";
  RecordFile file(path_, context_);
  for (int i = 0; i < 3; ++i) {
    file.append(record(i));
    gzFile in = gzopen(path_.c_str(), "rb");
    std::string text(100'000, '\0');
    text.resize(static_cast<std::size_t>(gzread(in, text.data(), static_cast<unsigned>(text.size()))));
    gzclose(in);
    EXPECT_EQ(ordered_json::parse(text), document(i + 1));
  }
}

// A campaign of 384 CPUs as `bench` plans it, 22 cases at each of some 40 counts, 5 times: one window in 20 of it.
TEST_F(RecordFileTest, ACampaignOf384CpusIsBelowTenMegabytes) {
  path_ += ".gz";
  std::uint64_t seed = 1;
  const auto random = [&seed](std::uint64_t below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % below;
  };
  std::size_t windows = 0;
  RecordFile file(path_, context_);
  for (const unsigned cpus : octave_counts(384)) {
    for (unsigned i = 0; i < 22 * 5; ++i) {
      if (windows++ % 20 != 0) continue;
      measure::Record record = test::switch_record("refcount", i % 5, 5);
      record.subject.pus.clear();
      record.window.cpus.resize(cpus, record.window.cpus[0]);
      record.window.conditions.cpus.resize(cpus, record.window.conditions.cpus[0]);
      record.window.conditions.machine.steal.clear();
      for (unsigned cpu = 0; cpu < cpus; ++cpu) {
        measure::CpuWindow& at = record.window.cpus[cpu];
        measure::CpuConditions& conditions = record.window.conditions.cpus[cpu];
        record.subject.pus.push_back(cpu);
        at.pu = conditions.cpu = cpu;
        at.package = cpu / 192;
        at.start_ns = 53'123'456'789'012 + static_cast<std::int64_t>(random(60'000));
        at.end_ns = at.start_ns + 21'000'000 + static_cast<std::int64_t>(random(60'000));
        at.rounds = 90'000 + random(20'000);
        at.switches = 2 * at.rounds;
        conditions.thread.wait_ns = random(10) == 0 ? random(30'000) : 0;
        conditions.account = {.elapsed_ns = at.end_ns - at.start_ns,
                              .ran_ns = at.end_ns - at.start_ns - *conditions.thread.wait_ns,
                              .longest_gap_ns = 51'000 + static_cast<std::int64_t>(random(30'000))};
      }
      file.append(to_json(record));
    }
  }
  file.close();
  EXPECT_LT(20 * fs::file_size(path_), 10'000'000u) << windows << " windows";
}

// What others do to a file that is written.
class Meddled : public RecordFileTest {
 protected:
  fs::path rest() const { return path_.string() + "." + std::to_string(getpid()) + ".rest"; }
};

TEST_F(Meddled, RemovedAllRecordsAreBeside) {
  auto file = open();
  file->append(record(0));
  fs::remove(path_);
  file->append(record(1));
  EXPECT_THAT(file->mishap(), HasSubstr("it was removed"));
  file->append(record(2));
  file->close();
  EXPECT_EQ(ordered_json::parse(text_of(rest())), document(3));
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(Meddled, ReplacedTheOtherOneIsLeftAlone) {
  auto file = open();
  file->append(record(0));
  fs::remove(path_);
  std::ofstream(path_) << "another";
  file->close();
  EXPECT_THAT(file->mishap(), HasSubstr("it was replaced"));
  EXPECT_EQ(text_of(path_), "another");
  EXPECT_EQ(ordered_json::parse(text_of(rest())), document(1));
}

TEST_F(Meddled, CutWhatComesIsBeside) {
  auto file = open();
  file->append(record(0));
  fs::resize_file(path_, 10);
  file->append(record(0));
  EXPECT_THAT(file->mishap(), HasSubstr("it was cut to 10 of "));
  EXPECT_THAT(file->mishap(), HasSubstr("what comes now is in "));
  EXPECT_EQ(ordered_json::parse(text_of(rest())), document(1));
}

TEST_F(Meddled, WithItsFolderThereIsNowhereToGo) {
  auto file = open();
  file->append(record(0));
  fs::remove_all(folder_);
  try {
    file->append(record(1));
    ADD_FAILURE() << "was written";
  } catch (const measure::OutputError& error) {
    EXPECT_THAT(error.what(), HasSubstr("it was removed"));
  }
}

TEST_F(RecordFileTest, TakesTextThatIsNotUtf8) {
  open()->append({{"name", "caf\xe9"}});
  EXPECT_EQ(ordered_json::parse(text_of(path_)).at("benchmarks")[0].at("name"), "caf\xef\xbf\xbd");
}

TEST_F(RecordFileTest, SaysWhyItCannotBeMade) {
  const auto complaint = [&](const std::string& path) -> std::string {
    try {
      RecordFile(path, context_);
    } catch (const measure::OutputError& error) {
      return error.what();
    }
    return "none";
  };
  EXPECT_EQ(complaint("/nonexistent/x.json"), "cannot write /nonexistent/x.json: No such file or directory");
  EXPECT_EQ(complaint(folder_.string()), "cannot write " + folder_.string() + ": Is a directory");
  EXPECT_EQ(complaint("/dev/full"), "cannot write /dev/full: No space left on device");
}

// The disk fills up at each byte of the third record in turn.
TEST_F(RecordFileTest, AFullDiskLeavesTheRecordsBeforeWhole) {
  std::uintmax_t two = 0;
  std::uintmax_t three = 0;
  {
    auto file = open();
    for (int i = 0; i < 3; ++i) {
      two = fs::file_size(path_);
      file->append(record(i));
    }
    three = fs::file_size(path_);
  }
  ASSERT_LT(two, three);
  for (std::uintmax_t limit = two; limit < three; ++limit) {
    fs::remove(path_);
    auto file = open();
    file->append(record(0));
    file->append(record(1));
    std::string complaint;
    {
      SizeLimit full(limit);
      try {
        file->append(record(2));
      } catch (const measure::OutputError& error) {
        complaint = error.what();
      }
    }
    ASSERT_EQ(complaint, "cannot write " + path_.string() +
                             ": File too large; what was recorded before is whole, 2 in all")
        << limit;
    ASSERT_EQ(fs::file_size(path_), two) << limit;
    ASSERT_EQ(ordered_json::parse(text_of(path_)), document(2)) << limit;
    // There is room again: nothing was lost but the record that failed.
    file->append(record(2));
    ASSERT_EQ(ordered_json::parse(text_of(path_)), document(3)) << limit;
  }
}

TEST_F(RecordFileTest, ADiskThatWasFullBeforeIsAnError) {
  SizeLimit full(10);
  try {
    open();
    ADD_FAILURE() << "was made";
  } catch (const measure::OutputError& error) {
    EXPECT_EQ(std::string(error.what()), "cannot write " + path_.string() + ": File too large");
  }
}

TEST_F(RecordFileTest, APipeIsCompleteWhenClosed) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  {
    RecordFile file("/proc/self/fd/" + std::to_string(ends[1]), context_);
    close(ends[1]);
    file.append(record(0));
    file.append(record(1));
  }
  std::string text;
  char buffer[4096];
  for (ssize_t got; (got = read(ends[0], buffer, sizeof(buffer))) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  close(ends[0]);
  EXPECT_EQ(ordered_json::parse(text), document(2));
}

// Standard output may be a file that others write to, as with >>: nothing in it is ever written over.
TEST_F(RecordFileTest, StandardOutputIsOnlyEverAppendedTo) {
  const int target = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND, 0600);
  ASSERT_GE(target, 0);
  ASSERT_EQ(write(target, "before\n", 7), 7);
  std::fflush(stdout);
  const int screen = dup(STDOUT_FILENO);
  dup2(target, STDOUT_FILENO);
  {
    RecordFile file("-", context_);
    file.append(record(0));
    file.append(record(1));
  }
  dup2(screen, STDOUT_FILENO);
  close(screen);
  close(target);
  const std::string text = text_of(path_);
  ASSERT_THAT(text, StartsWith("before\n"));
  EXPECT_EQ(ordered_json::parse(text.substr(7)), document(2));
}

TEST_F(RecordFileTest, StandardOutputIsNamedInErrors) {
  const int full = ::open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  std::fflush(stdout);
  const int screen = dup(STDOUT_FILENO);
  dup2(full, STDOUT_FILENO);
  std::string complaint;
  try {
    RecordFile("-", context_);
  } catch (const measure::OutputError& error) {
    complaint = error.what();
  }
  dup2(screen, STDOUT_FILENO);
  close(screen);
  close(full);
  EXPECT_EQ(complaint, "cannot write standard output: No space left on device");
}

TEST_F(RecordFileTest, ClosingTwiceIsClosing) {
  auto file = open();
  file->append(record(0));
  file->close();
  file->close();
  EXPECT_EQ(ordered_json::parse(text_of(path_)), document(1));
}

}  // namespace
}  // namespace mmscale::campaign
