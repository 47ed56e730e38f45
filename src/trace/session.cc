// SPDX-License-Identifier: MIT
#include "trace/session.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "measure/spread.h"
#include "measure/text_file.h"
#include "topology/quota.h"
#include "trace/builder.h"

namespace mmscale::trace {
namespace {

// Steps per chunk: large against what it costs to begin one on every CPU, small in memory.
constexpr std::size_t kChunk = 1 << 15;

// What a scheme's emulated system holds: for each slot of a task, and for each mm that lives, with the lines that the
// simulator knows of it. Of a million processes on one CPU 2,461 bytes each were measured, all together; schemes that keep
// something for each CPU have it in the mm.
constexpr std::uint64_t kBytesPerTask = 320;
constexpr std::uint64_t kBytesPerMm = 2200;
constexpr std::uint64_t kBytesPerMmAndCpu = 16;

// A line of a file in /proc, "NAME: N kB", in bytes.
std::optional<std::uint64_t> kibibytes(const char* path, std::string_view name) {
  const auto kib = measure::line_value(measure::read_text(path).value_or(""), name);
  return kib ? std::optional(static_cast<std::uint64_t>(*kib) << 10) : std::nullopt;
}

// Memory that a replay may take: half of what the machine, our cgroups and `ulimit -v` leave. Without an answer there is
// no bound.
std::uint64_t memory_at_hand() {
  std::uint64_t left = kibibytes("/proc/meminfo", "MemAvailable:").value_or(UINT64_MAX);
  left = std::min(left, topology::read_memory_left().value_or(UINT64_MAX));
  rlimit space;
  if (::getrlimit(RLIMIT_AS, &space) == 0 && space.rlim_cur != RLIM_INFINITY)
    if (const auto mapped = kibibytes("/proc/self/status", "VmSize:"))
      left = std::min<std::uint64_t>(left, space.rlim_cur > *mapped ? space.rlim_cur - *mapped : 0);
  return left / 2;
}

// How many schemes can be replayed in one pass over the trace. Throws TraceError if not one.
std::size_t schemes_at_once(const Facts& facts) {
  const std::uint64_t each = std::max<std::uint64_t>(
      facts.slots * kBytesPerTask + facts.most_alive * (kBytesPerMm + facts.cpus.size() * kBytesPerMmAndCpu),
      1);
  const std::uint64_t memory = memory_at_hand();
  if (each > memory)
    throw TraceError(
        fmt::format("{} tasks at a time: each scheme needs about {} MiB, {} may be used; --until, --cpu and "
                    "--comm choose a part of the trace",
                    facts.slots, each >> 20, memory >> 20));
  return static_cast<std::size_t>(memory / each);
}

// The chunks of a trace, one after the other.
class Chunks {
 public:
  explicit Chunks(const Trace& trace) : pass_(trace), builder_(trace.facts()) {}

  // The next one, into `chunk`, whose memory is used again; false at the end.
  bool next(Chunk& chunk) {
    Chunk& made = builder_.chunk();
    made.clear();
    for (Event event; made.steps < kChunk && pass_.next(event);) builder_.add(event);
    if (made.steps == 0) return false;
    const std::size_t cpus = made.cpus.size();
    std::swap(chunk, made);
    made.cpus.resize(cpus);
    return true;
  }

  Facts finish(const Facts& survey) {
    Facts facts = builder_.finish();
    facts.cpus = survey.cpus;
    facts.origins = survey.origins;
    facts.format = survey.format;
    facts.odd[static_cast<std::size_t>(Oddity::filtered)].count = pass_.filtered();
    return facts;
  }

 private:
  Trace::Pass pass_;
  Builder builder_;
};

}  // namespace

SessionResult replay_all(const Trace& trace, const std::vector<ReplaySpec>& specs, unsigned threads) {
  SessionResult session;
  if (specs.front().model == nullptr) {
    for (const ReplaySpec& spec : specs) {
      Chunks chunks(trace);
      const auto replay = make_replay(spec, trace.facts());
      replay->begin();
      for (Chunk chunk; chunks.next(chunk);) replay->run(chunk);
      session.schemes.push_back({spec, replay->finish()});
      session.facts = chunks.finish(trace.facts());
    }
    return session;
  }
  const std::size_t at_once = std::clamp<std::size_t>(schemes_at_once(trace.facts()), 1, specs.size());
  for (std::size_t first = 0; first < specs.size(); first += at_once) {
    ++session.passes;
    const auto some = std::span(specs).subspan(first, std::min(at_once, specs.size() - first));
    std::vector<SchemeResult> results(some.size());
    std::vector<std::unique_ptr<Replay>> replays(some.size());
    Chunks chunks(trace);
    Chunk running, following;
    bool more = false;
    const auto read_on = [&] { more = chunks.next(following); };
    const auto begin = [&](std::size_t i) {
      replays[i] = make_replay(some[i], trace.facts());
      replays[i]->begin();
    };
    measure::spread(some.size(), threads, begin, read_on);
    while (more) {
      std::swap(running, following);
      measure::spread(
          some.size(), threads, [&](std::size_t i) { replays[i]->run(running); }, read_on);
    }
    const auto finish = [&](std::size_t i) { results[i] = {some[i], replays[i]->finish()}; };
    measure::spread(some.size(), threads, finish);
    session.facts = chunks.finish(trace.facts());
    std::ranges::move(results, std::back_inserter(session.schemes));
  }
  return session;
}

}  // namespace mmscale::trace
