// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "calibrate/calibration.h"
#include "campaign/session.h"
#include "cli/messages.h"
#include "cli/places.h"
#include "machine/silicon/pool.h"
#include "measure/environment.h"
#include "measure/output_file.h"
#include "topology/home.h"
#include "topology/placement.h"
#include "topology/quota.h"
#include "topology/topology.h"

namespace mmscale::cli {
namespace {

// The command line as typed.
struct CalibrateOptions {
  std::string out = "-";
  std::chrono::nanoseconds window = std::chrono::milliseconds(100);
  std::optional<std::chrono::nanoseconds> warm;
  std::uint32_t repetitions = 9;
  bool accept_invalid = false;
};

std::string host_name() {
  char name[256] = {};
  return gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "host";
}

// What was measured, when and with what: the numbers hold for that and no other.
std::string description(const calibrate::HostCosts& costs, const std::string& unbound) {
  const measure::Environment environment = measure::read_environment();
  return fmt::format("{}, {} CPUs, hypervisor {}, kernel {}; {}{}mmscale calibrate {} ({}), {:%F}",
                     environment["cpu_model"], costs.cpus, environment["hypervisor"], environment["kernel"],
                     unbound, unbound.empty() ? "" : "; ", environment["mmscale_version"],
                     environment["git_revision"], fmt::gmtime(std::time(nullptr)));
}

// One line for each number, for people.
std::string table(const nlohmann::ordered_json& machine) {
  std::string text;
  for (const char* part : {"costs_ns", "one_way_ns"})
    for (const auto& [key, number] : machine.at(part).items())
      text += fmt::format("{:<11} {:<14} {:>10.5g} ns  {}\n", part, key, number.at("value").get<double>(),
                          number.at("source").get<std::string>());
  return text;
}

void say(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) fmt::print(stderr, "mmscale: {}\n", line);
}

int run(const CalibrateOptions& options) {
  calibrate::CalibrationSetup setup;
  setup.times.measure = options.window;
  setup.times.warm = options.warm.value_or(options.window / 4);
  setup.repetitions = options.repetitions;
  setup.accept_invalid = options.accept_invalid;
  const bool to_file = !measure::is_standard_output(options.out);
  // Before anything is measured in vain.
  make_folder_of(options.out);
  std::optional<measure::OutputFile> out;
  if (to_file) out.emplace(options.out);

  const topology::Topology topology = topology::Topology::host();
  if (!topology.is_this_system())
    throw calibrate::CalibrationError(
        fmt::format("calibrate: {} is not this host, and cannot be measured", topology.layout().source));
  const auto first = topology::order(topology.layout(), topology::parse_placement("compact"));
  const topology::Pu* pu = first.empty() ? nullptr : topology::find(topology.layout(), first.front());
  const std::string unbound = note_home(
      topology.layout(),
      {topology::nearest_memory(topology.layout(), pu == nullptr ? topology::kNone : pu->numa_node)});
  machine::silicon::Pool pool(topology);
  measure::Bench where{topology, pool, topology::read_cpu_quota()};
  calibrate::Calibration calibration = calibrate::calibrate(where, setup);
  say(calibration.remarks);
  calibration.costs.name = to_file ? std::filesystem::path(options.out).stem().string() : host_name();
  calibration.costs.description = description(calibration.costs, unbound);
  calibrate::MachineFile file;
  const int done =
      static_cast<int>(calibration.incomplete ? campaign::Outcome::nothing_valid : campaign::Outcome::ok);
  try {
    file = calibrate::machine_file(calibration.costs);
  } catch (const calibrate::CalibrationError& error) {
    if (done == 0) throw;
    quiet() = false;
    say({fmt::format("{}; nothing written{}", error.what(),
                     options.accept_invalid ? "" : " (--accept-invalid takes invalid windows)")});
    return done;
  }
  say(file.notes);
  const std::string text = file.json.dump(2) + "\n";
  if (!to_file) {
    fmt::print("{}", text);
    return done;
  }
  out->write(text, 0);
  out->commit();
  fmt::print("{}", table(file.json));
  return done;
}

}  // namespace

void add_calibrate_command(Start& start) {
  auto options = std::make_shared<CalibrateOptions>();
  Command command(start, "calibrate", "Measure this machine and write its model for sim");
  command.take("--out", options->out);
  command.take("--window", options->window);
  command.take("--warm", options->warm);
  command.take("--reps", options->repetitions);
  command.take("--accept-invalid", options->accept_invalid);
  command.footer(
      "Status 3: some number has no valid window. Its default stands in the file, or none is written if the\n"
      "simulator could not do without.");
  command.run([options] { return run(*options); });
}

}  // namespace mmscale::cli
