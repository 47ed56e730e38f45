// SPDX-License-Identifier: MIT
//
// A replay in virtual time as a file that ui.perfetto.dev opens: Chrome's trace events as JSON. Every replay is a process
// in it with two tracks for each CPU of the trace: what it runs, and what it borrows.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "measure/output_file.h"

namespace mmscale::trace {

// Text as a JSON string, with its quotes; bytes that are not UTF-8 are replaced.
std::string json_string(std::string_view text);

// The file, which several replays write at a time. It takes its place when it is closed, and is for its owner alone: it
// names everybody's processes. A name that ends in .gz is written by gzip.
class TimelineFile {
 public:
  // Events in a file: some 400 MB, about what a browser opens.
  static constexpr std::uint64_t kMostEvents = 4'000'000;

  // Opens it, for that many replays. Throws OutputError.
  TimelineFile(const std::string& path, std::size_t replays);

  // How many events a replay may write, so that all find room.
  std::uint64_t share() const { return share_; }

  // `events`: each begins with a comma. Throws OutputError.
  void write(std::string_view events);
  // That a replay's share is used up: `name` is shown until `ns` of the trace only.
  void cut_short(std::string_view name, std::uint64_t ns);
  // Ends the document and puts it into its place. Throws OutputError.
  void close();

  // One line for each replay that was cut short, in their order.
  std::vector<std::string> notes() const;

 private:
  void put(std::string_view text);

  const bool compressed_;
  const std::uint64_t share_;
  std::mutex mutex_;
  measure::OutputFile file_;
  off_t end_ = 0;
  bool empty_ = true;
  std::map<std::string, std::uint64_t> cut_short_;
};

// What one replay writes. In memory until `flush`, so that fibers can write, too.
class Timeline {
 public:
  enum class Track : std::uint8_t { runs, borrows };

  // `process`: unique in the file. `cpus`: the trace's numbers of the emulated CPUs.
  Timeline(TimelineFile& file, unsigned process, std::string name, const std::vector<std::uint32_t>& cpus);

  // Slices of a track nest. `args`: members of a JSON object, or nothing. `ns`: since the trace's beginning; on a track
  // time does not go back.
  void begin(unsigned cpu, Track track, std::uint64_t ns, std::string_view name, std::string_view args = {});
  void end(unsigned cpu, Track track, std::uint64_t ns, std::string_view args = {});
  void instant(unsigned cpu, Track track, std::uint64_t ns, std::string_view name,
               std::string_view args = {});
  // An arrow from the slice that is open on one CPU to that which opens on another.
  void arrow_from(unsigned cpu, std::uint64_t ns, std::uint64_t id) { arrow('s', cpu, ns, id); }
  void arrow_to(unsigned cpu, std::uint64_t ns, std::uint64_t id) { arrow('f', cpu, ns, id); }

  // Hands over what there is. Not on a fiber: it may throw.
  void flush();
  // Ends all slices, at `ns` or where their CPU already is, and flushes. `label`: what stands beside the process.
  void finish(std::uint64_t ns, std::string_view label);

 private:
  struct Open {
    std::uint64_t last_ns = 0;
    unsigned depth = 0;
  };

  Open& open(unsigned cpu, Track track) { return open_[2 * cpu + static_cast<unsigned>(track)]; }
  void arrow(char end, unsigned cpu, std::uint64_t ns, std::uint64_t id);
  bool has_room(std::uint64_t ns);
  void end_all(std::uint64_t ns);
  void put(char kind, unsigned cpu, Track track, std::uint64_t ns, std::string_view rest);

  TimelineFile& file_;
  const unsigned process_;
  const std::string name_;
  std::uint64_t left_;
  bool over_ = false;
  std::vector<Open> open_;
  std::string text_;
};

}  // namespace mmscale::trace
