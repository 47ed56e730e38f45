// SPDX-License-Identifier: MIT
//
// The `mmscale` command. Exit statuses: 0 done; 1 an error, in one line on standard error; 2 a command line that
// cannot be understood; 3 measured, but some case has no valid window; 130 interrupted.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>

#include "cli/bench.h"
#include "cli/names.h"
#include "cli/schemes.h"
#include "cli/topo.h"
#include "measure/build_info.h"

namespace {

constexpr int kUsage = 2;

std::string join_arguments(int argc, char** argv) {
  std::string line;
  for (int i = 0; i < argc; ++i) line += (i == 0 ? "" : " ") + std::string(argv[i]);
  return line;
}

int fail(int status, const std::string& what) {
  fmt::print(stderr, "mmscale: {}\n", what);
  return status;
}

int run(int argc, char** argv) {
  const std::string command_line = join_arguments(argc, argv);
  const mmscale::measure::BuildInfo build = mmscale::measure::this_build();
  CLI::App app("What keeping a lazy TLB mm alive costs: refcount, shootdown and the rest, side by side.", "mmscale");
  app.set_version_flag("--version", fmt::format("mmscale {} ({}, {} {})", build.version, build.revision, build.compiler,
                                                build.build_type));
  app.require_subcommand(1);
  int status = 0;
  mmscale::cli::add_topo_command(app);
  mmscale::cli::add_schemes_command(app);
  mmscale::cli::add_bench_command(app, command_line, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return fail(kUsage, error.what());
  }
  if (std::fflush(stdout) != 0) return fail(1, "cannot write standard output");
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const mmscale::cli::UsageError& error) {
    return fail(kUsage, error.what());
  } catch (const std::invalid_argument& error) {
    return fail(kUsage, error.what());
  } catch (const std::exception& error) {
    return fail(1, error.what());
  }
}
