// SPDX-License-Identifier: MIT
//
// Whether a scheme is safe with what is asked of the emulated kernel.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernel/build.h"

namespace mmscale::cli {

// With what is not given as in the lifecycle's Linux 6.12.
kernel::Rules rules_under(std::string_view lifecycle, kernel::Rules rules = {});

// Why a scheme may free an mm that is still borrowed, in one line with the fact it rests on; empty if it
// never does.
std::string why_unsafe(std::string_view scheme, std::string_view lifecycle, const kernel::Rules& rules,
                       const std::vector<std::string>& workloads);

// The schemes of the list `asked` ("all" or empty: every safe one). One that is asked for and unsafe is a
// UsageError with the reason, unless `unsafe`; then "all" are all.
std::vector<std::string> choose_schemes(std::string_view asked, bool unsafe, std::string_view lifecycle,
                                        const kernel::Rules& rules,
                                        const std::vector<std::string>& workloads);

// "; unsafe there, and left out without --unsafe: a, b", of those that `chosen` lacks, where all were asked for; else empty.
std::string left_out(std::string_view asked, const std::vector<std::string>& chosen);

// For a record's context: whose rules this machine's own kernel has ("host_lifecycle"), and why it could not use
// a scheme as it is ("unsafe_here_SCHEME"), of those given. Empty where no lifecycle is this machine's.
std::vector<std::pair<std::string, std::string>> safety_on_this_host(const std::vector<std::string>& schemes);

}  // namespace mmscale::cli
