// SPDX-License-Identifier: MIT
#include "cli/schemes.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "kernel/lifecycle/catalogue.h"
#include "scheme/catalogue.h"

namespace mmscale::cli {

std::string schemes_text() {
  std::string text;
  for (const scheme::SchemeInfo* info : scheme::Catalogue::infos()) {
    text += fmt::format("{}\n  {}\n", info->name, info->summary);
    text += fmt::format("  user -> kernel   {}\n", info->on_entry);
    text += fmt::format("  kernel -> user   {}\n", info->on_exit);
    text += fmt::format("  last drop        {}\n", info->last_drop);
    text += fmt::format("  origin           {}\n", info->origin);
    text += fmt::format("  upstream         {}\n", info->upstream);
    for (std::string_view lifecycle : kernel::lifecycle::Catalogue::names()) {
      const scheme::Safety& safety = *info->under(lifecycle);
      text += fmt::format("  under {:<12} {}{}: {}\n", lifecycle, safety.safe ? "safe" : "UNSAFE",
                          safety.only_with.empty() ? "" : fmt::format(" only with {}", safety.only_with),
                          safety.because);
    }
    text += '\n';
  }
  text += "Lifecycles\n";
  kernel::lifecycle::Catalogue::for_each(
      [&text]<class Lifecycle> { text += fmt::format("  {:<12} {}\n", Lifecycle::kName, Lifecycle::kWhat); });
  return text;
}

std::string schemes_json() {
  nlohmann::json all = nlohmann::json::array();
  for (const scheme::SchemeInfo* info : scheme::Catalogue::infos()) {
    nlohmann::json safety = nlohmann::json::array();
    for (std::string_view lifecycle : kernel::lifecycle::Catalogue::names()) {
      const scheme::Safety& entry = *info->under(lifecycle);
      safety.push_back({{"lifecycle", lifecycle},
                        {"safe", entry.safe},
                        {"because", entry.because},
                        {"only_with", entry.only_with}});
    }
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
