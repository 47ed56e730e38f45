// SPDX-License-Identifier: MIT
//
// /proc/interrupts: what each CPU was interrupted for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mmscale::measure {

// A row of /proc/interrupts: "RES", "Rescheduling interrupts", what each CPU has taken.
struct InterruptRow {
  std::string name;
  std::string description;
  // Nothing of a CPU that has no column.
  std::vector<std::optional<std::int64_t>> counts;
};

// Its text; counts are in the order of `cpus`. Rows that count for the machine and not for each CPU (ERR, MIS) are left out.
std::vector<InterruptRow> parse_interrupts(std::string_view text, std::span<const unsigned> cpus);

// The most frequent ones of CPU cpus[index] between two readings, as rates in 1/s, at most three, the first first.
std::vector<std::pair<std::string, double>> busiest(std::span<const InterruptRow> before,
                                                    std::span<const InterruptRow> after, std::size_t index,
                                                    double seconds);

// What an inter-processor interrupt is for.
enum class IpiKind { reschedule, function_call, tlb, other };

// What a row is for, by its description, which is the same text on every architecture that has such a row
// ("Rescheduling interrupts"). Nothing for what is no inter-processor interrupt.
std::optional<IpiKind> ipi_kind(std::string_view description);

}  // namespace mmscale::measure
