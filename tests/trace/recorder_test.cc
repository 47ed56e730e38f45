// SPDX-License-Identifier: MIT
#include "trace/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "trace/proc_tasks.h"

namespace mmscale::trace {
namespace {

using testing::Contains;
using testing::Field;

// A file of a made-up /proc.
void write(const std::filesystem::path& path, std::string_view text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

TEST(ProcTasks, KnowsKernelThreadsByTheirFlag) {
  const std::filesystem::path proc = testing::TempDir() + "proc-" + std::to_string(getpid());
  write(proc / "2/task/2/stat", "2 (kthreadd) S 0 0 0 0 -1 2129984 0 0\n");
  write(proc / "70/task/70/stat", "70 (a) b (c) S 1 70 70 0 -1 4194304 0 0\n");
  write(proc / "70/task/71/stat", "71 (worker) S 1 70 70 0 -1 4194368 0 0\n");
  write(proc / "80/task/80/stat", "nonsense\n");
  write(proc / "self/task/9/stat", "9 (x) S 0 0 0 0 -1 0 0 0\n");
  auto tasks = read_tasks(proc);
  std::filesystem::remove_all(proc);
  std::ranges::sort(tasks, {}, &Event::pid);
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_TRUE(tasks[0].kernel);
  EXPECT_FALSE(tasks[1].kernel);
  EXPECT_EQ(tasks[1].comm.view(), "a) b (c");
  EXPECT_EQ(tasks[2].pid, 71);
  EXPECT_EQ(tasks[2].tgid, 70);
}

TEST(ProcTasks, FindsThisOne) { EXPECT_THAT(read_tasks(), Contains(Field(&Event::pid, getpid()))); }

// Where this machine can be recorded; empty if not.
std::string usable_tracefs() {
  try {
    const std::string tracefs = find_tracefs();
    return geteuid() == 0 && !in_pid_namespace() && access((tracefs + "/instances").c_str(), W_OK) == 0
               ? tracefs
               : "";
  } catch (const RecordError&) {
    return "";
  }
}

std::size_t instances(const std::string& tracefs) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(tracefs + "/instances"))
    count += entry.path().filename().string() == "mmscale-" + std::to_string(getpid());
  return count;
}

TEST(Recorder, SeesAChildComeAndGo) {
  const std::string tracefs = usable_tracefs();
  // Who may not record is told so.
  if (tracefs.empty()) {
    EXPECT_THROW(Recorder({find_tracefs()}), RecordError);
    return;
  }
  std::vector<Event> events;
  pid_t child = 0;
  {
    Recorder recorder({tracefs});
    EXPECT_EQ(instances(tracefs), 1u);
    EXPECT_THAT(recorder.start(), Contains(Field(&Event::pid, getpid())));
    child = fork();
    if (child == 0) _exit(0);
    waitpid(child, nullptr, 0);
    recorder.collect(events);
    recorder.stop();
    recorder.collect(events);
    EXPECT_EQ(recorder.undecoded(), 0u);
  }
  EXPECT_EQ(instances(tracefs), 0u);
  EXPECT_TRUE(std::ranges::is_sorted(events, {}, &Event::time_ns));
  const auto born = std::ranges::find_if(
      events, [child](const Event& e) { return e.kind == Kind::newtask && e.other == child; });
  const auto gone = std::ranges::find_if(
      events, [child](const Event& e) { return e.kind == Kind::exit && e.pid == child; });
  ASSERT_NE(born, events.end());
  ASSERT_NE(gone, events.end());
  EXPECT_EQ(born->pid, getpid());
  EXPECT_EQ(born->flags & kCloneVm, 0u);
  EXPECT_LT(born, gone);
}

// What goes wrong when half is made leaves nothing behind.
TEST(Recorder, AFailedStartLeavesNothing) {
  const std::string tracefs = usable_tracefs();
  EXPECT_THROW(Recorder({find_tracefs(), std::size_t{1} << 40}), RecordError);
  EXPECT_EQ(tracefs.empty() ? 0u : instances(tracefs), 0u);
}

TEST(Recorder, SaysWhatIsMissing) {
  EXPECT_THROW(Recorder({"/nonexistent"}), RecordError);
  EXPECT_THROW(Recorder({testing::TempDir()}), RecordError);
}

}  // namespace
}  // namespace mmscale::trace
