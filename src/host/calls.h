// SPDX-License-Identifier: MIT
//
// What one system call that interrupts other CPUs costs the running kernel, against how many there are to
// interrupt: munmap, which flushes their TLBs, and membarrier, which is what one IPI transport is made of.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "host/answer.h"

namespace mmscale::host {

enum class Call { munmap, membarrier };
inline constexpr std::array<std::string_view, 2> kCallNames = {"munmap", "membarrier"};

// What the other CPUs do meanwhile: compute in the same mm, or idle with the mm lazily loaded, since a thread
// of it went to sleep there.
enum class Others { running, lazy };
inline constexpr std::array<std::string_view, 2> kOthersNames = {"running", "lazy"};

// The first of `pus` calls, a thread of the same process is on each of the others. munmap: of one page that
// was just written; only the munmap is timed. membarrier: PRIVATE_EXPEDITED, for which the process has
// registered. Throws CastError where the kernel refuses the call.
Answer ask_calls(const measure::Bench& bench, Call call, Others others, std::span<const unsigned> pus,
                 const measure::WindowTimes& times);

// Why the kernel does not have membarrier's PRIVATE_EXPEDITED; empty if it does.
std::string no_membarrier();

}  // namespace mmscale::host
