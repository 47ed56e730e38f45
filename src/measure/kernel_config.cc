// SPDX-License-Identifier: MIT
#include "measure/kernel_config.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "measure/text_file.h"

namespace mmscale::measure {
namespace {

namespace fs = std::filesystem;

// MMU_LAZY_TLB_REFCOUNT and _SHOOTDOWN came with commits 88e3009b5283 and 2655421ae69f.
constexpr std::pair<unsigned, unsigned> kFirstReleaseWithSymbols{6, 4};

std::optional<std::string> read_gzip(const fs::path& path) {
  const gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return std::nullopt;
  std::string text;
  std::array<char, 16384> buffer;
  int got = 0;
  while ((got = gzread(file, buffer.data(), buffer.size())) > 0)
    text.append(buffer.data(), static_cast<std::size_t>(got));
  // A stream cut short reads to a clean end of file; only closing it tells.
  if (gzclose(file) != Z_OK || got < 0) return std::nullopt;
  return text;
}

}  // namespace

std::optional<std::pair<unsigned, unsigned>> major_minor(std::string_view release) {
  unsigned major = 0;
  unsigned minor = 0;
  const char* const end = release.data() + release.size();
  const auto first = std::from_chars(release.data(), end, major);
  if (first.ec != std::errc{} || first.ptr == end || *first.ptr != '.') return std::nullopt;
  if (std::from_chars(first.ptr + 1, end, minor).ec != std::errc{}) return std::nullopt;
  return std::pair{major, minor};
}

std::optional<KernelConfig> parse_kernel_config(std::string_view text) {
  constexpr std::string_view kPrefix = "CONFIG_";
  KernelConfig config;
  while (!text.empty()) {
    const auto line = trimmed(next_line(text));
    const auto equals = line.find('=');
    if (!line.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    config.emplace(line.substr(kPrefix.size(), equals - kPrefix.size()), line.substr(equals + 1));
  }
  if (config.empty()) return std::nullopt;
  return config;
}

FoundKernelConfig find_kernel_config(std::string_view release, const fs::path& root) {
  std::vector<std::string> candidates{"proc/config.gz"};
  if (!release.empty()) {
    candidates.push_back(fmt::format("boot/config-{}", release));
    candidates.push_back(fmt::format("usr/lib/modules/{}/config", release));
    candidates.push_back(fmt::format("lib/modules/{}/config", release));
  }
  std::string unreadable;
  for (const auto& candidate : candidates) {
    const auto path = root / candidate;
    std::error_code error;
    if (!fs::exists(path, error)) continue;
    const auto text = candidate.ends_with(".gz") ? read_gzip(path) : read_text(path);
    auto config = text ? parse_kernel_config(*text) : std::nullopt;
    if (config) return {std::move(config), "/" + candidate, {}};
    unreadable += fmt::format("{}/{}", unreadable.empty() ? "" : ", ", candidate);
  }
  if (!unreadable.empty()) return {std::nullopt, {}, fmt::format("cannot read {}", unreadable)};
  return {std::nullopt, {}, "no /proc/config.gz and no config file of this kernel"};
}

std::string lazy_tlb_of(const FoundKernelConfig& found, std::string_view release) {
  const auto unknown = [](std::string_view reason) { return fmt::format("unknown: {}", reason); };
  if (!found.config) return unknown(found.problem);

  // Every symbol of the family counts, so that a kernel with a scheme of its own is not taken for one of
  // the two.
  constexpr std::string_view kFamily = "MMU_LAZY_TLB_";
  std::vector<std::string> set;
  for (auto symbol = found.config->lower_bound(kFamily);
       symbol != found.config->end() && symbol->first.starts_with(kFamily); ++symbol)
    if (symbol->second == "y") set.push_back(symbol->first);
  if (set.size() > 1) return unknown(fmt::format("{} sets {}", found.source, fmt::join(set, " and ")));
  if (set.size() == 1) {
    if (set[0] == "MMU_LAZY_TLB_REFCOUNT") return "refcount";
    if (set[0] == "MMU_LAZY_TLB_SHOOTDOWN") return "shootdown";
    return unknown(fmt::format("{} sets {}, a scheme that mainline does not have", found.source, set[0]));
  }
  const auto version = major_minor(release);
  if (!version) return unknown(fmt::format("no MMU_LAZY_TLB symbol and no version in '{}'", release));
  if (*version < kFirstReleaseWithSymbols) return "refcount (kernel before 6.4)";
  return unknown(fmt::format("{} has no MMU_LAZY_TLB symbol, though {} should", found.source, release));
}

}  // namespace mmscale::measure
