// SPDX-License-Identifier: MIT
//
// Files that somebody names to be read, before they are opened.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace mmscale::topology {

// Options, machine models and tables have some kB; a topology of 8,192 CPUs has some MB.
inline constexpr std::uintmax_t kMostWrittenBytes = 1 << 20;
inline constexpr std::uintmax_t kMostXmlBytes = 64 << 20;

// Why a file cannot be read as a whole, in words; empty if it can. A pipe cannot, nor can what the kernel shows as a file and
// is one (trace_pipe): whoever reads where nobody writes waits for ever.
std::string unreadable(const std::filesystem::path& path, std::uintmax_t most_bytes = UINTMAX_MAX);

}  // namespace mmscale::topology
