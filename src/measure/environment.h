// SPDX-License-Identifier: MIT
// The environment a measurement was made in: whoever reads a number must be able to tell what made it.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mmscale::measure {

// Keys and values for the "context" of a result file: the kernel, the machine, how it is set, this process. The keys, their
// number and their order are fixed; scripts may rely on them. What could not be read is "unknown", never a comfort.
class Environment {
 public:
  using Facts = std::vector<std::pair<std::string, std::string>>;

  explicit Environment(Facts facts) : facts_(std::move(facts)) {}
  Facts facts() && { return std::move(facts_); }
  const Facts& facts() const& { return facts_; }
  const std::string& operator[](std::string_view key) const;
  // Says something else of what there is.
  void set(std::string_view key, std::string value);

 private:
  Facts facts_;
};

// Reads all of it. `cpus` are the operating system's numbers of the CPUs in use, for what can differ from CPU
// to CPU; none given, the online ones. `root` is where /proc, /sys and /boot are found. Never fails. Takes milliseconds, on
// very large machines more; read it once per run and outside of any measurement.
Environment read_environment(const std::filesystem::path& root = "/", std::span<const unsigned> cpus = {},
                             std::string command_line = {});

}  // namespace mmscale::measure
