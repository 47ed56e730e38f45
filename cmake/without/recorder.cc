// SPDX-License-Identifier: MIT
//
// In the place of src/trace/recorder.cc where there are no libtracefs and libtraceevent to link.
#include "trace/recorder.h"

namespace mmscale::trace {

struct Recorder::State {};

std::string find_tracefs() {
  throw RecordError(
      "this build has no recorder (libtracefs, libtraceevent); `perf sched record` and `trace-cmd record -e "
      "sched` "
      "make traces that replay reads");
}
bool in_pid_namespace() { return false; }
std::vector<std::string> remove_stale_instances() { return {}; }

Recorder::Recorder(const RecorderSetup&) { find_tracefs(); }
Recorder::~Recorder() = default;
std::vector<Event> Recorder::start() { return {}; }
void Recorder::stop() {}
void Recorder::collect(std::vector<Event>&) {}
std::uint64_t Recorder::lost() const { return 0; }
std::uint64_t Recorder::undecoded() const { return 0; }
const std::vector<std::string>& Recorder::missing() const {
  static const std::vector<std::string> kNone;
  return kNone;
}

}  // namespace mmscale::trace
