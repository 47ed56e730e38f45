// SPDX-License-Identifier: MIT
#include "cli/schemes.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "check/check.h"
#include "kernel/lifecycle/catalogue.h"
#include "scheme/catalogue.h"

namespace mmscale::cli {

namespace {

// The memory model that the verdict is about: of the lifecycle's machines.
std::string_view memory_of(const scheme::Safety& safety) {
  return to_string(check::natural_memory(safety.lifecycle));
}

}  // namespace

std::string schemes_text() {
  std::string text;
  for (const scheme::SchemeInfo* info : scheme::Catalogue::infos()) {
    text += fmt::format("{}\n  {}\n", info->name, info->summary);
    text += fmt::format("  user -> kernel   {}\n", info->on_entry);
    text += fmt::format("  kernel -> user   {}\n", info->on_exit);
    text += fmt::format("  last drop        {}\n", info->last_drop);
    text += fmt::format("  origin           {}\n", info->origin);
    text += fmt::format("  upstream         {}\n", info->upstream);
    for (const scheme::Safety& safety : info->safety)
      text += fmt::format("  under {:<10} {}{}: {}\n", safety.lifecycle,
                          safety.safe ? fmt::format("safe ({})", memory_of(safety)) : "UNSAFE",
                          safety.only_with.empty() ? "" : fmt::format(" only with {}", safety.only_with),
                          safety.because);
    text += '\n';
  }
  text +=
      "What is said of safety is predicted; mmscale check --scheme NAME --lifecycle NAME shows what is "
      "found, and "
      "the prediction beside it.\n\n";
  text += "Lifecycles\n";
  kernel::lifecycle::Catalogue::for_each(
      [&text]<class Lifecycle> { text += fmt::format("  {:<10} {}\n", Lifecycle::kName, Lifecycle::kWhat); });
  return text;
}

std::string schemes_json() {
  nlohmann::json all = nlohmann::json::array();
  for (const scheme::SchemeInfo* info : scheme::Catalogue::infos()) {
    nlohmann::json safety = nlohmann::json::array();
    for (const scheme::Safety& entry : info->safety)
      safety.push_back({{"lifecycle", entry.lifecycle},
                        {"safe", entry.safe},
                        {"memory", memory_of(entry)},
                        {"because", entry.because},
                        {"only_with", entry.only_with}});
    all.push_back({{"name", info->name},
                   {"summary", info->summary},
                   {"on_entry", info->on_entry},
                   {"on_exit", info->on_exit},
                   {"last_drop", info->last_drop},
                   {"origin", info->origin},
                   {"upstream", info->upstream},
                   {"safety", safety}});
  }
  return all.dump(2) + "\n";
}

void add_schemes_command(CLI::App& app) {
  CLI::App* schemes = app.add_subcommand(
      "schemes", "List the schemes: what each does, where it comes from, where it is safe");
  auto json = std::make_shared<bool>(false);
  schemes->add_flag("--json", *json, "Print JSON");
  schemes->callback([json] { fmt::print("{}", *json ? schemes_json() : schemes_text()); });
}

}  // namespace mmscale::cli
