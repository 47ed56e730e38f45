// SPDX-License-Identifier: MIT
//
// Options that say what the emulated kernel's slow paths and processes are like, and whether a scheme is safe
// with them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/command.h"
#include "kernel/build.h"

namespace mmscale::cli {

// As typed.
struct RuleOptions {
  std::optional<bool> irqs_off_activate_mm;
  std::string hotplug{to_string(kernel::Hotplug::after)};
  kernel::Tuning tuning;
};

// --irqs-off-activate-mm, --hotplug, --switch-ticks, --batch: those that a replay has, too.
void take_rule_options(Command& command, RuleOptions& options);

// Checked; what is not given is as in the lifecycle's Linux 6.12. Throws UsageError.
kernel::Rules make_rules(const RuleOptions& options, std::string_view lifecycle);

// What --idle-exit says, in ns, or `otherwise`. Throws UsageError.
std::uint32_t parse_idle_exit(const std::string& text, std::uint32_t otherwise);

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
