// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "cli/messages.h"
#include "cli/names.h"
#include "measure/environment.h"
#include "measure/output_file.h"
#include "trace/compact.h"
#include "trace/recorder.h"

namespace mmscale::cli {

namespace {

struct RecordOptions {
  std::string out = "mmscale.trace";
  std::string duration;
  std::string tracefs;
  std::size_t buffer_kib = 8192;
  bool hide_names = false;
  std::vector<std::string> command;
};

// How often the buffers are emptied.
constexpr std::chrono::milliseconds kPeriod{100};

// Signals that end the recording and not the program: the file is finished and the tracing instance removed. All that a
// process is sent and would die of (ulimit -t, an alarm set before exec), but those of its own faults.
constexpr std::array kEndings = {SIGINT,  SIGTERM, SIGHUP,  SIGQUIT,   SIGPIPE, SIGALRM,
                                 SIGUSR1, SIGUSR2, SIGXCPU, SIGVTALRM, SIGPROF};
volatile sig_atomic_t ended_by = 0;

void catch_endings() {
  struct sigaction action {};
  action.sa_handler = [](int signal_number) { ended_by = signal_number; };
  for (const int signal_number : kEndings) {
    struct sigaction before {};
    sigaction(signal_number, &action, &before);
    // nohup's recording goes on.
    if (signal_number == SIGHUP && before.sa_handler == SIG_IGN) sigaction(signal_number, &before, nullptr);
  }
}

// The command, forked but not yet executed: it must be there when the tasks are listed, and start when
// tracing is on.
class Recorded {
 public:
  // `quiet`: standard output is the trace's, and what it says goes to standard error.
  Recorded(const std::vector<std::string>& words, bool quiet) : name_(words.front()) {
    int go[2];
    int failure[2];
    if (pipe2(go, O_CLOEXEC) != 0 || pipe2(failure, O_CLOEXEC) != 0)
      throw trace::RecordError(fmt::format("no pipe: {}", std::strerror(errno)));
    go_ = go[1];
    failure_ = failure[0];
    pid_ = fork();
    if (pid_ == 0) {
      for (const int signal_number : kEndings) signal(signal_number, SIG_DFL);
      // It does not outlive a recorder that is killed.
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      close(go[1]);
      if (quiet) dup2(STDERR_FILENO, STDOUT_FILENO);
      char byte;
      // The recorder is gone if nothing comes.
      if (read(go[0], &byte, 1) != 1) _exit(1);
      std::vector<char*> arguments;
      for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
      arguments.push_back(nullptr);
      execvp(arguments[0], arguments.data());
      const int error = errno;
      _exit(write(failure[1], &error, sizeof(error)) == sizeof(error) ? 127 : 126);
    }
    close(go[0]);
    close(failure[1]);
    if (pid_ < 0) throw trace::RecordError(fmt::format("no process: {}", std::strerror(errno)));
  }
  ~Recorded() {
    close(go_);
    close(failure_);
    if (pid_ > 0) end();
  }
  Recorded(const Recorded&) = delete;
  Recorded& operator=(const Recorded&) = delete;

  pid_t pid() const { return pid_; }

  void go() {
    if (write(go_, "g", 1) != 1) throw trace::RecordError(fmt::format("{}: has ended", name_));
    int error = 0;
    // Closed by a successful exec.
    if (read(failure_, &error, sizeof(error)) == sizeof(error)) {
      waitpid(std::exchange(pid_, -1), nullptr, 0);
      cannot_run_ = fmt::format("{}: cannot be run: {}", name_, std::strerror(error));
    }
  }
  // Why there is nothing to record; empty if there is.
  const std::string& cannot_run() const { return cannot_run_; }

  // How it ended, in words; empty while it runs.
  std::string ended() {
    int status = 0;
    if (pid_ <= 0 || waitpid(pid_, &status, WNOHANG) != pid_) return {};
    pid_ = -1;
    return WIFSIGNALED(status) ? fmt::format("{}", strsignal(WTERMSIG(status)))
                               : fmt::format("status {}", WEXITSTATUS(status));
  }

 private:
  // Asks it to end, and makes it after kPatience.
  void end() {
    kill(pid_, SIGTERM);
    const auto asked = std::chrono::steady_clock::now();
    while (waitpid(pid_, nullptr, WNOHANG) == 0) {
      if (std::chrono::steady_clock::now() - asked > kPatience) kill(pid_, SIGKILL);
      poll(nullptr, 0, 10);
    }
  }

  static constexpr std::chrono::seconds kPatience{2};
  std::string name_;
  std::string cannot_run_;
  pid_t pid_ = -1;
  int go_ = -1;
  int failure_ = -1;
};

// With --hide-names: what the command did not start is called "other". Kernel threads keep their names.
class NameHider {
 public:
  NameHider(bool on, pid_t command) : on_(on) { shown_.insert(command); }

  void operator()(trace::Event& event) {
    if (!on_) return;
    if (event.kind == trace::Kind::task && event.kernel) shown_.insert(event.pid);
    if (event.kind == trace::Kind::newtask && shown_.contains(event.pid)) shown_.insert(event.other);
    hide(event.pid, event.comm);
    hide(event.other, event.other_comm);
  }

 private:
  void hide(std::int32_t pid, trace::Comm& comm) const {
    if (!comm.view().empty() && pid != 0 && !shown_.contains(pid)) comm = trace::Comm("other");
  }

  const bool on_;
  std::unordered_set<std::int32_t> shown_;
};

trace::Provenance provenance(const RecordOptions& options) {
  utsname system;
  uname(&system);
  const std::time_t now = std::time(nullptr);
  return {{"recorded-by", "mmscale record"},
          {"date", fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(now))},
          {"kernel", system.release},
          {"machine", system.machine},
          {"processor", measure::read_environment("/", {}, {})["cpu_model"]},
          {"cpus", fmt::format("{}", sysconf(_SC_NPROCESSORS_ONLN))},
          {"clock", "mono, ns"},
          {"command", options.hide_names        ? "(hidden)"
                      : options.command.empty() ? "(none)"
                                                : fmt::format("{}", fmt::join(options.command, " "))}};
}

int run(const RecordOptions& options) {
  if (options.command.empty() && options.duration.empty())
    throw UsageError("record: how long? --seconds N, or -- and a command");
  std::optional<std::chrono::steady_clock::duration> limit;
  if (!options.duration.empty()) {
    const bool bare = options.duration.find_first_not_of("0123456789.") == std::string::npos;
    limit = parse_duration("--seconds", bare ? options.duration + "s" : options.duration);
  }
  catch_endings();
  trace::Recorder recorder(
      {options.tracefs.empty() ? trace::find_tracefs() : options.tracefs, options.buffer_kib});
  for (const std::string& line : recorder.missing()) fmt::print(stderr, "mmscale: {}\n", line);
  trace::CompactWriter file(options.out, provenance(options));
  std::optional<Recorded> command;
  if (!options.command.empty()) command.emplace(options.command, measure::is_standard_output(options.out));

  NameHider hide(options.hide_names, command ? command->pid() : 0);
  std::uint64_t written = 0;
  const auto write = [&](std::vector<trace::Event>& events) {
    for (trace::Event& event : events) {
      hide(event);
      // The emitter of what says nothing else is what the next event of its CPU says, too.
      if (event.kind != trace::Kind::seen) file.write(event), ++written;
    }
    events.clear();
  };
  std::vector<trace::Event> events = recorder.start();
  const std::size_t tasks = events.size();
  write(events);
  const auto start = std::chrono::steady_clock::now();
  std::string how;
  if (command) command->go();
  if (command && !command->cannot_run().empty()) {
    quiet() = false;
    fmt::print(stderr, "mmscale: {}\n", printable(command->cannot_run()));
    return kCannotRun;
  }
  while (ended_by == 0 && (!limit || std::chrono::steady_clock::now() - start < *limit)) {
    if (command && !(how = command->ended()).empty()) break;
    poll(nullptr, 0, static_cast<int>(kPeriod.count()));
    recorder.collect(events);
    write(events);
  }
  recorder.stop();
  recorder.collect(events);
  write(events);
  file.finish();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print(measure::screen_beside(options.out),
             "{}: {} events in {:.1f} s, {} tasks were there before{}{}\n",
             measure::is_standard_output(options.out) ? "standard output" : options.out, written - tasks,
             seconds, tasks, how.empty() ? "" : "; the command ended: " + how,
             ended_by != 0 ? fmt::format("; ended by {}", strsignal(ended_by)) : "");
  if (const std::uint64_t lost = recorder.lost())
    fmt::print(
        stderr,
        "mmscale: {} events were lost, the buffer of {} KiB per CPU was full; --buffer makes it larger\n",
        lost, options.buffer_kib);
  if (recorder.undecoded() != 0)
    fmt::print(stderr, "mmscale: {} records could not be decoded and are missing\n", recorder.undecoded());
  return ended_by == SIGINT ? 130 : 0;
}

}  // namespace

void add_record_command(Start& start) {
  auto options = std::make_shared<RecordOptions>();
  Command command(start, "record",
                  "Record this machine's scheduler for mmscale replay; needs root and tracefs");
  command.take("--out", options->out);
  command.take("--seconds", options->duration);
  command.take("--buffer", options->buffer_kib);
  command.take("--tracefs", options->tracefs);
  command.take("--hide-names", options->hide_names);
  command.take_words("COMMAND", options->command, "After --: recorded from its start to its end");
  command.run([options] { return run(*options); });
}

}  // namespace mmscale::cli
