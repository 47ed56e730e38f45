// SPDX-License-Identifier: MIT
//
// Who hands a contended line to whom: every CPU exchanges its number into one line, and what the exchange
// returns is the CPU that had it before.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "workload/bare_load.h"

namespace mmscale::workload {

// Told of one exchange in kBounceSampledOneIn of a CPU, by the CPU itself: it took so many ticks of its counter, waiting for
// the line included, and returned `before`, the CPU that had it.
using BounceObserver = std::function<void(unsigned cpu, unsigned before, std::uint64_t ticks)>;

inline constexpr std::uint64_t kBounceSampledOneIn = 64;

// What one CPU counts, by the CPU that had the line; behind the CPUs a place for nobody.
struct Exchanges {
  explicit Exchanges(unsigned cpus) : now(cpus + 1), window(now), whole_run(now) {}
  // At the end of what is not the window's; at the window's end.
  void put_away() {
    for (std::size_t i = 0; i < now.size(); ++i) whole_run[i] += std::exchange(now[i], 0);
  }
  void close_window() {
    window = now;
    put_away();
  }
  std::vector<std::uint64_t> now;
  std::vector<std::uint64_t> window;
  std::vector<std::uint64_t> whole_run;
};

class Bouncing {
 public:
  virtual ~Bouncing() = default;
  // Exchanges of CPU `cpu` between open_window and close_window, by the CPU whose number they returned: one
  // element for each CPU.
  virtual std::span<const std::uint64_t> taken_from(unsigned cpu) const = 0;
};

class BounceLoad : public BareLoad, public Bouncing {
 protected:
  using BareLoad::BareLoad;
};

// One round is one exchange (acquire and release, as the fully ordered atomics of mm_count) of a line that
// lives on node `home_node`. The counts are exact: every number written is returned once, to whoever comes
// next, but for the one that is left at the end; the audit holds both sums against each other for each CPU.
// Counting costs an increment of a line of the CPU's own. `observer` may be none.
std::unique_ptr<BounceLoad> make_bounce_load(unsigned cpus, unsigned home_node, BounceObserver observer);

// What does not add up of a whole run, one line for each CPU: taken[cpu * (cpus + 1) + from] exchanges of `cpu`
// returned `from`, `cpus` standing for nobody, which the first of all found; `left` is what the line held at the
// end.
std::vector<std::string> unbalanced(std::span<const std::uint64_t> taken, unsigned cpus, unsigned left);

}  // namespace mmscale::workload
