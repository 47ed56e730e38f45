// SPDX-License-Identifier: MIT
#include "measure/pmu.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "measure/file_limit.h"

#ifdef MMSCALE_PMU
#include <perfmon/pfmlib_perf_event.h>
#endif

namespace mmscale::measure {
namespace {

// A counter of the calling thread, on whatever CPU it runs.
topology::Fd open_event(perf_event_attr attributes, int group) {
  return topology::Fd(static_cast<int>(::syscall(SYS_perf_event_open, &attributes, 0, -1, group,
                                                 static_cast<unsigned long>(PERF_FLAG_FD_CLOEXEC))));
}

std::string why_not(int error) {
  switch (error) {
    case ENOENT:
    case EOPNOTSUPP:
    case ENODEV:
      return "this machine has no such counter, as is usual in a virtual machine";
    case EACCES:
    case EPERM:
      return "not permitted: kernel.perf_event_paranoid, or no CAP_PERFMON";
    case ENOSYS:
      return "this kernel has no perf_event_open";
    default:
      return std::strerror(error);
  }
}

#ifdef MMSCALE_PMU
// Why no name of an event can be looked up; empty if they can.
std::string why_no_names() {
  const int error = pfm_initialize();
  return error == PFM_SUCCESS ? std::string() : fmt::format("libpfm4: {}", pfm_strerror(error));
}

bool look_up(const char* name, perf_event_attr& attributes) {
  pfm_perf_encode_arg_t arguments = {};
  arguments.attr = &attributes;
  arguments.size = sizeof arguments;
  return pfm_get_os_event_encoding(name, PFM_PLM3 | PFM_PLM0, PFM_OS_PERF_EVENT, &arguments) == PFM_SUCCESS;
}
#else
std::string why_no_names() { return "built without libpfm4, which knows the events' numbers"; }
bool look_up(const char*, perf_event_attr&) { return false; }
#endif

// libpfm4's encoding of the first name that it knows for this CPU; nothing but a reason if there is none.
std::optional<PmuEvent> encode(const PmuRequest& request, std::string& reason) {
  for (const char* const name : request.events) {
    PmuEvent event{.name = std::string(request.name), .event = name};
    event.attributes.size = sizeof event.attributes;
    if (look_up(name, event.attributes)) {
      event.attributes.disabled = 1;
      event.attributes.exclude_hv = 1;
      event.attributes.read_format = PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
      return event;
    }
  }
  reason = "libpfm4 knows no such event of this CPU";
  return std::nullopt;
}

// Whether it opens, with the kernel's part if that is allowed, else without.
bool opens(PmuEvent& event, std::string& reason) {
  for (const bool kernel_too : {true, false}) {
    event.attributes.exclude_kernel = kernel_too ? 0 : 1;
    if (open_event(event.attributes, -1).get() >= 0) return true;
    reason = why_not(errno);
    if (errno != EACCES && errno != EPERM) return false;
  }
  return false;
}

}  // namespace

std::span<const PmuRequest> standard_pmu_requests() {
  static const std::vector<PmuRequest> kRequests = {
      {"cycles", {"perf::CYCLES"}},
      {"instructions", {"perf::INSTRUCTIONS"}},
      {"hitm_local",
       {"MEM_LOAD_L3_HIT_RETIRED:XSNP_HITM", "MEM_LOAD_L3_HIT_RETIRED:XSNP_FWD",
        "MEM_LOAD_UOPS_L3_HIT_RETIRED:XSNP_HITM", "MEM_LOAD_UOPS_LLC_HIT_RETIRED:XSNP_HITM"}},
      {"hitm_remote",
       {"MEM_LOAD_L3_MISS_RETIRED:REMOTE_HITM", "MEM_LOAD_UOPS_L3_MISS_RETIRED:REMOTE_HITM",
        "MEM_LOAD_UOPS_LLC_MISS_RETIRED:REMOTE_HITM"}},
  };
  return kRequests;
}

std::string Pmu::summary() const {
  if (events.empty()) return fmt::format("unavailable ({})", fmt::join(missing, "; "));
  std::string text;
  for (const PmuEvent& event : events) text += fmt::format("{}{}", text.empty() ? "" : ", ", event.name);
  text += kernel_too ? ", user and kernel" : ", user only";
  if (!missing.empty()) text += fmt::format("; unavailable ({})", fmt::join(missing, "; "));
  return text;
}

Pmu probe_pmu(std::span<const PmuRequest> requests) {
  Pmu pmu;
  if (std::string why = why_no_names(); !why.empty()) {
    pmu.missing.push_back(std::move(why));
    return pmu;
  }
  pmu.kernel_too = true;
  for (const PmuRequest& request : requests) {
    std::string reason = "more events than are counted at once";
    auto event = pmu.events.size() < kMostPmuEvents ? encode(request, reason) : std::nullopt;
    if (event && opens(*event, reason)) {
      pmu.kernel_too = pmu.kernel_too && event->attributes.exclude_kernel == 0;
      pmu.events.push_back(std::move(*event));
    } else {
      pmu.missing.push_back(fmt::format("{}: {}", request.name, reason));
    }
  }
  return pmu;
}

const Pmu& this_pmu() {
  static const Pmu pmu = [] {
    Pmu probed = probe_pmu(standard_pmu_requests());
    if (!probed.events.empty()) raise_file_limit();
    return probed;
  }();
  return pmu;
}

PmuCounters::PmuCounters(const Pmu& pmu) {
  for (std::size_t i = 0; i < pmu.events.size(); ++i) {
    perf_event_attr attributes = pmu.events[i].attributes;
    // The first one leads the group: what it does, the others do at the same instant.
    attributes.disabled = i == 0 ? 1 : 0;
    fds_[i] = open_event(attributes, i == 0 ? -1 : fds_[0].get());
    if (i == 0 && fds_[0].get() < 0) return;
  }
}

void PmuCounters::begin() {
  const int leader = fds_[0].get();
  if (leader < 0) return;
  ::ioctl(leader, PERF_EVENT_IOC_RESET, PERF_IOC_FLAG_GROUP);
  ::ioctl(leader, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP);
}

void PmuCounters::end() {
  if (const int leader = fds_[0].get(); leader >= 0)
    ::ioctl(leader, PERF_EVENT_IOC_DISABLE, PERF_IOC_FLAG_GROUP);
}

PmuReading PmuCounters::reading() const {
  PmuReading reading;
  for (std::size_t i = 0; i < fds_.size(); ++i) {
    struct {
      std::uint64_t value, enabled, running;
    } counted = {};
    if (::read(fds_[i].get(), &counted, sizeof counted) != sizeof counted) continue;
    if (counted.running == counted.enabled && counted.running > 0) reading[i] = counted.value;
  }
  return reading;
}

}  // namespace mmscale::measure
