// SPDX-License-Identifier: MIT
#include "machine/simulator/model_store.h"

#include <fmt/format.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <system_error>

#include "machine/simulator/model_file.h"
#include "topology/input_file.h"

namespace mmscale::machine::simulator {
std::optional<std::filesystem::path> model_directory() {
  if (const char* set = std::getenv("MMSCALE_MACHINES")) return set;
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  if (error) return std::nullopt;
  for (const auto& folder : {program / "machines", program / "../share/mmscale/machines"})
    if (std::filesystem::is_directory(folder, error)) return folder;
  return std::nullopt;
}

std::vector<std::string> model_names() {
  std::set<std::string> names;
  for (const BuiltInModel& model : built_in_models()) names.emplace(model.name);
  std::error_code error;
  if (const auto folder = model_directory())
    for (const auto& entry : std::filesystem::directory_iterator(*folder, error))
      if (entry.path().extension() == ".json" && entry.path().stem() != "schema")
        names.insert(entry.path().stem().string());
  return {names.begin(), names.end()};
}

std::optional<std::string> model_text(std::string_view name) {
  std::error_code error;
  if (const auto folder = model_directory()) {
    const auto path = *folder / fmt::format("{}.json", name);
    if (std::filesystem::exists(path, error)) return read_model_file(path);
  }
  for (const BuiltInModel& model : built_in_models())
    if (model.name == name) return std::string(model.text);
  return std::nullopt;
}

std::string read_model_file(const std::filesystem::path& path) {
  if (const std::string why = topology::unreadable(path, topology::kMostWrittenBytes); !why.empty())
    throw ModelError(fmt::format("{}: {}", path.string(), why));
  std::ifstream in(path, std::ios::binary);
  std::string text(topology::kMostWrittenBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!in.is_open() || in.bad()) throw ModelError(fmt::format("{}: cannot be read", path.string()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace mmscale::machine::simulator
