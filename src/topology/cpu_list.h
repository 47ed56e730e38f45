// SPDX-License-Identifier: MIT
// CPU lists as taskset takes them: "0,4-7", "0-30:2". Order is kept, for a list is also a placement.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mmscale::topology {

// Far beyond any kernel's NR_CPUS; keeps a typing error from filling the memory.
inline constexpr unsigned kMaxCpuIndex = (1u << 20) - 1;

// "a", "a-b" and "a-b:stride", separated by commas. Duplicates
// are kept: only who knows the use can judge them. Throws std::invalid_argument.
std::vector<unsigned> parse_cpu_list(std::string_view text);

// What parse_cpu_list reads, as short as it gets. With
// max_items, what is left over becomes ",... (1536 CPUs)".
std::string format_cpu_list(std::span<const unsigned> cpus, std::size_t max_items = 0);

}  // namespace mmscale::topology
