// SPDX-License-Identifier: MIT
#include "campaign/session.h"

#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <regex>
#include <set>
#include <sstream>
#include <stdexcept>

#include "campaign/attempt.h"
#include "campaign/console.h"
#include "campaign/formats.h"
#include "campaign/record_file.h"
#include "measure/output_file.h"
#include "topology/text.h"

namespace mmscale::campaign {
namespace {

using measure::Record;
using Run = benchmark::BenchmarkReporter::Run;

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free);

// The first SIGINT or SIGTERM lets the window end and skips the rest; the second one kills, as without us.
class InterruptHandler {
 public:
  InterruptHandler() {
    struct sigaction action = {};
    action.sa_handler = [](int) { interrupted.store(true); };
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
    sigaction(SIGINT, &action, &old_int_);
    sigaction(SIGTERM, &action, &old_term_);
  }
  ~InterruptHandler() {
    sigaction(SIGINT, &old_int_, nullptr);
    sigaction(SIGTERM, &old_term_, nullptr);
  }
  InterruptHandler(const InterruptHandler&) = delete;
  InterruptHandler& operator=(const InterruptHandler&) = delete;

 private:
  struct sigaction old_int_;
  struct sigaction old_term_;
};

// Google Benchmark hands its results over when a case has had all repetitions; ours have gone out by then.
class SilentReporter final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>&) override {}
};

// An environment variable BENCHMARK_X stands for a flag --benchmark_x that is not given.
std::string flag_default(std::string_view name, std::string_view otherwise) {
  std::string variable(name);
  std::transform(variable.begin(), variable.end(), variable.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  const char* value = std::getenv(variable.c_str());
  return value == nullptr ? std::string(otherwise) : value;
}

constexpr int kMostSeconds = 1'000'000;

// A time as Google Benchmark takes it, with or without its "s".
bool is_time(std::string_view text) {
  if (text.ends_with('s')) text.remove_suffix(1);
  const auto seconds = topology::number<double>(text);
  return seconds && *seconds >= 0 && *seconds <= kMostSeconds;
}

bool truth(const std::string& text) {
  return text != "0" && text != "f" && text != "n" && text != "false" && text != "no" && text != "off" &&
         !text.empty();
}

class Session {
 public:
  Session(measure::Bench& bench, SessionSetup setup)
      : bench_(bench),
        setup_(std::move(setup)),
        results_(setup_.cases.size()),
        stopped_(setup_.cases.size()) {}

  Outcome run() {
    for (const auto& [key, value] : setup_.context) benchmark::AddCustomContext(key, value);
    initialize_google_benchmark();
    if (!setup_.out.empty()) file_.emplace(setup_.out, context_json());
    if (!setup_.google.out.empty() && setup_.google.out_format != "json")
      text_file_.emplace(setup_.google.out);
    progress_.emplace(stderr, static_cast<unsigned>(setup_.cases.size()) * setup_.repetitions, setup_.live);

    for (std::size_t i = 0; i < setup_.cases.size(); ++i)
      benchmark::RegisterBenchmark(setup_.cases[i].name.c_str(), [this, i](benchmark::State& state) {
        repeat(state, i);
      })->UseManualTime();
    SilentReporter silent;
    {
      InterruptHandler handler;
      try {
        benchmark::RunSpecifiedBenchmarks(&silent, "all");
        make_up();
      } catch (const Interrupted&) {
      } catch (...) {
        failed_ = std::current_exception();
      }
    }
    // Not Shutdown(): it frees the context, which what is shown at the end still has in it.
    benchmark::ClearRegisteredBenchmarks();
    progress_->end();
    if (file_ && !failed_) {
      for (const auto& repetitions : results_)
        for (const Run& run : aggregates(repetitions)) file_->append(to_json(run));
      for (const Conclusion& conclusion : conclusions()) file_->append(to_json(conclusion));
      file_->close();
    }
    display();
    for (const std::string& lost : stopped_)
      if (!lost.empty()) fmt::print(stderr, "mmscale: {}\n", lost);
    if (failed_) std::rethrow_exception(failed_);
    return outcome();
  }

 private:
  // Thrown through Google Benchmark: it would go through all repetitions that are left, up to a million of each case.
  struct Interrupted {};

  // Our defaults first, so that what the user says wins.
  void initialize_google_benchmark() {
    // It keeps the pointer to the program's name for its context.
    static std::string program = "mmscale";
    std::vector<std::string> arguments = {
        fmt::format("--benchmark_repetitions={}", setup_.repetitions),
        "--benchmark_enable_random_interleaving=" +
            flag_default("benchmark_enable_random_interleaving", "true"),
        // Any window satisfies it: one iteration, one window.
        "--benchmark_min_time=" + flag_default("benchmark_min_time", "0"),
        // Ours to write, BENCHMARK_OUT's too; it would write its own over it.
        "--benchmark_out="};
    for (const std::string& flag : setup_.google.raw) arguments.push_back(flag);
    std::vector<char*> argv = {program.data()};
    for (std::string& argument : arguments) argv.push_back(argument.data());
    int argc = static_cast<int>(argv.size());
    // What it says of a bad value goes into our one line.
    std::ostringstream complaint;
    std::streambuf* const screen = std::cerr.rdbuf(complaint.rdbuf());
    benchmark::Initialize(&argc, argv.data());
    std::cerr.rdbuf(screen);
    if (argc <= 1) return;
    std::string what = complaint.str();
    what.resize(what.find_last_not_of('\n') + 1);
    throw std::invalid_argument(what.empty() ? fmt::format("Google Benchmark does not understand {}", argv[1])
                                             : fmt::format("{}: {}", argv[1], what));
  }

  // One repetition of a case: one window for each iteration that Google Benchmark asks for, which is one
  // unless
  // --benchmark_min_time says otherwise.
  void repeat(benchmark::State& state, std::size_t index) {
    for ([[maybe_unused]] auto _ : state) {
      if (interrupted) throw Interrupted();
      state.SetIterationTime(run_window(index));
    }
  }

  static bool counts(const std::vector<Record>& repetitions) {
    return std::ranges::any_of(repetitions, &Record::valid);
  }

  // More windows, round after round, of cases of which none counts. They are chosen by what disturbed the machine and not
  // by what they measured. Where nothing counts at all, more would not either.
  void make_up() {
    for (std::size_t left = setup_.spare; left > 0 && std::ranges::any_of(results_, counts);) {
      std::vector<std::size_t> lost;
      for (std::size_t i = 0; i < results_.size(); ++i)
        if (!results_[i].empty() && stopped_[i].empty() && !counts(results_[i])) lost.push_back(i);
      if (lost.empty()) return;
      for (const std::size_t index : lost) {
        if (left == 0 || interrupted) return;
        --left;
        run_window(index);
      }
    }
  }

  // Runs and records one window; its length in seconds.
  double run_window(std::size_t index) {
    const Case& c = setup_.cases[index];
    if (!stopped_[index].empty()) return 0;
    // Counts windows: with a --benchmark_min_time there are several to one of Google Benchmark's repetitions.
    const auto repetition = static_cast<unsigned>(results_[index].size());
    progress_->starting(c.name, repetition);
    auto [record, stuck] = attempt(bench_, c, repetition, setup_.repetitions, setup_.times);
    if (stuck)
      stopped_[index] = fmt::format("{}: given up: {}", c.name, record.window.verdict.reasons.front());
    // Whoever reads of a window on the screen finds it in the file.
    if (file_ && !setup_.google.file_aggregates_only) file_->append(to_json(record));
    progress_->finished(record);
    const auto audit = record.window.audit;
    results_[index].push_back(std::move(record));
    if (!audit.empty())
      throw std::runtime_error(fmt::format("{}: conservation broken: {}", c.name, fmt::join(audit, "; ")));
    return static_cast<double>(setup_.times.measure.count()) * 1e-9;
  }

  std::vector<Conclusion> conclusions() const {
    std::vector<Conclusion> all;
    for (const auto& conclude : setup_.conclude)
      for (Conclusion& conclusion : conclude(results_)) all.push_back(std::move(conclusion));
    return all;
  }

  std::string text_of_results() const {
    std::string text = results_table(results_) + pmu_table(results_);
    for (const Conclusion& conclusion : conclusions()) text += conclusion.text + "\n";
    return text;
  }

  std::string in_format(std::string_view format, bool aggregates_only) const {
    if (format == "csv") return csv(results_, aggregates_only);
    if (format == "lkp") return lkp(results_);
    if (format == "prometheus") return prometheus(results_);
    if (format != "json") return text_of_results();
    nlohmann::ordered_json all = document(results_, aggregates_only);
    for (const Conclusion& conclusion : conclusions()) all["benchmarks"].push_back(to_json(conclusion));
    return all.dump(2) + "\n";
  }

  void display() {
    const GoogleFlags& google = setup_.google;
    // Standard output belongs to the records if they go there.
    fmt::print(measure::screen_beside(setup_.out), "{}",
               in_format(google.format, google.display_aggregates_only));
    // A full disk shows when the buffer goes out, not when it is filled.
    if (std::fflush(stdout) != 0)
      throw measure::OutputError(fmt::format("cannot write standard output: {}", std::strerror(errno)));
    if (!text_file_) return;
    text_file_->write(in_format(google.out_format, google.file_aggregates_only), 0);
    text_file_->commit();
  }

  Outcome outcome() const {
    if (file_ && !file_->mishap().empty()) return Outcome::failed;
    if (interrupted) {
      std::size_t windows = 0;
      for (const auto& repetitions : results_) windows += repetitions.size();
      fmt::print(stderr, "mmscale: interrupted after {} of {} windows{}\n", windows,
                 setup_.cases.size() * setup_.repetitions,
                 setup_.out.empty() || measure::is_standard_output(setup_.out)
                     ? ""
                     : fmt::format("; they are in {}", setup_.out));
      return Outcome::interrupted;
    }
    std::size_t without = 0;
    std::string example;
    for (const auto& repetitions : results_) {
      if (counts(repetitions)) continue;
      ++without;
      if (example.empty() && !repetitions.empty())
        example = fmt::format("; {}: {}", repetitions.front().name,
                              repetitions.front().window.verdict.reasons.front());
    }
    if (without == 0) return Outcome::ok;
    fmt::print(stderr, "mmscale: {} of {} cases have no valid window{}\n", without, results_.size(), example);
    return Outcome::nothing_valid;
  }

  measure::Bench& bench_;
  const SessionSetup setup_;
  std::vector<std::vector<Record>> results_;
  // Of each case that is measured no more, why.
  std::vector<std::string> stopped_;
  std::optional<RecordFile> file_;
  // --benchmark_out in a format that is not records: opened before anything is measured in vain, written at the end.
  std::optional<measure::OutputFile> text_file_;
  std::optional<Progress> progress_;
  std::exception_ptr failed_;
};

}  // namespace

GoogleFlags GoogleFlags::take_from(std::vector<std::string>& arguments) {
  constexpr std::string_view kPrefix = "--benchmark_";
  GoogleFlags flags;
  std::map<std::string, std::string> values;
  std::erase_if(arguments, [&](const std::string& argument) {
    if (!argument.starts_with(kPrefix)) return false;
    const std::size_t equals = argument.find('=');
    const std::string name = argument.substr(2, equals == std::string::npos ? equals : equals - 2);
    values[name] = equals == std::string::npos ? "true" : argument.substr(equals + 1);
    // Filter and outputs are ours to carry out; Google Benchmark would do them its way on top.
    static const std::set<std::string> kOurs = {"benchmark_filter", "benchmark_format", "benchmark_out",
                                                "benchmark_out_format", "benchmark_list_tests"};
    if (!kOurs.contains(name)) flags.raw.push_back(argument);
    return true;
  });
  const auto value = [&values](const char* name, std::string_view otherwise) {
    const auto found = values.find(name);
    return found != values.end() ? found->second : flag_default(name, otherwise);
  };
  using Words = std::initializer_list<std::string_view>;
  const auto one_of = [&value](const char* name, std::string_view otherwise, Words allowed) {
    const std::string text = value(name, otherwise);
    if (!topology::contains(allowed, text))
      throw std::invalid_argument(fmt::format("--{}={}: there are {}", name, text, fmt::join(allowed, ", ")));
    return text;
  };
  const auto kFormats = {std::string_view("console"), std::string_view("json"), std::string_view("csv")};
  flags.filter = value("benchmark_filter", "");
  flags.format = one_of("benchmark_format", "console", kFormats);
  flags.out = value("benchmark_out", "");
  flags.out_format = one_of("benchmark_out_format", "json", kFormats);
  flags.list_tests = truth(value("benchmark_list_tests", ""));
  const bool report = truth(value("benchmark_report_aggregates_only", ""));
  const bool display = truth(value("benchmark_display_aggregates_only", ""));
  flags.file_aggregates_only = report;
  flags.display_aggregates_only = report || display;
  // It would show its own help and end, with status 0.
  one_of("benchmark_time_unit", "ns", {"ns", "us", "ms", "s"});
  // It would take infinity, and measure for ever.
  for (const char* const name : {"benchmark_min_time", "benchmark_min_warmup_time"})
    if (const std::string text = value(name, "0"); !is_time(text))
      throw std::invalid_argument(fmt::format("--{}={}: seconds, from 0 to {}", name, text, kMostSeconds));
  const std::string text = value("benchmark_repetitions", "");
  if (values.contains("benchmark_repetitions") || !text.empty()) {
    const auto repetitions = topology::number<unsigned>(text);
    if (!repetitions || *repetitions == 0 || *repetitions > 1'000'000)
      throw std::invalid_argument(
          fmt::format("--benchmark_repetitions={}: a number from 1 to 1000000", text));
    flags.repetitions = *repetitions;
  }
  return flags;
}

std::vector<Case> filtered(std::vector<Case> cases, const std::string& filter) {
  if (filter.empty() || filter == "all") return cases;
  const bool excludes = filter.front() == '-';
  try {
    const std::regex expression(excludes ? filter.substr(1) : filter, std::regex::extended);
    std::erase_if(cases, [&](const Case& c) { return std::regex_search(c.name, expression) == excludes; });
  } catch (const std::regex_error& error) {
    throw std::invalid_argument(fmt::format("--benchmark_filter={}: {}", filter, error.what()));
  }
  return cases;
}

Outcome run_session(measure::Bench& bench, SessionSetup setup) {
  return Session(bench, std::move(setup)).run();
}

}  // namespace mmscale::campaign
