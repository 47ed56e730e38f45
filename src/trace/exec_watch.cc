// SPDX-License-Identifier: MIT
#include "trace/exec_watch.h"

namespace mmscale::trace {

void ExecWatch::switched(const Event& event, std::uint64_t n) {
  if (const auto found = names_.find(event.pid); found != names_.end()) {
    Name& name = found->second;
    if (!name.in.view().empty() && !(name.in == event.comm))
      name = {event.comm, event.comm, n, event.cpu, false};
    if (event.state == 'Z' || event.state == 'X') names_.erase(found);
  }
  if (event.other == 0) return;
  Name& name = names_[event.other];
  name.in = event.other_comm;
  if (name.at != 0 && event.cpu != name.cpu) name.moved = true;
}

std::optional<std::uint64_t> ExecWatch::executed(const Event& event) {
  const auto found = names_.find(event.pid);
  if (found == names_.end()) return std::nullopt;
  const Name name = found->second;
  // What it is called from here on; the next change is another program's.
  found->second = Name();
  found->second.in = event.comm;
  if (name.at == 0 || !name.moved || !(name.out == event.comm)) return std::nullopt;
  return name.at;
}

}  // namespace mmscale::trace
