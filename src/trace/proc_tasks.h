// SPDX-License-Identifier: MIT
//
// The tasks that exist right now, from /proc.
#pragma once

#include <filesystem>
#include <vector>

#include "trace/event.h"

namespace mmscale::trace {

// One Kind::task event for each: pid, tgid, comm, whether it is a kernel thread. What vanishes while one
// looks is left out.
std::vector<Event> read_tasks(const std::filesystem::path& proc = "/proc");

}  // namespace mmscale::trace
