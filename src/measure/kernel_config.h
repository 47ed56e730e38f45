// SPDX-License-Identifier: MIT
// How the running kernel was configured, as far as lazy TLB handling is concerned.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mmscale::measure {

// The symbols a kernel configuration sets, by name without "CONFIG_"; what it says "is not set" is not in
// the map.
using KernelConfig = std::map<std::string, std::string, std::less<>>;

// Reads a configuration from its text. Nothing when the text sets no symbol at all, since an empty file would
// otherwise read as a kernel that has every option off.
std::optional<KernelConfig> parse_kernel_config(std::string_view text);

// A configuration that was looked for: `source` is the file it came from, relative to the root; without a
// configuration, `problem` says why.
struct FoundKernelConfig {
  std::optional<KernelConfig> config;
  std::string source;
  std::string problem;
};

// Looks for the configuration of kernel `release` (uname -r) in /proc/config.gz, /boot/config-RELEASE,
// /usr/lib/modules/RELEASE/config, /lib/modules/RELEASE/config and takes the first that reads.
FoundKernelConfig find_kernel_config(std::string_view release, const std::filesystem::path& root = "/");

// "6.18.44-fc" is 6 and 18; nothing if it does not begin with two numbers.
std::optional<std::pair<unsigned, unsigned>> major_minor(std::string_view release);

// How a kernel keeps alive an mm that an idle CPU or kernel thread still borrows: "refcount" (each borrow is counted in
// mm_count), "shootdown" (nothing is counted, the last drop interrupts the borrowers), "refcount (kernel before 6.4)",
// where counting was the only way and had no symbol, or "unknown: " and the reason.
//
// Judges by the configuration, never by the release alone: vendors carry the 6.4 change back to older
// kernels. Only MMU_LAZY_TLB_* counts. MMU_TLB_REFCOUNT, which the changelogs of the series speak of, was
// never a symbol.
std::string lazy_tlb_of(const FoundKernelConfig& found, std::string_view release);

}  // namespace mmscale::measure
