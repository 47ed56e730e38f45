// SPDX-License-Identifier: MIT
#include "trace/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <unordered_set>
#include <utility>

#include "machine/silicon/clock.h"
#include "machine/silicon/pool.h"
#include "topology/fd.h"
#include "trace/c_libraries.h"
#include "trace/proc_tasks.h"
#include "trace/raw_records.h"
#include "trace/text_fields.h"

namespace mmscale::trace {
namespace {

using topology::Fd;

struct Wanted {
  const char* system;
  const char* event;
  // What is lost without it; nullptr: nothing can be done without it.
  const char* without;
};

// csd_queue_cpu is there since 6.3.
constexpr Wanted kWanted[] = {
    {"sched", "sched_switch", nullptr},
    {"sched", "sched_process_exec", nullptr},
    {"sched", "sched_process_exit", nullptr},
    {"task", "task_newtask", nullptr},
    {"csd", "csd_queue_cpu", "the kernel's own IPIs are not counted"},
};

constexpr std::string_view kInstancePrefix = "mmscale-";

// How /proc/self/ns/pid reads outside every container: PROC_PID_INIT_INO, 0xEFFFFFFC (include/linux/proc_ns.h).
constexpr std::string_view kFirstPidNamespace = "pid:[4026531836]";

// While that file is open the instance traces. When it closes, by whatever end of this process, the kernel itself stops tracing
// and gives the buffers back (free_buffer, Documentation/trace/ftrace.rst): SIGKILL to the guard as well, as a container's
// end is, leaves an empty folder.
Fd ends_with_us(tracefs_instance* instance, const std::string& folder) {
  if (tracefs_instance_file_write(instance, "options/disable_on_free", "1") < 0) return {};
  return Fd(open((folder + "/free_buffer").c_str(), O_WRONLY | O_CLOEXEC));
}

// A process that outlives the recorder by a moment, and removes its instance where that is killed, which it cannot catch.
class Guard {
 public:
  explicit Guard(const std::string& folder) {
    int ends[2];
    // Without a guard the next recorder removes what is left.
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    pid_ = machine::silicon::Pool::fork();
    if (pid_ == 0) {
      close(ends[1]);
      setsid();
      for (const int signal_number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE})
        signal(signal_number, SIG_IGN);
      char byte;
      ssize_t got;
      // Ends when the recorder has: it holds the only other end.
      while ((got = ::read(ends[0], &byte, 1)) < 0 && errno == EINTR) {
      }
      // Its files are closed about now: an instance that traces can be removed, one that is open cannot.
      for (int tries = 0; got == 0 && tries < kTries && rmdir(folder.c_str()) != 0; ++tries)
        poll(nullptr, 0, kPauseMs);
      _exit(0);
    }
    close(ends[0]);
    end_ = Fd(ends[1]);
  }
  ~Guard() {
    if (end_.get() < 0) return;
    // The recorder removes its instance itself.
    [[maybe_unused]] const ssize_t written = write(end_.get(), "x", 1);
    if (pid_ > 0) waitpid(pid_, nullptr, 0);
  }
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

 private:
  static constexpr int kTries = 100;
  static constexpr int kPauseMs = 50;
  pid_t pid_ = -1;
  Fd end_;
};

void check_access(const std::string& tracefs) {
  if (access(tracefs.c_str(), F_OK) != 0)
    throw RecordError(fmt::format("{}: there is no such folder", tracefs));
  const std::string instances = tracefs + "/instances";
  if (access(instances.c_str(), F_OK) != 0 && errno == ENOENT && access(tracefs.c_str(), R_OK | X_OK) == 0)
    throw RecordError(
        fmt::format("{}: no 'instances' in it: not a tracefs, or a kernel without tracing", tracefs));
  if (access(instances.c_str(), W_OK | X_OK) != 0)
    throw RecordError(
        fmt::format("{}: {}; recording the scheduler needs root", instances, std::strerror(errno)));
}

// A CPU's ring buffer, read sub-buffer by sub-buffer, its file kept open: tracefs_iterate_raw_events would
// open every CPU's file anew at each call.
class RawPipe {
 public:
  // `path` is the instance's per_cpu/cpuN/trace_pipe_raw.
  RawPipe(const std::string& path, int cpu, std::size_t bytes)
      : cpu_(cpu),
        fd_(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)),
        buffer_(bytes),
        kbuffer_(kbuffer_alloc(KBUFFER_LSIZE_SAME_AS_HOST, KBUFFER_ENDIAN_SAME_AS_HOST)) {
    if (fd_.get() < 0) throw RecordError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  }
  ~RawPipe() { kbuffer_free(kbuffer_); }
  RawPipe(const RawPipe&) = delete;
  RawPipe& operator=(const RawPipe&) = delete;

  // Calls take(record, cpu) for all that is there.
  template <class Take>
  void drain(Take&& take) {
    for (;;) {
      const ssize_t got = ::read(fd_.get(), buffer_.data(), buffer_.size());
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return;
      if (kbuffer_load_subbuffer(kbuffer_, buffer_.data()) != 0) return;
      long long missed = kbuffer_missed_events(kbuffer_);
      unsigned long long time = 0;
      for (void* data = kbuffer_read_event(kbuffer_, &time); data != nullptr;
           data = kbuffer_next_event(kbuffer_, nullptr) != nullptr ? kbuffer_read_event(kbuffer_, &time)
                                                                   : nullptr) {
        tep_record record{};
        record.ts = time;
        record.missed_events = std::exchange(missed, 0);
        record.size = kbuffer_event_size(kbuffer_);
        record.data = data;
        record.cpu = cpu_;
        take(record, cpu_);
      }
    }
  }

 private:
  const int cpu_;
  const Fd fd_;
  std::vector<char> buffer_;
  kbuffer* const kbuffer_;
};

// Bytes of a sub-buffer: a page, or what 6.8 and later say.
std::size_t subbuffer_bytes(const std::string& folder) {
  std::ifstream file(folder + "/buffer_subbuf_size_kb");
  std::size_t kib = 0;
  return file >> kib && kib != 0 && kib <= 1024 ? kib << 10 : static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

std::string find_tracefs() {
  std::string first;
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::string_view rest = line;
    take_word(rest);
    const std::string folder = topology::unescaped(take_word(rest));
    if (take_word(rest) != "tracefs") continue;
    // One that something else is mounted over shows nothing.
    if (access((folder + "/instances").c_str(), F_OK) == 0) return folder;
    if (first.empty()) first = folder;
  }
  if (!first.empty()) return first;
  std::ifstream filesystems("/proc/filesystems");
  for (std::string line; std::getline(filesystems, line);)
    if (line.ends_with("\ttracefs"))
      throw RecordError("tracefs is not mounted; as root: mount -t tracefs tracefs /sys/kernel/tracing");
  throw RecordError("this kernel has no tracefs (CONFIG_TRACING)");
}

bool in_pid_namespace() {
  std::error_code error;
  const std::string name = std::filesystem::read_symlink("/proc/self/ns/pid", error);
  return !error && name != kFirstPidNamespace;
}

std::vector<std::string> remove_stale_instances() {
  std::vector<std::string> removed;
  std::string tracefs;
  try {
    tracefs = find_tracefs();
  } catch (const RecordError&) {
    return removed;
  }
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(tracefs + "/instances", error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(kInstancePrefix)) continue;
    const auto pid = pid_number(std::string_view(name).substr(kInstancePrefix.size()));
    // A recorder in another pid namespace holds its instance open, which cannot be removed then.
    if (pid && kill(*pid, 0) != 0 && errno == ESRCH && rmdir(entry.path().c_str()) == 0)
      removed.push_back(entry.path());
  }
  return removed;
}

struct Recorder::State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    guard.reset();
    // An instance that is open cannot be removed.
    pipes.clear();
    freed_at_our_end = {};
    if (instance != nullptr) {
      tracefs_trace_off(instance);
      for (const Wanted& wanted : kWanted)
        tracefs_instance_file_write(
            instance, fmt::format("events/{}/{}/enable", wanted.system, wanted.event).c_str(), "0");
      tracefs_instance_destroy(instance);
      tracefs_instance_free(instance);
    }
    if (tep != nullptr) tep_free(tep);
  }

  tracefs_instance* instance = nullptr;
  tep_handle* tep = nullptr;
  std::string folder;
  RawRecords records;
  std::vector<std::string> missing;
  std::optional<Guard> guard;
  Fd freed_at_our_end;
  std::uint64_t undecoded = 0;
  std::vector<std::unique_ptr<RawPipe>> pipes;
  bool on = false;
  // Read but not yet handed over: newer than the point up to which every CPU has been read.
  std::vector<Event> waiting;

  void take(tep_record& record, int cpu) {
    Event event;
    if (record.missed_events != 0) {
      event.kind = Kind::lost;
      event.time_ns = record.ts;
      event.cpu = static_cast<std::uint32_t>(cpu);
      event.count = record.missed_events > 0 ? static_cast<std::uint64_t>(record.missed_events) : 0;
      waiting.push_back(event);
    }
    if (records.decode(tep, record, cpu, event) != nullptr)
      ++undecoded;
    else
      waiting.push_back(event);
  }
};

Recorder::Recorder(const RecorderSetup& setup) : state_(std::make_unique<State>()) {
  check_access(setup.tracefs);
  for (const Wanted& wanted : kWanted) {
    const std::string folder = fmt::format("{}/events/{}/{}", setup.tracefs, wanted.system, wanted.event);
    if (access(folder.c_str(), F_OK) == 0) continue;
    if (wanted.without == nullptr)
      throw RecordError(
          fmt::format("this kernel has no event {}:{} ({})", wanted.system, wanted.event, folder));
    state_->missing.push_back(fmt::format("no event {}:{}: {}", wanted.system, wanted.event, wanted.without));
  }
  // The tasks at the start come from /proc, the events from the tracer: two numberings would be one trace.
  if (in_pid_namespace())
    throw RecordError(
        "this is a PID namespace of its own (a container's), and the tracer knows tasks by the host's "
        "numbers; record on the host, or in a container that has its (--pid=host)");
  std::string folder = setup.tracefs;
  tracefs_set_tracing_dir(folder.data());
  const char* const systems[] = {"sched", "task", "csd", nullptr};
  state_->tep = tracefs_local_events_system(setup.tracefs.c_str(), systems);
  if (state_->tep == nullptr)
    throw RecordError(fmt::format("{}/events: the formats of the events cannot be read", setup.tracefs));
  const std::string name = fmt::format("{}{}", kInstancePrefix, getpid());
  state_->instance = tracefs_instance_create(name.c_str());
  state_->folder = fmt::format("{}/instances/{}", setup.tracefs, name);
  if (state_->instance == nullptr)
    throw RecordError(fmt::format("{}: cannot be made: {}", state_->folder, std::strerror(errno)));
  state_->guard.emplace(state_->folder);
  tracefs_trace_off(state_->instance);
  // The clock that a process can read, too: it tells how far all CPUs have been read.
  if (tracefs_instance_file_write(state_->instance, "trace_clock", "mono") < 0)
    throw RecordError(fmt::format("{}/trace_clock: this kernel has no clock 'mono'", state_->folder));
  if (tracefs_instance_set_buffer_size(state_->instance, setup.buffer_kib, -1) < 0)
    throw RecordError(fmt::format("{}: no memory for {} KiB per CPU", state_->folder, setup.buffer_kib));
  state_->freed_at_our_end = ends_with_us(state_->instance, state_->folder);
  for (const Wanted& wanted : kWanted)
    if (tracefs_event_enable(state_->instance, wanted.system, wanted.event) != 0 && wanted.without == nullptr)
      throw RecordError(fmt::format("{}: event {}:{} cannot be enabled: {}", state_->folder, wanted.system,
                                    wanted.event, std::strerror(errno)));
  const std::size_t bytes = subbuffer_bytes(state_->folder);
  for (const auto& entry : std::filesystem::directory_iterator(state_->folder + "/per_cpu")) {
    const std::string cpu_name = entry.path().filename();
    if (const auto cpu = number<int>(std::string_view(cpu_name).substr(3)))
      state_->pipes.push_back(std::make_unique<RawPipe>(entry.path() / "trace_pipe_raw", *cpu, bytes));
  }
}

Recorder::~Recorder() = default;

std::vector<Event> Recorder::start() {
  // Before and after: a task that is born meanwhile has an event, and one that is gone had one if tracing was
  // on.
  const std::vector<Event> before = read_tasks();
  tracefs_trace_on(state_->instance);
  state_->on = true;
  std::vector<Event> tasks = read_tasks();
  std::unordered_set<std::int32_t> known;
  for (const Event& task : tasks) known.insert(task.pid);
  for (const Event& task : before)
    if (!known.contains(task.pid)) tasks.push_back(task);
  return tasks;
}

void Recorder::stop() {
  tracefs_trace_off(state_->instance);
  state_->on = false;
}

void Recorder::collect(std::vector<Event>& events) {
  // What was written before now is read below, on every CPU.
  const std::uint64_t complete = state_->on ? machine::silicon::now_ns() : UINT64_MAX;
  for (const auto& pipe : state_->pipes)
    pipe->drain([this](tep_record& record, int cpu) { state_->take(record, cpu); });
  auto& waiting = state_->waiting;
  std::stable_sort(waiting.begin(), waiting.end(),
                   [](const Event& a, const Event& b) { return a.time_ns < b.time_ns; });
  const auto end = std::partition_point(waiting.begin(), waiting.end(),
                                        [complete](const Event& event) { return event.time_ns < complete; });
  events.insert(events.end(), waiting.begin(), end);
  waiting.erase(waiting.begin(), end);
}

std::uint64_t Recorder::lost() const {
  std::uint64_t lost = 0;
  std::error_code error;
  for (const auto& cpu : std::filesystem::directory_iterator(state_->folder + "/per_cpu", error)) {
    std::ifstream stats(cpu.path() / "stats");
    for (std::string line; std::getline(stats, line);)
      for (const std::string_view name : {"overrun: ", "commit overrun: ", "dropped events: "})
        if (line.starts_with(name)) lost += number<std::uint64_t>(line.substr(name.size())).value_or(0);
  }
  return lost;
}

std::uint64_t Recorder::undecoded() const { return state_->undecoded; }
const std::vector<std::string>& Recorder::missing() const { return state_->missing; }

}  // namespace mmscale::trace
