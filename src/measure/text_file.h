// SPDX-License-Identifier: MIT
// Reading the small text files of /proc and /sys.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mmscale::measure {

// The whole content of a file. Nothing when it cannot be opened or cannot be read to its end: files of /sys
// may open and then refuse the read (cpufreq of an offline CPU answers EBUSY), and half a file must not pass
// for a whole one.
std::optional<std::string> read_text(const std::filesystem::path& path);

// The first line of a file, without surrounding blanks. Nothing when the file is unreadable or the line
// is empty.
std::optional<std::string> read_line(const std::filesystem::path& path);

// `text` without leading and trailing blanks, tabs, line ends and NULs (device-tree strings end in one).
std::string_view trimmed(std::string_view text);

// A decimal integer that fills all of `text` but for surrounding blanks; nothing otherwise.
std::optional<std::int64_t> to_integer(std::string_view text);

// Takes the first line off `text` and returns it without its line end; an empty `text` gives an empty line.
std::string_view next_line(std::string_view& text);

// Takes the first blank-separated word off `text`; an empty result means that there was none.
std::string_view next_word(std::string_view& text);

// The number behind `key` in the first line that begins with it, as most files of /proc have them: "MemTotal: 16 kB".
std::optional<std::int64_t> line_value(std::string_view text, std::string_view key);

// A field of /proc/PID/stat, as proc(5) counts them, from the third on: "pid (comm) S ..." with anything in comm.
std::optional<std::int64_t> stat_field(std::string_view stat, int field);

// Of that file's field kStatFlags, in a kernel thread's: PF_KTHREAD (include/linux/sched.h).
inline constexpr int kStatFlags = 9;
inline constexpr std::int64_t kKernelThread = 0x200000;

// The tasks of /proc, or of /proc/PID/task: nothing else there is a number.
std::vector<pid_t> tasks_in(const std::filesystem::path& directory);

}  // namespace mmscale::measure
