// SPDX-License-Identifier: MIT
#include "cli/program.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/defaults.h"
#include "cli/messages.h"
#include "cli/names.h"
#include "measure/build_info.h"
#include "trace/recorder.h"

namespace mmscale::cli {
namespace {

constexpr int kUsage = 2;

int fail(int status, const std::string& what) {
  quiet() = false;
  fmt::print(stderr, "mmscale: {}\n", printable(what));
  return status;
}

// A full disk shows when the buffer goes out.
int flushed(int status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  return fail(1, fmt::format("cannot write standard output: {}", std::strerror(errno)));
}

// What to say of a command line in which something is missing: the command, or what it cannot do without.
std::string missing(const CLI::App& app, int argc, char** argv) {
  for (const CLI::App* command : app.get_subcommands())
    for (const CLI::Option* option : command->get_options())
      if (option->get_required() && option->count() == 0)
        return fmt::format("{}: {} is missing; mmscale {} --help says what it is", command->get_name(),
                           option->get_name(option->get_positional()), command->get_name());
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  const std::string_view given = argc > 1 ? argv[1] : "";
  if (given.starts_with('-')) return fmt::format("unknown argument '{}'; mmscale --help lists them", given);
  const std::vector<std::string_view> allowed(names.begin(), names.end());
  if (!given.empty()) check_name("command", given, allowed);
  return fmt::format("a command is missing; there are {}", fmt::join(names, ", "));
}

// What to say of arguments that the command does not have.
std::string extras(CLI::App& app, const CLI::ExtrasError& error) {
  CLI::App* command = &app;
  for (CLI::App* given : app.get_subcommands()) command = given;
  const std::vector<std::string> left = app.remaining(true);
  return left.empty() ? std::string(error.what()) : Command(*command).unknown_argument(left.front());
}

// CLI11's words, but where they say that one was asked for and two were given.
std::string in_our_words(const CLI::ParseError& error) {
  const std::string what = error.what();
  const std::size_t at = what.find(": At Most 1 required");
  return at == std::string::npos ? what : what.substr(0, at) + ": stands there more than once";
}

// What was typed is at fault, whichever floor found out.
bool is_usage(const std::exception& error) {
  return dynamic_cast<const std::invalid_argument*>(&error) != nullptr;
}

// A recorder that was killed, and its guard with it, has left an instance that goes on tracing, and slows every switch
// of the machine down.
void remove_what_recorders_left() {
  if (::geteuid() != 0) return;
  for (const std::string& folder : trace::remove_stale_instances())
    fmt::print(stderr, "mmscale: {}: left by a recorder that was killed, removed\n", folder);
}

int run(int argc, char** argv) {
  const measure::BuildInfo build = measure::this_build();
  CLI::App app("What keeping a lazy TLB mm alive costs: refcount, shootdown and the rest, side by side.",
               "mmscale");
  app.set_version_flag("--version", fmt::format("mmscale {} ({}, {} {})", build.version, build.revision,
                                                build.compiler, build.build_type));
  app.require_subcommand(1);
  Start start{app, printable(fmt::format("{}", fmt::join(argv, argv + argc, " ")))};
  if (char** const dashes = std::find(argv, argv + argc, std::string_view("--")); dashes != argv + argc)
    start.behind_dashes.emplace(dashes + 1, argv + argc);
  // describe is what a shell runs at each tab key, and nobody would see what it says.
  if (argc > 1 && argv[1][0] != '-' && std::string_view(argv[1]) != "describe") remove_what_recorders_left();
  add_topo_command(start);
  add_schemes_command(start);
  add_check_command(start);
  add_describe_command(start);
  add_bench_command(start);
  add_calibrate_command(start);
  add_doctor_command(start);
  add_assess_command(start);
  add_record_command(start);
  add_replay_command(start);
#ifdef MMSCALE_SIMULATION
  add_sim_command(start);
#endif
  const Defaults defaults(app, start.command_line);
  // CLI11 would take the next argument for the value.
  for (int i = 1; i < argc && std::string_view(argv[i]) != "--"; ++i)
    if (const std::string_view word = argv[i]; word.starts_with("--") && word.find('=') == word.size() - 1)
      return fail(kUsage, fmt::format("{}: its value is empty", word.substr(0, word.size() - 1)));
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return flushed(app.exit(success));
  } catch (const CLI::RequiredError&) {
    return fail(kUsage, missing(app, argc, argv));
  } catch (const CLI::ExtrasError& error) {
    return fail(kUsage, extras(app, error));
  } catch (const CLI::FileError& error) {
    return fail(kUsage, fmt::format("--config: {}", error.what()));
  } catch (const CLI::ParseError& error) {
    return fail(kUsage, defaults.with_origin(in_our_words(error)));
  } catch (const std::out_of_range&) {
    // CLI11 turns the value of a flag that says no (--irqs-on-activate-mm) round before anybody can look at it.
    return fail(kUsage, "a flag's value is neither true nor false, but a number beyond 64 bits");
  } catch (const std::exception& error) {
    if (!is_usage(error)) throw;
    return fail(kUsage, defaults.with_origin(error.what()));
  }
  return flushed(start.status);
}

}  // namespace

int run_program(int argc, char** argv) {
  make_messages_losable();
  // A file size limit shall be an error of the write, as a full disk is, and not the end.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    return fail(1, "not enough memory");
  } catch (const std::exception& error) {
    // Text too long for the buffer meets the full disk in the middle of a print.
    if (std::ferror(stdout) != 0) return flushed(1);
    return fail(is_usage(error) ? kUsage : 1, error.what());
  }
}

}  // namespace mmscale::cli
