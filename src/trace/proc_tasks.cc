// SPDX-License-Identifier: MIT
#include "trace/proc_tasks.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "measure/text_file.h"

namespace mmscale::trace {
namespace {

bool read_task(const std::filesystem::path& folder, pid_t pid, pid_t tgid, Event& event) {
  const std::string stat = measure::read_text(folder / "stat").value_or("");
  const std::size_t open = stat.find('(');
  const std::size_t close = stat.rfind(')');
  const auto flags = measure::stat_field(stat, measure::kStatFlags);
  if (!flags || open >= close) return false;
  event = {};
  event.kind = Kind::task;
  event.pid = pid;
  event.tgid = tgid;
  event.comm = Comm(std::string_view(stat).substr(open + 1, close - open - 1));
  event.kernel = (*flags & measure::kKernelThread) != 0;
  return true;
}

}  // namespace

std::vector<Event> read_tasks(const std::filesystem::path& proc) {
  std::vector<Event> tasks;
  for (const pid_t process : measure::tasks_in(proc)) {
    const auto threads = proc / fmt::format("{}/task", process);
    for (const pid_t thread : measure::tasks_in(threads)) {
      Event event;
      if (read_task(threads / fmt::to_string(thread), thread, process, event)) tasks.push_back(event);
    }
  }
  return tasks;
}

}  // namespace mmscale::trace
