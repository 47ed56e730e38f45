// SPDX-License-Identifier: MIT
#include "trace/proc_tasks.h"

#include <fstream>
#include <string>
#include <string_view>
#include <system_error>

#include "trace/text_fields.h"

namespace mmscale::trace {
namespace {

// PF_KTHREAD (include/linux/sched.h).
constexpr std::uint64_t kKernelThread = 0x00200000;
// In /proc/PID/stat behind the comm: state, ppid, pgrp, session, tty_nr, tpgid, flags (proc(5)).
constexpr int kFlagsWord = 7;

bool read_task(const std::filesystem::path& folder, std::int32_t tgid, Event& event) {
  std::ifstream file(folder / "stat");
  std::string line;
  if (!std::getline(file, line)) return false;
  const std::size_t open = line.find('(');
  const std::size_t close = line.rfind(')');
  if (open == line.npos || close == line.npos || close < open) return false;
  const auto pid = pid_number(trim(std::string_view(line).substr(0, open)));
  std::string_view rest = std::string_view(line).substr(close + 1);
  std::string_view word;
  for (int i = 0; i < kFlagsWord; ++i) word = take_word(rest);
  const auto flags = number<std::uint64_t>(word);
  if (!pid || !flags) return false;
  event = {};
  event.kind = Kind::task;
  event.pid = *pid;
  event.tgid = tgid;
  event.comm = Comm(std::string_view(line).substr(open + 1, close - open - 1));
  event.kernel = (*flags & kKernelThread) != 0;
  return true;
}

}  // namespace

std::vector<Event> read_tasks(const std::filesystem::path& proc) {
  std::vector<Event> tasks;
  std::error_code error;
  for (const auto& process : std::filesystem::directory_iterator(proc, error)) {
    const auto tgid = pid_number(process.path().filename().string());
    if (!tgid) continue;
    for (const auto& thread : std::filesystem::directory_iterator(process.path() / "task", error)) {
      Event event;
      if (read_task(thread.path(), *tgid, event)) tasks.push_back(event);
    }
  }
  return tasks;
}

}  // namespace mmscale::trace
