// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "check/check.h"
#include "scheme/known.h"

namespace mmscale::cli {

namespace {

// The memory model that the verdict is about: of the lifecycle's machines.
std::string_view memory_of(std::string_view lifecycle) { return to_string(check::natural_memory(lifecycle)); }

}  // namespace

std::string schemes_text() {
  std::string text;
  for (const scheme::SchemeInfo* info : scheme::schemes()) {
    text += fmt::format("{}\n  {}\n", info->name, info->summary);
    text += fmt::format("  user -> kernel   {}\n", info->on_entry);
    text += fmt::format("  kernel -> user   {}\n", info->on_exit);
    text += fmt::format("  last drop        {}\n", info->last_drop);
    text += fmt::format("  origin           {}\n", info->origin);
    text += fmt::format("  upstream         {}\n", info->upstream);
    for (const scheme::LifecycleInfo& lifecycle : scheme::lifecycles()) {
      const scheme::Safety safety = info->judged_under(lifecycle.name);
      text += fmt::format("  under {:<12} {}{}: {}\n", lifecycle.name,
                          safety.safe ? fmt::format("safe ({})", memory_of(lifecycle.name)) : "UNSAFE",
                          safety.only_with.empty() ? "" : fmt::format(" only with {}", safety.only_with),
                          safety.because);
    }
    text += '\n';
  }
  text +=
      "What is said of safety is predicted; mmscale check --scheme NAME --lifecycle NAME shows what is "
      "found, and the prediction beside it.\n\n";
  text += "Lifecycles\n";
  for (const scheme::LifecycleInfo& lifecycle : scheme::lifecycles())
    text += fmt::format("  {:<12} {}\n", lifecycle.name, lifecycle.what);
  return text;
}

std::string schemes_json() {
  nlohmann::json all = nlohmann::json::array();
  for (const scheme::SchemeInfo* info : scheme::schemes()) {
    nlohmann::json safety = nlohmann::json::array();
    for (std::string_view lifecycle : scheme::lifecycle_names()) {
      const scheme::Safety entry = info->judged_under(lifecycle);
      safety.push_back({{"lifecycle", lifecycle},
                        {"safe", entry.safe},
                        {"memory", memory_of(lifecycle)},
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

void add_schemes_command(Start& start) {
  Command command(start, "schemes",
                  "List the schemes: what each does, where it comes from, where it is safe");
  auto json = std::make_shared<bool>(false);
  command.take("--json", *json);
  command.run([json] {
    fmt::print("{}", *json ? schemes_json() : schemes_text());
    return 0;
  });
}

}  // namespace mmscale::cli
