// SPDX-License-Identifier: MIT
#include "trace/session.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

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

// Threads that each have some of the replays, and go through the chunks in step with the reader: while they
// run one, it makes the next.
class Farm {
 public:
  Farm(const Facts& facts, std::span<const ReplaySpec> specs, unsigned threads,
       std::vector<SchemeResult>& results)
      : facts_(facts), specs_(specs), results_(results), barrier_(threads + 1) {
    try {
      while (threads_.size() < threads)
        threads_.emplace_back([this, first = static_cast<unsigned>(threads_.size())] {
          threads_there_.wait(0);
          work(first, threads_there_);
        });
    } catch (const std::system_error& error) {
      // Fewer do as well.
      if (threads_.empty())
        throw std::runtime_error(fmt::format("no thread to replay in: {}", error.code().message()));
      for (std::size_t i = threads_.size(); i < threads; ++i) barrier_.arrive_and_drop();
    }
    threads_there_ = static_cast<unsigned>(threads_.size());
    threads_there_.notify_all();
  }
  // Not finished: the reader met an error, and no result is wanted.
  ~Farm() {
    if (over_) return;
    failed_ = true;
    end();
  }

  // Hands a chunk over; returns when the one before is done.
  void run(Chunk& chunk) {
    barrier_.arrive_and_wait();
    std::swap(chunk, running_);
    barrier_.arrive_and_wait();
  }

  // After the last chunk: until all results are there.
  void finish() {
    end();
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void end() {
    barrier_.arrive_and_wait();
    over_ = true;
    barrier_.arrive_and_wait();
    threads_.clear();
  }

  void work(unsigned first, unsigned stride) {
    std::vector<std::pair<std::size_t, std::unique_ptr<Replay>>> replays;
    guarded([&] {
      for (std::size_t i = first; i < specs_.size(); i += stride) {
        replays.emplace_back(i, make_replay(specs_[i], facts_));
        replays.back().second->begin();
      }
    });
    for (;;) {
      barrier_.arrive_and_wait();
      barrier_.arrive_and_wait();
      if (over_) break;
      guarded([&] {
        for (auto& [i, replay] : replays) replay->run(running_);
      });
    }
    guarded([&] {
      for (auto& [i, replay] : replays) results_[i] = {specs_[i], replay->finish()};
    });
  }

  // The first error ends all work; the threads go on meeting at the barrier.
  template <class F>
  void guarded(F&& f) {
    try {
      if (!failed_.load()) f();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
      failed_ = true;
    }
  }

  const Facts& facts_;
  const std::span<const ReplaySpec> specs_;
  std::vector<SchemeResult>& results_;
  std::barrier<> barrier_;
  Chunk running_;
  bool over_ = false;
  std::atomic<unsigned> threads_there_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::exception_ptr error_;
  std::vector<std::jthread> threads_;
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
    Chunks chunks(trace);
    Farm farm(trace.facts(), some, std::clamp(threads, 1u, static_cast<unsigned>(some.size())), results);
    for (Chunk chunk; chunks.next(chunk);) farm.run(chunk);
    farm.finish();
    session.facts = chunks.finish(trace.facts());
    std::ranges::move(results, std::back_inserter(session.schemes));
  }
  return session;
}

}  // namespace mmscale::trace
