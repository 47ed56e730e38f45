// SPDX-License-Identifier: MIT
//
// Records the scheduler with the kernel's tracer, in a tracing instance of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "trace/event.h"

namespace mmscale::trace {

// What stands in the way; what() is one line that says what to do about it.
class RecordError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Where tracefs is mounted. Throws RecordError: not in this kernel, or not mounted.
std::string find_tracefs();

// Whether pids here are not those that the kernel's tracer writes.
bool in_pid_namespace();

// Removes the instances of recorders that were killed, and their guards with them: their process is gone, and nobody
// holds them open. Returns their folders. Where there is no tracefs, or it may not be looked at, there are none.
std::vector<std::string> remove_stale_instances();

struct RecorderSetup {
  std::string tracefs;
  // Ring buffer of each CPU, KiB.
  std::size_t buffer_kib = 8192;
};

// From construction to destruction there is an instance "mmscale-PID" under TRACEFS/instances. Of a recorder that is killed
// the kernel stops the tracing and frees the buffers; the folder is removed by a process that waits for the recorder's end,
// and, if that is killed with it, by the next command.
class Recorder {
 public:
  // Throws RecordError: no permission, a PID namespace of its own, an event or the clock that the kernel does not have.
  explicit Recorder(const RecorderSetup& setup);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Tracing on. Returns the tasks that were there, as Kind::task events.
  std::vector<Event> start();
  void stop();

  // Appends the events since the last call, in the order of time; after stop, all that are left.
  void collect(std::vector<Event>& events);

  // Events that the kernel dropped because the buffer was full, and those that could not be decoded.
  std::uint64_t lost() const;
  std::uint64_t undecoded() const;
  // What the kernel does not have and can be done without, one line each.
  const std::vector<std::string>& missing() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace mmscale::trace
