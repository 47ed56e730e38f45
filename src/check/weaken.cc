// SPDX-License-Identifier: MIT
#include "check/weaken.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <stdexcept>
#include <tuple>

namespace mmscale::check {

namespace explorer = machine::explorer;

namespace {

using explorer::Site;
using enum std::memory_order;

std::string_view name_of(Site::Kind kind) {
  constexpr std::string_view kNames[] = {"load", "store", "read-modify-write", "fence", "wait"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name_of(std::memory_order order, Site::Kind kind) {
  const bool fence = kind == Site::Kind::fence;
  if (order == relaxed) return fence ? "none" : "relaxed";
  if (order == seq_cst) return fence || kind == Site::Kind::rmw ? "full barrier" : "seq_cst";
  return order == release ? "release" : order == acq_rel ? "acquire and release" : "acquire";
}

// What is weaker, from the weakest on.
std::vector<std::memory_order> weaker(const Site& site) {
  switch (site.order) {
    case seq_cst:
      if (site.kind == Site::Kind::load) return {relaxed, acquire};
      if (site.kind == Site::Kind::store) return {relaxed, release};
      return {relaxed, acquire, release, acq_rel};
    case acq_rel:
      return {relaxed, acquire, release};
    default:
      return {relaxed};
  }
}

// A case, what it violates as it is, and where it comes by.
struct Baseline {
  const Case* the_case;
  // What is left to be found in it.
  unsigned verdicts;
  std::vector<Site> sites;
};

unsigned bits_of(std::string_view violation) {
  unsigned bits = 0;
  for (unsigned v = 0; v <= static_cast<unsigned>(kernel::Violation::tlb); ++v)
    if (violation.find(kernel::to_string(static_cast<kernel::Violation>(v))) != std::string_view::npos)
      bits |= 1u << v;
  return bits;
}

Baseline baseline(std::string_view scheme, std::string_view lifecycle, const Case& the_case,
                  Options options) {
  Baseline base{&the_case, options.verdicts, {}};
  options.orders = {.seen = &base.sites, .weakening = nullptr};
  for (;;) {
    options.verdicts = base.verdicts;
    const Outcome outcome = check(scheme, lifecycle, the_case, options);
    if (outcome.verdict != Verdict::violated) return base;
    const unsigned found = bits_of(outcome.violation) & base.verdicts;
    // A deadlock, which no verdict switches off: nothing more can be learned here.
    if (found == 0) return {&the_case, 0, {}};
    base.verdicts &= ~found;
  }
}

Trial attempt(std::string_view scheme, std::string_view lifecycle, const Site& site, std::memory_order order,
              const std::vector<Baseline>& bases, Options options) {
  explorer::Weakening weakening{site.where.file_name(), site.where.line(), site.where.column(), order};
  options.orders = {.seen = nullptr, .weakening = &weakening};
  Trial trial;
  trial.order = name_of(order, site.kind);
  for (const Baseline& base : bases) {
    if (std::none_of(base.sites.begin(), base.sites.end(),
                     [&](const Site& one) { return one.is_at(site.where); }))
      continue;
    options.verdicts = base.verdicts;
    const Outcome outcome = check(scheme, lifecycle, *base.the_case, options);
    if (outcome.verdict == Verdict::bounded) trial.verdict = Verdict::bounded;
    if (outcome.verdict != Verdict::violated) continue;
    trial = {trial.order,       Verdict::violated, base.the_case->name,
             outcome.violation, outcome.where,     outcome.schedule};
    return trial;
  }
  return trial;
}

}  // namespace

std::vector<Place> weaken(std::string_view scheme, std::string_view lifecycle,
                          const std::vector<const Case*>& cases, const Options& options) {
  std::vector<Baseline> bases;
  for (const Case* one : cases) bases.push_back(baseline(scheme, lifecycle, *one, options));
  std::map<std::tuple<std::string, unsigned, unsigned>, Site> sites;
  for (const Baseline& base : bases)
    for (const Site& site : base.sites)
      sites.try_emplace({file_of(site.where.file_name()), site.where.line(), site.where.column()}, site);
  std::vector<Place> places;
  for (const auto& [at, site] : sites) {
    Place place{std::get<0>(at),
                site.where.line(),
                site.where.column(),
                function_of(site.where.function_name()),
                name_of(site.kind),
                name_of(site.order, site.kind),
                {},
                {}};
    for (const Baseline& base : bases)
      if (std::any_of(base.sites.begin(), base.sites.end(),
                      [&](const Site& one) { return one.is_at(site.where); }))
        place.cases.push_back(base.the_case->name);
    for (const std::memory_order order : weaker(site)) {
      place.trials.push_back(attempt(scheme, lifecycle, site, order, bases, options));
      if (place.trials.back().verdict != Verdict::violated) break;
    }
    places.push_back(std::move(place));
  }
  return places;
}

explorer::Weakening parse_weakening(std::string_view text) {
  const auto fail = [&](std::string_view what) {
    throw std::invalid_argument(fmt::format(
        "'{}': {}; FILE:LINE[:COLUMN]=ORDER, where ORDER is none, relaxed, acquire, release or acq_rel", text,
        what));
  };
  explorer::Weakening weakening;
  const std::size_t equals = text.rfind('=');
  if (equals == std::string_view::npos) fail("has no '='");
  const std::string_view order = text.substr(equals + 1);
  const std::map<std::string_view, std::memory_order> orders = {{"none", relaxed},
                                                                {"relaxed", relaxed},
                                                                {"acquire", acquire},
                                                                {"release", release},
                                                                {"acq_rel", acq_rel}};
  const auto known = orders.find(order);
  if (known == orders.end()) fail(fmt::format("there is no order '{}'", order));
  weakening.order = known->second;
  std::string_view place = text.substr(0, equals);
  const std::size_t colon = place.find(':');
  if (colon == std::string_view::npos || colon == 0) fail("has no file and line");
  weakening.file = place.substr(0, colon);
  place.remove_prefix(colon + 1);
  const auto number = [&](unsigned& into) {
    const auto [end, error] = std::from_chars(place.data(), place.data() + place.size(), into);
    if (error != std::errc{} || into == 0) fail("has no line");
    place.remove_prefix(static_cast<std::size_t>(end - place.data()));
  };
  number(weakening.line);
  if (place.starts_with(':')) {
    place.remove_prefix(1);
    number(weakening.column);
  }
  if (!place.empty()) fail(fmt::format("cannot read '{}'", place));
  return weakening;
}

}  // namespace mmscale::check
