// SPDX-License-Identifier: MIT
#include "calibrate/calibration.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "bench/families.h"
#include "bench/stability.h"
#include "campaign/attempt.h"
#include "campaign/console.h"
#include "machine/silicon/transport.h"
#include "machine/simulator/model_file.h"
#include "measure/atomics.h"
#include "measure/statistics.h"
#include "measure/tick_rate.h"
#include "topology/synthetic_form.h"
#include "workload/floor_loads.h"

namespace mmscale::calibrate {
namespace {

using bench::home_of;
using bench::ipi_cases;
using bench::line_cases;
using campaign::Case;
using campaign::Choice;
using machine::simulator::kReaches;
using machine::simulator::kReachNames;
using machine::simulator::Reach;
using measure::Record;

// A case, the windows it has had, and what they tell.
struct Question {
  Case asked;
  // Values of a window by what they are of; most questions have one, the line has one for each reach.
  std::function<std::vector<std::pair<std::size_t, double>>(const Record&)> values;
  // Where the reading for a kind of value goes.
  std::function<std::optional<Reading>&(std::size_t)> goes_to;
  std::vector<Record> windows = {};
  // A window did not come back.
  bool stuck = false;
};

class Calibrator {
 public:
  Calibrator(measure::Bench& bench, const CalibrationSetup& setup)
      : bench_(bench), setup_(setup), layout_(bench.topology.layout()) {
    choice_.placements = {topology::parse_placement("compact")};
    pus_ = topology::order(layout_, choice_.placements.front());
    usable_ = static_cast<unsigned>(pus_.size());
    if (bench.quota.cpus && *bench.quota.cpus < usable_) {
      usable_ = std::max(1u, static_cast<unsigned>(*bench.quota.cpus));
      result_.remarks.push_back(
          fmt::format("at most {} CPUs at a time: CPU quota, {}", usable_, bench.quota.source));
    }
  }

  Calibration run() {
    HostCosts& costs = result_.costs;
    costs.kind = machine_kind();
    costs.ll_sc = measure::kAtomics == "LL/SC";
    costs.topology = topology::synthetic_form(bench_.topology);
    costs.cpus = pus_.size();
    costs.domain = line_domain(layout_);
    const auto whole = topology::count(layout_);
    if (costs.cpus < whole.online)
      result_.remarks.push_back(fmt::format("the machine file has {} of {} CPUs, those that may be used",
                                            costs.cpus, whole.online));
    // A pair is two atomic operations, the line at hand.
    const std::vector<unsigned> one = {pus_.front()};
    ask_loop("private", one, 0.5, costs.atomic);
    ask_loop("fence", one, 1, costs.fence);
    ask_loop("load", one, 1, costs.load);
    ask_loop("store", one, 1, costs.store);
    if (usable_ > 1) {
      ask_line();
      if (const auto other = neighbour()) ask_loop("incdec", {pus_.front(), *other}, 1, costs.contended);
      ask_calls();
    } else {
      result_.remarks.push_back("1 CPU: no line travels and nobody is interrupted");
    }
    measure::TickRate rate;
    rate.begin();
    for (unsigned repetition = 0; repetition < setup_.repetitions; ++repetition)
      for (Question& question : questions_) run_window(question, repetition);
    rate.end();
    costs.tick = Reading{rate.ns_per_tick(), "mmscale calibrate: the counter against CLOCK_MONOTONIC"};
    for (const Question& question : questions_) conclude(question);
    return std::move(result_);
  }

 private:
  // `share` of what a round takes each of those CPUs.
  void ask_loop(std::string_view name, const std::vector<unsigned>& pus, double share,
                std::optional<Reading>& reading) {
    measure::Subject subject = bench::floor_subject(layout_, choice_, name, "compact", pus);
    questions_.push_back({{fmt::format("floor/{}/compact/cpus:{}", name, pus.size()), subject,
                           [cpus = static_cast<unsigned>(pus.size())](const measure::Subject& s) {
                             return workload::make_floor_load(s.scheme, cpus, s.home_node);
                           }},
                          [share](const Record& record) -> std::vector<std::pair<std::size_t, double>> {
                            const auto ns = record.window.ns_per_round();
                            if (!ns) return {};
                            return {{0, *ns * share}};
                          },
                          [&reading](std::size_t) -> std::optional<Reading>& { return reading; }});
  }

  // A CPU of another core of the first one's domain, if there is any.
  std::optional<unsigned> neighbour() const {
    const topology::Pu& first = *topology::find(layout_, pus_.front());
    for (const unsigned pu : pus_)
      if (reach_of(first, *topology::find(layout_, pu)) == Reach::domain) return pu;
    return std::nullopt;
  }

  void ask_line() {
    choice_.cpu_counts = {usable_};
    for (Case& c : line_cases(layout_, choice_))
      questions_.push_back(
          {std::move(c), [this](const Record& record) { return by_reach(record); },
           [this](std::size_t reach) -> std::optional<Reading>& { return result_.costs.one_way[reach]; }});
  }

  // The median pair of each reach. Only pairs with a CPU in the package of the line's home: the model's
  // published numbers are of such, and a third package would be one more on the way.
  std::vector<std::pair<std::size_t, double>> by_reach(const Record& record) const {
    // Of a window that did not come back.
    if (!record.findings.details) return {};
    const auto& matrix = record.findings.details->at("matrix");
    const std::vector<unsigned> pus = matrix.at("pus");
    const unsigned home = topology::find(layout_, pus.front())->package;
    std::vector<double> of[kReaches];
    for (std::size_t i = 0; i < pus.size(); ++i)
      for (std::size_t j = i + 1; j < pus.size(); ++j) {
        const topology::Pu& a = *topology::find(layout_, pus[i]);
        const topology::Pu& b = *topology::find(layout_, pus[j]);
        const auto& ns = matrix.at("pairs_ns").at(i).at(j - i - 1);
        if (ns.is_null() || (a.package != home && b.package != home)) continue;
        of[static_cast<std::size_t>(reach_of(a, b))].push_back(ns);
      }
    std::vector<std::pair<std::size_t, double>> medians;
    for (std::size_t r = 0; r < kReaches; ++r)
      if (const auto median = measure::median(of[r])) medians.emplace_back(r, *median);
    return medians;
  }

  Reach reach_of(const topology::Pu& a, const topology::Pu& b) const {
    const std::string& domain = result_.costs.domain;
    return machine::simulator::reach(machine::simulator::place_of(a, domain, 0),
                                     machine::simulator::place_of(b, domain, 0));
  }

  void ask_calls() {
    choice_.transports = {machine::silicon::choose_transport(std::nullopt).name};
    HostCosts& costs = result_.costs;
    costs.call_reach = reach_of(*topology::find(layout_, pus_.at(0)), *topology::find(layout_, pus_.at(1)));
    choice_.cpu_counts = {2};
    ask_call(ipi_cases(layout_, choice_).front(), costs.call);
    if (usable_ < 3) return;
    choice_.cpu_counts = {usable_};
    costs.more_targets = usable_ - 1;
    ask_call(ipi_cases(layout_, choice_).back(), costs.call_more);
  }

  void ask_call(Case c, std::optional<Reading>& reading) {
    questions_.push_back({std::move(c),
                          [](const Record& record) -> std::vector<std::pair<std::size_t, double>> {
                            const double ns = record.findings.operation_ns.value_or(0);
                            if (!(ns > 0)) return {};
                            return {{0, ns}};
                          },
                          [&reading](std::size_t) -> std::optional<Reading>& { return reading; }});
  }

  void run_window(Question& question, unsigned repetition) {
    if (question.stuck) return;
    auto [record, stuck] =
        campaign::attempt(bench_, question.asked, repetition, setup_.repetitions, setup_.times);
    question.stuck = stuck;
    if (!record.window.audit.empty())
      throw CalibrationError(
          fmt::format("{}: conservation broken: {}", record.name, fmt::join(record.window.audit, "; ")));
    question.windows.push_back(std::move(record));
  }

  // Medians of the valid windows, and what is to be said of the others.
  void conclude(const Question& question) {
    const auto all = question.windows.size();
    const auto invalid = std::count_if(question.windows.begin(), question.windows.end(),
                                       [](const Record& record) { return !record.valid(); });
    const bool none = invalid == static_cast<std::ptrdiff_t>(all);
    const bool taken = none && setup_.accept_invalid;
    if (invalid != 0) {
      const auto first = std::find_if(question.windows.begin(), question.windows.end(),
                                      [](const Record& record) { return !record.valid(); });
      result_.remarks.push_back(fmt::format("{}: {} of {} windows invalid{}: {}", question.asked.name,
                                            invalid, all, taken ? ", taken all the same" : ", left out",
                                            first->window.verdict.reasons.front()));
    }
    result_.incomplete |= none;
    std::array<std::vector<double>, kReaches> values;
    for (const Record& record : question.windows)
      if (record.valid() || taken)
        for (const auto& [of, ns] : question.values(record)) values[of].push_back(ns);
    for (std::size_t of = 0; of < kReaches; ++of)
      if (const auto median = measure::median(values[of])) {
        std::string source = fmt::format("mmscale calibrate, {}: median of {} {} windows of {}",
                                         question.asked.name, values[of].size(), taken ? "INVALID" : "valid",
                                         campaign::rounded_text(setup_.times.measure));
        // Whoever takes the number meets this beside it.
        if (const std::string unstable = bench::complaint(bench::stability_of(values[of]));
            !unstable.empty()) {
          source += "; " + unstable;
          result_.remarks.push_back(fmt::format("{}: {}; calibrate again, or do not trust {:.3g} ns",
                                                question.asked.name, unstable, *median));
        }
        question.goes_to(of) = Reading{*median, source};
      }
  }

  measure::Bench& bench_;
  const CalibrationSetup setup_;
  const topology::Layout& layout_;
  Choice choice_;
  // All that may be used, and how many of them at a time.
  std::vector<unsigned> pus_;
  unsigned usable_ = 0;
  std::vector<Question> questions_;
  Calibration result_;
};

}  // namespace

Calibration calibrate(measure::Bench& bench, const CalibrationSetup& setup) {
  return Calibrator(bench, setup).run();
}

}  // namespace mmscale::calibrate
