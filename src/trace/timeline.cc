// SPDX-License-Identifier: MIT
//
// The format: "Trace Event Format" (Chromium's documentation). Begin and end rather than complete events, so that each
// track is written in the order of its time.
#include "trace/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

namespace mmscale::trace {
namespace {

// Beyond the processes' numbers, since a thread with its process's number is shown as its main thread.
constexpr unsigned kFirstTrack = 1000;

unsigned track_number(unsigned cpu, Timeline::Track track) {
  return kFirstTrack + 2 * cpu + static_cast<unsigned>(track);
}

}  // namespace

std::string json_string(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

TimelineFile::TimelineFile(const std::string& path, std::size_t replays)
    : compressed_(path.ends_with(".gz")),
      share_(kMostEvents / std::max<std::size_t>(replays, 1)),
      file_(path, measure::Readers::owner) {
  put("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [");
}

void TimelineFile::put(std::string_view text) {
  const std::string packed = compressed_ ? measure::gzip_member(text) : std::string(text);
  file_.write(packed, end_);
  end_ += static_cast<off_t>(packed.size());
}

void TimelineFile::write(std::string_view events) {
  if (events.empty()) return;
  const std::lock_guard lock(mutex_);
  if (std::exchange(empty_, false)) events.remove_prefix(1);
  put(events);
}

void TimelineFile::cut_short(std::string_view name, std::uint64_t ns) {
  const std::lock_guard lock(mutex_);
  cut_short_.emplace(name, ns);
}

void TimelineFile::close() {
  put("\n]}\n");
  file_.commit();
}

std::vector<std::string> TimelineFile::notes() const {
  std::vector<std::string> notes;
  for (const auto& [name, ns] : cut_short_)
    notes.push_back(fmt::format(
        "{}: {} is shown until {:.9f} s only, after {} events; --scheme, --until, --cpu and --comm "
        "choose a part",
        file_.name(), name, static_cast<double>(ns) * 1e-9, share_));
  return notes;
}

Timeline::Timeline(TimelineFile& file, unsigned process, std::string name,
                   const std::vector<std::uint32_t>& cpus)
    : file_(file), process_(process), name_(std::move(name)), left_(file.share()), open_(2 * cpus.size()) {
  const auto describe = [&](unsigned thread, std::string_view what, std::string_view args) {
    fmt::format_to(std::back_inserter(text_), R"(,
{{"ph": "M", "pid": {}, "tid": {}, "name": "{}", "args": {{{}}}}})",
                   process_, thread, what, args);
  };
  describe(0, "process_name", fmt::format(R"("name": {})", json_string(name_)));
  describe(0, "process_sort_index", fmt::format(R"("sort_index": {})", process_));
  for (unsigned cpu = 0; cpu < cpus.size(); ++cpu)
    for (const Track track : {Track::runs, Track::borrows}) {
      const unsigned number = track_number(cpu, track);
      describe(number, "thread_name",
               fmt::format(R"("name": "CPU {}{}")", cpus[cpu], track == Track::borrows ? " borrows" : ""));
      describe(number, "thread_sort_index", fmt::format(R"("sort_index": {})", number));
    }
}

// Whether an event more is within the share; with the first that is not, the replay's timeline ends.
bool Timeline::has_room(std::uint64_t ns) {
  if (over_) return false;
  if (left_ == 0) {
    end_all(ns);
    over_ = true;
    file_.cut_short(name_, ns);
    return false;
  }
  --left_;
  return true;
}

void Timeline::put(char kind, unsigned cpu, Track track, std::uint64_t ns, std::string_view rest) {
  open(cpu, track).last_ns = ns;
  fmt::format_to(std::back_inserter(text_), R"(,
{{"ph": "{}", "pid": {}, "tid": {}, "ts": {}.{:03}{}}})",
                 kind, process_, track_number(cpu, track), ns / 1000, ns % 1000, rest);
}

void Timeline::begin(unsigned cpu, Track track, std::uint64_t ns, std::string_view name,
                     std::string_view args) {
  if (!has_room(ns)) return;
  put('B', cpu, track, ns, fmt::format(R"(, "name": {}, "args": {{{}}})", json_string(name), args));
  ++open(cpu, track).depth;
}

// Not counted: what has begun has room for its end.
void Timeline::end(unsigned cpu, Track track, std::uint64_t ns, std::string_view args) {
  if (over_ || open(cpu, track).depth == 0) return;
  put('E', cpu, track, ns, fmt::format(R"(, "args": {{{}}})", args));
  --open(cpu, track).depth;
}

void Timeline::instant(unsigned cpu, Track track, std::uint64_t ns, std::string_view name,
                       std::string_view args) {
  if (has_room(ns))
    put('i', cpu, track, ns,
        fmt::format(R"(, "s": "t", "name": {}, "args": {{{}}})", json_string(name), args));
}

void Timeline::arrow(char end, unsigned cpu, std::uint64_t ns, std::uint64_t id) {
  if (has_room(ns))
    put(end, cpu, Track::runs, ns,
        fmt::format(R"({}, "name": "IPI", "cat": {}, "id": {})", end == 'f' ? R"(, "bp": "e")" : "",
                    json_string(name_), id));
}

void Timeline::flush() {
  file_.write(text_);
  text_.clear();
}

void Timeline::end_all(std::uint64_t ns) {
  for (unsigned cpu = 0; 2 * cpu < open_.size(); ++cpu)
    for (const Track track : {Track::runs, Track::borrows})
      while (open(cpu, track).depth != 0) end(cpu, track, std::max(ns, open(cpu, track).last_ns));
}

void Timeline::finish(std::uint64_t ns, std::string_view label) {
  end_all(ns);
  fmt::format_to(std::back_inserter(text_), R"(,
{{"ph": "M", "pid": {}, "tid": 0, "name": "process_labels", "args": {{"labels": {}}}}})",
                 process_, json_string(label));
  flush();
}

}  // namespace mmscale::trace
